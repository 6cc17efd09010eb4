"""SHA-256 and git's SHA-1 of files, kept beside the repositories, so that large files are hashed once."""

import hashlib
import json
import os
import threading

from git_objects import blob_digest

FILE = ".digests.json"
BLOCK = 1 << 22


class Digests:
    """Digests of files under a folder, in a file in that folder.

    A digest holds as long as the file's size, time of change and number on the disk do.
    """

    def __init__(self, folder):
        self.file = os.path.join(folder, FILE)
        self.folder = folder
        self.lock = threading.Lock()
        self.changed = False
        try:
            with open(self.file, encoding="utf-8") as stream:
                self.known = json.load(stream)
        except (OSError, ValueError):
            self.known = {}

    def of(self, path, status, kind):
        """The digest of the file at `path`, whose os.stat is `status`; `kind` is "sha256" or "blob"."""
        key = f"{kind} {os.path.relpath(path, self.folder)}"
        state = [status.st_size, status.st_mtime_ns, status.st_ino]
        with self.lock:
            found = self.known.get(key)
            if found and found[:3] == state:
                return found[3]
        digest = hashlib.sha256() if kind == "sha256" else blob_digest(status.st_size)
        with open(path, "rb", buffering=0) as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
        with self.lock:
            self.known[key] = [*state, digest.hexdigest()]
            self.changed = True
        return digest.hexdigest()

    def save(self):
        """Writes what is new. A folder that can't be written only means hashing again."""
        with self.lock:
            if not self.changed:
                return
            self.changed = False
            try:
                with open(self.file + ".new", "w", encoding="utf-8") as stream:
                    json.dump(self.known, stream)
                os.replace(self.file + ".new", self.file)
            except OSError:
                pass
