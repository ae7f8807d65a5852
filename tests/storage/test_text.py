"""CHECKS 22: wild strings go in and come out; what no database can keep is replaced."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from storage import dialects
from storage.queries import activities, links, repositories
from storage.tables import Connection, ConversationRow, RepositoryRow
from storage.text import LONGEST_KEY, bounded_key, storable_text
from tests.storage.samples import NOW

WILD = st.text(st.characters(codec=None, exclude_categories=[])) | st.sampled_from(
    ["'", '"', "%", "_", "\\", "\x00", "\ud800", "';--", "%s", ":x", "?", "{0}", "😀", "\u202e"]
)
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = dialects.writer_engine(database_url)
    yield made
    made.dispose()


@many
@given(WILD, WILD)
@example("a\x00b", "\udfff")
@example("%_\\", "'")
def test_any_text_is_found_again_under_itself(engine: Engine, name: str, value: str) -> None:
    with Session(engine, expire_on_commit=False) as session:
        session.add(
            ConversationRow(
                id=name, kind="channel", service_url="", tenant_id="", name=value, created_at=NOW
            )
        )
        session.flush()
        session.expunge_all()
        stored = session.exec(select(ConversationRow).where(ConversationRow.id == name)).one()
        assert (stored.id, stored.name) == (storable_text(name), storable_text(value))
        same_name = select(ConversationRow.id).where(ConversationRow.name == value)
        assert session.exec(same_name).all() == [storable_text(name)]


@many
@given(WILD)
def test_json_and_keys_survive(engine: Engine, value: str) -> None:
    with Session(engine) as session:
        event = {"text": value, "number": 1.5}
        assert activities.store(session, key=value, event=event, received_at=NOW)
        assert not activities.store(session, key=value, event=event, received_at=NOW)
        row = activities.find(session, value)
        assert row is not None
        assert row.event == event


@many
@given(WILD)
@example("%")
@example("_")
@example("GRÖSSE")
def test_a_name_finds_only_itself(engine: Engine, name: str) -> None:
    with Session(engine) as session:
        session.add(Connection(name="demo", base_url="", created_at=NOW))
        session.flush()
        for id_, each in (("r1", name), ("r2", f"{name}x"), ("r3", "another")):
            session.add(
                RepositoryRow(
                    connection="demo", id=id_, name=each, project_id="p", project_name="P"
                )
            )
        session.flush()
        found = {row.id for row in repositories.find(session, "demo", name)}
        assert found in ({"r1"}, {"r1", name.casefold()})


@given(st.text(st.characters(codec=None, exclude_categories=[])))
def test_storable_text_is_kept_and_changes_nothing_else(text: str) -> None:
    clean = storable_text(text)
    assert len(clean) == len(text)
    assert storable_text(clean) == clean
    clean.encode()
    assert "\x00" not in clean
    assert all(new in {old, "\ufffd"} for new, old in zip(clean, text, strict=True))


def test_a_key_is_never_longer_than_an_index_takes() -> None:
    assert bounded_key("k" * LONGEST_KEY) == "k" * LONGEST_KEY
    assert bounded_key("k" * 401) != bounded_key("k" * 402)
    assert len(bounded_key("k" * 5000).encode()) < 100


def test_patterns_in_text_match_nothing_by_themselves(engine: Engine) -> None:
    with Session(engine) as session:
        session.add(Connection(name="demo", base_url="", created_at=NOW))
        session.flush()
        for number in range(3):
            links.link(session, "demo", 1, number, repository_id="r'%", by="Robert'); --", at=NOW)
        assert len(links.of_ticket(session, "demo", 1)) == 3
        assert session.exec(select(Connection).where(col(Connection.name) == "%")).all() == []
