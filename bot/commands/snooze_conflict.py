"""``snooze conflict N``: no alert of a pull request's conflicts to me for a day."""

from datetime import timedelta

from sqlmodel import Session

from bot.audit_entries import subject_of
from bot.cards.answers import escape, open_url_button, text_card
from bot.cards.plain_text import plain
from bot.cards.view import load_view
from bot.commands.choosing import load_known, pick_connection
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.text import Reference, parse_pull_request, split_words
from bot.identities import actor_of
from bot.notices import texts
from bot.roles import Role
from bot.teams_model import ConversationKind
from storage import audit
from storage.queries import conflicts, pull_requests

LENGTH = timedelta(days=1)
NAME_LENGTH = 60


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
    """Note it for the one who says so; others are alerted as before."""
    services = invocation.services
    known = await load_known(invocation)
    connection = pick_connection(known, invocation.conversation_row, wanted, COMMAND.name)
    now = services.clock()
    person_id = invocation.person.id or 0

    def snooze(session: Session) -> tuple[str, str] | None:
        row = pull_requests.by_number(session, connection.name, wanted.number)
        if row is None or row.id is None:
            return None
        conflicts.snooze(session, row.id, person_id, until=now + LENGTH)
        audit.append(
            session,
            at=now,
            actor=actor_of(invocation.person),
            action="conflict_snoozed",
            connection=connection.name,
            subject=subject_of(connection.name, wanted.number),
            after={"until": (now + LENGTH).isoformat()},
            cause=invocation.cause,
        )
        view = load_view(session, row.id, "", now)
        return texts.pull_request(view.state), view.page_url()

    found = await services.db.write(snooze)
    if found is None:
        raise CommandRefused(f"I know no pull request {wanted.number} in {connection.name}.")
    name, page = found
    is_alone = invocation.conversation.kind is ConversationKind.PERSONAL
    whom = "you" if is_alone else escape(plain(invocation.person.name, NAME_LENGTH))
    lines = [
        f"For one day I do not alert {whom} of its conflicts. Its card shows them all the same."
    ]
    return Reply((text_card(f"Snoozed: {name}", lines, [open_url_button("Open", page)]),))


COMMAND = Command(
    name="snooze conflict",
    usage="snooze conflict NUMBER | URL",
    summary="Do not alert me of a pull request's merge conflicts for a day.",
    examples=("snooze conflict 12",),
    parse=parse,
    run=run,
    details="For you alone: others are alerted as before, and the card shows the conflict.",
    role=Role.READER,
)
