"""What recording a pull request reads and writes: its row, its repository, who may be told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select as Statement
from sqlalchemy import String, bindparam, column, text
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from storage.dialects import table_of
from storage.tables import (
    AuditRow,
    ConversationRow,
    IdentityRow,
    Link,
    Person,
    PostedCard,
    PullRequestRow,
    ReviewerRow,
)


@dataclass(frozen=True, slots=True)
class PersonOf:
    """The person behind an identity; ``conversation_id`` is the personal chat if it can be used."""

    identity_id: str
    person_id: int
    name: str
    conversation_id: str


def locked_pull_request(session: Session, connection: str, number: int) -> PullRequestRow | None:
    """The row, locked until the transaction ends (PostgreSQL; SQLite has one writer anyway)."""
    place = {"connection": connection, "number": number}
    return session.exec(_locked_pull_request(), params=place).first()


@cache  # here and below: making a statement takes longer than running it
def _locked_pull_request() -> SelectOfScalar[PullRequestRow]:
    return (
        select(PullRequestRow)
        .where(
            PullRequestRow.connection == bindparam("connection"),
            PullRequestRow.number == bindparam("number"),
        )
        .with_for_update()
    )


def keep_reviewers(
    session: Session, pull_request_id: int, reviewers: Collection[ReviewerRow], *, is_new: bool
) -> None:
    """Make the stored reviewers these; one that says no ``asked_at`` keeps the stored one.

    ``is_new``: the pull request is being stored for the first time, so nothing of it is there.
    """
    if is_new:
        session.add_all(reviewers)
        return
    stored_rows = session.exec(_reviewers(), params={"pull_request": pull_request_id}).all()
    known = {row.identity_id: row for row in stored_rows}
    for wanted in reviewers:
        stored = known.pop(wanted.identity_id, None)
        if stored is not None and wanted.asked_at is None:
            wanted.asked_at = stored.asked_at
        session.merge(wanted)
    for gone in known.values():
        session.delete(gone)


@cache
def _reviewers() -> SelectOfScalar[ReviewerRow]:
    return select(ReviewerRow).where(ReviewerRow.pull_request_id == bindparam("pull_request"))


def conversations_with_card(session: Session, pull_request_id: int) -> frozenset[str]:
    """Active conversations that show the pull request's card, or are about to."""
    rows = session.connection().execute(_WITH_CARD, {"pull_request": pull_request_id})
    return frozenset(rows.scalars())


# Written out: SQLAlchemy takes ten times as long with the statement as the database.
_WITH_CARD = text(
    """
    SELECT p.conversation_id
    FROM posted_cards p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.pull_request_id = :pull_request AND p.activity_id != '' AND c.state = 'active'
    UNION ALL
    SELECT o.conversation_id FROM outbox o
    WHERE o.pull_request_id = :pull_request AND o.kind = 'card'
        AND o.state IN ('pending', 'sending')
    """
).columns(column("conversation_id", String))  # else it is found out anew each time


def keep_identity(
    session: Session,
    connection: str,
    identity_id: str,
    *,
    display_name: str,
    unique_name: str,
    is_group: bool,
) -> IdentityRow:
    """Keep an identity as Azure DevOps gave it; whose it is, and a known account, stay."""
    row = session.get(IdentityRow, (connection, identity_id)) or IdentityRow(
        connection=connection, id=identity_id
    )
    row.display_name = display_name or row.display_name
    row.unique_name = unique_name or row.unique_name
    row.is_group = is_group
    session.add(row)
    session.flush()
    return row


def people_of(
    session: Session, connection: str, identity_ids: Collection[str]
) -> Sequence[PersonOf]:
    """The persons behind identities, those who left aside."""
    if not identity_ids:
        return []
    ids = list(identity_ids)
    count = 1 << (len(ids) - 1).bit_length()  # few different ones
    asked = {f"identity_{n}": ids[n] if n < len(ids) else ids[0] for n in range(count)}
    rows = session.connection().execute(_people_of(count), {"connection": connection, **asked})
    return [
        PersonOf(identity_id, person_id, name, chat or "")
        for identity_id, person_id, name, chat in rows
    ]


@cache
def _people_of(count: int) -> Statement[Any]:
    """With so many parameters for identities: a list is written anew for each execution."""
    identities, people = table_of(IdentityRow).c, table_of(Person).c
    places = table_of(ConversationRow).c
    chat = (places.id == people.personal_conversation_id) & (places.state == "active")
    return (
        sql_select(identities.id, people.id, people.name, places.id)
        .join_from(table_of(IdentityRow), table_of(Person), people.id == identities.person_id)
        .outerjoin(table_of(ConversationRow), chat)
        .where(
            identities.connection == bindparam("connection"),
            identities.id.in_([bindparam(f"identity_{n}") for n in range(count)]),
            people.removed_at.is_(None),
        )
    )


def person_with_mail(session: Session, mail: str) -> Person | None:
    """The one person with this mail, None when there is none or several."""
    found = session.exec(_with_mail(), params={"mail": mail.lower()}).all()
    return found[0] if len(found) == 1 else None


@cache
def _with_mail() -> SelectOfScalar[Person]:
    there = (Person.mail == bindparam("mail"), col(Person.removed_at).is_(None))
    return select(Person).where(*there).limit(2)


def comments_in_audit(session: Session, subject: str, actions: Collection[str]) -> set[str]:
    """The ids of a pull request's comments that were told or found deleted."""
    rows = session.exec(
        select(AuditRow.after).where(AuditRow.subject == subject, col(AuditRow.action).in_(actions))
    ).all()
    return {str(after["comment"]) for after in rows if after and "comment" in after}


def cards_in_repository(
    session: Session, connection: str, repository_id: str
) -> Sequence[tuple[str, int]]:
    """(conversation, pull request) of every card of the repository's open pull requests."""
    statement = _cards().where(
        PullRequestRow.connection == connection,
        PullRequestRow.repository_id == repository_id,
        PullRequestRow.status == "active",
    )
    return [(conversation, row_id) for conversation, row_id in session.exec(statement)]


def cards_with_ticket(session: Session, connection: str, ticket: int) -> Sequence[tuple[str, int]]:
    """(conversation, pull request) of every card that shows a ticket."""
    linked = select(Link.pull_request).where(
        Link.connection == connection, Link.ticket == ticket, col(Link.removed_at).is_(None)
    )
    statement = _cards().where(
        PullRequestRow.connection == connection, col(PullRequestRow.number).in_(linked)
    )
    return [(conversation, row_id) for conversation, row_id in session.exec(statement)]


def _cards() -> "Select[str, int]":
    return (
        select(PostedCard.conversation_id, PostedCard.pull_request_id)
        .join(PullRequestRow, col(PullRequestRow.id) == PostedCard.pull_request_id)
        .join(ConversationRow, col(ConversationRow.id) == PostedCard.conversation_id)
        .where(ConversationRow.state == "active")
        .order_by(col(PostedCard.conversation_id), col(PostedCard.pull_request_id))
    )
