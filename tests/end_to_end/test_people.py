"""What individual people are told, when, and how they change that: over HTTP, on the sandbox."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.sandbox.teams import Message, render_text
from bot.cli.demo.stage import SamplePerson
from bot.ports import utc_now
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import WELCOME, Scene

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


class Passing:
    """The real clock, moved to a Monday morning, and further when a test says so."""

    def __init__(self, begin: datetime = MONDAY) -> None:
        self._offset = begin - utc_now()

    def __call__(self) -> datetime:
        return utc_now() + self._offset

    def move(self, by: timedelta) -> None:
        self._offset += by


async def later(scene: Scene, clock: Passing, by: timedelta) -> None:
    clock.move(by)
    scene.stage.bot.held.wake()
    await scene.stage.settle()


async def moved_in(
    opened: OpenScene, clock: Passing, *, window: float = 60, **options: object
) -> Scene:
    made = await opened(
        clock=clock, review_window_seconds=window, quiet_hours=True, sweep_minutes=1e6, **options
    )
    await made.move_in()
    return made


def heard(scene: Scene, person: SamplePerson) -> list[str]:
    """All that the bot wrote in somebody's chat, whole."""
    return [render_text(m) for m in messages(scene, person)]


def messages(scene: Scene, person: SamplePerson) -> list[Message]:
    chat = scene.chat_of(person)
    return [m for m in chat.messages if m.from_bot and not render_text(m).startswith(WELCOME)]


async def test_a_vote_and_its_comments_are_one_message_and_one_reply(opened: OpenScene) -> None:
    clock = Passing()
    scene = await moved_in(opened, clock)
    jonas = scene.jonas.azure_devops
    made = await scene.opens(scene.maya, "Pay later", reviewers=[jonas])
    before = len(scene.thread(made))
    await scene.azure.comment(made, jonas, "Why twice?")
    await scene.azure.comment(made, jonas, "A test is missing")
    await scene.azure.vote(made, jonas, -5)
    await scene.stage.settle()
    assert scene.direct(scene.maya) == []
    assert len(scene.thread(made)) == before
    await later(scene, clock, timedelta(seconds=61))
    assert scene.direct(scene.maya) == [
        f"Jonas Sample waits for you on #{made.id} Pay later, with 2 comments"
    ]
    assert "“Why twice?” “A test is missing”" in heard(scene, scene.maya)[0]
    assert scene.thread(made)[before:] == [
        "Jonas Sample waits for the author, with 2 comments: “Why twice?” “A test is missing”"
    ]
    await later(scene, clock, timedelta(hours=1))
    assert len(heard(scene, scene.maya)) == 1


async def test_what_comes_after_a_review_does_not_overtake_it(opened: OpenScene) -> None:
    scene = await moved_in(opened, Passing())
    jonas = scene.jonas.azure_devops
    made = await scene.opens(scene.maya, "Pay later", reviewers=[jonas])
    await scene.azure.vote(made, jonas, 10)
    await scene.stage.settle()
    await scene.azure.complete(made, jonas)
    await scene.stage.settle()
    assert scene.thread(made)[-2:] == ["Jonas Sample approved", "Completed by Jonas Sample"]
    said = scene.direct(scene.maya)
    assert [text.split(" #")[0] for text in said] == [
        "Jonas Sample approved",
        "Jonas Sample completed",
    ]


async def test_a_reviewer_is_asked_again_with_what_changed_since(opened: OpenScene) -> None:
    clock = Passing()
    scene = await moved_in(opened, clock, window=0)
    maya, jonas = scene.maya.azure_devops, scene.jonas.azure_devops
    made = await scene.opens(scene.maya, "Pay later", reviewers=[jonas])
    await scene.azure.vote(made, jonas, -5)
    await scene.stage.settle()
    branch = made.source_ref.removeprefix("refs/heads/")
    repository = scene.stage.repository
    files = {"a.txt": "a\n", "b.txt": "b\n"}
    await scene.azure.commit(repository, branch, files, maya, "Mend it")
    await scene.stage.settle()
    again = heard(scene, scene.jonas)[1]
    assert again.startswith(
        f"New commits after your “waiting for author” on #{made.id} Pay later: please look again"
    )
    assert "Since your last look: 1 commit, 2 changed files" in again
    await scene.azure.commit(repository, branch, {"c.txt": "c\n"}, maya, "And more")
    await scene.stage.settle()
    assert len(heard(scene, scene.jonas)) == 2  # once per vote


