"""Wishes to be an Azure DevOps identity: granted, or kept until an administrator confirms them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from bot.cards.answers import command_button, escape, text_card
from bot.cards.direct import why_button
from bot.identities import actor_of, grant
from bot.outgoing import as_payload
from bot.teams_model import OutgoingMessage
from storage import audit, enqueue
from storage.queries import identities, people
from storage.tables import IdentityRow, Person


class Outcome(StrEnum):
    """What became of a wish."""

    GRANTED = "granted"
    IS_ALREADY = "is_already"
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a wish, and whose identity it is about."""

    outcome: Outcome
    connection: str
    display_name: str
    unique_name: str


def person_label(person: Person) -> str:
    """How ``confirm`` names a person: the mail in Teams, else a number that is only his."""
    return person.mail or f"person:{person.id}"


def decide(
    session: Session,
    person: Person,
    connection: str,
    identity_id: str,
    *,
    is_same_mail: bool,
    administrators: Collection[str],
    cause: str,
    now: datetime,
) -> Decision:
    """Grant a free identity to the one who has its mail in Teams, else ask the administrators.

    A later request for the same identity takes the place of an earlier one. That is safe, because a
    confirmation names both the person and the identity.
    """
    identity = session.get_one(IdentityRow, (connection, identity_id))

    def outcome(kind: Outcome) -> Decision:
        return Decision(kind, connection, identity.display_name, identity.unique_name)

    if identity.person_id == person.id:
        return outcome(Outcome.IS_ALREADY)
    if is_same_mail and identity.person_id is None:
        actor = actor_of(person)
        grant(session, identity, person, by="self", actor=actor, cause=cause, now=now)
        return outcome(Outcome.GRANTED)
    if identity.requested_by != person.id:
        before = {"requested_by": identity.requested_by}
        identity.requested_by = person.id
        session.add(identity)
        _audit(
            session, "identity.requested", identity, person, before, actor_of(person), cause, now
        )
    _tell_administrators(session, identity, person, administrators, cause, now)
    return outcome(Outcome.REQUESTED)


def confirm(
    session: Session,
    administrator: Person,
    who: str,
    account: str,
    *,
    cause: str,
    now: datetime,
) -> list[Decision]:
    """Grant the pending request of exactly this person for exactly this account, everywhere."""
    granted: list[Decision] = []
    for identity, person in identities.requests(session):
        is_it = (
            person_label(person).casefold() == who.casefold()
            and identity.unique_name.casefold() == account.casefold()
        )
        if is_it:
            grant(
                session,
                identity,
                person,
                by="administrator",
                actor=actor_of(administrator),
                cause=cause,
                now=now,
            )
            enqueue.message(
                session,
                key=f"identity_confirmed:{identity.connection}:{identity.id}:{cause}",
                payload=as_payload(confirmed_card(identity)),
                person_id=person.id,
                cause=cause,
                now=now,
            )
            granted.append(
                Decision(
                    Outcome.GRANTED,
                    identity.connection,
                    identity.display_name,
                    identity.unique_name,
                )
            )
    return granted


def refuse(
    session: Session, administrator: Person, who: str, account: str, *, cause: str, now: datetime
) -> int:
    """Drop the pending request of exactly this person for exactly this account; how many."""
    dropped = 0
    for identity, person in identities.requests(session):
        if (
            person_label(person).casefold() == who.casefold()
            and identity.unique_name.casefold() == account.casefold()
        ):
            before = {"requested_by": person.id}
            identity.requested_by = None
            session.add(identity)
            actor = actor_of(administrator)
            _audit(session, "identity.refused", identity, person, before, actor, cause, now)
            dropped += 1
    return dropped


def _tell_administrators(
    session: Session,
    identity: IdentityRow,
    person: Person,
    administrators: Collection[str],
    cause: str,
    now: datetime,
) -> None:
    card = as_payload(request_card(identity, person))
    for mail in sorted(administrators):
        for administrator in people.with_mail(session, mail):
            enqueue.message(
                session,
                key=f"identity_request:{identity.connection}:{identity.id}:{cause}:"
                f"{administrator.id}",
                payload=card,
                person_id=administrator.id,
                cause=cause,
                now=now,
            )


def request_card(identity: IdentityRow, person: Person) -> OutgoingMessage:
    """For administrators: who asks to be whom."""
    who = person_label(person)
    lines = [
        f"{escape(person.name)} ({escape(who)} in Teams{', a guest' if person.is_guest else ''}) "
        f"asks to be **{escape(identity.display_name)}** ({escape(identity.unique_name)}) in "
        f"{escape(identity.connection)}.",
        "Confirm only if you know that this is the same human.",
    ]
    if identity.person_id is not None:
        lines.append("**That identity belongs to somebody else at present**, who would lose it.")
    pair = f'"{who}" is "{identity.unique_name}"'
    buttons = [
        command_button("Confirm", "confirm", pair),
        command_button("Refuse", "confirm", f"not {pair}"),
        why_button("administrator"),
    ]
    return text_card("Is this the same person?", lines, buttons)


def confirmed_card(identity: IdentityRow) -> OutgoingMessage:
    """For the one who asked: it is so."""
    line = (
        f"An administrator confirmed it: in {escape(identity.connection)} you are "
        f"**{escape(identity.display_name)}** ({escape(identity.unique_name)})."
    )
    buttons = [
        command_button("My reviews", "reviews"),
        command_button("Who am I?", "whoami"),
        why_button("identity"),
    ]
    return text_card("Who you are in Azure DevOps", [line], buttons)


def _audit(
    session: Session,
    action: str,
    identity: IdentityRow,
    person: Person,
    before: dict[str, int | None],
    actor: str,
    cause: str,
    now: datetime,
) -> None:
    audit.append(
        session,
        at=now,
        actor=actor,
        action=action,
        connection=identity.connection,
        subject=f"person/{person.mail or person.teams_user_id}",
        before=before,
        after={
            "requested_by": identity.requested_by,
            "identity": identity.id,
            "unique_name": identity.unique_name,
        },
        cause=cause,
    )
