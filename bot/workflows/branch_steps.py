"""Steps of "start ticket" in git: the branch, and the ticket's file on it."""

from datetime import datetime

from sqlmodel import Session

from bot.link_repair import store_ticket
from bot.model import PushedFile
from bot.ownership import own_account, remember_own_account
from bot.ports import Conflict
from bot.ticket_file import ticket_markdown, ticket_path
from bot.workflows.findings import Findings, choose_branch, open_from
from bot.workflows.links import store_link
from bot.workflows.run import Run
from bot.workflows.start_ticket_types import Outcome, Step

PUSH_ATTEMPTS = 3


async def make_branch(run: Run, found: Findings) -> None:
    """Create the branch at the base's tip; one of that name that is there already is taken."""
    azure = run.azure
    branch = run.branch or await choose_branch(azure, run.place, found, run.request)
    tip, outcome = found.base_tip, Outcome.DONE
    try:
        await azure.create_branch(run.repository_id, branch, tip)
    except Conflict:
        there = await azure.branch_tip(run.repository_id, branch)
        if there is None:
            raise  # something else is in the way, e.g. a branch called like the first part
        tip, outcome = there, Outcome.WAS_THERE

    def link(session: Session, now: datetime) -> None:
        store_ticket(session, found.ticket, now=now)
        store_link(session, run.place, run.request, branch=branch, now=now)

    await run.record(
        Step.BRANCH,
        outcome,
        branch,
        made={"tip": tip},
        also=link,
        branch=branch,
        base=found.base,
        title=found.ticket.title,
        ticket_url=found.ticket.web_url,
    )


async def push_ticket_file(run: Run, found: Findings) -> None:
    """Push ``.tickets/N.md``; a file that is there already is left as it is."""
    path = ticket_path(found.ticket.number)
    published = open_from(found.active, run.branch, found.base)
    if published is not None and not published.is_draft:
        # A push to a pull request under review would reset its votes.
        reason = f"pull request {published.number} is under review already"
        await run.record(Step.FILE, Outcome.LEFT_OUT, reason)
        return
    tip = str(run.made(Step.BRANCH, "tip"))
    for attempt in range(1, PUSH_ATTEMPTS + 1):
        try:
            pushed = await run.azure.push_file(
                run.repository_id,
                run.branch,
                tip,
                path,
                ticket_markdown(found.ticket),
                f"Add ticket {found.ticket.number}\n\n#{found.ticket.number}",
            )
        except Conflict:
            if await run.azure.file_text(run.repository_id, run.branch, path) is not None:
                await run.record(Step.FILE, Outcome.WAS_THERE, path)
                return
            newer = await run.azure.branch_tip(run.repository_id, run.branch)
            if newer is None or attempt == PUSH_ATTEMPTS:
                raise
            tip = newer
        else:
            await _record(run, path, pushed)
            return


async def _record(run: Run, path: str, pushed: PushedFile) -> None:
    def remember_us(session: Session, _: datetime) -> None:
        """Our own account, before the pull request is opened with it: not asked for once more."""
        connection = run.place.connection.name
        if pushed.by is not None and not own_account(session, connection):
            remember_own_account(session, connection, pushed.by)

    made = {"commit": pushed.commit}
    await run.record(Step.FILE, Outcome.DONE, path, made=made, also=remember_us)
