"""``start ticket`` against the sandbox over HTTP: the plain case and what it adopts."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.workflows.start_ticket import start_ticket
from bot.workflows.start_ticket_types import (
    Outcome,
    Refusal,
    RepositoryWanted,
    StartedTicket,
    StartRefused,
    Step,
)
from storage.queries import connections
from storage.tables import AuditRow, Connection, ConversationRow, Person, RepositoryRow
from tests.bot.workflows.conftest import CHANNEL, CONNECTION, World


async def started(world: World, ticket: int, **values: object) -> StartedTicket:
    result = await start_ticket(world.services, world.order(ticket, **values))
    assert isinstance(result, StartedTicket), result
    return result


async def refused(world: World, ticket: int, **values: object) -> StartRefused:
    result = await start_ticket(world.services, world.order(ticket, **values))
    assert isinstance(result, StartRefused), result
    return result


def outcomes(result: StartedTicket) -> dict[Step, Outcome]:
    return {report.step: report.outcome for report in result.steps}


async def configure_reviewers(world: World, *ids: str) -> None:
    def change(session: Session) -> None:
        row = session.get_one(RepositoryRow, ("contoso", world.shop.id))
        row.reviewers = list(ids)
        session.add(row)

    await world.db.write(change)


async def test_everything_is_made_in_azure_devops(world: World) -> None:
    ticket = world.ticket()
    await configure_reviewers(world, world.jonas_there.id)

    result = await started(world, ticket)

    assert result.failure == ""
    branch = f"feature/{ticket}-pay-later"
    assert result.branch == branch
    file = await world.sandbox.read_file(world.shop, f".tickets/{ticket}.md", branch)
    assert file is not None
    assert b"- [ ] An invoice is sent\n- [ ] A reminder after 14 days" in file
    made = world.sandbox.pull_request(result.pull_request)
    assert made.is_draft
    assert made.title == "Pay later"
    assert made.description.startswith(f"Ticket #{ticket}\n\n## Acceptance criteria\n\n- [ ] An")
    assert made.target_ref == "refs/heads/main"
    assert list(made.reviewers) == [world.jonas_there.id]
    item = world.sandbox.work_item(ticket)
    assert item.fields["System.State"] == "Active"
    assert item.fields["System.AssignedTo"].unique_name == "maya@example.com"
    relations = " ".join(relation.url for relation in item.relations).lower()
    assert f"pullrequestid/{world.project.id}%2f{world.shop.id}%2f{made.id}" in relations
    assert f"gbfeature%2f{ticket}-pay-later" in relations
    assert set(outcomes(result).values()) == {Outcome.DONE}


async def test_links_audit_and_card_are_stored(world: World) -> None:
    ticket = world.ticket()
    result = await started(world, ticket)

    (link,) = await world.links()
    assert (link.ticket, link.branch, link.pull_request) == (
        ticket,
        result.branch,
        result.pull_request,
    )
    assert link.origin == "start"
    subject = f"ticket/contoso/{ticket}"
    entries = await world.read(
        lambda s: s.exec(select(AuditRow).where(AuditRow.subject == subject)).all()
    )
    assert {each.actor for each in entries} == {"Maya Sample <maya@example.com>"}
    assert {f"start_ticket.{step}" for step in Step} <= {each.action for each in entries}
    state = next(each for each in entries if each.action == "start_ticket.state")
    assert state.before == {"state": "New"}
    stored = await world.stored(result.pull_request)
    cards = [row for row in await world.outbox() if row.kind == "card"]
    assert [(row.conversation_id, row.pull_request_id) for row in cards] == [(CHANNEL, stored.id)]


async def test_the_plain_case_takes_at_most_nine_calls(world: World) -> None:
    ticket = world.ticket()
    await configure_reviewers(world, world.jonas_there.id)
    world.sandbox.calls.clear()

    assert (await started(world, ticket)).failure == ""
    assert len(world.calls()) <= 9, world.calls()


async def test_the_first_start_takes_no_call_more(world: World) -> None:
    """Fresh from `pullcord connect`: neither the asker's identity nor our own account is stored."""
    await configure_reviewers(world, world.jonas_there.id, world.bot_there.id)
    await world.db.write(forget_own_account)
    ticket = world.ticket()
    world.sandbox.calls.clear()

    result = await started(world, ticket)
    assert result.failure == ""
    assert len(world.calls()) <= 9, world.calls()
    made = world.sandbox.pull_request(result.pull_request)
    assert list(made.reviewers) == [world.jonas_there.id]  # not ourselves
    stored = await world.stored(result.pull_request)
    assert stored.author_id == world.maya_there.id.lower()


