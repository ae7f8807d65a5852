"""Merges: the trial merge of a pull request, and the four ways to complete one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pygit2

from adapters.sandbox.azure_devops.git.conflicts import Conflict, name_conflicts
from adapters.sandbox.azure_devops.git.history import commits_between, merge_base
from adapters.sandbox.azure_devops.git.objects import Author, FileContent, settle_path

STRATEGIES = ("noFastForward", "squash", "rebase", "rebaseMerge")


@dataclass(frozen=True, slots=True)
class MergeResult:
    """A merge that worked (``commit`` is set) or that found ``conflicts``."""

    base: str | None
    commit: str | None
    conflicts: tuple[Conflict, ...] = ()


def merge(
    repo: pygit2.Repository, target: str, source: str, author: Author, message: str
) -> MergeResult:
    """Merge ``source`` into ``target`` with a merge commit that is on no branch."""
    base = merge_base(repo, target, source)
    index = repo.merge_commits(pygit2.Oid(hex=target), pygit2.Oid(hex=source))
    if index.conflicts is not None:
        return MergeResult(base, None, name_conflicts(repo, index, base, target, source))
    commit = _commit(repo, index.write_tree(repo), [target, source], author, message)
    return MergeResult(base, commit)


def complete(
    repo: pygit2.Repository,
    target: str,
    source: str,
    strategy: str,
    author: Author,
    message: str,
) -> MergeResult:
    """Make the commit that the target branch shall point at, by merge strategy.

    Raises:
        ValueError: the strategy is none of ``STRATEGIES``.
    """
    if strategy not in STRATEGIES:
        raise ValueError(strategy)
    merged = merge(repo, target, source, author, message)
    if merged.commit is None or strategy == "noFastForward":
        return merged
    if strategy == "squash":
        tree = repo[merged.commit].peel(pygit2.Tree).id
        return MergeResult(merged.base, _commit(repo, tree, [target], author, message))
    rebased = _rebase(repo, target, source, author)
    if rebased.commit is None or strategy == "rebase":
        return rebased
    tree = repo[rebased.commit].peel(pygit2.Tree).id
    return MergeResult(rebased.base, _commit(repo, tree, [target, rebased.commit], author, message))


def _rebase(repo: pygit2.Repository, target: str, source: str, author: Author) -> MergeResult:
    """Replay the source's own commits on the target, one three-way merge of trees each."""
    base = merge_base(repo, target, source)
    tip = target
    for facts in reversed(commits_between(repo, source, target)):
        if len(facts.parents) > 1:
            continue  # git rebase leaves merge commits out
        replayed = repo[facts.id].peel(pygit2.Commit)
        ancestor = repo[facts.parents[0]].peel(pygit2.Tree) if facts.parents else _empty_tree(repo)
        index = repo.merge_trees(ancestor, repo[tip].peel(pygit2.Tree), replayed.tree)
        if index.conflicts is not None:
            return MergeResult(base, None, name_conflicts(repo, index, base, tip, facts.id))
        tip = str(
            repo.create_commit(
                None,
                replayed.author,
                author.signature(),
                replayed.message,
                index.write_tree(repo),
                [pygit2.Oid(hex=tip)],
            )
        )
    return MergeResult(base, tip)


def _empty_tree(repo: pygit2.Repository) -> pygit2.Tree:
    return repo[repo.TreeBuilder().write()].peel(pygit2.Tree)


def _commit(
    repo: pygit2.Repository, tree: pygit2.Oid, parents: list[str], author: Author, message: str
) -> str:
    signature = author.signature()
    return str(
        repo.create_commit(
            None, signature, signature, message, tree, [pygit2.Oid(hex=p) for p in parents]
        )
    )


def merge_resolved(
    repo: pygit2.Repository,
    tip: str,
    other: str,
    resolved: Mapping[str, FileContent],
    author: Author,
    message: str,
) -> str:
    """Merge ``other`` into ``tip`` as a person does who has resolved the conflicts.

    Raises:
        ValueError: a conflict has no resolution; the message names the paths.
    """
    index = repo.merge_commits(pygit2.Oid(hex=tip), pygit2.Oid(hex=other))
    for path, content in resolved.items():
        settle_path(repo, index, path, content)
    if index.conflicts is not None:
        sides = [side for conflict in index.conflicts for side in conflict]
        left = sorted({side.path for side in sides if side is not None})
        raise ValueError(f"still in conflict: {', '.join(left)}")
    return _commit(repo, index.write_tree(repo), [tip, other], author, message)
