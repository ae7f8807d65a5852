"""Steps of "start ticket" on the pull request: opening it as a draft, and asking for a review."""

from datetime import datetime

from sqlmodel import Session

from bot.model import Identity, PullRequestSnapshot, branch_name
from bot.ports import Conflict, Rejected
from bot.recording import record_snapshot, show_card
from bot.reviewer_choice import Candidate, choose_reviewer
from bot.ticket_file import pull_request_description, pull_request_title
from bot.workflows.findings import Findings, open_from, whole_ref
from bot.workflows.links import store_link
from bot.workflows.reviewer_pool import reviewer_pool
from bot.workflows.run import Run
from bot.workflows.start_ticket_types import Outcome, Step

NOBODY = "nobody has reviewed here yet, or all are away"


async def open_pull_request(run: Run, found: Findings) -> None:
    """Open a draft with its reviewer and ticket in one call, or take the one that is open."""
    there = open_from(found.active, run.branch, found.base)
    if there is not None:
        await _adopt(run, found, there)
        return
    reviewer = await _choose(run, found)
    try:
        try:
            made = await _create(run, found, reviewer)
            refused = ""
        except Rejected as error:
            if reviewer is None:
                raise
            # Perhaps because of the reviewer (left, no access). If not, this is refused too.
            made = await _create(run, found, None)
            refused = f"{reviewer.name} could not be asked: {error}"
    except Conflict:
        again = await run.azure.pull_requests(
            project=run.place.repository.project_id,
            repository=run.repository_id,
            source_ref=whole_ref(run.branch),
        )
        there = open_from(again, run.branch, found.base)
        if there is None:
            raise
        await _adopt(run, found, there)
        return
    await _record(run, found, made, Outcome.DONE)
    if refused:
        await run.record(Step.REVIEWER, Outcome.LEFT_OUT, refused)
    else:
        await _record_reviewer(run, reviewer)


async def ask_for_review(run: Run, found: Findings) -> None:
    """Add a reviewer to a pull request that has none; one who is there is enough."""
    there = await run.azure.pull_request(int(run.made(Step.PULL_REQUEST, "number")))
    people = [each.identity for each in there.reviewers if not each.identity.is_group]
    others = [each for each in people if each.id != there.author.id]
    if others:
        await run.record(Step.REVIEWER, Outcome.WAS_THERE, others[0].display_name)
        return
    reviewer = await _choose(run, found, author=there.author)
    if reviewer is not None:
        await run.azure.add_reviewer(run.repository_id, there.number, reviewer.identity_id)
    await _record_reviewer(run, reviewer)


async def _create(run: Run, found: Findings, reviewer: Candidate | None) -> PullRequestSnapshot:
    return await run.azure.create_pull_request(
        run.repository_id,
        source_ref=whole_ref(run.branch),
        target_ref=whole_ref(found.base),
        title=pull_request_title(found.ticket),
        description=pull_request_description(found.ticket),
        is_draft=True,
        reviewer_ids=(reviewer.identity_id,) if reviewer else (),
        ticket_numbers=(found.ticket.number,),
    )


async def _adopt(run: Run, found: Findings, there: PullRequestSnapshot) -> None:
    whole = await run.azure.pull_request(there.number)
    # What was linked after "no pr" does not hold this one.
    await run.forget(Step.LINKS)
    await _record(run, found, whole, Outcome.WAS_THERE)


async def _record(
    run: Run, found: Findings, snapshot: PullRequestSnapshot, outcome: Outcome
) -> None:
    request = run.request

    def link_and_show(session: Session, now: datetime) -> None:
        branch = branch_name(snapshot.source_ref)
        number = snapshot.number
        store_link(session, run.place, request, branch=branch, pull_request=number, now=now)
        recorded = record_snapshot(
            session, snapshot, cause=request.cause, actor=request.actor, now=now
        )
        show_card(session, request.conversation_id, recorded.pull_request_id, request.cause, now)

    detail = str(snapshot.number)
    if outcome is Outcome.WAS_THERE:
        detail += f" by {snapshot.author.display_name}"
    await run.record(
        Step.PULL_REQUEST,
        outcome,
        detail,
        made={
            "number": snapshot.number,
            "url": snapshot.web_url,
            "author": snapshot.author.id,
            "is_linked": outcome is Outcome.DONE,
        },
        also=link_and_show,
    )


async def _choose(run: Run, found: Findings, author: Identity | None = None) -> Candidate | None:
    pool = await reviewer_pool(run.services, run.azure, run.place, found.active)
    excluded = pool.excluded | {found.asker.id.lower()}
    if author is not None:
        excluded |= {author.id.lower()}
    return choose_reviewer(
        pool.candidates, found.active, excluded=excluded, ticket=found.ticket.number
    )


async def _record_reviewer(run: Run, reviewer: Candidate | None) -> None:
    if reviewer is None:
        await run.record(Step.REVIEWER, Outcome.LEFT_OUT, NOBODY)
        return
    made = {"identity": reviewer.identity_id}
    await run.record(Step.REVIEWER, Outcome.DONE, reviewer.name, made=made)
