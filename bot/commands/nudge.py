"""``nudge N``: the author asks those whose review is waited for to look, once a working day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.audit_entries import subject_of
from bot.cards.answers import Tone, command_button, escape, open_url_button, text_card
from bot.cards.view import load_view
from bot.commands.choosing import load_known, pick_connection
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.text import Reference, parse_pull_request, split_words
from bot.identities import actor_of
from bot.notices import texts
from bot.reminders.nudges import Nudge, Outcome, nudge
from bot.reminders.people import load_roster
from bot.reminders.seen import Seen, load_seen
from storage import audit
from storage.queries import pull_requests

NAME = "nudge"
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of it, for the reply."""

    name: str
    page: str
    nudges: tuple[Nudge, ...]


def parse(arguments: str) -> Reference:
    """A pull request.

    Raises:
        UsageError: If it is something else.
    """
    words = split_words(arguments)
    if len(words) != 1:
        raise UsageError("Say one pull request, by number or address.")
    return parse_pull_request(words[0].text)


async def run(invocation: Invocation, wanted: Reference) -> Reply:
    """Note a nudge for each reviewer whose vote is waited for; those at work are told at once."""
    services = invocation.services
    known = await load_known(invocation)
    connection = pick_connection(known, invocation.conversation_row, wanted, NAME).name
    now = services.clock()
    done = await services.db.write(lambda s: _nudge(s, invocation, connection, wanted.number, now))
    return _reply(done)


def _nudge(
    session: Session, invocation: Invocation, connection: str, number: int, now: datetime
) -> _Done:
    row = pull_requests.by_number(session, connection, number)
    if row is None or row.id is None:
        raise CommandRefused(f"I know no pull request {number} in {connection}.")
    (seen,) = load_seen(session, [row])
    _check(session, invocation, seen)
    mode = invocation.services.holding.group_reviewers
    nudges = tuple(nudge(session, seen, mode, asked_by=invocation.person.name, now=now))
    reached = [each.name for each in nudges if each.outcome in (Outcome.NOW, Outcome.LATER)]
    if reached:
        audit.append(
            session,
            at=now,
            actor=actor_of(invocation.person),
            action="nudged",
            connection=connection,
            subject=subject_of(connection, number),
            after={"reviewers": reached},
            cause=invocation.cause,
        )
    view = load_view(session, row.id, "", now)
    return _Done(texts.pull_request(seen.state), view.page_url(), nudges)


def _check(session: Session, invocation: Invocation, seen: Seen) -> None:
    state = seen.state
    author = load_roster(session, [seen]).author_of(seen)
    if author is None or author.id != invocation.person.id:
        raise CommandRefused(
            f"Only the author can nudge reviewers of {texts.pull_request(state)}, which is "
            f"{texts.name_of(state.author)}."
        )
    if not state.is_active:
        raise CommandRefused(f"{texts.pull_request(state)} is not open any more.")
    if state.is_draft:
        raise CommandRefused(
            f"{texts.pull_request(state)} is a draft. Publish it first: nobody reviews drafts."
        )


def _reply(done: _Done) -> Reply:
    if not done.nudges:
        lines = ["No review is waited for. Add a reviewer in Azure DevOps, or complete it."]
    else:
        lines = list(_lines(done.nudges))
    is_told = any(each.outcome in (Outcome.NOW, Outcome.LATER) for each in done.nudges)
    title = f"Nudged: {done.name}" if is_told else f"Nobody to nudge: {done.name}"
    buttons = [
        open_url_button("Open", done.page),
        command_button("My pull requests", "prs", "mine"),
    ]
    return Reply((text_card(title, lines, buttons, Tone.GOOD if is_told else Tone.NEUTRAL),))


def _lines(nudges: tuple[Nudge, ...]) -> Iterator[str]:
    sentences = {
        Outcome.NOW: "Told now: {names}.",
        Outcome.LATER: "Told when their work begins: {names}.",
        Outcome.ALREADY: "Nudged already this working day: {names}.",
        Outcome.MUTED: "Does not want to hear of it: {names}.",
        Outcome.UNKNOWN: "I do not know in Teams, so I cannot write to: {names}.",
        Outcome.GROUP: "A group, of which I ask nobody: {names}.",
    }
    for outcome, sentence in sentences.items():
        names = [_name(each) for each in nudges if each.outcome is outcome]
        if names:
            yield sentence.format(names=", ".join(names))


def _name(nudged: Nudge) -> str:
    name = escape(nudged.name, NAME_LENGTH)
    return f"{name} (for {escape(nudged.group, NAME_LENGTH)})" if nudged.group else name


COMMAND = Command(
    name=NAME,
    usage="nudge NUMBER | URL",
    summary="Ask the reviewers of your pull request to look at it.",
    examples=("nudge 12", "nudge contoso:12"),
    parse=parse,
    run=run,
    details=(
        "For the author alone. Each reviewer whose vote is waited for gets one message, at most "
        "once a working day and in working hours. Where a group is a reviewer, the one of it gets "
        "it whose turn it is, or else all of them. The button is on the card."
    ),
)
