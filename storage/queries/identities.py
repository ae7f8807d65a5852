"""Azure DevOps identities, whose they are, and who asks to be one."""

from collections.abc import Collection, Iterable, Sequence

from sqlmodel import Session, col, select

from storage.tables import IdentityRow, Person
from storage.text import account_key


def of_person(session: Session, person_id: int, connection: str) -> IdentityRow | None:
    """The person's identity in a connection; one confirmed by hand before one found by mail."""
    return session.exec(
        select(IdentityRow)
        .where(
            IdentityRow.person_id == person_id,
            IdentityRow.connection == connection,
            col(IdentityRow.is_group).is_(False),
        )
        .order_by(col(IdentityRow.matched_by) == "mail", col(IdentityRow.id))
    ).first()


def called(session: Session, connection: str, account: str) -> Sequence[IdentityRow]:
    """Identities whose account name is this mail, UPN or ``DOMAIN\\user``, in any case."""
    return session.exec(
        select(IdentityRow)
        .where(
            IdentityRow.connection == connection,
            IdentityRow.account_key == account_key(account),
        )
        .order_by(col(IdentityRow.id))
    ).all()


def known(session: Session, connection: str, ids: Collection[str]) -> frozenset[str]:
    """Those of the ids (lower case) that are stored, as they are asked for."""
    statement = select(IdentityRow.id).where(
        IdentityRow.connection == connection, col(IdentityRow.id).in_(ids)
    )
    return frozenset(session.exec(statement).all())


def names(session: Session, connection: str, ids: Collection[str]) -> dict[str, str]:
    """Display names, or else account names, by id in lower case; without those who have none."""
    statement = select(IdentityRow.id, IdentityRow.display_name, IdentityRow.unique_name).where(
        IdentityRow.connection == connection, col(IdentityRow.id).in_(ids)
    )
    found = session.exec(statement).all()
    return {id_.lower(): name or account for id_, name, account in found if name or account}


def people_called(session: Session, connection: str, names: Collection[str]) -> set[str]:
    """Those of the names that are a known person's display name."""
    statement = select(IdentityRow.display_name).where(
        IdentityRow.connection == connection,
        col(IdentityRow.display_name).in_(names),
        col(IdentityRow.is_group).is_(False),
    )
    return set(session.exec(statement).all())


def unmatched(session: Session, accounts: Iterable[str]) -> Sequence[tuple[str, str]]:
    """(connection, account key) of the identities of these accounts that wait for their person."""
    keys = {account_key(account) for account in accounts if account}
    return session.exec(
        select(IdentityRow.connection, IdentityRow.account_key)
        .where(
            col(IdentityRow.account_key).in_(keys),
            col(IdentityRow.person_id).is_(None),
            col(IdentityRow.is_group).is_(False),
        )
        .distinct()
        .order_by(IdentityRow.connection, IdentityRow.account_key)
    ).all()


def requested_by(session: Session, person_id: int) -> Sequence[IdentityRow]:
    """Identities that a person asked to be and that wait for an administrator."""
    return session.exec(
        select(IdentityRow)
        .where(IdentityRow.requested_by == person_id)
        .order_by(col(IdentityRow.connection), col(IdentityRow.id))
    ).all()


def requests(session: Session) -> Sequence[tuple[IdentityRow, Person]]:
    """Everything that waits for an administrator, with who asks."""
    return session.exec(
        select(IdentityRow, Person)
        .join(Person, col(Person.id) == IdentityRow.requested_by)
        .order_by(col(IdentityRow.connection), col(IdentityRow.id))
    ).all()


def ids_of_person(session: Session, person_id: int, connection: str) -> frozenset[str]:
    """The ids of all identities of a person in a connection."""
    own = select(IdentityRow.id).where(
        IdentityRow.person_id == person_id, IdentityRow.connection == connection
    )
    return frozenset(session.exec(own).all())
