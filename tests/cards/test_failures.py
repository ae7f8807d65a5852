"""What commands answer when something is in the way: the conversations of FAILURES."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from adapters.sandbox.teams import Message, TeamsPerson, render_text
from bot.commands.catalogue import REGISTRY
from bot.roles import Role
from storage.queries import connections
from storage.tables import Connection
from tests.bot.cards.schema import schema_errors
from tests.bot.conftest import quiet_talk, talk
from tests.bot.talking import CONNECTION, NOW, Talk
from tests.cards.connected import Connected, connected
from tests.cards.snapshots import FAILURES, check_one, neutral

__all__ = ["quiet_talk", "talk"]  # pytest finds fixtures by name

MAYA, JONAS, ADA, GUS, NORA = "Maya", "Jonas", "Ada", "Gus", "Nora"
HERE = ", in the channel"
"""Who says something, in the own chat or with HERE in the channel."""

Said = tuple[tuple[str, str], ...]
People = dict[str, TeamsPerson]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is in the way, and what is said meanwhile; ``before`` is said when nothing is yet."""

    said: Said
    arrange: Callable[[Connected], Awaitable[None]] | None = None
    before: Said = ()


async def _is_down(at: Connected) -> None:
    at.talk.azure.faults.add(drop=True)


async def _is_busy(at: Connected) -> None:
    at.talk.azure.faults.rate_limit(120, times=None)


async def _forbids(at: Connected) -> None:
    message = "TF401027: You need the Git 'GenericContribute' permission to perform this action."
    at.talk.azure.faults.add(status=403, body={"message": message})


async def _refuses_changes(at: Connected) -> None:
    message = "TF401320: Rule Error for field Reason. Error code: Required."
    at.talk.azure.faults.add("PATCH", status=400, body={"message": message})


async def _changes_meanwhile(at: Connected) -> None:
    message = "TF26071: This work item has been changed by someone else since you opened it."
    at.talk.azure.faults.add("PATCH", status=409, body={"message": message})


async def _is_broken(at: Connected) -> None:
    at.talk.azure.faults.add(status=500, body={"message": "TF400898: An Internal Error Occurred."})


async def _answers_nonsense(at: Connected) -> None:
    at.talk.azure.faults.add(status=200, body={"hello": "world"})


async def _takes_no_credential(at: Connected) -> None:
    at.refuse()


async def _is_paused(at: Connected) -> None:
    at.refuse()
    await at.talk.say("sync pr all", to=at.talk.channel)
    at.forget_clients()


async def _is_disconnected(at: Connected) -> None:
    await at.talk.db.write(lambda s: connections.disconnect(s, CONNECTION, now=NOW))


async def _is_connected_twice(at: Connected) -> None:
    other = Connection(name="fabrikam", base_url="https://dev.azure.com/fabrikam", created_at=NOW)
    await at.talk.db.write(lambda s: s.add(other))


async def _knows_no_administrator(at: Connected) -> None:
    at.talk.services = replace(at.talk.services, administrators=frozenset())
    at.talk.restart()


async def _lets_jonas_read(at: Connected) -> None:
    at.talk.rules(readers={"jonas@example.com"})


async def _gives_nobody_a_role(at: Connected) -> None:
    at.talk.rules(everybody=Role.NOBODY)


async def _lets_owners_subscribe_only(at: Connected) -> None:
    at.talk.services = replace(at.talk.services, channel_subscribers="owners")
    at.talk.restart()


async def _teams_is_silent(at: Connected) -> None:
    at.talk.clock.now += timedelta(days=1, minutes=1)
    at.talk.teams.faults.add(method="GET", path="/members", status=503)


async def _may_not_test(at: Connected) -> None:
    at.talk.services = replace(at.talk.services, test_connection=None)
    at.talk.restart()


ASKS_AZURE_DEVOPS: Said = (
    (MAYA, "ticket {ticket}"),
    (MAYA, "ticket {other}"),
    (MAYA, "start ticket {other} in shop"),
    (MAYA, "link ticket {ticket} to pr {mine}"),
    (MAYA, "unlink ticket {ticket} from pr {mine}"),
    (MAYA, "sync pr {mine}"),
    (MAYA, "sync pr"),
    (MAYA + HERE, "sync pr all"),
    (MAYA, "conflicts {mine}"),
    (MAYA + HERE, "conflicts"),
    (MAYA + HERE, "subscribe Shop/new"),
    (MAYA + HERE, 'subscribe Shop/shop reviewer "Web Team"'),
    (MAYA, "link me as m.sample@example.org"),
    (ADA, "reviews"),
    (ADA, "prs mine"),
    (ADA, "whoami"),
    (ADA, "connect"),
    (MAYA, "connect"),
    (MAYA, "repositories"),
    (ADA, "connections test contoso"),
    (ADA, "connections"),
    (MAYA, "status"),
)
ONE_OF_EACH: Said = (
    (MAYA, "ticket {other}"),
    (MAYA, "start ticket {other} in shop"),
    (MAYA, "sync pr {mine}"),
    (MAYA + HERE, "sync pr all"),
    (MAYA, "conflicts {mine}"),
    (ADA, "whoami"),
    (ADA, "connections test contoso"),
)
KNOWN: Said = (
    (MAYA, "ticket {ticket}"),
    (MAYA + HERE, "subscribe Shop/shop"),
)

