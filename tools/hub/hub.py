"""The hub's own port: which answer to which address, redirects of moved repositories, and files by /resolve/."""

import urllib.parse

import git_objects
from access import hub_error
from hub_api import commit_header, xet_hash
from messages import Content, file_response, text_response

API_PARTS = {"revision", "tree", "paths-info", "refs", "auth-check", "resolve", "xet-read-token"}
FILE_PARTS = {"resolve", "raw"}
COMPRESSIBLE = {"json", "txt", "md", "yaml", "yml", "xml", "html", "js", "css", "csv"}
SMALLEST_COMPRESSED = 1000


def media_type(path):
    return "application/json" if path.endswith(".json") else "text/plain; charset=utf-8"


class Hub:
    """`network` makes addresses on the content network. `resolve_cache`: small files come by a redirect too, within the
    hub."""

    def __init__(self, store, access, api, network, settings, resolve_cache=True):
        self.store = store
        self.access = access
        self.api = api
        self.network = network
        self.moved = settings.get("moved", {})
        self.tags = settings.get("tags", {})
        self.resolve_cache = resolve_cache

    def answer(self, request):
        if request.method not in ("GET", "HEAD", "POST"):
            return hub_error(request, 405, None, "Method Not Allowed")
        parts = request.path.removeprefix("/").split("/")
        if parts[:2] == ["api", "whoami-v2"]:
            return self.access.whoami(request)
        if parts[:2] == ["api", "models"]:
            return self.routed(request, parts[2:], API_PARTS, "/api/models/", self.api_answer)
        if parts[:3] == ["api", "resolve-cache", "models"] and len(parts) >= 6:
            # A repository's name here is as long as the commit's place says.
            place = next((index for index in (4, 5) if len(parts[index]) == 40), 5)
            return self.routed(request, [*parts[3:place], "cached", *parts[place:]], {"cached"}, None, self.cached)
        if parts[0] == "api":
            return hub_error(request, 404, None, "Not Found")
        return self.routed(request, parts, FILE_PARTS, "/", self.file_answer)

    def routed(self, request, parts, known, prefix, answer):
        """Finds the repository's name in the path, and lets the request in, or not; no `prefix`: none has moved."""
        place = 1 if len(parts) > 1 and parts[1] in known else 2
        repository = "/".join(urllib.parse.unquote(part) for part in parts[:place])
        part, rest = parts[place] if len(parts) > place else "", parts[place + 1 :]
        files = bool({part} & (FILE_PARTS | {"cached", "auth-check"}))
        if repository in self.moved and prefix:
            target = prefix + "/".join([self.moved[repository], *parts[place:]])
            target += "?" + request.query_text if request.query_text else ""
            text = f"Temporary Redirect. Redirecting to {target}"
            return text_response(307, text, [("Location", target), ("Vary", "Accept")])
        exists = bool(self.store.branches(repository))
        refusal = self.access.refusal(request, repository, exists, files, self.api.address)
        return refusal or answer(request, repository, part, rest)

    def found_revision(self, repository, rest, whole):
        """The revision that a path's rest begins with, its name, and what follows. Names may hold "/", or %2F."""
        names = set(self.store.branches(repository))
        for count in range(min(len(rest), 4), 0, -1):
            name = urllib.parse.unquote("/".join(rest[:count]))
            if count == 1 or name in names:
                path = urllib.parse.unquote("/".join(rest[count:]), errors="surrogateescape")
                return self.store.revision(repository, name, whole=whole, path=path), name, path
        return None, "", ""

    # ------------------------------------------------------------------------------------------------- /api/models/…

    def api_answer(self, request, repository, part, rest):
        if part == "auth-check" and not rest:
            return text_response(200, "OK")
        if part == "refs":
            return self.api.refs(self.store, repository, self.tags.get(repository, ()))
        if part == "resolve":
            return self.file_answer(request, repository, part, rest)
        revision, name, path = self.found_revision(repository, rest or ["main"], whole=True)
        if revision is None:
            return hub_error(request, 404, "RevisionNotFound", f"Invalid rev id: {name}")
        if part in ("", "revision") and not path:
            return self.api.info(request, revision)
        if part == "tree":
            return self.api.tree(request, revision, path, name)
        if part == "paths-info" and request.method == "POST":
            try:
                return self.api.paths_info(request, revision)
            except (ValueError, KeyError, TypeError):
                return hub_error(request, 400, None, "Invalid paths")
        return hub_error(request, 404, None, "Not Found")

    # ------------------------------------------------------------------------------------------- /org/name/resolve/…

    def file_answer(self, request, repository, part, rest):
        if part not in FILE_PARTS:
            return text_response(200 if not part else 404, f"{repository}: see its /tree/ in the API")
        revision, name, path = self.found_revision(repository, rest, whole=False)
        if revision is None:
            return hub_error(request, 404, "RevisionNotFound", f"Invalid rev id: {name}")
        entry = revision.entries.get(path)
        if entry is None:
            return hub_error(request, 404, "EntryNotFound", "Entry not found", [commit_header(revision)])
        if part == "raw" and entry.sha256:
            text = git_objects.pointer(entry.sha256, entry.size).decode()
            return self.labelled(text_response(200, text, [commit_header(revision)]), repository, entry)
        if entry.sha256:
            response = self.to_network(revision, entry)
        elif self.resolve_cache and part == "resolve":
            response = self.to_cache(request, revision, entry)
        else:
            response = self.small_file(request, revision, entry)
        return self.labelled(response, repository, entry)

    def labelled(self, response, repository, entry):
        response.label = f"{repository}/{entry.path}"
        return response

    def linked(self, revision, entry):
        """What a redirect tells of the file that it leads to."""
        about = [("X-Linked-Size", str(entry.size)), ("X-Linked-ETag", f'"{entry.etag}"'), ("Accept-Ranges", "bytes")]
        return [commit_header(revision), *about]

    def to_network(self, revision, entry):
        location = self.network.address_of(revision.repository, entry)
        headers = [("Location", location), ("Vary", "Origin, Accept"), *self.linked(revision, entry)]
        if self.api.xet:
            token = f"{self.api.address}/api/models/{revision.repository}/xet-read-token/{revision.commit}"
            headers += [("X-Xet-Hash", xet_hash(entry)), ("Link", f'<{token}>; rel="xet-auth"')]
        return text_response(302, f"Found. Redirecting to {location}", headers)

    def to_cache(self, request, revision, entry):
        path = "/".join(
            [revision.repository, revision.commit, urllib.parse.quote(entry.path, errors="surrogateescape")]
        )
        query = urllib.parse.urlencode(
            {urllib.parse.unquote(request.path): "", "etag": f'"{entry.blob}"'}, errors="replace"
        )
        location = f"/api/resolve-cache/models/{path}?{query}"
        headers = [("Location", location), ("Vary", "Origin, Accept"), *self.linked(revision, entry)]
        return text_response(307, f"Temporary Redirect. Redirecting to {location}", headers)

    def cached(self, request, repository, part, rest):
        revision, name, path = self.found_revision(repository, rest, whole=False)
        entry = revision and revision.entries.get(path)
        if entry is None:
            return hub_error(request, 404, "EntryNotFound", "Entry not found")
        return self.labelled(self.small_file(request, revision, entry), repository, entry)

    def small_file(self, request, revision, entry):
        quoted = urllib.parse.quote(entry.path.rpartition("/")[2], errors="surrogateescape")
        headers = [
            ("Content-Type", media_type(entry.path)),
            ("Content-Disposition", f"inline; filename*=UTF-8''{quoted}"),
            commit_header(revision),
        ]
        compressible = entry.size >= SMALLEST_COMPRESSED and entry.path.rpartition(".")[2] in COMPRESSIBLE
        content = Content(entry.size, f'"{entry.etag}"', entry.file, entry.data, headers, compressible)
        return file_response(request, content)
