"""What filters look at beside the pull request itself."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field

from storage.tables.row import Row


class PullRequestLabels(Row, table=True):
    """The labels of a pull request as last read; read only where a subscription filters by them.

    They are read before the pull request itself is stored, hence by its number.
    """

    __tablename__ = "pull_request_labels"

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    number: int = Field(primary_key=True)
    labels: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    read_at: datetime
