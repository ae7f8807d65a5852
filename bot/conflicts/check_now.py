"""Whether one pull request has conflicts at this moment: asked now, not remembered."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.conflicts.episodes import Finding
from bot.conflicts.examination import Question, examine
from bot.conflicts.target_moved import record_finding
from bot.fresh_read import FreshReads
from bot.log_text import log_safe
from bot.model import Commit, FileConflict, MergeStatus, branch_name
from bot.ports import AzureDevOps, Forbidden, NotFound, RateLimited, Unreachable
from bot.pull_request_state import PullRequestState
from bot.recording import Recorded
from bot.services import Services

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    ``status`` is of the merge of the two branches' tips; ``is_own``: by Pullcord's own trial merge,
    because Azure DevOps has not merged these two yet. ``is_stale``: Azure DevOps' word about an
    older target, because no trial merge could be made. ``files_from`` is azure_devops, overlap
    (files that both sides changed: some of them conflict) or "" (not known). ``cause`` are the
    target's commits that changed them.
    """

    pull_request_id: int
    state: PullRequestState
    status: MergeStatus
    message: str = ""
    is_own: bool = False
    is_stale: bool = False
    files: Sequence[FileConflict] = ()
    files_from: str = ""
    cause: Sequence[Commit] = ()


async def check_now(
    services: Services, connection: str, number: int, *, cause: str, actor: str
) -> Verdict:
    """Read the pull request afresh, compare what was merged with the branches, ask for the files.

    Raises AzureDevOpsError, CannotStore.
    """
    read = await FreshReads(services).read_whole(connection, number, cause=cause, actor=actor)
    verdict, tip = await compare(services, read.recorded, cause=cause)
    if verdict.status is not MergeStatus.CONFLICTS or verdict.is_stale or not tip:
        return verdict
    return await _with_files(await services.azure_devops(connection), verdict, tip)


async def compare(services: Services, recorded: Recorded, *, cause: str) -> tuple[Verdict, str]:
    """The same of a pull request that was read just now, without the files; and the target's tip.

    Raises AzureDevOpsError, CannotStore.
    """
    found, state = recorded.pull_request_id, recorded.state
    if not state.is_active:
        return Verdict(found, state, state.merge_status), ""
    azure = await services.azure_devops(state.connection)
    tip = await azure.branch_tip(state.repository.id, branch_name(state.target_ref))
    if tip is None:
        said = "The target branch does not exist."
        return Verdict(found, state, MergeStatus.FAILURE, said), ""
    if not _is_about(state, tip):
        return await _try_it(services, azure, found, state, tip, cause), tip
    failure = state.merge.failure if state.merge else ""
    return Verdict(found, state, state.merge_status, failure), tip


def _is_about(state: PullRequestState, tip: str) -> bool:
    """Whether Azure DevOps' last merge was of the present tips."""
    merge = state.merge
    return merge is not None and (merge.source_commit, merge.target_commit, merge.target_ref) == (
        state.source_commit,
        tip,
        state.target_ref,
    )


async def _try_it(
    services: Services,
    azure: AzureDevOps,
    found: int,
    state: PullRequestState,
    tip: str,
    cause: str,
) -> Verdict:
    """Merge on trial ourselves. What it says is stored like any other finding of ours."""
    repository = state.repository
    try:
        merge = await azure.trial_merge(
            repository.project_id, repository.id, tip, state.source_commit
        )
    except (Forbidden, NotFound) as error:
        return Verdict(found, state, state.merge_status, str(error), is_stale=True)
    now, flap = services.clock(), services.conflict_flap
    finding = Finding(
        status=merge.status,
        source_commit=state.source_commit,
        target_ref=state.target_ref,
        target_commit=tip,
        stale_target_commit=state.merge.target_commit if state.merge else "",
        found_at=now,
    )
    if merge.status in (MergeStatus.CONFLICTS, MergeStatus.SUCCEEDED):
        await services.db.write(
            lambda s: record_finding(
                s, state.connection, state.number, finding, cause=cause, now=now, flap=flap
            )
        )
    return Verdict(found, state, merge.status, merge.message, is_own=True)


async def _with_files(azure: AzureDevOps, verdict: Verdict, tip: str) -> Verdict:
    """The verdict with its files and their cause. It stands without them, too."""
    state = verdict.state
    question = Question(
        project_id=state.repository.project_id,
        repository_id=state.repository.id,
        number=state.number,
        source_commit=state.source_commit,
        target_commit=tip,
        last_clean_target_commit="",
        is_own_finding=verdict.is_own,
        merged_by={},
    )
    try:
        seen = await examine(azure, question)
    except (Unreachable, RateLimited) as error:
        log.info("files of %d not asked for: %s", state.number, log_safe(str(error)))
        return verdict
    return replace(verdict, files=seen.files, files_from=seen.files_from, cause=seen.cause)
