"""Names the conflicts of a real merge the way Azure DevOps does.

``source`` comes first in every name: ``editDelete`` means that the source edited what the target
deleted. The kinds are those of the ``GitConflict`` models in Microsoft's git specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pygit2

from adapters.sandbox.azure_devops.git.history import renames_between


@dataclass(frozen=True, slots=True)
class Conflict:
    """One conflict; blobs are object ids, None where that side has no file.

    ``source_path`` and ``target_path`` are set where a side has the file under another name.
    """

    path: str
    kind: str
    base_blob: str | None = None
    source_blob: str | None = None
    target_blob: str | None = None
    source_path: str | None = None
    target_path: str | None = None


@dataclass(slots=True)
class _Sides:
    """What one path looks like in the unmerged index: object ids by side."""

    base: str | None = None
    target: str | None = None
    source: str | None = None


def name_conflicts(
    repo: pygit2.Repository, index: pygit2.Index, base: str | None, target: str, source: str
) -> tuple[Conflict, ...]:
    """Return the conflicts in the index of a merge of ``source`` into ``target``."""
    sides = _unmerged(index)
    source_renames = renames_between(repo, base, source) if base else {}
    target_renames = renames_between(repo, base, target) if base else {}
    found = list(_rename_conflicts(sides, source_renames, target_renames))
    source_tree = repo[source].peel(pygit2.Tree)
    target_tree = repo[target].peel(pygit2.Tree)
    for path, side in sides.items():
        kind = _plain_kind(side, path, source_tree, target_tree)
        if kind is not None:
            found.append(Conflict(path, kind, side.base, side.source, side.target))
    return tuple(sorted(found, key=lambda conflict: conflict.path))


def _unmerged(index: pygit2.Index) -> dict[str, _Sides]:
    sides: dict[str, _Sides] = {}
    for base, target, source in index.conflicts or ():
        for name, entry in (("base", base), ("target", target), ("source", source)):
            if entry is not None:
                setattr(sides.setdefault(entry.path, _Sides()), name, str(entry.id))
    return sides


def _rename_conflicts(
    sides: dict[str, _Sides], source_renames: Mapping[str, str], target_renames: Mapping[str, str]
) -> Iterable[Conflict]:
    """Yield conflicts in which a rename takes part, and take their paths out of ``sides``."""
    came_from_source = {new: old for old, new in source_renames.items()}
    came_from_target = {new: old for old, new in target_renames.items()}
    for path in list(sides):
        if path in came_from_source and path in came_from_target:
            yield _both_arrived(sides, path, came_from_source[path], came_from_target[path])
    for old in sorted({*source_renames, *target_renames}):
        in_source, in_target = source_renames.get(old), target_renames.get(old)
        if not ({old, in_source, in_target} & sides.keys()):
            continue
        conflict = _one_rename(sides, old, in_source, in_target)
        if conflict is not None:
            for spent in (old, in_source, in_target):
                sides.pop(spent or "", None)
            yield conflict


def _both_arrived(
    sides: dict[str, _Sides], path: str, from_source: str, from_target: str
) -> Conflict:
    """Both sides moved something to the same name."""
    here = sides.pop(path)
    first = sides.pop(from_source, _Sides())
    second = sides.pop(from_target, _Sides())
    kind = "renameRename" if from_source == from_target else "rename2to1"
    return Conflict(
        path, kind, first.base or second.base, here.source, here.target, from_source, from_target
    )


def _one_rename(
    sides: Mapping[str, _Sides], old: str, in_source: str | None, in_target: str | None
) -> Conflict | None:
    was = sides.get(old, _Sides())
    at_source = sides.get(in_source or "", _Sides())
    at_target = sides.get(in_target or "", _Sides())
    if in_source and in_target:
        if in_source == in_target:
            return None
        return Conflict(
            old, "rename1to2", was.base, at_source.source, at_target.target, in_source, in_target
        )
    if in_source:
        if at_source.target is not None:
            return Conflict(
                in_source, "renameAdd", was.base, at_source.source, at_source.target, old
            )
        kind = "editEdit" if was.target is not None else "renameDelete"
        return Conflict(old, kind, was.base, at_source.source, was.target, in_source)
    if at_target.source is not None:
        return Conflict(
            in_target or old, "addRename", was.base, at_target.source, at_target.target, None, old
        )
    kind = "editEdit" if was.source is not None else "deleteRename"
    return Conflict(old, kind, was.base, was.source, at_target.target, None, in_target)


def _plain_kind(
    side: _Sides, path: str, source_tree: pygit2.Tree, target_tree: pygit2.Tree
) -> str | None:
    if side.source and side.target:
        return "editEdit" if side.base else "addAdd"
    if side.target:
        if _is_folder(source_tree, path):
            return "directoryFile"
        return "deleteEdit" if side.base else None
    if side.source:
        if _is_folder(target_tree, path):
            return "fileDirectory"
        return "editDelete" if side.base else None
    return None


def _is_folder(tree: pygit2.Tree, path: str) -> bool:
    try:
        return isinstance(tree[path], pygit2.Tree)
    except KeyError:
        return False
