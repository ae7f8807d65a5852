"""What must not cost more the longer Pullcord is in use. ``benchmarks/growth.py`` measures it."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlmodel import Session

from storage import dialects, housekeeping
from storage.dialects import is_sqlite
from storage.queries import pull_request_lists, radar
from storage.tables import ReviewerRow
from tests.storage.samples import NOW, add_connection, add_pull_request, add_repository

Plan = Callable[[Session, Callable[[], object]], list[str]]


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = dialects.writer_engine(database_url)
    with Session(engine) as made:
        add_connection(made)
        yield made
    engine.dispose()


def test_only_reviews_that_are_open_are_listed_and_only_those_are_read(
    session: Session, plan: Plan
) -> None:
    add_repository(session)
    for number, is_open in ((1, True), (2, False)):
        row_id = add_pull_request(session, number)
        reviewer = ReviewerRow(pull_request_id=row_id, identity_id="jonas", is_open=is_open)
        session.add(reviewer)
    session.flush()
    found = pull_request_lists.list_awaiting_vote(session, [("demo", "jonas")], limit=10)
    assert [each.number for each in found] == [1]
    if is_sqlite(session):
        for identities in ([("demo", "jonas")], [("demo", "jonas"), ("other", "jonas")]):
            listing = partial(pull_request_lists.list_awaiting_vote, session, identities, limit=10)
            steps = plan(session, listing)
            assert "SEARCH reviewers USING INDEX ix_reviewers_open (identity_id=?)" in steps
            assert not [step for step in steps if step.startswith("SCAN")]


def test_what_is_forgotten_is_found_without_reading_what_is_kept(
    session: Session, plan: Plan
) -> None:
    assert housekeeping.forget_old(session, now=NOW) == 0
    if is_sqlite(session):
        steps = plan(session, lambda: housekeeping.forget_old(session, now=NOW))
        for table in ("inbox", "outbox"):
            assert any(
                step.startswith(f"SEARCH {table} ") and "(state=? AND due_at<?)" in step
                for step in steps
            ), steps


def test_what_the_radar_left_is_kept_per_connection(session: Session) -> None:
    radar.keep_backlog(session, "demo", pairs=3, unread=1)
    radar.keep_backlog(session, "demo", pairs=2, unread=0)
    session.flush()
    (row,) = radar.backlogs(session)
    assert (row.connection, row.pairs, row.unread) == ("demo", 2, 0)
