"""The pull-request status ``pullcord/mergeable``, so that a branch policy can require it."""

from bot.cards.view import PullRequestView
from bot.conflicts.episodes import EndedBy
from bot.model import branch_name
from bot.ports import AzureDevOps
from bot.pull_request_state import PullRequestState
from storage.tables import ConflictEpisode

FAILED = "failed"
SUCCEEDED = "succeeded"
BRANCH_LENGTH = 100


def wanted_status(row: ConflictEpisode) -> str:
    """The status to post for an episode now, "" when what was posted is right.

    A closed pull request takes no status any more, and one that was never called failed needs no
    taking back.
    """
    if row.ended_at is None:
        return "" if row.posted_status == FAILED else FAILED
    if EndedBy(row.ended_by).is_closing or row.posted_status != FAILED:
        return ""
    return SUCCEEDED


async def post_status(
    azure: AzureDevOps,
    row: ConflictEpisode,
    state: PullRequestState,
    base_url: str,
    wanted: str,
) -> None:
    """Post it, with the pull request's page of conflicts; raises AzureDevOpsError."""
    target = branch_name(row.target_ref)[:BRANCH_LENGTH]
    said = f"Conflicts with {target}" if wanted == FAILED else f"Merges cleanly into {target}"
    view = PullRequestView(state, base_url, row.opened_at)
    await azure.set_pull_request_status(
        state.repository.id,
        row.number,
        state=wanted,
        description=said,
        target_url=view.page_url("conflicts" if wanted == FAILED else ""),
    )
