"""What a subscription would have told in the last days, from what is stored of them.

Pull requests are looked at as they are now, only drafts as they were then. Labels and changed
files that were never read count as passing, as they would when told (bot.notices.filters).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.audit_entries import action_of_type, subject_of
from bot.cards.view import load_state
from bot.changes import (
    Change,
    ChecksFailed,
    ChecksFixed,
    CommentPosted,
    CommitsPushed,
    ConflictStarted,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReturnedToDraft,
    ReviewerAdded,
    TargetChanged,
    VoteCast,
)
from bot.model import Identity
from bot.notices import filters, texts
from bot.notices.filters import ANNOUNCE, SILENT, Facts
from bot.notices.kinds import EventKind, Place
from bot.notices.machines import is_machine
from bot.notices.places import KINDS
from bot.notices.wishes import Wishes
from bot.pull_request_state import PullRequestState
from bot.reach import members_by_group
from bot.repository_names import covers
from bot.teams_model import ConversationKind
from storage.queries import history, repositories
from storage.queries.history import Happened
from storage.tables import PullRequestRow, RepositoryRow, Subscription

LOOKS_BACK = timedelta(days=7)
NAMED = 5
CLOSED_BEFORE = timedelta(days=30)
"""Pull requests closed longer ago are not looked at: nobody comments on them any more."""
ONE_REVIEW = timedelta(seconds=60)

_TOLD: tuple[type[Change], ...] = (
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReturnedToDraft,
    CommitsPushed,
    TargetChanged,
    ReviewerAdded,
    VoteCast,
    CommentPosted,
    ConflictStarted,
    MergeFailed,
    ChecksFailed,
    ChecksFixed,
    PullRequestCompleted,
    PullRequestAbandoned,
)
_CHANGES = {action_of_type(each): each for each in _TOLD}
_ENDS = (ReturnedToDraft, PullRequestCompleted, PullRequestAbandoned)
_REVIEWS = (VoteCast, CommentPosted)


@dataclass(frozen=True, slots=True)
class Preview:
    """How many messages of each kind; new cards count as CREATED. ``titles`` are some of them."""

    counts: dict[EventKind, int] = field(default_factory=dict)
    titles: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All messages."""
        return sum(self.counts.values())


def preview(
    session: Session,
    place: tuple[str, str, str],
    wishes: Wishes,
    where: ConversationKind,
    *,
    now: datetime,
) -> Preview:
    """What a subscription to (connection, project, repository) would have told since a week."""
    since = now - LOOKS_BACK
    wanted = _repositories(session, place, now)
    connection = place[0]
    rows = history.pull_requests_since(session, connection, wanted, since=since - CLOSED_BEFORE)
    states = [(row, load_state(row)) for row in rows]
    facts = _facts(session, connection, rows, states, wishes)
    passing = [
        (row, state)
        for row, state in states
        if filters.passes(wishes.filters, filters.subject_of(state, facts[row.number]))
    ]
    by_subject = _entries(session, connection, [row.number for row, _ in passing], since)
    counts: Counter[EventKind] = Counter()
    titles: list[str] = []
    for row, state in passing:
        told = _PullRequest(row, state, wishes, where, since)
        found = told.count(by_subject.get(subject_of(connection, row.number), ()))
        counts += found
        titles += [texts.pull_request(state)] if found else []
    return Preview(dict(counts), tuple(titles[-NAMED:]))


def _repositories(session: Session, place: tuple[str, str, str], now: datetime) -> list[str]:
    connection, project, repository = place
    wanted = Subscription(
        conversation_id="",
        connection=connection,
        project=project,
        repository=repository,
        created_at=now,
    )
    rows: Sequence[RepositoryRow] = repositories.in_connections(session, [connection])
    return [row.id for row in rows if covers(wanted, row)]


