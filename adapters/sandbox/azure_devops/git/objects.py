"""Files, commits and refs of one repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pygit2
from pygit2.enums import FileMode, ObjectType, ReferenceType


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file with its mode: ``executable`` sets 100755, ``symlink`` 120000."""

    content: bytes
    executable: bool = False
    symlink: bool = False


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule entry that points at a commit of another repository."""

    commit: str


FileContent = str | bytes | GitFile | Submodule | None
"""What a commit does to a path: new content, or None to delete it."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a commit, and when."""

    name: str
    mail: str
    when: datetime

    def signature(self) -> pygit2.Signature:
        """Return the git signature."""
        return pygit2.Signature(self.name, self.mail, int(self.when.timestamp()), 0)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A file or folder as it stands in a commit; ``content`` is None for folders."""

    path: str
    object_id: str
    is_folder: bool
    commit_id: str
    content: bytes | None


def ref_tip(repo: pygit2.Repository, ref: str) -> str | None:
    """Return the commit that a ref points at, or None when there is no such ref."""
    reference = repo.references.get(ref)
    return str(reference.peel(pygit2.Commit).id) if reference is not None else None


def list_refs(repo: pygit2.Repository, prefix: str = "refs/") -> dict[str, str]:
    """Return name → object id of refs below a prefix, sorted by name."""
    found = {}
    for name in sorted(repo.references):
        reference = repo.references[name]
        if name.startswith(prefix) and reference.type == ReferenceType.DIRECT:
            found[name] = str(reference.target)
    return found


def point_ref(repo: pygit2.Repository, ref: str, commit: str) -> None:
    """Create a ref or move it, fast-forward or not."""
    repo.references.create(ref, pygit2.Oid(hex=commit), force=True)


def drop_ref(repo: pygit2.Repository, ref: str) -> None:
    """Delete a ref."""
    repo.references.delete(ref)


def is_commit(repo: pygit2.Repository, sha: str) -> bool:
    """Tell whether a full SHA names a commit of this repository."""
    try:
        return repo.get(sha) is not None and repo[sha].type == ObjectType.COMMIT
    except ValueError:
        return False


def valid_ref_name(ref: str) -> bool:
    """Tell whether git accepts the name, and whether it lies below refs/heads or refs/tags."""
    return ref.startswith(("refs/heads/", "refs/tags/")) and bool(
        pygit2.reference_is_valid_name(ref)
    )


def colliding_ref(existing: Iterable[str], ref: str) -> str | None:
    """Return a ref that cannot live beside the new one: ``a`` and ``a/b`` exclude each other."""
    for other in existing:
        if other.startswith(f"{ref}/") or ref.startswith(f"{other}/"):
            return other
    return None


def write_commit(
    repo: pygit2.Repository,
    parents: list[str],
    changes: Mapping[str, FileContent],
    author: Author,
    message: str,
) -> str:
    """Commit changes on top of the first parent (or of nothing) and return the SHA.

    The commit is not on any branch yet.

    Raises:
        KeyError: a path to delete does not exist.
    """
    index = pygit2.Index()
    if parents:
        index.read_tree(repo[parents[0]].peel(pygit2.Tree))
    for path, content in changes.items():
        name = path.lstrip("/")
        if content is None:
            try:
                index.remove(name)
            except OSError as error:
                raise KeyError(path) from error
        else:
            index.add(_entry(repo, name, content))
    signature = author.signature()
    return str(
        repo.create_commit(
            None,
            signature,
            signature,
            message,
            index.write_tree(repo),
            [pygit2.Oid(hex=parent) for parent in parents],
        )
    )


def settle_path(
    repo: pygit2.Repository, index: pygit2.Index, path: str, content: FileContent
) -> None:
    """Give a path of a merged index its final content (None: no file), conflict or not."""
    if index.conflicts is not None and path in index.conflicts:
        del index.conflicts[path]
    if content is not None:
        index.add(_entry(repo, path, content))
    elif path in index:
        index.remove(path)


def paths_at(repo: pygit2.Repository, commit: str | None) -> set[str]:
    """Return every file path of a commit; none for None."""
    if commit is None:
        return set()
    index = pygit2.Index()
    index.read_tree(repo[commit].peel(pygit2.Tree))
    return {entry.path for entry in index}


def read_item(repo: pygit2.Repository, commit: str, path: str) -> StoredItem | None:
    """Return one file or folder of a commit, or None when the path is not there."""
    tree = repo[commit].peel(pygit2.Tree)
    name = path.strip("/")
    if not name:
        return StoredItem("/", str(tree.id), True, commit, None)
    try:
        found = tree[name]
    except KeyError:
        return None
    content = found.data if isinstance(found, pygit2.Blob) else None
    return StoredItem(f"/{name}", str(found.id), content is None, commit, content)


def list_items(
    repo: pygit2.Repository, commit: str, scope: str, *, whole_depth: bool
) -> list[StoredItem]:
    """Return a folder and what lies in it (one level, or everything below)."""
    top = read_item(repo, commit, scope)
    if top is None or not top.is_folder:
        return [top] if top else []
    found = [top]
    folder = repo[top.object_id].peel(pygit2.Tree)
    for entry in folder:
        path = f"{top.path.rstrip('/')}/{entry.name}"
        if entry.type == ObjectType.TREE and whole_depth:
            found += list_items(repo, commit, path, whole_depth=True)
        else:
            is_folder = entry.type == ObjectType.TREE
            found.append(StoredItem(path, str(entry.id), is_folder, commit, None))
    return found


def _entry(
    repo: pygit2.Repository, path: str, content: str | bytes | GitFile | Submodule
) -> pygit2.IndexEntry:
    if isinstance(content, Submodule):
        return pygit2.IndexEntry(path, pygit2.Oid(hex=content.commit), FileMode.COMMIT)
    mode = FileMode.BLOB
    if isinstance(content, GitFile):
        if content.symlink:
            mode = FileMode.LINK
        elif content.executable:
            mode = FileMode.BLOB_EXECUTABLE
        content = content.content
    data = content.encode() if isinstance(content, str) else content
    return pygit2.IndexEntry(path, repo.create_blob(data), mode)