async def test_who_wrote_in_a_thread_hears_replies_and_nobody_hears_himself(scene: Scene) -> None:
    maya, jonas, priya = (p.azure_devops for p in (scene.maya, scene.jonas, scene.priya))
    made = await scene.opens(scene.maya, "Pay later")
    thread = await scene.azure.comment(made, jonas, "Why twice?")
    await scene.stage.settle()
    await scene.azure.comment(made, maya, "Because.", thread_id=thread)
    await scene.stage.settle()
    assert scene.direct(scene.jonas) == [f"Maya Sample replied on #{made.id} Pay later: Because."]
    await scene.azure.comment(made, priya, f"@<{jonas.id}> agreed?", thread_id=thread)
    await scene.stage.settle()
    assert scene.direct(scene.jonas)[1:] == [
        f"Priya Sample mentioned you on #{made.id} Pay later: @Jonas Sample agreed?"
    ]
    assert [text.partition(" on ")[0] for text in scene.direct(scene.maya)] == [
        "Jonas Sample commented",
        "Priya Sample commented",
    ]
    assert scene.direct(scene.priya) == []


@pytest.mark.parametrize("mode", ["members", "rotation", "nobody"])
async def test_a_group_is_asked_through_its_members(opened: OpenScene, mode: str) -> None:
    scene = await opened(group_reviewers=mode)
    await scene.move_in()
    people = [scene.maya.azure_devops, scene.jonas.azure_devops, scene.priya.azure_devops]
    group = scene.azure.add_person("Web Team", "", is_group=True, members=people)
    for title in ("One", "Two", "Three"):
        await scene.opens(scene.maya, title, reviewers=[group])
    asked = [
        [text.partition(" of #")[2] for text in scene.direct(person)]
        for person in (scene.maya, scene.jonas, scene.priya)
    ]
    everybody = [f"{n} {title} from Web Team" for n, title in enumerate(("One", "Two", "Three"), 1)]
    turn = ": it is your turn for Web Team"
    expected = {
        "members": [[], everybody, everybody],
        "rotation": [[], [f"1 One{turn}", f"3 Three{turn}"], [f"2 Two{turn}"]],
        "nobody": [[], [], []],
    }
    assert asked == expected[mode]


async def test_nights_are_quiet_and_the_morning_has_one_message(opened: OpenScene) -> None:
    clock = Passing()
    scene = await moved_in(opened, clock, window=0)
    chat = scene.chat_of(scene.maya)
    await scene.says(scene.maya, "settings zone Europe/Berlin", chat)
    await scene.says(scene.maya, "settings urgent mention on", chat)
    before = len(heard(scene, scene.maya))
    jonas, maya = scene.jonas.azure_devops, scene.maya.azure_devops
    made = await scene.opens(scene.maya, "Pay later", reviewers=[jonas])
    other = await scene.opens(scene.maya, "Pay now")
    await later(scene, clock, timedelta(hours=9))  # 20:00 in Berlin
    await scene.azure.vote(made, jonas, 5)
    await scene.azure.comment(other, jonas, "Really?")
    await scene.stage.settle()
    assert len(heard(scene, scene.maya)) == before
    await scene.azure.comment(other, jonas, f"@<{maya.id}> urgent")
    await scene.stage.settle()
    assert len(heard(scene, scene.maya)) == before + 1
    await later(scene, clock, timedelta(hours=12))  # 8:00
    assert len(heard(scene, scene.maya)) == before + 1
    await later(scene, clock, timedelta(hours=1, minutes=1))
    [morning] = heard(scene, scene.maya)[before + 1 :]
    assert morning.startswith("Outside your working hours: 2 messages")
    assert "Jonas Sample approved" in morning
    assert f"#{other.id} Pay now" in morning
    assert "Really?" in morning
    assert "Why did I get this?" in morning
    await later(scene, clock, timedelta(days=2))
    assert len(heard(scene, scene.maya)) == before + 2


