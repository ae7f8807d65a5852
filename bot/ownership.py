"""Whose a pull request is that Pullcord opened.

Azure DevOps names the account that opened it as its author, and nobody can open one for another.
For people the author is the one who said ``start ticket``: she hears of votes and conflicts, finds
it under ``prs mine``, and is not asked to review it.
"""

from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from bot.model import Identity, PullRequestSnapshot, branch_name
from storage.dialects import table_of
from storage.tables import Connection, IdentityRow, Link
from storage.text import account_key

OWN_IDENTITY = "own_identity"
"""Key in a connection's settings: the identity id of the account that Pullcord uses there."""

OWN_NAME = "own_name"
"""Key in a connection's settings: the name with which that account signs in, as a key."""

STARTED = "start"


def own_account(session: Session, connection: str) -> str:
    """The identity id of the account that Pullcord uses in a connection, "" while unknown."""
    found = session.connection().execute(_settings(), {"connection": connection}).scalar()
    return str(found.get(OWN_IDENTITY, "")) if found else ""


@cache  # asked for every change, and making a statement takes longer than running it
def _settings() -> "Select[dict[str, Any]]":
    known = table_of(Connection).c
    return sql_select(known.settings).where(known.name == bindparam("connection"))


def remember_own_account(session: Session, connection: str, account: Identity) -> None:
    """Store it, after Azure DevOps has said who we are."""
    row = session.get(Connection, connection)
    if row is not None:
        row.settings = {**row.settings, **own_settings(account)}
        session.add(row)


def own_settings(account: Identity) -> dict[str, str]:
    """What a connection's settings hold of the account that Pullcord uses there."""
    return {OWN_IDENTITY: account.id, OWN_NAME: account_key(account.unique_name)}


def is_own_name(session: Session, connection: str, unique_name: str) -> bool:
    """Whether this is the account that Pullcord uses, as far as that is known."""
    row = session.get(Connection, connection)
    own = str(row.settings.get(OWN_NAME, "")) if row else ""
    return bool(own) and own == account_key(unique_name)


def as_started(session: Session, snapshot: PullRequestSnapshot) -> PullRequestSnapshot:
    """The snapshot with the person who started its ticket as author, if Pullcord opened it.

    Whose branch it is stands in the link that ``start ticket`` stores before it opens the pull
    request, so no webhook can come before it.
    """
    own = own_account(session, snapshot.connection)
    if not own or snapshot.author.id.lower() != own.lower():
        return snapshot
    starter = _starter(session, snapshot)
    return replace(snapshot, author=starter) if starter else snapshot


def _starter(session: Session, snapshot: PullRequestSnapshot) -> Identity | None:
    row = session.exec(
        select(IdentityRow)
        .join(
            Link,
            (col(Link.connection) == IdentityRow.connection)
            & (func.lower(col(Link.created_by)) == func.lower(IdentityRow.unique_name)),
        )
        .where(
            Link.connection == snapshot.connection,
            Link.repository_id == snapshot.repository.id,
            Link.branch == branch_name(snapshot.source_ref),
            Link.origin == STARTED,
        )
        .order_by(col(Link.id).desc())
        .limit(1)
    ).first()
    return Identity(row.id, row.display_name, row.unique_name) if row else None
