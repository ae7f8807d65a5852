"""Start a ticket: branch, ticket file, draft pull request, reviewer, ticket in progress.

Every step is recorded when it is done, so that the same order again goes on where the last one
stopped: after a crash, after Azure DevOps failed half-way, or after somebody did a part by hand.
Nothing is merged or completed here.
"""

import logging
from datetime import timedelta

from sqlmodel import Session, select

from bot.log_text import log_safe
from bot.ports import AzureDevOpsError
from bot.recording import show_card
from bot.services import Services
from bot.workflows.branch_steps import make_branch, push_ticket_file
from bot.workflows.findings import Findings, Refused, look_up, refuse_unless_free
from bot.workflows.place import RUN_KIND, Place, find_place, run_key
from bot.workflows.pull_request_steps import ask_for_review, open_pull_request
from bot.workflows.run import Run
from bot.workflows.side_by_side import within
from bot.workflows.start_ticket_types import (
    Refusal,
    StartedTicket,
    StartRefused,
    StartTicketRequest,
    StartTicketResult,
    Step,
)
from bot.workflows.ticket_steps import update_ticket
from storage.queries import workflow_runs
from storage.tables import PullRequestRow

log = logging.getLogger(__name__)

READ_TIME_S = 8.0  # people are told within ten seconds when Azure DevOps does not answer
STEP_TIME_S = 45.0  # Azure DevOps may hold a call back for 30 s before it is over its limits
LEASE = timedelta(minutes=3)  # longer than the longest step: nobody takes over what still runs


async def start_ticket(services: Services, request: StartTicketRequest) -> StartTicketResult:
    """Start the ticket, or go on with its start. Safe to run again at any time.

    Azure DevOps failing is an answer (``failure``), not an exception; raises CannotStore only.
    """
    place = await find_place(services, request)
    if not isinstance(place, Place):
        return place
    try:
        azure = await services.azure_devops(place.connection.name)
    except AzureDevOpsError as error:
        return StartRefused(request.ticket, Refusal.UNAVAILABLE, str(error), error=error)
    claimed = await _claim(services, place, request)
    if not claimed.is_ours:
        who = claimed.requested_by.partition(" <")[0]
        message = f"{who} is starting ticket {request.ticket} at this moment."
        return StartRefused(request.ticket, Refusal.RUNNING, message)
    run = Run(services, azure, place, request, claimed)
    if await _is_still_done(run):
        return await _as_it_was(run)
    try:
        found = await within(READ_TIME_S, _read(run))
    except Refused as refused:
        await run.finish(workflow_runs.WAITING, str(refused))
        return refused.answer
    except AzureDevOpsError as error:
        await run.finish(workflow_runs.FAILED, str(error))
        if run.steps:
            return _result(run, None, str(error))
        return StartRefused(request.ticket, Refusal.UNAVAILABLE, str(error), error=error)
    return await _work(run, found)


async def _claim(
    services: Services, place: Place, request: StartTicketRequest
) -> workflow_runs.Claimed:
    now = services.clock()
    key = run_key(place.connection.name, request.ticket, place.repository.id)
    return await services.db.write(
        lambda s: workflow_runs.claim(
            s,
            kind=RUN_KIND,
            key=key,
            requested_by=request.actor,
            conversation_id=request.conversation_id,
            cause=request.cause,
            now=now,
            lease=LEASE,
        )
    )


async def _is_still_done(run: Run) -> bool:
    """Whether an earlier run did it all and its pull request is still open.

    When that pull request is over, this is a new piece of work and starts from the beginning.
    """
    number = run.made(Step.PULL_REQUEST, "number")
    if number is None or not run.was_done:
        return False
    connection = run.place.connection.name
    status = await run.services.db.read(lambda s: _stored_status(s, connection, int(number)))
    if status != "active":
        await run.forget(*Step)
        return False
    return not run.request.anyway


async def _read(run: Run) -> Findings:
    found = await look_up(run.services, run.azure, run.place, run.request, run.base)
    refuse_unless_free(found, run.request)
    await _forget_what_is_gone(run, found)
    return found


async def _forget_what_is_gone(run: Run, found: Findings) -> None:
    if run.is_done(Step.BRANCH) and not run.is_done(Step.PULL_REQUEST):
        tip = await run.azure.branch_tip(run.repository_id, run.branch)
        if tip is None:
            await run.forget(Step.BRANCH, Step.FILE, Step.LINKS)
    if run.request.anyway:
        await run.forget(Step.ASSIGNED)


async def _work(run: Run, found: Findings) -> StartedTicket:
    was_done = set(run.steps)
    failure = ""
    try:
        await _do_steps(run, found)
    except AzureDevOpsError as error:
        failure = str(error)
        log.warning(
            "start ticket %s!%s stopped: %s",
            run.place.connection.name,
            run.request.ticket,
            log_safe(failure),
        )
    await run.finish(workflow_runs.FAILED if failure else workflow_runs.DONE, failure)
    return _result(run, found, failure, is_new=set(run.steps) != was_done)


async def _do_steps(run: Run, found: Findings) -> None:
    if not run.is_done(Step.BRANCH):
        await within(STEP_TIME_S, make_branch(run, found))
    if not run.is_done(Step.FILE):
        await within(STEP_TIME_S, push_ticket_file(run, found))
    if run.request.wants_pull_request:
        if not run.is_done(Step.PULL_REQUEST):
            await within(STEP_TIME_S, open_pull_request(run, found))
        if not run.is_done(Step.REVIEWER):
            await within(STEP_TIME_S, ask_for_review(run, found))
    if not all(run.is_done(step) for step in (Step.ASSIGNED, Step.STATE, Step.LINKS)):
        await within(STEP_TIME_S, update_ticket(run, found))


async def _as_it_was(run: Run) -> StartedTicket:
    """Nothing is left to do: show the card here and say so."""
    request = run.request
    number = int(run.made(Step.PULL_REQUEST, "number"))
    connection = run.place.connection.name
    now = run.services.clock()

    def show(session: Session) -> None:
        row = _stored(session, connection, number)
        if row is not None and row.id is not None:
            show_card(session, request.conversation_id, row.id, request.cause, now)

    await run.services.db.write(show)
    await run.finish(workflow_runs.DONE)
    return _result(run, None, "", is_new=False)


def _result(
    run: Run, found: Findings | None, failure: str, *, is_new: bool = True
) -> StartedTicket:
    ticket = found.ticket if found else None
    return StartedTicket(
        connection=run.place.connection.name,
        ticket=run.request.ticket,
        title=ticket.title if ticket else str(run.inputs.get("title", "")),
        ticket_url=ticket.web_url if ticket else str(run.inputs.get("ticket_url", "")),
        repository=run.place.repository.name,
        branch=run.branch,
        pull_request=int(run.made(Step.PULL_REQUEST, "number") or 0),
        pull_request_url=str(run.made(Step.PULL_REQUEST, "url") or ""),
        steps=run.reports(),
        failure=failure,
        is_new=is_new,
    )


def _stored(session: Session, connection: str, number: int) -> PullRequestRow | None:
    return session.exec(
        select(PullRequestRow).where(
            PullRequestRow.connection == connection, PullRequestRow.number == number
        )
    ).first()


def _stored_status(session: Session, connection: str, number: int) -> str:
    row = _stored(session, connection, number)
    return row.status if row else ""