SITUATIONS: dict[str, Situation] = {
    "numbers-that-nothing-has": Situation(
        (
            (MAYA, "ticket 4711"),
            (MAYA, "start ticket 4711 in shop"),
            (MAYA, "link ticket 4711 to pr {mine}"),
            (MAYA, "link ticket {ticket} to pr 4711"),
            (MAYA, "unlink ticket {ticket} from pr 4711"),
            (MAYA, "unlink ticket {ticket} from pr {mine}"),
            (MAYA, "sync pr 4711"),
            (MAYA, "conflicts 4711"),
            (MAYA, "snooze conflict 4711"),
            (MAYA, "snooze 4711 until tomorrow"),
            (MAYA, "unsnooze 4711"),
            (MAYA, "mute pr 4711"),
            (MAYA, "unmute pr 4711"),
            (MAYA, "nudge 4711"),
            (MAYA, "why 4711"),
        )
    ),
    "names-that-nothing-has": Situation(
        (
            (MAYA, "start ticket {ticket} in shpo"),
            (MAYA, "start ticket {ticket} in shop from nowhere"),
            (MAYA, "prs shpo"),
            (MAYA, "mute shpo"),
            (MAYA, "unmute shpo"),
            (MAYA + HERE, "use shpo"),
            (MAYA + HERE, "subscribe Shop/shpo"),
            (MAYA + HERE, "subscribe fabrikam:Shop/shop"),
            (MAYA + HERE, "preview Shop/shpo"),
            (MAYA + HERE, "subscriptions Shop/shpo"),
            (MAYA + HERE, "unsubscribe Shop/shpo"),
            (MAYA + HERE, "pause Shop/shpo"),
            (MAYA + HERE, "resume Shop/shpo"),
            (MAYA + HERE, "remind first review 8h for shpo"),
            (MAYA, "ticket fabrikam:12"),
            (MAYA, "sync pr fabrikam:12"),
            (MAYA, "link me as nobody@example.com"),
            (MAYA, "help shpo"),
            (ADA, "confirm nora@example.com is n.sample@example.org"),
            (ADA + HERE, "role nora@example.com is reader"),
            (ADA, "connections test fabrikam"),
        ),
        before=KNOWN,
    ),
    "addresses-of-others": Situation(
        (
            (MAYA, "sync pr https://dev.azure.com/fabrikam/Shop/_git/shop/pullrequest/12"),
            (MAYA, "ticket https://dev.azure.com/fabrikam/Shop/_workitems/edit/12"),
            (MAYA, "ticket https://dev.azure.com/fabrikam/Shop/_git/shop/pullrequest/12"),
            (MAYA, "sync pr https://dev.azure.com/fabrikam/Shop/_workitems/edit/12"),
            (MAYA + HERE, "subscribe https://dev.azure.com/fabrikam/Shop/_git/shop"),
        )
    ),
    "words-that-do-not-fit": Situation(
        (
            (MAYA, "start ticket"),
            (MAYA, "start ticket soon"),
            (MAYA, "start ticket 12 under shop"),
            (MAYA, "link ticket 12"),
            (MAYA, "sync pr 1 2"),
            (MAYA, "conflicts soon"),
            (MAYA, "prs mine yours"),
            (MAYA + HERE, "subscribe"),
            (MAYA + HERE, "subscribe Shop/shop drafts perhaps"),
            (MAYA + HERE, "unsubscribe"),
            (MAYA, "settings vote loudly"),
            (MAYA, "settings loudness high"),
            (MAYA, "snooze 1 until yesterday"),
            (MAYA, "away"),
            (MAYA, "away until yesterday"),
            (MAYA, "mute"),
            (MAYA, "remind review never ever"),
            (MAYA, "remind weather 8h"),
            (MAYA, "digest 25:00"),
            (MAYA, "nudge"),
            (MAYA, "why"),
            (MAYA, "use"),
            (MAYA, "link me"),
            (MAYA, "link me as maya"),
            (MAYA, "status now"),
            (MAYA, "connect fabrikam"),
            (MAYA, "repositories all"),
            (ADA, "confirm nora@example.com"),
            (ADA, "connections contoso"),
            (ADA, "connections test"),
            (ADA + HERE, "role jonas@example.com"),
            (ADA + HERE, "role jonas is reader"),
            (ADA + HERE, "role jonas@example.com is boss"),
            (ADA + HERE, "role jonas@example.com is administrator"),
        )
    ),
    "nothing-is-followed": Situation(
        (
            (MAYA + HERE, "prs"),
            (MAYA + HERE, "conflicts"),
            (MAYA + HERE, "sync pr all"),
            (MAYA + HERE, "subscriptions"),
            (MAYA + HERE, "unsubscribe all"),
            (MAYA + HERE, "preview"),
            (MAYA + HERE, "pause"),
            (MAYA + HERE, "resume"),
            (MAYA + HERE, "remind"),
            (MAYA + HERE, "digest 9:00"),
            (MAYA + HERE, "digest now"),
            (JONAS, "sync pr"),
        )
    ),
    "everything-is-followed": Situation(
        ((MAYA + HERE, "repositories"),), before=((MAYA + HERE, "subscribe Shop"),)
    ),
    "nothing-is-connected": Situation(
        (
            (MAYA, "connect"),
            (ADA, "connections"),
            (MAYA, "repositories"),
            (MAYA, "status"),
            (MAYA, "whoami"),
            (MAYA, "ticket 12"),
            (MAYA, "start ticket 12"),
            (MAYA, "sync pr 12"),
            (MAYA, "conflicts 12"),
            (MAYA, "reviews"),
            (MAYA, "prs"),
            (MAYA, "link me as m.sample@example.org"),
            (MAYA + HERE, "subscribe Shop"),
            (MAYA + HERE, "use shop"),
        ),
        _is_disconnected,
    ),
    "two-are-connected": Situation(
        (
            (MAYA, "ticket 12"),
            (MAYA, "sync pr 12"),
            (MAYA, "connect"),
            (ADA, "connections"),
            (MAYA + HERE, "repositories"),
        ),
        _is_connected_twice,
    ),
    "azure-devops-is-not-reachable": Situation(ASKS_AZURE_DEVOPS, _is_down, KNOWN),
    "azure-devops-takes-the-credential-no-more": Situation(
        ((MAYA, "sync pr {mine}"),), _takes_no_credential, KNOWN
    ),
    "the-connection-is-paused": Situation(ASKS_AZURE_DEVOPS, _is_paused, KNOWN),
    "azure-devops-is-busy": Situation(ONE_OF_EACH, _is_busy, KNOWN),
    "azure-devops-forbids-it": Situation(ONE_OF_EACH, _forbids, KNOWN),
    "azure-devops-is-broken": Situation(ONE_OF_EACH, _is_broken, KNOWN),
    "azure-devops-answers-nonsense": Situation(ONE_OF_EACH, _answers_nonsense, KNOWN),
    "azure-devops-refuses-the-change": Situation(
        (
            (MAYA, "start ticket {ticket} in shop"),
            (MAYA, "link ticket {ticket} to pr {mine}"),
        ),
        _refuses_changes,
    ),
    "it-was-changed-meanwhile": Situation(
        (
            (MAYA, "start ticket {ticket} in shop"),
            (MAYA, "link ticket {ticket} to pr {mine}"),
        ),
        _changes_meanwhile,
    ),
    "only-the-author-and-open-ones": Situation(
        ((JONAS, "nudge {mine}"), (MAYA, "nudge {draft}"), (MAYA, "nudge {mine}"))
    ),
    "a-reader": Situation(
        (
            (JONAS, "help"),
            (JONAS, "whoami"),
            (JONAS, "roles"),
            (JONAS, "repositories"),
            (JONAS, "start ticket {ticket} in shop"),
            (JONAS, "sync pr {mine}"),
            (JONAS + HERE, "subscribe Shop"),
            (JONAS + HERE, "role everybody is member"),
            (JONAS, "confirm"),
            (JONAS, "connections"),
        ),
        _lets_jonas_read,
        ((ADA + HERE, "role maya@example.com is maintainer"),),
    ),
    "no-role": Situation(
        (
            (MAYA, "help"),
            (MAYA, "roles"),
            (MAYA, "whoami"),
            (MAYA, "connect"),
            (MAYA, "subscribe Shop"),
        ),
        _gives_nobody_a_role,
    ),
    "a-guest": Situation(
        (
            (GUS, "help"),
            (GUS, "whoami"),
            (GUS, "connect"),
            (GUS + HERE, "subscribe Shop"),
            (ADA + HERE, "role gus@example.org is maintainer"),
            (ADA + HERE, "role gus@example.org is reader"),
            (GUS + HERE, "roles"),
            (GUS + HERE, "subscribe Shop"),
        )
    ),
    "no-administrator": Situation(
        ((MAYA, "confirm"), (MAYA, "connections"), (MAYA + HERE, "role everybody is reader")),
        _knows_no_administrator,
    ),
    "only-owners-subscribe": Situation(
        ((JONAS + HERE, "subscribe Shop"), (JONAS, "subscribe Shop")), _lets_owners_subscribe_only
    ),
    "giving-roles": Situation(
        (
            (MAYA + HERE, "role jonas@example.com is reader"),
            (ADA + HERE, "role everybody is reader"),
            (ADA + HERE, "role maya@example.com is maintainer"),
            (MAYA + HERE, "role jonas@example.com is member"),
            (MAYA + HERE, "role jonas@example.com is nobody"),
            (MAYA + HERE, "role jonas@example.com is maintainer"),
            (MAYA + HERE, "role admin@example.com is reader"),
            (MAYA + HERE, "role gus@example.org is reader"),
            (MAYA + HERE, "roles"),
            (JONAS + HERE, "whoami"),
            (JONAS + HERE, "status"),
            (ADA + HERE, "role everybody is default"),
            (ADA + HERE, "role everybody is default"),
        )
    ),
    "not-known-in-azure-devops": Situation(
        (
            (NORA, "whoami"),
            (NORA, "connect"),
            (NORA, "reviews"),
            (NORA, "prs mine"),
            (NORA, "start ticket {ticket} in shop"),
            (NORA, "nudge {mine}"),
        )
    ),
    "teams-does-not-vouch": Situation(
        ((MAYA, "whoami"), (MAYA, "connect"), (MAYA, "subscribe Shop")), _teams_is_silent
    ),
    "connections-cannot-be-tested": Situation(((ADA, "connections test contoso"),), _may_not_test),
}
"""By the name of their file."""


