"""The repositories of a folder, as revisions with git's and Git LFS's names.

    FOLDER/org/name/…              the branch main of org/name
    FOLDER/org/name@branch/…       another branch, or a tag; "/" in its name is written %2F
    FOLDER/_/name/…                a repository without an organization

What changes in these folders is seen at the next request.
"""

import dataclasses
import os
import re
import threading
import time
import urllib.parse

import git_objects
from digests import Digests

LFS_ENDINGS = frozenset(
    "7z arrow bin bz2 ckpt ftz gguf gz h5 joblib keras mlmodel model msgpack npy npz onnx ot parquet pb pickle pkl pt"
    " pth rar safetensors tar tflite tgz wasm xz zip zst".split()
)
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# Times of folders move in steps of the system's clock: a folder that changed just before it was listed may change
# again without another time.
RACY_NS = 50_000_000


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file of a revision: `blob` is its id in git; `sha256` is None unless it is kept by Git LFS.

    Its bytes are `data`, or those of the file `file`.
    """

    path: str
    size: int
    blob: str
    sha256: str | None
    file: str | None = None
    data: bytes | None = None
    state: tuple | None = None

    @property
    def etag(self):
        return self.sha256 or self.blob

    @property
    def pointer_size(self):
        return len(git_objects.pointer(self.sha256, self.size))

    def is_unchanged(self):
        try:
            return self.file is None or file_state(os.stat(self.file)) == self.state
        except OSError:
            return False


@dataclasses.dataclass(frozen=True)
class Revision:
    """All files of a branch, by path, and folders' tree ids."""

    repository: str
    commit: str
    entries: dict
    trees: dict
    folder_states: dict
    listed_ns: int

    def is_current(self):
        """Whether no folder has changed; files written in place are seen when they are asked for."""
        try:
            return all(
                os.stat(folder).st_mtime_ns == changed and changed + RACY_NS < self.listed_ns
                for folder, changed in self.folder_states.items()
            )
        except OSError:
            return False


def file_state(status):
    return status.st_size, status.st_mtime_ns, status.st_ino


class Store:
    """Finds repositories, revisions and files; safe for use by many threads."""

    def __init__(self, folder, lfs_from, more=None):
        """`lfs_from`: bytes from which on files of any ending are kept by Git LFS. `more`: files that no folder can
        hold, by repository: path and text."""
        self.folder = os.path.abspath(folder)
        self.lfs_from = lfs_from
        self.more = more or {}
        self.digests = Digests(self.folder)
        self.lock = threading.RLock()
        self.revisions = {}
        self.contents = {}

    def branches(self, repository):
        """Folders of the branches of a repository by name; none if there is no such repository."""
        organization, _, name = repository.rpartition("/")
        if not NAME.fullmatch(name) or (organization and not NAME.fullmatch(organization)):
            return {}
        parent = os.path.join(self.folder, organization or "_")
        found = {"main": os.path.join(parent, name)} if os.path.isdir(os.path.join(parent, name)) else {}
        try:
            for item in os.listdir(parent):
                if item.startswith(name + "@"):
                    found[urllib.parse.unquote(item[len(name) + 1 :])] = os.path.join(parent, item)
        except OSError:
            pass
        return found or ({"main": None} if repository in self.more else {})

    def list_all(self):
        """Lists every branch of every repository, so that nothing has to be hashed while a test waits."""
        for organization in sorted(os.listdir(self.folder)):
            if os.path.isdir(os.path.join(self.folder, organization)):
                for name in {item.partition("@")[0] for item in os.listdir(os.path.join(self.folder, organization))}:
                    repository = name if organization == "_" else f"{organization}/{name}"
                    for branch in self.branches(repository):
                        self.revision(repository, branch)

    def revision(self, repository, name, whole=False, path=None):
        """The revision of that name or commit, or None. Looks for changes in that file only, or
        in all if `whole`; files that come and go are always seen."""
        branches = self.branches(repository)
        if name in branches:
            return self.current(repository, branches[name], whole, path)
        if re.fullmatch("[0-9a-f]{40}", name):
            for folder in branches.values():
                revision = self.current(repository, folder, whole, path)
                if revision.commit == name:
                    return revision
        return None

    def current(self, repository, folder, whole, path):
        with self.lock:
            key = repository, folder
            revision = self.revisions.get(key)
            wanted = revision.entries.values() if revision and whole else ()
            if revision and path in revision.entries:
                wanted = [revision.entries[path]]
            if not revision or not revision.is_current() or not all(entry.is_unchanged() for entry in wanted):
                revision = self.revisions[key] = self.listed(repository, folder)
                for entry in revision.entries.values():
                    if entry.sha256:
                        self.contents[entry.sha256] = entry
                self.digests.save()
            return revision

    def listed(self, repository, folder):
        started, folder_states, entries = time.time_ns(), {}, {}
        for parent, _, names in os.walk(folder) if folder else ():
            folder_states[parent] = os.stat(parent).st_mtime_ns
            for name in names:
                file = os.path.join(parent, name)
                path = os.path.relpath(file, folder)
                entries[path] = self.entry(path, os.stat(file), file=file)
        for path, text in self.more.get(repository, {}).items():
            data = text.encode("utf-8", "surrogateescape")
            entries[path] = Entry(path, len(data), git_objects.object_id("blob", data), None, data=data)
        entries = dict(sorted(entries.items()))
        trees = git_objects.tree_ids({path: entry.blob for path, entry in entries.items()})
        return Revision(repository, git_objects.commit_id(trees[""]), entries, trees, folder_states, started)

    def entry(self, path, status, file):
        state = file_state(status)
        if status.st_size < self.lfs_from and path.rpartition(".")[2].lower() not in LFS_ENDINGS:
            return Entry(path, status.st_size, self.digests.of(file, status, "blob"), None, file=file, state=state)
        sha256 = self.digests.of(file, status, "sha256")
        blob = git_objects.object_id("blob", git_objects.pointer(sha256, status.st_size))
        return Entry(path, status.st_size, blob, sha256, file=file, state=state)

    def content(self, sha256):
        """The file with these bytes, as a content network keeps it: by its digest. None if there is none (any more)."""
        entry = self.contents.get(sha256)
        return entry if entry and entry.is_unchanged() else None