def _facts(
    session: Session,
    connection: str,
    rows: Sequence[PullRequestRow],
    states: Sequence[tuple[PullRequestRow, PullRequestState]],
    wishes: Wishes,
) -> dict[int, Facts]:
    labels = history.known_labels(session, connection, [row.number for row in rows])
    commits = [state.source_commit for _, state in states]
    files = history.known_files(session, connection, commits)
    groups = {group_id: name for name, group_id in wishes.filters.groups}
    members = members_by_group(session, connection, groups)
    return {
        row.number: Facts(
            labels.get(row.number), files.get((state.source_commit, state.target_ref)), members
        )
        for row, state in states
    }


def _entries(
    session: Session, connection: str, numbers: Sequence[int], since: datetime
) -> dict[str, list[Happened]]:
    subjects = [subject_of(connection, number) for number in numbers]
    found: dict[str, list[Happened]] = {}
    for entry in history.entries(session, subjects, _CHANGES, since=since):
        found.setdefault(entry.subject, []).append(entry)
    return found


class _PullRequest:
    """Counts what one pull request would have brought."""

    def __init__(
        self,
        row: PullRequestRow,
        state: PullRequestState,
        wishes: Wishes,
        where: ConversationKind,
        since: datetime,
    ) -> None:
        self._state, self._wishes, self._where = state, wishes, where
        self._is_old = row.created_at < since
        messages = {Place.THREAD, Place.CHANNEL}
        self._messages = messages | (
            {Place.DIRECT} if where is ConversationKind.PERSONAL else set()
        )

    def count(self, entries: Sequence[Happened]) -> Counter[EventKind]:
        """Messages by kind; a new card is one of kind CREATED."""
        counts: Counter[EventKind] = Counter()
        drafts = self._drafts(entries)
        was_draft = drafts[0] if drafts else self._state.is_draft
        has_card = self._is_old and (not was_draft or self._wishes.filters.drafts == ANNOUNCE)
        last: Happened | None = None
        for entry, is_draft in zip(entries, drafts[1:], strict=True):
            change, kind = _CHANGES[entry.action], KINDS.get(_CHANGES[entry.action])
            kind = EventKind.COMMENT if change is CommentPosted else kind
            if kind is None or _is_of_machine(entry, change):
                continue
            place = self._wishes.places.of(kind, self._where)
            if place is Place.OFF or not self._wants(change, is_draft, has_card):
                continue
            if not has_card and change is not ReviewerAdded:
                has_card = True
                counts[EventKind.CREATED] += 1
            if place in self._messages and not _is_same_review(last, entry):
                counts[kind] += 1
            last = entry if change in _REVIEWS else last
        return counts

    def _drafts(self, entries: Sequence[Happened]) -> list[bool]:
        """Whether it was a draft before the first entry, and after each."""
        now = self._state.is_draft
        found = [now]
        for entry in reversed(entries):
            change = _CHANGES[entry.action]
            if change is PullRequestPublished:
                now = True
            elif change is ReturnedToDraft:
                now = False
            found.append(now)
        return found[::-1]

    def _wants(self, change: type[Change], is_draft: bool, has_card: bool) -> bool:
        drafts = self._wishes.filters.drafts
        if drafts == ANNOUNCE:
            return True
        if change is PullRequestPublished:
            return drafts != SILENT
        return not is_draft or (has_card and change in (*_ENDS, ConflictStarted))


def _is_same_review(last: Happened | None, entry: Happened) -> bool:
    """Votes and comments of one person within a minute are one message; so are votes at once."""
    if last is None or _CHANGES[entry.action] not in _REVIEWS:
        return False
    at_once = (last.at, last.cause, last.action) == (entry.at, entry.cause, entry.action)
    return at_once or (last.actor == entry.actor and entry.at - last.at <= ONE_REVIEW)


def _is_of_machine(entry: Happened, change: type[Change]) -> bool:
    if change not in _REVIEWS:
        return False
    name, _, account = entry.actor.rpartition(" <")
    return is_machine(Identity("", name, account.removesuffix(">")))
