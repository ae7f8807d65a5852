"""Builds of branches."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from storage.tables.row import Row


class BranchBuild(Row, table=True):
    """The last build of a definition and a branch that succeeded or failed.

    ``definition_id`` is unique in the connection, ``source_ref`` a whole ref. ``broken_since`` is
    when the first of the failed builds ended, None while it is not broken.
    """

    __tablename__ = "branch_builds"
    __table_args__ = (Index("ix_branch_builds_finished", "finished_at"),)

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    definition_id: int = Field(primary_key=True)
    source_ref: str = Field(primary_key=True)
    definition: str = ""
    repository_id: str = ""
    build_id: int
    result: str
    finished_at: datetime
    broken_since: datetime | None = None
