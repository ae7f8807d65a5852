"""Each kind of event in each place: one world, one life of a pull request, exact messages.

A conversation for each place follows everything there; besides, the author and somebody who is not
concerned have it all in their own chats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from adapters.sandbox.teams import Conversation, Message, render_text
from bot.cli.demo.stage import SamplePerson
from bot.held_telling import READY_TOO
from bot.notices.kinds import EventKind, Place
from tests.end_to_end.scene import Scene
from tests.end_to_end.test_checks_builds_tickets import looks_at_checks

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP = "group chat"
PLACES = (*(place.value for place in Place), GROUP)
WORDS = {EventKind.REVIEW_ASKED: "reviews", EventKind.TICKET: "tickets", EventKind.BUILD: "builds"}
PR = "#1 Pay later"

TOLD: dict[EventKind, str] = {
    EventKind.CREATED: "Maya Sample opened this pull request",
    EventKind.REVIEW_ASKED: "Jonas Sample is asked for a review",
    EventKind.COMMITS: "1 new commit, now at {tip}",
    EventKind.COMMENT: "Jonas Sample commented: Why twice?",
    EventKind.MENTION: "Jonas Sample commented: @Priya Sample agreed?",
    EventKind.CHECKS: "The check lint failed",
    EventKind.VOTE: "Jonas Sample approved",
    EventKind.READY: "Approved, and it merges cleanly",
    EventKind.CONFLICT: f"{PR} has conflicts with main",
    EventKind.ABANDONED: "Abandoned by Jonas Sample",
    EventKind.PUBLISHED: "Published: ready for review",
    EventKind.COMPLETED: "Completed by Jonas Sample",
    EventKind.BUILD: "web-ci is broken on main",
    EventKind.TICKET: "Jonas Sample created Bug {ticket} Slow for Priya Sample",
}
"""What is said of each kind, in the order of what happens."""
OF_THE_SECOND = {EventKind.PUBLISHED, EventKind.COMPLETED}

AUTHOR: dict[EventKind, str] = {
    EventKind.COMMENT: f"Jonas Sample commented on {PR}: Why twice?",
    EventKind.MENTION: f"Jonas Sample commented on {PR}: @Priya Sample agreed?",
    EventKind.CHECKS: f"{PR}: The check lint failed",
    EventKind.VOTE: f"Jonas Sample approved {PR}. {READY_TOO}",
    EventKind.CONFLICT: f"{PR} has conflicts with main",
    EventKind.ABANDONED: f"Jonas Sample abandoned {PR}",
    EventKind.COMPLETED: "Jonas Sample completed #2 Search",
    EventKind.BUILD: "web-ci is broken on main",
    EventKind.TICKET: "Jonas Sample created Bug {ticket} Slow for Priya Sample",
}
"""What the author hears, who follows everything besides: nothing that she did herself."""
REVIEWER: dict[EventKind, str] = {
    EventKind.COMMITS: f"{PR}: {TOLD[EventKind.COMMITS]}",
    EventKind.BUILD: TOLD[EventKind.BUILD],
}
"""The reviewer did nearly all of it. What conversations have told directly reaches whom it
concerns: of commits those who review, of a build whose commit it was.
"""
FOLLOWER: dict[EventKind, str] = {
    **{
        kind: f"{'#2 Search' if kind in OF_THE_SECOND else PR}: {text}"
        for kind, text in TOLD.items()
    },
    EventKind.MENTION: f"Jonas Sample mentioned you on {PR}: @Priya Sample agreed?",
    EventKind.CONFLICT: TOLD[EventKind.CONFLICT],
    EventKind.BUILD: TOLD[EventKind.BUILD],
    EventKind.TICKET: "Jonas Sample created Bug {ticket} Slow for you",
}
"""Somebody who follows everything in her own chat, is mentioned and has the ticket."""


@dataclass
class Story:
    """What each place and each chat got while each kind happened."""

    scene: Scene
    places: Mapping[str, Conversation]
    heard: dict[tuple[str, EventKind], list[str]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    _known: dict[str, set[str]] = field(default_factory=dict)

    def note(self, *kinds: EventKind) -> None:
        """Write down what came since the last time, and sort it by kind when several did."""
        for key, place in self.places.items():
            known = self._known.setdefault(key, set())
            new = [m for m in place.all_messages() if m.from_bot and m.activity_id not in known]
            known |= {message.activity_id for message in new}
            said = [_said(message) for message in new]
            for kind in kinds:
                self.heard[key, kind] = said if len(kinds) == 1 else _of(kind, said)


def _of(kind: EventKind, said: list[str]) -> list[str]:
    """A vote brings with it that nothing stands in the way."""
    is_ready = kind is EventKind.READY
    return [each for each in said if ("Approved, and" in each) is is_ready]


def _said(message: Message) -> str:
    """``card 1`` for the living card, else the first line; what stands in a thread is marked."""
    line = render_text(message).split("\n")[0]
    if line.startswith("Shop / web"):
        return f"card {line.rpartition('#')[2]}"
    line = line.partition(": build ")[0]
    return f"> {line}" if message.root is not None else line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(shared: Scene) -> Story:
    """Everything happens once."""
    scene = shared
    team = scene.channel.team
    assert team is not None
    conversations = {place.value: scene.teams.add_channel(team, place.value) for place in Place}
    everybody = [scene.maya.teams, scene.jonas.teams, scene.priya.teams]
    conversations[GROUP] = scene.teams.add_group_chat(everybody, "Shop")
    await scene.teams.install(conversations[GROUP])
    for key, where in conversations.items():
        await _follows(scene, scene.priya, Place.THREAD.value if key == GROUP else key, where)
    chats = {"author": scene.maya, "reviewer": scene.jonas, "follower": scene.priya}
    for key, person in chats.items():
        conversations[key] = scene.chat_of(person)
        if person is not scene.jonas:
            await _follows(scene, person, "direct", conversations[key])
    told = Story(scene, conversations)
    told.note()
    await _play(scene, told)
    return told


async def _follows(scene: Scene, person: SamplePerson, place: str, where: Conversation) -> None:
    kinds = " ".join(f"{WORDS.get(kind, kind.value)} {place}" for kind in EventKind)
    [answer] = await scene.says(person, f"subscribe Shop {kinds}", where)
    assert "follow" in answer.lower(), answer


async def _play(scene: Scene, told: Story) -> None:
    maya, jonas, priya = (each.azure_devops for each in (scene.maya, scene.jonas, scene.priya))
    azure, repository = scene.azure, scene.stage.repository
    made = await scene.opens(scene.maya, "Pay later")
    told.note(EventKind.CREATED)
    await azure.add_reviewer(made, jonas)
    await scene.sweeps()
    told.note(EventKind.REVIEW_ASKED)
    branch = made.source_ref.removeprefix("refs/heads/")
    tip = await azure.commit(repository, branch, {"more.txt": "more\n"}, maya, "More")
    told.words["tip"] = tip[:7]
    await scene.stage.settle()
    told.note(EventKind.COMMITS)
    await azure.comment(made, jonas, "Why twice?")
    await scene.stage.settle()
    told.note(EventKind.COMMENT)
    await azure.comment(made, jonas, f"@<{priya.id}> agreed?")
    await scene.stage.settle()
    told.note(EventKind.MENTION)
    await azure.set_pull_request_status(made, jonas, "failed", "lint")
    await looks_at_checks(scene)
    told.note(EventKind.CHECKS)
    await azure.set_pull_request_status(made, jonas, "succeeded", "lint")
    await looks_at_checks(scene)
    told.note()
    await azure.vote(made, jonas, 10)
    await scene.stage.settle()
    told.note(EventKind.VOTE, EventKind.READY)
    await azure.set_merge_outcome(made, "conflicts")
    await scene.stage.settle()
    await scene.sweeps()
    told.note(EventKind.CONFLICT)
    await azure.abandon(made, jonas)
    await scene.stage.settle()
    told.note(EventKind.ABANDONED)
    draft = await scene.opens(scene.maya, "Search", draft=True)
    told.note()
    azure.organization.draft_change_notification = "StatusUpdateNotification"
    await azure.publish(draft, maya)  # told by its webhook: no sweep comes round
    await scene.stage.settle()
    told.note(EventKind.PUBLISHED)
    await azure.complete(draft, jonas)
    await scene.stage.settle()
    told.note(EventKind.COMPLETED)
    await azure.complete_build(repository, jonas, definition="web-ci", result="failed")
    await scene.stage.settle()
    told.note(EventKind.BUILD)
    number = azure.add_work_item(
        scene.stage.project, "Bug", "Slow", created_by=jonas, assigned_to=priya
    )
    told.words["ticket"] = str(number)
    await scene.stage.settle()
    told.note(EventKind.TICKET)


def expected(kind: EventKind, place: str) -> list[str]:
    """What a place gets of a kind, but for the card and how it changes."""
    text, name = TOLD[kind], "#2 Search" if kind in OF_THE_SECOND else PR
    if place in (Place.CARD, Place.DIRECT, Place.OFF):
        return []
    if kind is EventKind.CREATED and place == Place.CHANNEL:
        return []  # the card itself is the message
    if kind in (EventKind.BUILD, EventKind.TICKET):
        return [text]  # they have no card to stand below
    if kind is EventKind.CONFLICT:
        return [f"> {text}" if place == Place.THREAD else text]
    return [f"> {text}"] if place == Place.THREAD else [f"{name}: {text}"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.value)
async def test_each_place_is_told_as_it_asked(story: Story, kind: EventKind, place: str) -> None:
    heard = [each for each in story.heard[place, kind] if not each.startswith("card ")]
    assert heard == [each.format(**story.words) for each in expected(kind, place)]


@pytest.mark.parametrize("place", PLACES)
async def test_each_place_but_off_has_one_card_of_each(story: Story, place: str) -> None:
    said = [_said(each) for each in story.places[place].all_messages() if each.from_bot]
    cards = [each for each in said if each.startswith("card ")]
    assert cards == ([] if place == Place.OFF else ["card 1", "card 2"])


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.value)
@pytest.mark.parametrize("who", ["author", "reviewer", "follower"])
async def test_each_person_hears_once_and_nobody_of_his_own(
    story: Story, kind: EventKind, who: str
) -> None:
    """The author and a follower follow everything in their chats; who did it hears nothing."""
    table = {"author": AUTHOR, "reviewer": REVIEWER, "follower": FOLLOWER}[who]
    heard = [each for each in story.heard[who, kind] if not each.startswith("card ")]
    wanted = [table[kind]] if kind in table else []
    assert heard == [each.format(**story.words) for each in wanted]
