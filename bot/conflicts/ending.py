"""Who ended an episode of conflicts: one call at most."""

import logging

from bot.conflicts.episodes import EndedBy
from bot.log_text import log_safe
from bot.ports import AzureDevOps, AzureDevOpsError, RateLimited, Unreachable
from bot.pull_request_state import PullRequestState
from storage.tables import ConflictEpisode

log = logging.getLogger(__name__)


def is_end_to_tell(row: ConflictEpisode) -> bool:
    """Whether a told conflict is gone, and those who were told have not heard of it yet."""
    return (
        row.ended_at is not None
        and row.told_at is not None
        and row.clean_told_at is None
        and not EndedBy(row.ended_by).is_closing
    )


async def who_ended(
    azure: AzureDevOps, row: ConflictEpisode, state: PullRequestState, target_commit: str
) -> str:
    """The name of the person whose push or choice of the target made it clean, "" if not known.

    Args:
        azure: the connection.
        row: the episode, ended.
        state: the pull request as it is now.
        target_commit: the target's commit that it merges into cleanly.

    Raises:
        Unreachable, RateLimited: asking later may help.
    """
    repository = state.repository.id
    try:
        match EndedBy(row.ended_by):
            case EndedBy.SOURCE if state.source_commit:
                return await azure.who_moved(repository, state.source_ref, state.source_commit)
            case EndedBy.TARGET if target_commit:
                return await azure.who_moved(repository, state.target_ref, target_commit)
            case EndedBy.RETARGET:
                latest = await azure.latest_iteration(repository, row.number)
                # Newer commits than those we know are not what changed the target.
                if latest is not None and latest.source_commit == state.source_commit:
                    return latest.author_name
    except (Unreachable, RateLimited):
        raise
    except AzureDevOpsError as error:
        log.info("who ended conflicts of %s is not known: %s", row.number, log_safe(str(error)))
    return ""
