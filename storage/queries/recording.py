"""What recording a pull request reads and writes: its row, its repository, who may be told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from storage.tables import (
    AuditRow,
    ConversationRow,
    IdentityRow,
    Link,
    OutboxRow,
    Person,
    PostedCard,
    PullRequestRow,
    ReviewerRow,
    Subscription,
)
from storage.tables.people import ANY_REPOSITORY
from storage.text import folded


@dataclass(frozen=True, slots=True)
class PersonOf:
    """The person behind an identity; ``conversation_id`` is the personal chat if it can be used."""

    identity_id: str
    person_id: int
    name: str
    conversation_id: str


def locked_pull_request(session: Session, connection: str, number: int) -> PullRequestRow | None:
    """The row, locked until the transaction ends (PostgreSQL; SQLite has one writer anyway)."""
    return session.exec(
        select(PullRequestRow)
        .where(PullRequestRow.connection == connection, PullRequestRow.number == number)
        .with_for_update()
    ).first()


def keep_reviewers(
    session: Session, pull_request_id: int, reviewers: Collection[ReviewerRow]
) -> None:
    """Make the stored reviewers these; one that says no ``asked_at`` keeps the stored one."""
    known = {
        row.identity_id: row
        for row in session.exec(
            select(ReviewerRow).where(ReviewerRow.pull_request_id == pull_request_id)
        ).all()
    }
    for wanted in reviewers:
        stored = known.pop(wanted.identity_id, None)
        if stored is not None and wanted.asked_at is None:
            wanted.asked_at = stored.asked_at
        session.merge(wanted)
    for gone in known.values():
        session.delete(gone)


def subscriptions_about(
    session: Session, connection: str, *, project: tuple[str, str], repository: tuple[str, str]
) -> Sequence[tuple[Subscription, ConversationRow]]:
    """Subscriptions that may be about a repository, not paused, with their active conversations.

    Project and repository are (name, id). Patterns are the caller's to match.
    """
    statement = (
        select(Subscription, ConversationRow)
        .join(ConversationRow, col(ConversationRow.id) == Subscription.conversation_id)
        .where(
            Subscription.connection == connection,
            col(Subscription.project_key).in_({folded(text) for text in project}),
            col(Subscription.repository_key).in_(
                {"", ANY_REPOSITORY, *(folded(text) for text in repository)}
            ),
            col(Subscription.paused_at).is_(None),
            ConversationRow.state == "active",
        )
        .order_by(col(Subscription.id))
    )
    return session.exec(statement).all()


def conversations_with_card(session: Session, pull_request_id: int) -> frozenset[str]:
    """Active conversations that show the pull request's card, or are about to."""
    shown = (
        select(PostedCard.conversation_id)
        .join(ConversationRow, col(ConversationRow.id) == PostedCard.conversation_id)
        .where(
            PostedCard.pull_request_id == pull_request_id,
            PostedCard.activity_id != "",
            ConversationRow.state == "active",
        )
    )
    coming = select(OutboxRow.conversation_id).where(
        OutboxRow.pull_request_id == pull_request_id,
        OutboxRow.kind == "card",
        col(OutboxRow.state).in_(("pending", "sending")),
    )
    return frozenset(session.exec(shown).all()) | frozenset(session.exec(coming).all())


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
    statement = (
        select(IdentityRow.id, Person, ConversationRow.id)
        .join(Person, col(Person.id) == IdentityRow.person_id)
        .join(
            ConversationRow,
            (col(ConversationRow.id) == Person.personal_conversation_id)
            & (col(ConversationRow.state) == "active"),
            isouter=True,
        )
        .where(
            IdentityRow.connection == connection,
            col(IdentityRow.id).in_(identity_ids),
            col(Person.removed_at).is_(None),
        )
    )
    return [
        PersonOf(identity_id, person.id or 0, person.name, conversation_id or "")
        for identity_id, person, conversation_id in session.exec(statement).all()
    ]


def person_with_mail(session: Session, mail: str) -> Person | None:
    """The one person with this mail, None when there is none or several."""
    found = session.exec(
        select(Person).where(Person.mail == mail.lower(), col(Person.removed_at).is_(None)).limit(2)
    ).all()
    return found[0] if len(found) == 1 else None


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
