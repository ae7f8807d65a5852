"""The client against an Azure DevOps that keeps state: a ticket's start, and trouble."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.azure_devops.client import AzureDevOpsClient
from adapters.azure_devops.credentials import EntraCredential, PatCredential
from adapters.azure_devops.http import TimeOuts
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity, SandboxRepository
from adapters.sandbox.azure_devops.addresses import Style
from adapters.sandbox.azure_devops.rest.authentication import SignInStyle
from bot.links import parse_link
from bot.model import PullRequestStatus, Vote
from bot.ports import AuthenticationFailed, Conflict, Rejected, Unreachable
from bot.ticket_links import branch_link, pull_request_link


@dataclass
class Place:
    """A sandbox with one repository and one ticket, and a client that is Pullcord's."""

    sandbox: AzureDevOpsSandbox
    client: AzureDevOpsClient
    bot: SandboxIdentity
    jonas: SandboxIdentity
    shop: SandboxRepository
    ticket: int
    token: str


@pytest.fixture(params=["services", "server"])
async def place(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    style: Style = request.param
    sandbox = AzureDevOpsSandbox(tmp_path / "git", style=style)
    await sandbox.start()
    bot = sandbox.add_person("Pullcord Service", "pullcord@example.com")
    jonas = sandbox.add_person("Jonas Sample", "jonas@example.com")
    token = sandbox.issue_pat(bot)
    project = sandbox.add_project("My Shop")
    shop = await sandbox.add_repository(project, "web shop", files={"README.md": "shop\n"})
    ticket = sandbox.add_work_item(project, "User Story", "Keep the basket", description="<b>x</b>")
    client = AzureDevOpsClient(
        "acme",
        sandbox.base_url,
        [PatCredential("pat", token)],
        api_version="7.1",
        timeouts=TimeOuts(connect_s=5.0, total_s=30.0),
    )
    yield Place(sandbox, client, bot, jonas, shop, ticket, token)
    await client.close()
    await sandbox.stop()


async def test_a_ticket_is_started_and_all_of_it_found_again(place: Place) -> None:
    client, shop = place.client, place.shop
    ticket = await client.ticket(place.ticket)
    states = await client.ticket_states(ticket.project_name, ticket.type)
    tip = await client.branch_tip(shop.id, "main")
    assert tip is not None
    branch = f"feature/{ticket.number}-keep-the-basket"
    await client.create_branch(shop.id, branch, tip)
    pushed = await client.push_file(shop.id, branch, tip, ".tickets/1.md", "# Größe\n", "Start")
    assert pushed.by is not None
    assert pushed.by.id == place.bot.id.lower()
    opened = await client.create_pull_request(
        shop.id,
        source_ref=f"refs/heads/{branch}",
        target_ref="refs/heads/main",
        title="Keep the basket",
        description="d" * 1000,
        is_draft=True,
        ticket_numbers=[ticket.number],
    )
    await client.add_reviewer(shop.id, opened.number, place.jonas.id, required=True)
    doing = next(state.name for state in states if state.category == "InProgress")
    pull_request = pull_request_link(opened.repository.project_id, shop.id, opened.number)
    branch_artifact = branch_link(opened.repository.project_id, shop.id, branch)
    moved = await client.update_ticket(
        ticket.number,
        rev=(await client.ticket(ticket.number)).rev,
        fields={"System.State": doing, "System.AssignedTo": place.jonas.unique_name},
        add_relations=[(pull_request, "Pull Request"), (branch_artifact, "Branch")],
    )
    # Opening the pull request linked the ticket already, so adding the link was no change.
    assert await client.branch_tip(shop.id, branch) == pushed.commit
    assert await client.file_text(shop.id, branch, "/.tickets/1.md") == "# Größe\n"
    assert (moved.state, moved.web_url.endswith(f"/_workitems/edit/{ticket.number}")) == (
        doing,
        True,
    )
    assert moved.assigned_to is not None
    assert moved.assigned_to.id == place.jonas.id.lower()
    relations = {url.casefold() for url in moved.relations}
    assert {pull_request.casefold(), branch_artifact.casefold()} <= relations
    snapshot = await client.pull_request(opened.number)
    assert (snapshot.is_draft, snapshot.title, len(snapshot.description)) == (
        True,
        "Keep the basket",
        1000,
    )
    assert [(r.identity.display_name, r.vote, r.required) for r in snapshot.reviewers] == [
        ("Jonas Sample", Vote.NONE, True)
    ]
    assert await client.pull_request_tickets(shop.id, opened.number) == [ticket.number]
    link = parse_link(snapshot.web_url)
    assert link is not None
    assert link.number == opened.number


async def test_doing_it_twice_is_a_conflict_and_not_a_second_one(place: Place) -> None:
    client, shop = place.client, place.shop
    tip = await client.branch_tip(shop.id, "main")
    assert tip is not None
    await client.create_branch(shop.id, "x", tip)
    with pytest.raises(Conflict):
        await client.create_branch(shop.id, "x", tip)
    commit = (await client.push_file(shop.id, "x", tip, "/a.md", "a", "a")).commit
    with pytest.raises(Conflict):
        await client.push_file(shop.id, "x", tip, "/b.md", "b", "the tip is not this any more")
    with pytest.raises(Conflict):
        await client.push_file(shop.id, "x", commit, "/a.md", "b", "the file is there")

    async def open_one() -> int:
        opened = await client.create_pull_request(
            shop.id,
            source_ref="refs/heads/x",
            target_ref="refs/heads/main",
            title="t",
            description="",
            is_draft=False,
        )
        return opened.number

    number = await open_one()
    with pytest.raises(Conflict) as caught:
        await open_one()
    assert caught.value.code == "TF401179"
    found = await client.pull_requests(project="My Shop", source_ref="refs/heads/x")
    assert [snapshot.number for snapshot in found] == [number]
    with pytest.raises(Conflict):
        await client.delete_branch(shop.id, "x", tip)
    await client.delete_branch(shop.id, "x", commit)
    assert await client.branch_tip(shop.id, "x") is None


async def test_names_that_are_no_branch_are_rejected(place: Place) -> None:
    tip = await place.client.branch_tip(place.shop.id, "main")
    assert tip is not None
    with pytest.raises(Rejected):
        await place.client.create_branch(place.shop.id, "a..b", tip)
    with pytest.raises((Rejected, Conflict)):
        await place.client.create_branch(place.shop.id, "fine", "1" * 40)


async def test_a_stale_revision_and_a_broken_rule_are_told_apart(place: Place) -> None:
    client, number = place.client, place.ticket
    ticket = await client.ticket(number)
    await client.update_ticket(number, rev=ticket.rev, fields={"System.Title": "Another"})
    with pytest.raises(Conflict):
        await client.update_ticket(number, rev=ticket.rev, fields={"System.Title": "Third"})
    with pytest.raises(Rejected, match=r"System\.State"):
        await client.update_ticket(number, fields={"System.State": "Nonsense"})


async def test_a_link_is_added_twice_and_removed_without_an_error(place: Place) -> None:
    client, shop = place.client, place.shop
    link = (branch_link(shop.project.id, shop.id, "main"), "Branch")
    await client.update_ticket(place.ticket, add_relations=[link])
    again = await client.update_ticket(
        place.ticket, fields={"System.Title": "Renamed"}, add_relations=[link]
    )
    assert (again.title, len(again.relations)) == ("Renamed", 1)
    bare = await client.update_ticket(place.ticket, remove_relation_urls=[link[0].upper()])
    assert bare.relations == ()


async def test_who_and_where_are_read(place: Place) -> None:
    client = place.client
    assert (await client.who_am_i()).id == place.bot.id.lower()
    assert [name for _, name in await client.projects()] == ["My Shop"]
    assert [found.name for found in await client.repositories("My Shop")] == ["web shop"]
    found = await client.find_identity("JONAS@example.com")
    assert found is not None
    assert found.id == place.jonas.id.lower()
    assert await client.find_identity("Jonas Sample") is None
    tickets = await client.tickets([place.ticket, 99_999])
    assert [ticket.number for ticket in tickets] == [place.ticket]
    assert await client.pull_requests(project="My Shop", status=PullRequestStatus.ACTIVE) == []


@pytest.mark.parametrize("answer", ["page", "redirect", "unauthorized"])
async def test_a_revoked_token_is_an_authentication_failure(
    place: Place, answer: SignInStyle
) -> None:
    place.sandbox.sign_in_style = answer
    place.sandbox.revoke_pat(place.token)
    with pytest.raises(AuthenticationFailed):
        await place.client.projects()


async def test_a_service_principals_token_is_accepted(place: Place) -> None:
    place.sandbox.accept_bearer("opaque-token", place.bot)

    async def token() -> str:
        return "opaque-token"

    client = AzureDevOpsClient("acme", place.sandbox.base_url, [EntraCredential("app", token)])
    assert (await client.who_am_i()).id == place.bot.id.lower()
    await client.close()


async def test_a_service_principals_refused_token_is_not_kept(place: Place) -> None:
    place.sandbox.sign_in_style = "unauthorized"
    place.sandbox.accept_bearer("second", place.bot)
    tokens = ["first", "second"]

    async def token() -> str:
        return tokens[0]

    client = AzureDevOpsClient(
        "acme", place.sandbox.base_url, [EntraCredential("app", token, tokens.remove)]
    )
    assert (await client.who_am_i()).id == place.bot.id.lower()
    assert tokens == ["second"]
    await client.close()


async def test_an_outage_is_unreachable_and_over_when_it_is_over_CHECKS_6(place: Place) -> None:
    await place.sandbox.take_down()
    with pytest.raises(Unreachable):
        await place.client.projects()
    await place.sandbox.bring_up()
    assert len(await place.client.projects()) == 1


async def test_a_write_that_was_done_without_an_answer_is_not_repeated(place: Place) -> None:
    client, shop = place.client, place.shop
    tip = await client.branch_tip(shop.id, "main")
    assert tip is not None
    place.sandbox.faults.add("POST", r"/refs", drop=True, after=True, times=1)
    with pytest.raises(Unreachable):
        await client.create_branch(shop.id, "x", tip)
    assert await client.branch_tip(shop.id, "x") == tip
    posts = [call for call in place.sandbox.calls if call.method == "POST"]
    assert len(posts) == 1