async def test_a_snooze_ends_with_one_message_and_a_mute_says_nothing(opened: OpenScene) -> None:
    clock = Passing()
    scene = await moved_in(opened, clock, window=0)
    chat = scene.chat_of(scene.maya)
    jonas = scene.jonas.azure_devops
    made = await scene.opens(scene.maya, "Pay later")
    muted = await scene.opens(scene.maya, "Noise")
    assert "Muted" in (await scene.says(scene.maya, f"mute pr {muted.id}", chat))[0]
    [told] = await scene.says(scene.maya, f"snooze {made.id} for 2 h", chat)
    assert told.startswith(f"Snoozed: #{made.id} Pay later")
    before = len(heard(scene, scene.maya))
    for pull_request in (made, muted):
        await scene.azure.comment(pull_request, jonas, "First")
        await scene.azure.vote(pull_request, jonas, 10)
    await scene.stage.settle()
    assert len(heard(scene, scene.maya)) == before
    await later(scene, clock, timedelta(hours=2, minutes=1))
    [woken] = heard(scene, scene.maya)[before:]
    assert woken.startswith(f"Jonas Sample approved #{made.id} Pay later, with 1 comment")
    assert "Noise" not in woken


async def test_away_waits_for_the_first_day_back(opened: OpenScene) -> None:
    clock = Passing()
    scene = await moved_in(opened, clock, window=0)
    chat = scene.chat_of(scene.jonas)
    await scene.says(scene.jonas, "settings urgent review asked on", chat)
    await scene.says(scene.jonas, "away until thursday", chat)
    before = len(heard(scene, scene.jonas))
    await scene.opens(scene.maya, "One", reviewers=[scene.jonas.azure_devops])
    await scene.opens(scene.maya, "Two", reviewers=[scene.jonas.azure_devops])
    await later(scene, clock, timedelta(days=2))
    assert len(heard(scene, scene.jonas)) == before
    await later(scene, clock, timedelta(days=1))
    [back] = heard(scene, scene.jonas)[before:]
    assert back.startswith("Outside your working hours: 2 messages")


async def test_the_form_saves_with_one_press(opened: OpenScene) -> None:
    scene = await moved_in(opened, Passing(), window=0)
    chat = scene.chat_of(scene.maya)
    await scene.says(scene.maya, "settings", chat)
    form = messages(scene, scene.maya)[-1]
    await scene.teams.press(
        scene.maya.teams,
        form,
        "Save",
        {"kind-vote": "off", "quiet": "off", "zone": "Europe/Berlin", "days": "0,1,2"},
    )
    await scene.stage.settle()
    saved = heard(scene, scene.maya)[-1]
    assert saved.startswith("Saved")
    assert "Never: vote" in saved
    assert "Mon, Tue, Wed, Europe/Berlin" in saved
    made = await scene.opens(scene.maya, "Pay later")
    before = len(heard(scene, scene.maya))
    await scene.azure.vote(made, scene.jonas.azure_devops, -10)
    await scene.stage.settle()
    assert len(heard(scene, scene.maya)) == before
    await scene.teams.press(scene.maya.teams, form, "Save", {"zone": "Mars/Olympus"})
    await scene.stage.settle()
    assert "is no time zone" in heard(scene, scene.maya)[-1]


async def test_every_direct_message_says_why_it_came_and_changes_that(scene: Scene) -> None:
    jonas, chat = scene.jonas.azure_devops, scene.chat_of(scene.maya)
    made = await scene.opens(scene.maya, "Pay later", reviewers=[jonas])
    await scene.azure.vote(made, jonas, -5)
    await scene.stage.settle()
    [asked] = messages(scene, scene.jonas)
    await scene.teams.press(scene.jonas.teams, asked, "Why did I get this?")
    [voted] = messages(scene, scene.maya)
    await scene.teams.press(scene.maya.teams, voted, "Why did I get this?")
    await scene.stage.settle()
    assert "You are a reviewer of this pull request." in heard(scene, scene.jonas)[-1]
    why = heard(scene, scene.maya)[-1]
    assert "It is your pull request." in why
    assert "“Votes on mine” comes at once." in why
    await scene.teams.press(scene.maya.teams, messages(scene, scene.maya)[-1], "vote: never")
    await scene.stage.settle()
    assert heard(scene, scene.maya)[-1].startswith("Saved")
    before = len(chat.messages)
    await scene.azure.vote(made, jonas, 10)
    await scene.stage.settle()
    assert scene.direct(scene.maya)[-1].endswith("nothing stands in its way: you can complete it")
    assert len(chat.messages) == before + 1
