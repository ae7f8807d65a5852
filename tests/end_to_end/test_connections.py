"""Credentials that expire, are refused and renewed, while the bot runs; two organisations."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import Session

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from bot.connections.conventions import Conventions, with_conventions
from bot.jobs import CONNECTIONS
from storage.queries import connections
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox
from storage.tables import Connection, Credential
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene
from tests.end_to_end.virtual_time import BEGIN

NAME = "contoso"


class Days:
    """A clock that a test moves by days."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> object:
        self.now += timedelta(microseconds=10)
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
async def days() -> Days:
    return Days()


@pytest.fixture
async def scene(opened: OpenScene, days: Days) -> Scene:
    made = await opened(clock=days, sweep_minutes=60_000)
    await made.move_in()
    return made


def box(scene: Scene) -> SecretBox:
    return SecretBox(scene.stage.settings.secret_keys)


async def held(scene: Scene) -> list[Credential]:
    return await scene.read(lambda s: list(connections.credentials(s, NAME)))


async def give(
    scene: Scene, days: Days, label: str, *, lasts: timedelta | None = None, told: bool = True
) -> str:
    """One more credential, with an end that Azure DevOps keeps; told: also to Pullcord."""
    account = scene.azure.organization.people.by_name("priya@example.com")
    assert account is not None
    ends = days.now + lasts if lasts else None
    token = scene.azure.issue_pat(account, expires_at=ends)
    new = NewCredential("pat", token, label=label, expires_at=ends if told else None)
    await scene.stage.bot.db.write(
        lambda s: connections.add_credential(s, NAME, new, box(scene), now=days.now)
    )
    return token


async def only(scene: Scene, days: Days, label: str, **how: object) -> str:
    """This credential instead of all others."""
    for each in await held(scene):
        remove = partial(connections.remove_credential, credential_id=each.id or 0)
        await scene.stage.bot.db.write(remove)
    token = await give(scene, days, label, **how)  # type: ignore[arg-type]  # as give takes them
    forget_clients(scene)
    return token


def forget_clients(scene: Scene) -> None:
    """As when ten seconds have passed."""
    for known in scene.stage.bot.azure_devops._clients.values():
        known.checked_at = float("-inf")


async def looks(scene: Scene) -> None:
    """The watch comes round."""
    await scene.stage.bot.jobs.run_now(CONNECTIONS)
    await scene.stage.settle()


async def state(scene: Scene) -> Connection:
    found = await scene.read(lambda s: connections.get(s, NAME))
    assert found is not None
    return found


def count(lines: list[str], text: str) -> int:
    return sum(text in line for line in lines)


def in_channel(scene: Scene) -> list[str]:
    return [str(message.card or message.text) for message in scene.channel.all_messages()]


async def test_administrators_are_warned_fourteen_seven_three_and_one_day_before(
    scene: Scene, days: Days
) -> None:
    await only(scene, days, "main", lasts=timedelta(days=20))
    said: list[int] = []
    for _ in range(20):
        before = len(scene.direct(scene.priya))
        await looks(scene)
        await looks(scene)
        new = scene.direct(scene.priya)[before:]
        assert len(new) <= 1
        if new:
            assert new[0].startswith("A credential of contoso expires ")
            said.append(round((BEGIN + timedelta(days=20) - days.now).total_seconds() / 86_400))
        days.pass_by(days=1)
    assert said == [14, 7, 3, 1]
    assert scene.direct(scene.maya) == []


async def test_at_expiry_it_pauses_says_so_and_goes_on_by_itself_with_what_was_missed(
    scene: Scene, days: Days
) -> None:
    await only(scene, days, "main", lasts=timedelta(hours=2))
    await looks(scene)
    assert (await state(scene)).paused_reason == ""
    days.pass_by(hours=3)
    await looks(scene)
    paused = (await state(scene)).paused_reason
    assert "main" in paused
    assert "has expired" in paused
    assert count(in_channel(scene), "Azure DevOps contoso is paused") == 1
    assert count(scene.direct(scene.priya), "does not work any more: main") == 1
    (answer,) = await scene.says(scene.priya, "sync pr 1")
    assert "has expired" in answer
    (status,) = await scene.says(scene.maya, "status")
    assert "paused" in status

    scene.azure.hooks.subscriptions.clear()  # what happens now comes by no webhook
    made = await scene.opens(scene.jonas, "Missed while paused")
    assert scene.cards(made, scene.channel) == []
    await give(scene, days, "fresh")
    await looks(scene)
    assert (await state(scene)).paused_reason == ""
    assert count(in_channel(scene), "Azure DevOps contoso goes on") == 1
    assert "Missed while paused" in scene.card_text(made)
    actions = [entry.action for entry in await scene.audit()]
    assert actions.count("connection.paused") == actions.count("connection.resumed") == 1


