"""Git's names of files, folders and commits, as a hub's repositories have them.

A hub's repositories are git repositories; large files stand in them as pointers of Git LFS. Here is no git: the names
are computed from the contents, by git's rules, so that they change when a file does, and git can check them.
"""

import hashlib

AUTHOR = "hub <hub@localhost> 1700000000 +0000"
DATE = "2023-11-14T22:13:20.000Z"  # the same instant
TITLE = "Files of this folder"


def object_id(kind, data):
    """SHA-1, in hexadecimal, of an object of git: `kind` is blob, tree or commit."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest()


def blob_digest(size):
    """A SHA-1 that has begun a blob of `size` bytes; its contents are to follow."""
    return hashlib.sha1(b"blob %d\0" % size)


def pointer(sha256, size):
    """The text that stands in git for a file of `size` bytes kept by Git LFS."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def tree_ids(blobs):
    """Ids of all folders of a revision, by their paths; the root's is "".

    `blobs` has each file's path, with "/" between names, and its blob's id.
    """
    folders = {(): {}}
    for path, blob in blobs.items():
        *parents, name = path.split("/")
        folder = folders[()]
        for depth, parent in enumerate(parents):
            folder[parent] = None
            folder = folders.setdefault(tuple(parents[: depth + 1]), {})
        folder[name] = blob
    ids = {}
    for names in sorted(folders, key=len, reverse=True):  # a folder after those within it
        lines = []
        for name, blob in folders[names].items():
            raw = name.encode("utf-8", "surrogateescape")
            identifier = bytes.fromhex(blob or ids[(*names, name)])
            mode = b"100644 " if blob else b"40000 "
            # Git sorts a folder as if its name ended in "/".
            lines.append((raw if blob else raw + b"/", mode + raw + b"\0" + identifier))
        ids[names] = object_id("tree", b"".join(line for _, line in sorted(lines)))
    return {"/".join(names): identifier for names, identifier in ids.items()}


def commit_id(tree):
    """The id of a commit of this tree, without parents, by a fixed author at a fixed time."""
    return object_id("commit", f"tree {tree}\nauthor {AUTHOR}\ncommitter {AUTHOR}\n\n{TITLE}\n".encode())
