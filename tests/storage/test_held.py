"""What waits to be told: kept once, due in order, released once, and news again when it is."""

from datetime import timedelta

from sqlmodel import Session, select

from storage import held
from storage.engine import Database
from storage.tables import HeldNotice
from tests.storage.samples import NOW, add_connection, add_person, add_pull_request

HOUR = timedelta(hours=1)


def _hold(session: Session, key: str, person_id: int | None = None, place: str = "") -> bool:
    return held.hold(
        session,
        key=key,
        kind="vote",
        payload={"text": "Größe 🙂"},
        now=NOW,
        person_id=person_id,
        conversation_id=place,
        pull_request_id=1,
    )


def _waiting(session: Session) -> list[str]:
    due = held.due_addressees(session, now=NOW)
    return [row.key for row in held.waiting_for(session, due, now=NOW, also=["review"])]


async def test_what_is_kept_twice_is_there_once_and_is_due_at_once(db: Database) -> None:
    def write(session: Session) -> tuple[list[bool], list[str]]:
        maya = add_person(session)
        kept = [_hold(session, "a", maya), _hold(session, "b", place="19:x"), _hold(session, "a")]
        _hold(session, "group")
        return kept, _waiting(session)

    assert await db.write(write) == ([True, True, False], ["a", "b", "group"])


async def test_what_is_put_off_is_not_looked_at_but_for_reviews_and_is_counted(
    db: Database,
) -> None:
    def write(session: Session) -> None:
        maya = add_person(session)
        for key in ("a", "b"):
            _hold(session, key, maya)
        first = session.exec(select(HeldNotice).where(HeldNotice.key == "a")).one()
        held.put_off(session, [first.id], due_at=NOW + HOUR, reason="quiet")
        assert _waiting(session) == ["b"]
        held.put_off(session, [first.id], due_at=NOW + HOUR, reason="review")
        assert _waiting(session) == ["a", "b"], "what comes later may end a review's wait"
        second = session.exec(select(HeldNotice).where(HeldNotice.key == "b")).one()
        held.release(session, [second.id], now=NOW, outcome=held.SENT)
        assert _waiting(session) == []
        assert held.next_due(session) == NOW + HOUR
        assert held.count_waiting(session, maya) == 1
        held.reconsider(session, maya, now=NOW)
        assert _waiting(session) == ["a"]

    await db.write(write)


async def test_what_was_let_go_for_a_reason_waits_anew_and_what_was_sent_does_not(
    db: Database,
) -> None:
    def write(session: Session) -> list[str]:
        maya = add_person(session)
        for key in ("radar:1:x", "radar:1:y", "radar:12:x", "radar:1:z"):
            _hold(session, key, maya)
        ids = {row.key: row.id for row in session.exec(select(HeldNotice)).all()}
        over = [ids["radar:1:x"], ids["radar:12:x"]]
        held.release(session, over, now=NOW, outcome="it is over")
        held.release(session, [ids["radar:1:y"]], now=NOW, outcome=held.SENT)
        held.release(session, [ids["radar:1:z"]], now=NOW, outcome="muted")
        held.hold_again(session, key_prefix="radar:1:", outcome="it is over", now=NOW)
        return _waiting(session)

    assert await db.write(write) == ["radar:1:x"]


async def test_a_reply_below_a_card_is_known_to_wait(db: Database) -> None:
    def write(session: Session) -> list[bool]:
        add_connection(session)
        add_pull_request(session)
        _hold(session, "reply", place="19:x")
        places = (("19:x", 1), ("19:x", 2), ("19:y", 1))
        return [held.waits_below(session, *place) for place in places]

    assert await db.write(write) == [True, False, False]
