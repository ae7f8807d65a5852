"""Pull requests that a push to their target cannot break or mend: it touches other files.

Whether two branches merge is decided file by file. Where a target only gained commits, and none of
them touches a file that a pull request changes, it merges as it did before. Then no trial merge is
needed, which costs two calls; the changed files are known as a rule, because the radar reads them.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from bot.cards.view import load_finding, load_state
from bot.conflicts.behind import Behind, last_known
from bot.conflicts.episodes import Finding
from bot.conflicts.following import keep_finding
from bot.log_text import log_safe
from bot.model import BranchChanges, MergeStatus
from bot.ports import AzureDevOps, BadAnswer, NotFound, Rejected
from storage.engine import Database
from storage.queries import radar, recording

log = logging.getLogger(__name__)

AT_ONCE = 4
DECIDES_FOR_OTHERS = (".gitattributes", ".gitmodules")
"""Files that say how other files are merged."""

_ABOUT_THIS_ONE = (NotFound, Rejected, BadAnswer)
_KNOWN = (MergeStatus.SUCCEEDED, MergeStatus.CONFLICTS)


def touches(changed: Iterable[str], files: Collection[str]) -> bool:
    """Whether changed paths of a target may decide how changed files of a source merge.

    A file may stand where the other side has a folder, so parents count.
    """
    ours, theirs = set(files), set(changed)
    if any(path.rpartition("/")[2] in DECIDES_FOR_OTHERS for path in theirs):
        return True
    return not ours.isdisjoint(theirs | _parents(theirs)) or not theirs.isdisjoint(_parents(ours))


def _parents(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


async def gained_since(
    azure: AzureDevOps, repository_id: str, branch: str, bases: Iterable[str]
) -> Mapping[str, BranchChanges]:
    """What a branch gained since each of these commits; those that are gone are left out."""
    places = asyncio.Semaphore(AT_ONCE)
    found: dict[str, BranchChanges] = {}

    async def ask(base: str) -> None:
        async with places:
            try:
                found[base] = await azure.branch_changes(repository_id, since=base, branch=branch)
            except _ABOUT_THIS_ONE as error:
                log.info("changes since %s not known: %s", base, log_safe(str(error)))

    await asyncio.gather(*map(ask, dict.fromkeys(bases)))
    return found


async def leave_unaffected(
    db: Database,
    azure: AzureDevOps,
    place: tuple[str, str],
    behind: Sequence[Behind],
    gained: Mapping[str, BranchChanges],
    *,
    tip: str,
    now: datetime,
) -> list[Behind]:
    """Remember those that merge as before; the others, which must be merged on trial.

    Args:
        db: where files are known, and outcomes kept.
        azure: asked for files that are not known, one call for each pull request.
        place: (repository id, whole ref) of the target.
        behind: those that are behind the target's tip.
        gained: what the target gained, by the commit since when.
        tip: the target's commit.
        now: the time.
    """
    _, ref = place
    affected: list[Behind] = []
    unaffected: list[Behind] = []
    candidates: list[tuple[Behind, frozenset[str]]] = []
    for one in behind:
        changes = gained.get(one.base_commit)
        is_open_question = changes is None or not changes.is_ahead or changes.tip != tip
        if (
            is_open_question
            or changes is None
            or changes.paths is None
            or one.verdict not in _KNOWN
        ):
            affected.append(one)
        else:
            candidates.append((one, changes.paths))
    commits = [one.source_commit for one, _ in candidates]
    known = await db.read(lambda s: radar.files_of(s, azure.connection, commits))
    places = asyncio.Semaphore(AT_ONCE)

    async def sort(one: Behind, changed: frozenset[str]) -> None:
        files = known.get((one.source_commit, ref))
        if files is None:
            async with places:
                files = await _read_files(db, azure, place, one, tip, now)
        # Without any file nothing is known: its commit may be gone.
        is_affected = not files or touches(changed, files)
        (affected if is_affected else unaffected).append(one)

    await asyncio.gather(*(sort(one, changed) for one, changed in candidates))
    if unaffected:
        await db.write(lambda s: _keep(s, azure.connection, ref, unaffected, tip, now))
    in_order = {one.number: position for position, one in enumerate(behind)}
    return sorted(affected, key=lambda one: in_order[one.number])


async def _read_files(
    db: Database,
    azure: AzureDevOps,
    place: tuple[str, str],
    one: Behind,
    tip: str,
    now: datetime,
) -> frozenset[str]:
    repository_id, ref = place
    try:
        files = await azure.changed_files(repository_id, tip, one.source_commit)
    except _ABOUT_THIS_ONE as error:
        log.info("files of %d: %s", one.number, log_safe(str(error)))
        return frozenset()
    await db.write(
        lambda s: radar.keep_files(s, azure.connection, one.source_commit, ref, files, now=now)
    )
    return frozenset(files)


def _keep(
    session: Session,
    connection: str,
    ref: str,
    unaffected: Sequence[Behind],
    tip: str,
    now: datetime,
) -> None:
    for one in unaffected:
        row = recording.locked_pull_request(session, connection, one.number)
        if row is None or row.id is None:
            continue
        state, finding = load_state(row), load_finding(session, row.id)
        if not state.is_active or state.target_ref != ref or last_known(state, finding) != one:
            continue  # something newer is known by now
        if finding is not None and finding.target_commit == one.base_commit:
            keep_finding(session, row.id, replace(finding, target_commit=tip))
            continue
        found = Finding(
            status=one.verdict,
            source_commit=one.source_commit,
            target_ref=ref,
            target_commit=tip,
            stale_target_commit=one.stale_target_commit,
            found_at=now,
            is_unaffected=True,
        )
        keep_finding(session, row.id, found)