def forget_own_account(session: Session) -> None:
    connection = session.get_one(Connection, CONNECTION)
    connection.settings = {}
    session.add(connection)


async def test_reading_is_done_side_by_side(world: World) -> None:
    """All four reads are under way before the first is answered."""
    ticket = world.ticket()
    gate = asyncio.Event()
    waiting = world.sandbox.faults.add("GET", delay=gate)
    task = asyncio.create_task(started(world, ticket))
    await world.reached(waiting, 4)
    gate.set()
    assert (await task).failure == ""


async def test_started_again_it_makes_nothing_and_says_so(world: World) -> None:
    ticket = world.ticket()
    first = await started(world, ticket)
    world.sandbox.calls.clear()

    again = await started(world, ticket, asker=world.jonas)

    assert world.calls() == []
    assert not again.is_new
    assert again.pull_request == first.pull_request
    assert len(await world.links()) == 1


async def test_the_reviewer_is_the_one_with_the_fewest_open_reviews_never_the_asker(
    world: World,
) -> None:
    await world.pull_request("one", world.maya_there, reviewers=[world.jonas_there])
    await world.pull_request(
        "two", world.jonas_there, reviewers=[world.maya_there, world.bot_there]
    )
    number = await world.pull_request("three", world.maya_there, reviewers=[world.priya_there])
    await world.sandbox.vote(number, world.priya_there, 10)

    result = await started(world, world.ticket())

    made = world.sandbox.pull_request(result.pull_request)
    assert list(made.reviewers) == [world.priya_there.id]


async def test_the_asker_is_not_asked_even_with_fewer_reviews_than_all_others(
    world: World,
) -> None:
    await configure_reviewers(world, world.maya_there.id, world.jonas_there.id)
    await world.pull_request("one", world.priya_there, reviewers=[world.jonas_there])

    result = await started(world, world.ticket())

    made = world.sandbox.pull_request(result.pull_request)
    assert list(made.reviewers) == [world.jonas_there.id]


async def test_a_reviewer_who_is_away_is_left_out(world: World) -> None:
    await configure_reviewers(world, world.jonas_there.id)
    ticket = world.ticket()
    away = world.clock.now + timedelta(days=3)

    def leave(session: Session) -> None:
        person = session.get_one(Person, world.jonas.id)
        person.away_until = away
        session.add(person)

    await world.db.write(leave)
    # Jonas is matched when he is first seen in Azure DevOps.
    await start_ticket(world.services, world.order(world.ticket("Other"), asker=world.jonas))

    result = await started(world, ticket)
    assert outcomes(result)[Step.REVIEWER] is Outcome.LEFT_OUT
    assert not world.sandbox.pull_request(result.pull_request).reviewers


async def test_no_pr_makes_none_and_a_later_order_adds_it(world: World) -> None:
    ticket = world.ticket()
    without = await started(world, ticket, wants_pull_request=False)
    assert without.failure == ""
    assert without.pull_request == 0
    assert Step.PULL_REQUEST not in outcomes(without)

    with_it = await started(world, ticket)
    assert with_it.pull_request > 0
    assert with_it.branch == without.branch
    (link,) = await world.links()
    assert link.pull_request == with_it.pull_request


async def test_a_pull_request_opened_by_hand_after_no_pr_is_adopted_and_linked(
    world: World,
) -> None:
    ticket = world.ticket()
    without = await started(world, ticket, wants_pull_request=False)
    number = await world.pull_request(without.branch, world.jonas_there)

    result = await started(world, ticket)

    assert result.pull_request == number
    urls = [each.url.lower() for each in world.sandbox.work_item(ticket).relations]
    assert sum(f"pullrequestid/{world.project.id}" in url for url in urls) == 1
    assert len(urls) == len(set(urls))


async def test_from_another_branch_the_pull_request_targets_it(world: World) -> None:
    await world.sandbox.create_branch(world.shop, "release/2.0", world.maya_there)
    result = await started(world, world.ticket(), base_branch="release/2.0")
    made = world.sandbox.pull_request(result.pull_request)
    assert made.target_ref == "refs/heads/release/2.0"


