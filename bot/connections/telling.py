"""What administrators and conversations hear of a connection."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.cards.direct import why_button
from bot.outgoing import as_payload
from bot.teams_model import OutgoingMessage
from storage import enqueue
from storage.queries import people, subscriptions
from storage.tables import Credential

REASON_LENGTH = 400
WHY_ADMINISTRATOR = why_button("administrator")


def label_of(credential: Credential) -> str:
    """How a credential is called in sentences and commands."""
    return credential.label or str(credential.id)


def tell_administrators(
    session: Session,
    administrators: Collection[str],
    message: OutgoingMessage,
    *,
    key: str,
    now: datetime,
) -> int:
    """Write to each administrator whom Teams knows; how many are written to."""
    told = 0
    for mail in sorted(administrators):
        for person in people.with_mail(session, mail):
            if person.is_guest:
                continue
            told += enqueue.message(
                session,
                key=f"{key}:{person.id}",
                payload=as_payload(message),
                person_id=person.id,
                cause=key,
                now=now,
            )
    return told


def tell_conversations(
    session: Session, connection: str, message: OutgoingMessage, *, key: str, now: datetime
) -> None:
    """Write into each conversation that follows something of the connection."""
    following = subscriptions.conversations_of(session, connection)
    write_into(session, following, message, key=key, now=now)


def write_into(
    session: Session,
    conversation_ids: Iterable[str],
    message: OutgoingMessage,
    *,
    key: str,
    now: datetime,
    cause: str | None = None,
    pull_request_id: int | None = None,
) -> None:
    """Write the same into each of these conversations, once under this key.

    ``cause`` is the key where none is given; with ``pull_request_id`` it stands below the card of
    that pull request, where there is one.
    """
    payload = as_payload(message)
    for conversation_id in conversation_ids:
        enqueue.message(
            session,
            key=f"{key}:{conversation_id}",
            payload=payload,
            conversation_id=conversation_id,
            pull_request_id=pull_request_id,
            cause=key if cause is None else cause,
            now=now,
        )


def paused_message(connection: str, reason: str) -> OutgoingMessage:
    """For the conversations: orders wait, and why."""
    return text_card(
        f"Azure DevOps {connection} is paused",
        [
            escape(reason, REASON_LENGTH),
            "I take no orders for it and cannot read it. What Azure DevOps sends me is kept. I go "
            "on by myself, and catch up, as soon as an administrator has renewed the credential.",
        ],
        [command_button("Status", "status")],
        Tone.WARNING,
    )


def resumed_message(connection: str) -> OutgoingMessage:
    """For the conversations: it goes on."""
    return text_card(
        f"Azure DevOps {connection} goes on",
        ["A credential works again. I am catching up on what was missed."],
        [command_button("Status", "status")],
        Tone.GOOD,
    )


def failed_message(
    connection: str, credential: Credential, reason: str, others: Sequence[Credential]
) -> OutgoingMessage:
    """For administrators: which credential, what it means, what to type."""
    label = label_of(credential)
    rest = ", ".join(label_of(each) for each in others)
    goes_on = (
        f"{'Another goes' if len(others) == 1 else 'The others go'} on ({escape(rest)})."
        if others
        else f"No other works, so {escape(connection)} is paused and its conversations know."
    )
    return text_card(
        f"A credential of {connection} does not work any more: {label}",
        [escape(reason, REASON_LENGTH), goes_on, _to_type(connection, credential)],
        [
            command_button("Test the connection", "connections", f"test {connection}"),
            WHY_ADMINISTRATOR,
        ],
        Tone.BAD if not others else Tone.WARNING,
    )


def works_message(connection: str, credential: Credential) -> OutgoingMessage:
    """For administrators: it works again."""
    title = f"A credential of {connection} works again: {label_of(credential)}"
    return text_card(title, [], [command_button("Status", "status"), WHY_ADMINISTRATOR], Tone.GOOD)


def expiry_message(connection: str, credential: Credential, days: int) -> OutgoingMessage:
    """For administrators: how long a credential is still good."""
    left = "tomorrow" if days == 1 else f"in {days} days"
    if days < 1:
        left = "today"
    return text_card(
        f"A credential of {connection} expires {left}: {label_of(credential)}",
        [
            "When none works any more, the connection is paused.",
            _to_type(connection, credential),
        ],
        [command_button("Connections", "connections"), WHY_ADMINISTRATOR],
        Tone.WARNING,
    )


def _to_type(connection: str, credential: Credential) -> str:
    label = shlex.quote(label_of(credential))  # a label may have spaces
    command = f"pullcord credentials rotate {connection} {label}"
    return f"Make a new one in Azure DevOps, then run `{escape(command)}`."
