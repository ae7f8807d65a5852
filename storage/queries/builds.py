"""The last builds of branches."""

from sqlmodel import Session

from storage.tables import BranchBuild


def last(
    session: Session, connection: str, definition_id: int, source_ref: str
) -> BranchBuild | None:
    """The last build of a definition and a branch, locked until the transaction ends."""
    return session.get(BranchBuild, (connection, definition_id, source_ref), with_for_update=True)


def keep(session: Session, row: BranchBuild) -> None:
    """Store it in place of the one before."""
    session.merge(row)
    session.flush()
