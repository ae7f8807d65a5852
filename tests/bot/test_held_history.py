"""For any preferences and any history: nobody hears of his own action, and nobody hears twice."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlmodel import Session, col, select

from bot.held_release import release
from bot.model import (
    Comment,
    CommentHook,
    Identity,
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Reviewer,
    Vote,
)
from bot.notices.holding import HoldingRules
from bot.notices.kinds import EventKind
from bot.people_preferences import dump_preferences
from bot.preferences import Delivery, Preferences, WorkingHours
from bot.recording import record_comment, record_snapshot
from bot.working_time import calendar_of
from storage import held
from storage.tables import (
    Connection,
    ConversationRow,
    HeldNotice,
    IdentityRow,
    OutboxRow,
    Person,
    Subscription,
)
from tests.bot.pull_request_samples import JONAS, LENA, PULL_REQUEST, START
from tests.bot.pull_request_samples import MAYA as SAMPLE_MAYA
from tests.databases import migrated

MAYA = replace(SAMPLE_MAYA, id="00000000-0000-4000-8000-000000000001")
PEOPLE = (MAYA, JONAS, LENA)
OPENED = replace(
    PULL_REQUEST,
    author=MAYA,
    merge_status=MergeStatus.SUCCEEDED,
    reviewers=(Reviewer(JONAS), Reviewer(LENA, required=True)),
)
RULES = HoldingRules(review_window=timedelta(seconds=60))
FAR = START + timedelta(days=400)


@dataclass
class Told:
    """A history as it was played: who did each step, and what was sent when."""

    session: Session
    now: datetime = START
    snapshot: PullRequestSnapshot = OPENED
    comments: int = 0
    sent_at: dict[int, datetime] = field(default_factory=dict)

    def look(self) -> None:
        """The loop comes round."""
        due = held.due_addressees(self.session, now=self.now)
        if due:
            release(self.session, due, RULES, now=self.now)
        for row in self.session.exec(select(OutboxRow)).all():
            self.sent_at.setdefault(row.id or 0, self.now)

    def rows(self) -> list[HeldNotice]:
        return list(self.session.exec(select(HeldNotice).order_by(col(HeldNotice.id))).all())


actions = st.tuples(
    st.sampled_from(["vote", "comment", "mention", "push", "publish", "complete", "reopen"]),
    st.integers(0, 2),
    st.sampled_from([10, 5, 0, -5, -10]),
    st.sampled_from([1, 30, 3_600, 40_000]),
)
own_preferences = st.builds(
    Preferences,
    kinds=st.dictionaries(st.sampled_from(EventKind), st.sampled_from(Delivery), max_size=4),
    hours=st.builds(
        WorkingHours,
        timezone=st.sampled_from(["Europe/Berlin", "America/New_York", ""]),
        days=st.sampled_from([frozenset({0, 1, 2, 3, 4}), frozenset({5})]),
    ),
    is_quiet_outside_hours=st.sampled_from([True, False, None]),
    urgent=st.frozensets(st.sampled_from(EventKind), max_size=3),
    away_until=st.none() | st.just(date(2026, 11, 9)),
    snoozed_until=st.none() | st.just(START + timedelta(hours=5)),
    muted_pull_requests=st.sampled_from([frozenset(), frozenset({"contoso/12"})]),
    digest_at=st.none() | st.just(time(8, 30)),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return migrated(tmp_path_factory.mktemp("held") / "pullcord.db")


# Not made smaller when it fails: each example plays a whole history in a database.
@settings(max_examples=16, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(own_preferences, min_size=3, max_size=3), st.lists(actions, max_size=14))
def test_nobody_hears_of_his_own_action_and_nobody_hears_twice(
    url: str,
    chosen: list[Preferences],
    history: list[tuple[str, int, int, int]],
) -> None:
    engine = create_engine(url)
    with Session(engine) as session:
        told = Told(session)
        people = _furnish(session, chosen)
        _play(told, people, history)
        _check_once(told)
        _check_hours(told, dict(zip(people.values(), chosen, strict=True)))
        session.rollback()
    engine.dispose()


def _play(told: Told, people: dict[str, int], history: list[tuple[str, int, int, int]]) -> None:
    _record(told, told.snapshot)
    known = {row.id for row in told.rows()}
    own = people[MAYA.id]
    assert all(row.person_id != own for row in told.rows())
    for kind, index, vote, seconds in history:
        told.look()
        told.now += timedelta(seconds=seconds)
        who = PEOPLE[index]
        actor = _act(told, kind, who, vote)
        fresh = [row for row in told.rows() if row.id not in known]
        assert all(row.person_id != people[actor.id] for row in fresh), (kind, actor)
        known |= {row.id for row in fresh}
    while (due := held.next_due(told.session)) is not None and due < FAR:
        told.now = max(told.now + timedelta(milliseconds=1), due)
        told.look()


def _act(told: Told, kind: str, who: Identity, vote: int) -> Identity:
    """One step by one person, told twice by webhooks; who did it."""
    old = told.snapshot
    changed = replace(old, as_of=told.now)
    is_open = old.status is PullRequestStatus.ACTIVE
    if kind in ("comment", "mention"):
        told.comments += 1
        text = "@<00000000-0000-4000-8000-000000000001> look" if kind == "mention" else "Why?"
        comment = Comment(told.comments % 3, told.comments, who, text, told.now)
        for _ in range(2):
            hook = CommentHook(comment, old.repository.id, old.number, old)
            record_comment(told.session, "contoso", hook, cause="x", now=told.now)
        return who
    if kind == "vote" and is_open and who is not MAYA:
        reviewers = tuple(
            replace(each, vote=Vote(vote)) if each.identity.id == who.id else each
            for each in old.reviewers
        )
        changed = replace(changed, reviewers=reviewers)
    elif kind == "push" and is_open:
        changed, who = replace(changed, source_commit=f"{told.now.timestamp():040.0f}"), MAYA
    elif kind == "publish" and is_open:
        changed, who = replace(changed, is_draft=not old.is_draft), MAYA
    elif kind == "complete" and is_open:
        changed = replace(
            changed, status=PullRequestStatus.COMPLETED, closed_at=told.now, closed_by=who
        )
    elif kind == "reopen" and not is_open:
        changed = replace(changed, status=PullRequestStatus.ACTIVE, closed_at=None, closed_by=None)
        who = MAYA
    told.snapshot = changed
    _record(told, changed)
    _record(told, changed)
    return who


def _record(told: Told, snapshot: PullRequestSnapshot) -> None:
    record_snapshot(told.session, snapshot, cause="x", now=told.now)


def _check_once(told: Told) -> None:
    """No two messages to one person tell the same; what was sent is in the outbox once."""
    rows = told.rows()
    sent = [row for row in rows if row.outcome == held.SENT]
    events = Counter((row.person_id, row.conversation_id, row.key) for row in sent)
    assert all(count == 1 for count in events.values())
    news = Counter(
        (row.person_id, row.kind, row.created_at)
        for row in sent
        if row.person_id is not None and row.kind != EventKind.REVIEW_ASKED
    )
    assert all(count == 1 for count in news.values())
    left = [row for row in rows if row.released_at is None]
    assert left == []  # it comes, or it is known why not
    messages = told.session.exec(select(OutboxRow).where(OutboxRow.kind == "message")).all()
    direct = [row for row in messages if row.conversation_id.startswith("chat-")]
    assert len(direct) <= len(sent)


def _check_hours(told: Told, chosen: dict[int, Preferences]) -> None:
    rows = {row.key: row for row in told.rows()}
    for message in told.session.exec(select(OutboxRow)).all():
        row = rows.get(message.key)
        if row is None or row.person_id is None:
            continue
        own = chosen[row.person_id]
        calendar, at = calendar_of(own, ""), told.sent_at[message.id or 0]
        assert not calendar.is_away(calendar.day_of(at))
        assert own.delivery(EventKind(row.kind)) is not Delivery.OFF
        assert "contoso/12" not in own.muted_pull_requests
        is_free = own.is_quiet_outside_hours is False or not own.hours.timezone
        assert is_free or EventKind(row.kind) in own.urgent or calendar.is_working(at)


def _furnish(session: Session, chosen: list[Preferences]) -> dict[str, int]:
    """The connection, a channel that follows, and three people; their ids by identity."""
    before = START - timedelta(days=1)
    session.add(Connection(name="contoso", base_url="https://ado.example.com", created_at=before))
    place: dict[str, Any] = {
        "service_url": "https://smba.example.com",
        "tenant_id": "t",
        "created_at": before,
    }
    session.add(ConversationRow(id="channel", kind="channel", **place))
    session.flush()
    session.add(
        Subscription(
            conversation_id="channel", connection="contoso", project="shop", created_at=before
        )
    )
    ids: dict[str, int] = {}
    for identity, own in zip(PEOPLE, chosen, strict=True):
        chat = f"chat-{identity.id}"
        session.add(ConversationRow(id=chat, kind="personal", **place))
        person = Person(
            teams_user_id=f"29:{identity.id}",
            name=identity.display_name,
            mail=identity.unique_name,
            personal_conversation_id=chat,
            preferences=dump_preferences(own),
        )
        session.add(person)
        session.flush()
        ids[identity.id] = person.id or 0
        session.add(
            IdentityRow(
                connection="contoso",
                id=identity.id,
                display_name=identity.display_name,
                unique_name=identity.unique_name,
                person_id=person.id,
            )
        )
    session.flush()
    return ids