@pytest.mark.parametrize("name", SITUATIONS)
async def test_what_is_answered_is_as_in_its_snapshot(talk: Talk, name: str) -> None:
    situation = SITUATIONS[name]
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(connected(talk))
        numbers = await _numbers(talk)
        people = await _people(talk)
        for who, said in situation.before:
            await _said(talk, people, who, said.format(**numbers))
        if situation.arrange is not None:
            await situation.arrange(at)
        talk.heard()
        shown = [
            await _said(talk, people, who, said.format(**numbers)) for who, said in situation.said
        ]
    check_one(FAILURES / f"{name}.txt", neutral("\n\n".join(shown) + "\n", talk.azure.base_url))


def test_no_snapshot_is_of_nothing() -> None:
    assert {path.stem for path in FAILURES.glob("*.txt")} == set(SITUATIONS)


def test_every_command_is_said_where_something_is_in_its_way() -> None:
    words = " | ".join(said for each in SITUATIONS.values() for _, said in each.said)
    assert [each.name for each in REGISTRY.commands if each.name not in words] == []


async def _numbers(talk: Talk) -> dict[str, int]:
    """A pull request of Maya's, a draft of hers, and two tickets."""
    reviewers = [talk.jonas_there]
    return {
        "mine": await talk.pull_request("Add basket", talk.maya_there, reviewers=reviewers),
        "draft": await talk.pull_request("Try something", talk.maya_there, draft=True),
        "ticket": talk.ticket(),
        "other": talk.ticket("Pay at once"),
    }