async def test_a_refused_credential_that_works_again_is_noticed_within_a_minute(
    scene: Scene, days: Days
) -> None:
    await only(scene, days, "main")
    scene.azure.faults.add(status=401)
    days.pass_by(minutes=31)
    await looks(scene)
    assert (await state(scene)).paused_reason
    scene.azure.faults.clear()
    days.pass_by(minutes=1)
    await looks(scene)
    assert (await state(scene)).paused_reason == ""
    assert count(in_channel(scene), "Azure DevOps contoso goes on") == 1


async def test_a_webhook_that_comes_while_paused_is_kept(scene: Scene, days: Days) -> None:
    token = await only(scene, days, "main")
    scene.azure.revoke_pat(token)
    days.pass_by(minutes=31)
    await looks(scene)
    assert (await state(scene)).paused_reason
    made = await scene.opens(scene.maya, "Came while paused")
    assert "Came while paused" in scene.card_text(made)
    await give(scene, days, "fresh")
    await looks(scene)
    assert not [row for row in await scene.inbox() if row.state == "dead"]
    assert len(scene.cards(made, scene.channel)) == 1


async def test_one_of_two_is_set_aside_and_the_other_goes_on(scene: Scene, days: Days) -> None:
    first = await only(scene, days, "first")
    await give(scene, days, "second")
    forget_clients(scene)
    scene.azure.revoke_pat(first)
    made = await scene.opens(scene.maya, "Goes on")
    await scene.says(scene.maya, f"sync pr {made.id}")
    await scene.says(scene.maya, f"sync pr {made.id}")
    by_label = {each.label: each for each in await held(scene)}
    assert by_label["first"].failed_at is not None
    assert by_label["second"].failed_at is None
    assert (await state(scene)).paused_reason == ""
    assert count(scene.direct(scene.priya), "does not work any more: first") == 1
    assert count(in_channel(scene), "is paused") == 0


async def test_credentials_share_the_load(scene: Scene, days: Days) -> None:
    await only(scene, days, "first")
    await give(scene, days, "second")
    forget_clients(scene)
    azure = await scene.stage.bot.azure_devops(NAME)
    for _ in range(10):
        await azure.projects()
    pool = scene.stage.bot.azure_devops._clients[NAME].client._http._pool
    assert sorted(use.calls for use in pool._uses) == [5, 5]


async def test_administrators_test_a_connection_by_a_button_and_others_may_not(
    scene: Scene,
) -> None:
    (shown,) = await scene.says(scene.priya, "connections", scene.chat_of(scene.priya))
    assert "contoso" in shown
    (tested,) = await scene.says(
        scene.priya, "connections test contoso", scene.chat_of(scene.priya)
    )
    assert "contoso works" in tested
    (refused,) = await scene.says(scene.maya, "connections", scene.chat_of(scene.maya))
    assert "administrator" in refused


async def test_what_is_switched_off_is_not_told(scene: Scene, days: Days) -> None:
    def switch_off(session: Session) -> None:
        row = session.get_one(Connection, NAME)
        row.settings = with_conventions(row.settings, Conventions(pull_requests=False))
        session.add(row)

    await scene.stage.bot.db.write(switch_off)
    scene.stage.bot.intake._conventions._read_at = float("-inf")
    made = await scene.opens(scene.maya, "Nobody wants to know")
    assert scene.cards(made, scene.channel) == []
    assert {row.state for row in await scene.inbox()} <= {"unused", "done"}


async def test_two_organisations_are_told_apart_and_one_may_fail_alone(
    scene: Scene, days: Days, tmp_path: Path
) -> None:
    other = AzureDevOpsSandbox(tmp_path / "other", organization="fabrikam", clock=days)  # type: ignore[arg-type]  # returns a datetime
    await other.start()
    try:
        person = other.add_person("Pullcord Service", "pullcord@example.com")
        project = other.add_project("Plant")
        repository = await other.add_repository(project, "line", files={"a": "a"})
        token = other.issue_pat(person)

        def connect(session: Session) -> None:
            row = Connection(
                name="fabrikam", base_url=other.base_url, projects=["Plant"], created_at=days.now
            )
            connections.save(session, row)
            new = NewCredential("pat", token, label="plant")
            connections.add_credential(session, "fabrikam", new, box(scene), now=days.now)

        await scene.stage.bot.db.write(connect)
        await scene.sweeps()
        (answer,) = await scene.says(scene.priya, "subscribe Plant/line")
        assert "line" in answer
        await other.commit(repository, "feature/x", {"b": "b"}, person, "Work")
        await other.create_pull_request(repository, person, "feature/x", title="From the plant")
        await scene.sweeps()
        assert count(in_channel(scene), "From the plant") >= 1
        other.revoke_pat(token)
        await looks(scene)
        assert (await state(scene)).paused_reason == ""
        assert count(in_channel(scene), "Azure DevOps fabrikam is paused") == 1
        made = await scene.opens(scene.maya, "Contoso goes on")
        assert made.id == 1  # as the other's: numbers are told apart by their connection
        assert count(in_channel(scene), "Contoso goes on") == 1
    finally:
        await other.stop()
