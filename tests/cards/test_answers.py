"""What every command answers, as a team says them all in one morning."""

from adapters.sandbox.teams import Message
from bot.commands.catalogue import REGISTRY
from bot.teams_model import OutgoingMessage
from tests.bot.cards.schema import schema_errors
from tests.bot.conftest import quiet_talk, talk
from tests.bot.talking import Talk
from tests.cards.connected import connected
from tests.cards.snapshots import ANSWERS, as_snapshot, check, neutral

__all__ = ["quiet_talk", "talk"]  # pytest finds fixtures by name

OWN, HERE, ADMIN, HERE_ADMIN = "own", "here", "admin", "here-admin"

SAID: tuple[tuple[str, str, str], ...] = (
    ("help", OWN, "help"),
    ("help-of-one", OWN, "help subscribe"),
    ("nothing-said", HERE, ""),
    ("typing-mistake", OWN, "reveiws"),
    ("not-understood", OWN, "make [me](javascript:x) a **coffee**"),
    ("usage", OWN, "ticket"),
    ("whoami", OWN, "whoami"),
    ("connect", OWN, "connect"),
    ("connect-administrator", ADMIN, "connect"),
    ("connections", ADMIN, "connections"),
    ("connections-test", ADMIN, "connections test contoso"),
    ("connections-not-yours", OWN, "connections"),
    ("repositories", HERE, "repositories"),
    ("roles", HERE, "roles"),
    ("role-not-yours", HERE, "role jonas@example.com is reader"),
    ("role-usage", HERE_ADMIN, "role jonas@example.com is boss"),
    ("role", HERE_ADMIN, "role jonas@example.com is maintainer"),
    ("role-nobody", HERE_ADMIN, "role gus@example.org is nobody"),
    ("role-default", HERE_ADMIN, "role gus@example.org is default"),
    ("roles-given", HERE, "roles"),
    ("subscribe", HERE, "subscribe Shop/shop target main release/* author !bot votes card"),
    ("subscribe-again", HERE, "subscribe Shop/shop target main"),
    ("subscribe-unknown", HERE, "subscribe Shop/shpo"),
    ("subscriptions", HERE, "subscriptions"),
    ("subscriptions-one", HERE, "subscriptions Shop/shop"),
    ("preview", HERE, "preview Shop/shop title basket"),
    ("pause", HERE, "pause"),
    ("resume", HERE, "resume"),
    ("prs", HERE, "prs"),
    ("prs-mine", OWN, "prs mine"),
    ("reviews", OWN, "reviews"),
    ("reviews-none", HERE, "reviews"),
    ("ticket", OWN, "ticket {ticket}"),
    ("ticket-unknown", OWN, "ticket 4711"),
    ("start-ticket-where", OWN, "start ticket {ticket}"),
    ("start-ticket", OWN, "start ticket {ticket} in shop"),
    ("start-ticket-again", OWN, "start ticket {ticket} in shop"),
    ("link-ticket", OWN, "link ticket {ticket} to pr {mine}"),
    ("link-ticket-again", OWN, "link ticket {ticket} to pr {mine}"),
    ("sync-pr", OWN, "sync pr {mine}"),
    ("unlink-ticket", OWN, "unlink ticket {ticket} from pr {mine}"),
    ("conflicts", HERE, "conflicts"),
    ("conflicts-one", OWN, "conflicts {mine}"),
    ("snooze-conflict", OWN, "snooze conflict {mine}"),
    ("settings", OWN, "settings"),
    ("settings-saved", OWN, "settings vote digest"),
    ("snooze", OWN, "snooze {mine} until 2026-12-01"),
    ("unsnooze", OWN, "unsnooze {mine}"),
    ("mute", OWN, "mute pr {mine}"),
    ("why", OWN, "why {mine}"),
    ("why-nudge", OWN, "why reminder nudge {mine}"),
    ("why-stand-in", OWN, "why reminder stand-in {mine}"),
    ("why-held", OWN, "why held"),
    ("why-administrator", OWN, "why administrator"),
    ("why-identity", OWN, "why identity"),
    ("unmute", OWN, "unmute pr {mine}"),
    ("away", OWN, "away from 2026-12-21 until 2027-01-04"),
    ("away-off", OWN, "away off"),
    ("remind", OWN, "remind"),
    ("remind-review", OWN, "remind review 8h"),
    ("why-reminders", OWN, "why reminder"),
    ("remind-here", HERE, "remind first review 8h"),
    ("digest", OWN, "digest 9:00"),
    ("why-digest", OWN, "why digest"),
    ("digest-now", OWN, "digest now"),
    ("digest-off", OWN, "digest off"),
    ("nudge", OWN, "nudge {mine}"),
    ("use", HERE, "use Shop/shop"),
    ("status", OWN, "status"),
    ("link-me", OWN, "link me as jonas@example.com"),
    ("confirm", ADMIN, "confirm"),
    ("unsubscribe", HERE, "unsubscribe Shop/shop"),
)
"""Name of the snapshot, where it is said and by whom, and what."""


def _sent(message: Message) -> OutgoingMessage:
    assert message.card is None or schema_errors(message.card) == []
    summary = str(message.activity.get("summary") or "")
    return OutgoingMessage(text=message.text, card=message.card, summary=summary)


async def test_every_command_answers_as_in_its_snapshot(talk: Talk) -> None:
    mine = await talk.pull_request("Add basket", talk.maya_there, reviewers=[talk.jonas_there])
    await talk.pull_request("Fix prices", talk.jonas_there, reviewers=[talk.maya_there])
    numbers = {"mine": mine, "ticket": talk.ticket()}
    found: dict[str, str] = {}
    async with connected(talk):
        for name, where, said in SAID:
            answers = await _answers(talk, where, said.format(**numbers))
            for number, message in enumerate(answers):
                key = f"{name}-{number + 1}" if number else name
                found[key] = neutral(as_snapshot(_sent(message)), talk.azure.base_url)
    check(ANSWERS, ".json", found)


async def _answers(talk: Talk, where: str, said: str) -> list[Message]:
    by = talk.admin if where in (ADMIN, HERE_ADMIN) else talk.maya
    place = talk.channel if where in (HERE, HERE_ADMIN) else talk.chat(by)
    await talk.teams.say(by, place, said)
    await talk.settle()
    answers = [message for message in talk.heard() if message.conversation is place]
    assert answers, f"{said} was not answered"
    return answers


def test_every_command_is_said() -> None:
    words = " | ".join(said for _, _, said in SAID)
    assert [each.name for each in REGISTRY.commands if each.name not in words] == []
