"""Merging two commits on trial (Azure DevOps REST, Merges)."""

import re
from collections.abc import Sequence

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.errors import plain
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import segment
from bot.model import MergeStatus, TrialMerge

WAITS_S: Sequence[float] = (0.25, 0.5, 1.0, 1.0, 2.0, 2.0, 2.0)
"""Between looks at a merge that is not done: under nine seconds in all."""

COMMENT = "Pullcord: trial merge"


class TrialMergeCalls(Calls):
    """Calls about stand-alone merges of two commits."""

    async def trial_merge(
        self, project: str, repository: str, ours: str, theirs: str
    ) -> TrialMerge:
        """Merge two commits on trial and wait for the outcome, some seconds at most.

        Leaves nothing behind: no ref is moved. Still not done after the waits, the status is
        QUEUED. Raises Forbidden when the credential may only read, and NotFound on a Server that
        lacks the call or does not know one of the commits.

        Args:
            project: the call is documented only below a project.
            repository: name or GUID.
            ours: commit that would be merged into, 40 hex digits.
            theirs: commit that would be merged.
        """
        place = (
            f"{segment(project, 'project')}/_apis/git/repositories"
            f"/{segment(repository, 'repository')}/merges"
        )
        wanted = {"parents": [ours, theirs], "comment": COMMENT}
        # Nothing is changed by a trial, so a lost answer may be asked for again.
        answer = await self._http.read_by_post(place, wanted)
        with reading_answer():
            started = answer.fields()
            status, message = _outcome(started)
            is_under_way = status is MergeStatus.QUEUED
            operation = started.number("mergeOperationId") if is_under_way else 0
        for wait_s in WAITS_S:
            if status is not MergeStatus.QUEUED:
                break
            await self._sleep(wait_s)
            answer = await self._http.get(f"{place}/{operation}")
            with reading_answer():
                status, message = _outcome(answer.fields())
        return TrialMerge(ours=ours, theirs=theirs, status=status, message=message)


def _outcome(merge: Fields) -> tuple[MergeStatus, str]:
    """(outcome, what Azure DevOps says of it) of a GitMerge.

    GitAsyncOperationStatus has no value of its own for conflicts: they are a failure whose
    message speaks of them. Cherry-picks and reverts, which answer alike, have a flag for it
    (GitAsyncRefOperationDetail.conflict), so one here would count. Any other failure is no
    conflict: better none told than a wrong one.
    """
    status = merge.text("status").casefold()
    if status in ("queued", "inprogress"):
        return MergeStatus.QUEUED, ""
    details = merge.optional_object("detailedStatus")
    message = plain(details.text("failureMessage", "")) if details is not None else ""
    commit = details.text("mergeCommitId", "") if details is not None else ""
    if status == "completed" and commit:
        return MergeStatus.SUCCEEDED, ""
    has_flag = details is not None and details.has("conflict") and details.flag("conflict")
    if has_flag or status == "conflicts" or _speaks_of_conflicts(message):
        return MergeStatus.CONFLICTS, message or "the two conflict"
    return MergeStatus.FAILURE, message or f"the trial merge ended as {plain(status)}"


_CONFLICT = re.compile(
    r"""
    (?<!\bno\ ) (?<!\bno\ merge\ ) (?<!\bnot\ a\ ) (?<!\bwithout\ ) (?<!\bwithout\ merge\ )
    (?<!\b0\ ) (?<!name\ ) (?<!lock\ ) (?<!version\ ) (?<!write\ )
    \bconflict(?:s|ed|ing)?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Conflicts of files: not their absence, nor those of names of refs, locks and versions."""


def _speaks_of_conflicts(message: str) -> bool:
    return _CONFLICT.search(message) is not None
