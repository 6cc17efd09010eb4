"""What a hub tells about a repository's files, as JSON: information, folders, paths."""

import base64
import hashlib
import json
import urllib.parse

import git_objects
from access import hub_error
from messages import json_response

PAGE = 1000
EXPANDED_PAGE = 50
COMMIT = {"title": git_objects.TITLE, "date": git_objects.DATE}
UNKNOWN_HERE = {  # a hub would know these
    "baseModels", "cardData", "childrenModelCount", "downloadsAllTime", "evalResults", "gguf", "inference",
    "inferenceProviderMapping", "mask_token", "model-index", "resourceGroup", "safetensors", "spaces",
    "transformersInfo", "trendingScore", "widgetData",
}  # fmt: skip


def repository_id(repository):
    """The number, in hexadecimal, by which a hub knows a repository."""
    return hashlib.sha1(repository.encode()).hexdigest()[:24]


def xet_hash(entry):
    """What stands for the hash of Xet storage, and is the ETag on the content network: not the file's SHA-256."""
    return hashlib.sha256(b"content network " + entry.sha256.encode()).hexdigest()


class HubAPI:
    """Answers for /api/models/…, once the request was let in. `xet`: files are said to be in Xet storage too."""

    def __init__(self, access, address, xet, page=PAGE):
        self.access = access
        self.address = address
        self.xet = xet
        self.page = page

    def info(self, request, revision):
        """Of a revision; with `blobs`, sizes and digests of its files; with `expand`, only what that names."""
        siblings = []
        for entry in revision.entries.values():
            sibling = {"rfilename": entry.path}
            if request.parameter("blobs", "").lower() in ("true", "1"):
                sibling |= {"blobId": entry.blob, "size": entry.size}
                if entry.sha256:
                    sibling["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
            siblings.append(sibling)
        repository = revision.repository
        known = {
            "author": repository.rpartition("/")[0] or None,
            "config": self.configuration(revision),
            "createdAt": git_objects.DATE,
            "disabled": False,
            "downloads": 0,
            "gated": self.access.gated.get(repository, False),
            "lastModified": git_objects.DATE,
            "library_name": "transformers",
            "likes": 0,
            "pipeline_tag": None,
            "private": repository in self.access.private,
            "sha": revision.commit,
            "siblings": siblings,
            "tags": [],
            "usedStorage": sum(entry.size for entry in revision.entries.values()),
        }
        expand = [name for key in ("expand", "expand[]") for name in request.query.get(key, [])]
        wrong = set(expand) - set(known) - UNKNOWN_HERE
        if wrong:
            return hub_error(request, 400, None, f'"expand" must not be {", ".join(sorted(wrong))}')
        told = {"_id": repository_id(repository), "id": repository}
        if not expand:
            told["modelId"] = repository
        told |= {name: value for name, value in known.items() if value is not None and (not expand or name in expand)}
        return json_response(told)

    def configuration(self, revision):
        """Of config.json, the part that a hub tells."""
        entry = revision.entries.get("config.json")
        try:
            with open(entry.file, encoding="utf-8") as stream:
                whole = json.load(stream)
            return {name: whole[name] for name in ("architectures", "model_type", "tokenizer_config") if name in whole}
        except (AttributeError, TypeError, OSError, ValueError):
            return None

    def described(self, revision, path, expand):
        """A file or folder as in lists."""
        entry = revision.entries.get(path)
        if entry is None:
            told = {"type": "directory", "oid": revision.trees[path], "size": 0, "path": path}
        else:
            told = {"type": "file", "oid": entry.blob, "size": entry.size, "path": path}
            if entry.sha256:
                told["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
                if self.xet:
                    told["xetHash"] = xet_hash(entry)
        if expand:
            told["lastCommit"] = {"id": revision.commit, **COMMIT}
            if entry is not None:
                told["securityFileStatus"] = {"status": "safe", "avScan": None, "pickleImportScan": None}
        return told

    def tree(self, request, revision, path, name):
        """A folder's files and folders, those within them too if `recursive`, in pages that a Link header joins.

        `name`: the revision, as it was asked for.
        """
        if path not in revision.trees:
            return hub_error(
                request, 404, "EntryNotFound", f'{path} does not exist on "{name}"', [commit_header(revision)]
            )
        recursive, expand = (request.parameter(key, "").lower() in ("true", "1") for key in ("recursive", "expand"))
        start = path + "/" if path else ""
        within = [
            item for item in (*revision.trees, *revision.entries) if item.startswith(start) and item not in (path, "")
        ]
        if not recursive:
            within = [item for item in within if "/" not in item[len(start) :]]
        within.sort(key=lambda item: (item in revision.entries, item))  # folders first
        try:
            size = min(int(request.parameter("limit", EXPANDED_PAGE if expand else self.page)), self.page)
            first = int(base64.urlsafe_b64decode(request.parameter("cursor", "MA==")))
        except ValueError:
            return hub_error(request, 400, None, "Invalid cursor or limit")
        headers = [commit_header(revision)]
        if first + size < len(within):
            query = {key: values[-1] for key, values in request.query.items()} | {"limit": size}
            query["cursor"] = base64.urlsafe_b64encode(str(first + size).encode()).decode()
            following = f"{self.address}{request.path}?{urllib.parse.urlencode(query)}"
            headers.append(("Link", f'<{following}>; rel="next"'))
        return json_response(
            [self.described(revision, item, expand) for item in within[first : first + size]], headers=headers
        )

    def paths_info(self, request, revision):
        """Of the paths that the request's body lists, as a form or as JSON; those that don't exist are left out."""
        if request.headers.get("content-type", "").startswith("application/json"):
            form = json.loads(request.body)
            paths, expand = form["paths"], form.get("expand", False)
        else:
            form = urllib.parse.parse_qs(request.body.decode())
            paths, expand = form.get("paths", []), form.get("expand", ["false"])[-1].lower() == "true"
        there = [path for path in paths if path in revision.entries or (path and path in revision.trees)]
        return json_response([self.described(revision, path, expand) for path in there])

    def refs(self, store, repository, tags):
        """Branches, and those of them that the settings call tags."""
        told = {"branches": [], "converts": [], "tags": [], "pullRequests": []}
        for name in sorted(store.branches(repository)):
            kind, ref = ("tags", f"refs/tags/{name}") if name in tags else ("branches", f"refs/heads/{name}")
            if name.startswith("refs/"):
                kind, ref = "converts" if name.startswith("refs/convert/") else "pullRequests", name
            commit = store.revision(repository, name, whole=True).commit
            told[kind].append({"name": name.removeprefix("refs/convert/"), "ref": ref, "targetCommit": commit})
        return json_response(told)


def commit_header(revision):
    return ("X-Repo-Commit", revision.commit)