async def test_a_branch_and_file_that_are_there_are_adopted(world: World) -> None:
    ticket = world.ticket()
    branch = f"feature/{ticket}-pay-later"
    await world.sandbox.commit(
        world.shop, branch, {f".tickets/{ticket}.md": "mine\n"}, world.jonas_there, "By hand"
    )

    result = await started(world, ticket)

    assert outcomes(result)[Step.BRANCH] is Outcome.WAS_THERE
    assert outcomes(result)[Step.FILE] is Outcome.WAS_THERE
    file = await world.sandbox.read_file(world.shop, f".tickets/{ticket}.md", branch)
    assert file == b"mine\n"
    assert result.pull_request > 0


async def test_an_open_pull_request_of_the_branch_is_adopted(world: World) -> None:
    ticket = world.ticket()
    branch = f"feature/{ticket}-pay-later"
    number = await world.pull_request(branch, world.jonas_there, reviewers=[world.priya_there])

    result = await started(world, ticket)

    assert result.pull_request == number
    assert outcomes(result)[Step.PULL_REQUEST] is Outcome.WAS_THERE
    assert outcomes(result)[Step.REVIEWER] is Outcome.WAS_THERE
    assert outcomes(result)[Step.FILE] is Outcome.LEFT_OUT  # it is under review
    urls = [each.url.lower() for each in world.sandbox.work_item(ticket).relations]
    assert any(url.endswith(f"%2f{number}") for url in urls)


async def test_a_pull_request_linked_to_the_ticket_is_adopted_whatever_its_branch(
    world: World,
) -> None:
    ticket = world.ticket()
    number = await world.pull_request("users/jonas/x", world.jonas_there, work_items=[ticket])

    result = await started(world, ticket)

    assert result.pull_request == number
    assert result.branch == "users/jonas/x"
    assert await world.sandbox.tip(world.shop, f"feature/{ticket}-pay-later") is None


async def test_a_pull_request_without_reviewers_gets_one(world: World) -> None:
    await configure_reviewers(world, world.jonas_there.id, world.priya_there.id)
    ticket = world.ticket()
    number = await world.pull_request(f"feature/{ticket}-pay-later", world.jonas_there, draft=True)
    result = await started(world, ticket)
    assert list(world.sandbox.pull_request(number).reviewers) == [world.priya_there.id]
    assert outcomes(result)[Step.FILE] is Outcome.DONE


async def test_a_finished_ticket_is_refused_and_started_only_anyway(world: World) -> None:
    ticket = world.ticket(state="Closed")
    answer = await refused(world, ticket)
    assert answer.refusal is Refusal.FINISHED
    assert "anyway" in answer.message
    assert await world.sandbox.tip(world.shop, f"feature/{ticket}-pay-later") is None

    result = await started(world, ticket, anyway=True)
    assert result.failure == ""
    assert world.sandbox.work_item(ticket).fields["System.State"] == "Closed"
    assert outcomes(result)[Step.STATE] is Outcome.WAS_THERE


async def test_a_ticket_of_somebody_else_is_taken_only_anyway(world: World) -> None:
    ticket = world.ticket(assigned_to="jonas@example.com")
    answer = await refused(world, ticket)
    assert answer.refusal is Refusal.TAKEN
    assert "Jonas Sample" in answer.message

    await started(world, ticket, anyway=True)
    owner = world.sandbox.work_item(ticket).fields["System.AssignedTo"]
    assert owner.unique_name == "maya@example.com"


async def test_a_ticket_in_progress_is_not_moved(world: World) -> None:
    ticket = world.ticket(state="Resolved", assigned_to="maya@example.com")
    result = await started(world, ticket)
    assert outcomes(result)[Step.STATE] is Outcome.WAS_THERE
    assert outcomes(result)[Step.ASSIGNED] is Outcome.WAS_THERE
    assert world.sandbox.work_item(ticket).fields["System.State"] == "Resolved"


async def test_the_state_comes_from_the_process(world: World) -> None:
    basic = world.sandbox.add_project("Tools", process="Basic")
    number = world.sandbox.add_work_item(basic, "Issue", "Oil the hinges")
    await started(world, number)
    assert world.sandbox.work_item(number).fields["System.State"] == "Doing"


async def test_an_unknown_ticket_is_told_plainly(world: World) -> None:
    answer = await refused(world, 98765)
    assert answer.refusal is Refusal.NO_TICKET
    assert "98765" in answer.message


