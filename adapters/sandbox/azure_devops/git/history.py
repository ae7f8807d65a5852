"""What lies between two commits: ancestry, commits, changed files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pygit2
from pygit2.enums import DeltaStatus, SortMode


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """A commit as the REST API tells it."""

    id: str
    message: str
    author_name: str
    author_mail: str
    author_date: datetime
    committer_name: str
    committer_mail: str
    committer_date: datetime
    parents: tuple[str, ...]
    tree: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file; ``change_type`` is add, edit, delete, rename or ``edit, rename``."""

    path: str
    change_type: str
    object_id: str
    original_path: str | None = None
    original_object_id: str | None = None


def merge_base(repo: pygit2.Repository, one: str, two: str) -> str | None:
    """Return the best common ancestor, or None for unrelated histories."""
    base = repo.merge_base(pygit2.Oid(hex=one), pygit2.Oid(hex=two))
    return str(base) if base else None


def is_ancestor(repo: pygit2.Repository, ancestor: str, commit: str) -> bool:
    """Tell whether ``commit`` contains ``ancestor`` (a commit contains itself)."""
    return ancestor == commit or bool(
        repo.descendant_of(pygit2.Oid(hex=commit), pygit2.Oid(hex=ancestor))
    )


def ahead_behind(repo: pygit2.Repository, base: str, target: str) -> tuple[int, int]:
    """Return how many commits ``target`` is ahead of and behind ``base``."""
    ahead, behind = repo.ahead_behind(pygit2.Oid(hex=target), pygit2.Oid(hex=base))
    return ahead, behind


def commit_facts(repo: pygit2.Repository, sha: str) -> CommitFacts:
    """Return one commit.

    Raises:
        KeyError: there is no such commit.
    """
    commit = repo[sha].peel(pygit2.Commit)
    return CommitFacts(
        id=str(commit.id),
        message=commit.message,
        author_name=commit.author.name,
        author_mail=commit.author.email,
        author_date=datetime.fromtimestamp(commit.author.time, UTC),
        committer_name=commit.committer.name,
        committer_mail=commit.committer.email,
        committer_date=datetime.fromtimestamp(commit.committer.time, UTC),
        parents=tuple(str(parent) for parent in commit.parent_ids),
        tree=str(commit.tree_id),
    )


def commits_between(
    repo: pygit2.Repository,
    tip: str,
    exclude: str | None,
    *,
    path: str | None = None,
    limit: int | None = None,
    first_parent: bool = False,
) -> list[CommitFacts]:
    """Return commits reachable from ``tip`` and not from ``exclude``, newest first.

    With ``path`` only commits that changed this file or something below this folder; with
    ``first_parent`` a merge counts as what it brought, and what it merged is left out.
    """
    walker = repo.walk(pygit2.Oid(hex=tip), SortMode.TOPOLOGICAL | SortMode.TIME)
    if first_parent:
        walker.simplify_first_parent()
    if exclude is not None:
        walker.hide(pygit2.Oid(hex=exclude))
    found: list[CommitFacts] = []
    for commit in walker:
        if path is not None and not _touches(commit, path.strip("/"), first_parent=first_parent):
            continue
        found.append(commit_facts(repo, str(commit.id)))
        if limit is not None and len(found) >= limit:
            break
    return found


def changes_between(repo: pygit2.Repository, old: str | None, new: str) -> list[FileChange]:
    """Return the changed files from one commit to another, renames detected."""
    new_tree = repo[new].peel(pygit2.Tree)
    if old is None:
        diff = new_tree.diff_to_tree(swap=True)
    else:
        diff = repo[old].peel(pygit2.Tree).diff_to_tree(new_tree)
    diff.find_similar()
    return [_file_change(delta) for delta in diff.deltas]


def renames_between(repo: pygit2.Repository, old: str, new: str) -> dict[str, str]:
    """Return old path → new path of files renamed from one commit to another."""
    return {
        change.original_path: change.path.lstrip("/")
        for change in changes_between(repo, old, new)
        if change.original_path is not None
    }


def _file_change(delta: pygit2.DiffDelta) -> FileChange:
    old, new = delta.old_file, delta.new_file
    if delta.status == DeltaStatus.ADDED:
        return FileChange(f"/{new.path}", "add", str(new.id))
    if delta.status == DeltaStatus.DELETED:
        return FileChange(f"/{old.path}", "delete", str(old.id), None, str(old.id))
    if delta.status == DeltaStatus.RENAMED:
        kind = "rename" if old.id == new.id else "edit, rename"
        return FileChange(f"/{new.path}", kind, str(new.id), old.path, str(old.id))
    return FileChange(f"/{new.path}", "edit", str(new.id), None, str(old.id))


def _touches(commit: pygit2.Commit, path: str, *, first_parent: bool) -> bool:
    mine = _object_at(commit.tree, path)
    if not commit.parents:
        return mine is not None
    parents = commit.parents[:1] if first_parent else commit.parents
    return all(_object_at(parent.tree, path) != mine for parent in parents)


def _object_at(tree: pygit2.Tree, path: str) -> str | None:
    try:
        return str(tree[path].id)
    except KeyError:
        return None