async def _people(talk: Talk) -> People:
    nora = talk.teams.add_person("Nora Sample", "nora@example.net")
    await talk.teams.install(nora)
    await talk.settle()
    talk.heard()
    everybody = (talk.maya, talk.jonas, talk.admin, talk.guest, nora)
    return {person.display_name.split()[0]: person for person in everybody}


async def _said(talk: Talk, people: People, who: str, words: str) -> str:
    """What is said, and what the bot then says wherever it says it."""
    person = people[who.removesuffix(HERE)]
    place = talk.channel if who.endswith(HERE) else talk.chat(person)
    await talk.teams.say(person, place, words)
    await talk.settle()
    heard = talk.heard()
    assert any(each.conversation is place for each in heard), f"{words} was not answered"
    names = {talk.chat(each).id: name for name, each in people.items()}
    names |= {talk.channel.id: "the channel", place.id: ""}
    return "\n".join([f"{who}: {words}", *(_shown(each, names) for each in heard)])


def _shown(message: Message, names: dict[str, str]) -> str:
    """Indented, the title first; ``names`` are of the places where nobody asked."""
    for card in message.cards:
        assert schema_errors(card) == []
    elsewhere = names[message.conversation.id]
    first = [f"to {elsewhere}:"] if elsewhere else []
    lines = [*first, *render_text(message).splitlines()]
    return "\n".join(
        f"  {'> ' if number == 0 else '  '}{line}" for number, line in enumerate(lines)
    )