async def test_an_unknown_base_branch_is_told_plainly(world: World) -> None:
    answer = await refused(world, world.ticket(), base_branch="nowhere")
    assert answer.refusal is Refusal.NO_BRANCH


async def test_somebody_unknown_in_azure_devops_is_refused(world: World) -> None:
    """CHECKS 24: a command by somebody who is not linked."""
    stranger = Person(teams_user_id="29:x", name="Lena Sample", mail="lena@example.com")

    def meet(session: Session) -> None:
        session.add(stranger)
        session.flush()

    await world.db.write(meet)
    ticket = world.ticket()
    answer = await refused(world, ticket, asker=stranger)
    assert answer.refusal is Refusal.NOT_LINKED
    assert "link me as" in answer.message
    assert world.sandbox.work_item(ticket).fields["System.State"] == "New"


async def test_a_misspelt_repository_gets_the_nearest_suggested(world: World) -> None:
    answer = await refused(world, world.ticket(), repository="shopp")
    assert answer.refusal is Refusal.NO_REPOSITORY
    assert answer.suggestions == ("shop",)


async def test_a_repository_not_seen_before_is_found_in_any_case(world: World) -> None:
    await world.sandbox.add_repository(world.project, "Web App", files={"a": "a"})
    result = await started(world, world.ticket(), repository="web app")
    assert result.repository == "Web App"


@pytest.mark.parametrize("chosen", ["by use", "when connecting"])
async def test_with_several_repositories_it_asks_and_the_default_answers(
    world: World, chosen: str
) -> None:
    other = await world.sandbox.add_repository(world.project, "web", files={"a": "a"})
    await world.db.write(lambda s: s.add(world.row_of(other)))
    ticket = world.ticket()

    asked = await start_ticket(world.services, world.order(ticket))
    assert isinstance(asked, RepositoryWanted)
    assert asked.names == ("shop", "web")

    def default(session: Session) -> None:
        row = session.get_one(ConversationRow, CHANNEL)
        connection = session.get_one(Connection, "contoso")
        if chosen == "by use":
            row.default_connection, row.default_repository = "contoso", other.id
        else:
            connection.settings = {"default_repositories": {"": f"{world.project.name}/web"}}
        session.add(row)
        session.add(connection)

    await world.db.write(default)
    assert (await started(world, ticket)).repository == "web"


async def test_the_only_followed_repository_is_meant(world: World) -> None:
    other = await world.sandbox.add_repository(world.project, "web", files={"a": "a"})
    await world.db.write(lambda s: s.add(world.row_of(other)))
    await world.subscribe()
    assert (await started(world, world.ticket())).repository == "shop"


async def test_two_people_at_the_same_moment_make_one_run(world: World) -> None:
    ticket = world.ticket()
    results = await asyncio.gather(
        start_ticket(world.services, world.order(ticket)),
        start_ticket(world.services, world.order(ticket, asker=world.jonas)),
    )
    done = [each for each in results if isinstance(each, StartedTicket)]
    told = [each for each in results if isinstance(each, StartRefused)]
    assert len(done) == 1
    assert [each.refusal for each in told] == [Refusal.RUNNING]
    assert "Sample is starting ticket" in told[0].message
    assert len(world.sandbox._org.pull_requests) == 1


async def test_after_its_pull_request_is_over_the_ticket_can_be_started_anew(world: World) -> None:
    ticket = world.ticket()
    first = await started(world, ticket)
    await world.sandbox.abandon(first.pull_request, world.maya_there)
    await world.reads.read("contoso", first.pull_request, cause="test")

    again = await started(world, ticket)
    assert again.pull_request != first.pull_request
    assert again.branch == first.branch


async def test_nothing_is_ever_completed(world: World) -> None:
    result = await started(world, world.ticket())
    assert world.sandbox.pull_request(result.pull_request).status == "active"
    assert not any("completed" in call for call in world.calls())


async def test_a_paused_connection_is_told(world: World) -> None:
    await world.db.write(lambda s: connections.pause(s, "contoso", reason="the token expired."))
    answer = await refused(world, world.ticket())
    assert answer.refusal is Refusal.UNAVAILABLE
    assert "the token expired" in answer.message


async def test_an_order_of_another_connection_by_name_is_refused(world: World) -> None:
    order = replace(world.order(world.ticket()), connection="fabrikam")
    answer = await start_ticket(world.services, order)
    assert isinstance(answer, StartRefused)
    assert answer.refusal is Refusal.NO_CONNECTION
