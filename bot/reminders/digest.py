"""What stands in a digest of a person or a conversation, from the database."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from bot.cards.digest import Digest, DigestLine
from bot.cards.view import without_user
from bot.group_reviewers import GroupReview
from bot.links import pull_request_url
from bot.notices.filters import passes, subject_of
from bot.notices.model import Subscriber
from bot.notices.readiness import is_ready
from bot.own_groups import waiting_for_him
from bot.reach import load_facts, load_reach
from bot.reminders.due import is_muted
from bot.reminders.people import Someone
from bot.reminders.seen import Seen, load_seen
from bot.reminders.waiting import waiting_reviewers
from storage.queries import conflict_lists, reviews
from storage.queries.conflict_lists import ListedPair
from storage.queries.pull_request_lists import ListedPullRequest, any_of
from storage.tables import Connection, IdentityRow, PullRequestRow, ReviewerRow

ACTIVE = "active"
WAITING, CONFLICTS, READY, YOURS = "Waiting for you", "Conflicts", "Ready to complete", "Yours"
REVIEW, OPEN = "Waiting for review", "Open"
PAIR = "Will conflict"
MOST_NAMES = 2
MOST_READ = 500

PERSONAL_WHY = "You asked for a digest at this time."
SHARED_WHY = "This conversation asked for a digest at this time."


def personal_digest(session: Session, person: Someone) -> Digest:
    """What waits for a person and what is his; each pull request once, where it matters most."""
    identities = _identities(session, person.id)
    own_ids = {identity_id.lower() for _, identity_id in identities}
    groups = reviews.groups_of(session, identities)
    to_review: list[DigestLine] = []
    conflicts: list[DigestLine] = []
    ready: list[DigestLine] = []
    others: list[DigestLine] = []
    concerning = _concerning(session, identities, groups)
    of_groups = waiting_for_him(session, person.id, list(_asked_of(groups, concerning)))
    for seen, url in _with_urls(session, concerning):
        if is_muted(person, seen):
            continue
        mine = own_ids | {group for id_, group in of_groups if id_ == seen.id}
        waiting = _waits_for(seen, mine)
        if seen.state.author.id.lower() in own_ids:
            part = conflicts if seen.has_conflicts else ready if _is_ready(seen) else others
            what = CONFLICTS if seen.has_conflicts else READY if _is_ready(seen) else YOURS
            part.append(_line(what, seen, url, _since_own(seen)))
        elif waiting is not None:
            since, group = waiting
            to_review.append(_line(WAITING, seen, url, since, f"for {group}" if group else ""))
    pairs = [_pair(pair) for pair in conflict_lists.of_authors(session, identities).pairs]
    parts = (to_review, conflicts, ready, others, pairs)
    return Digest("Your digest", tuple(_oldest_first(parts)), why=PERSONAL_WHY, is_direct=True)


def shared_digest(session: Session, subscription_ids: frozenset[int]) -> Digest:
    """The open pull requests of these subscriptions of one conversation, with all their filters."""
    to_review: list[DigestLine] = []
    conflicts: list[DigestLine] = []
    ready: list[DigestLine] = []
    others: list[DigestLine] = []
    found = list(_covered(session, subscription_ids))
    for seen, url in _with_urls(session, found):
        names = [each.identity.display_name for each in waiting_reviewers(seen.state, seen.history)]
        if seen.has_conflicts:
            conflicts.append(_line(CONFLICTS, seen, url, _since_own(seen), _author(seen)))
        elif _is_ready(seen):
            ready.append(_line(READY, seen, url, _since_own(seen), _author(seen)))
        elif names and not seen.state.is_draft:
            to_review.append(_line(REVIEW, seen, url, _since_begun(seen), _named(names)))
        elif not seen.state.is_draft:
            others.append(_line(OPEN, seen, url, _since_begun(seen), _author(seen)))
    repositories = {(one.state.connection, one.state.repository.id) for one in found}
    shown = {(one.state.connection, one.state.number) for one in found}
    pairs = [
        _pair(pair)
        for pair in conflict_lists.in_repositories(session, sorted(repositories)).pairs
        if shown & {(each.connection, each.number) for each in (pair.first, pair.second)}
    ]
    parts = (to_review, conflicts, ready, others, pairs)
    return Digest("Open pull requests", tuple(_oldest_first(parts)), why=SHARED_WHY)


# --- what is read -----------------------------------------------------------------------------


def _identities(session: Session, person_id: int) -> list[tuple[str, str]]:
    rows = session.exec(
        select(IdentityRow.connection, IdentityRow.id).where(
            IdentityRow.person_id == person_id, col(IdentityRow.is_group).is_(False)
        )
    ).all()
    return list(rows)


def _concerning(
    session: Session, identities: Sequence[tuple[str, str]], groups: Collection[tuple[str, str]]
) -> list[Seen]:
    """Open ones that these identities wrote, or that they or their groups are asked to review.

    However much is asked of groups, his own and what is asked of him are among it.
    """
    if not identities:
        return []
    own = or_(any_of(identities, col(PullRequestRow.author_id)), _is_reviewed_by(identities))
    rows = {row.id: row for some in (own, _is_reviewed_by(groups)) for row in _open(session, some)}
    return load_seen(session, [rows[id_] for id_ in sorted(rows, key=lambda id_: id_ or 0)])


def _is_reviewed_by(identities: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    reviewed = select(ReviewerRow.pull_request_id).where(
        col(ReviewerRow.identity_id).in_([identity_id for _, identity_id in identities])
    )
    return col(PullRequestRow.id).in_(reviewed)


def _open(session: Session, condition: ColumnElement[bool]) -> Sequence[PullRequestRow]:
    return session.exec(
        select(PullRequestRow)
        .where(PullRequestRow.status == ACTIVE, condition)
        .order_by(col(PullRequestRow.id))
        .limit(MOST_READ)
    ).all()


def _covered(session: Session, subscription_ids: frozenset[int]) -> Iterator[Seen]:
    rows = session.exec(
        select(PullRequestRow.connection, PullRequestRow.repository_id)
        .where(PullRequestRow.status == ACTIVE)
        .distinct()
    ).all()
    for connection, repository_id in rows:
        yield from _covered_in(session, connection, repository_id, subscription_ids)


def _covered_in(
    session: Session, connection: str, repository_id: str, subscription_ids: frozenset[int]
) -> Iterator[Seen]:
    """Those of one repository that a subscription covers."""
    one = (
        PullRequestRow.connection == connection,
        PullRequestRow.repository_id == repository_id,
        PullRequestRow.status == ACTIVE,
    )
    first = session.exec(select(PullRequestRow).where(*one).limit(1)).first()
    if first is None:
        return
    state = load_seen(session, [first])[0].state
    reach = load_reach(session, connection, state.repository)
    subscribers: list[Subscriber] = [e for e in reach.subscribers if e.id in subscription_ids]
    if not subscribers:
        return
    rows = session.exec(
        select(PullRequestRow).where(*one).order_by(col(PullRequestRow.id)).limit(MOST_READ)
    ).all()
    for seen in load_seen(session, rows):
        subject = subject_of(seen.state, load_facts(session, seen.state, reach))
        if any(passes(each.filters, subject) for each in subscribers):
            yield seen


def _with_urls(session: Session, found: Sequence[Seen]) -> Iterator[tuple[Seen, str]]:
    bases: dict[str, str] = {}
    for seen in found:
        state = seen.state
        if state.connection not in bases:
            connection = session.get_one(Connection, state.connection)
            bases[state.connection] = without_user(connection.base_url)
        repository = state.repository
        yield (
            seen,
            pull_request_url(
                bases[state.connection], repository.project_name, repository.name, state.number
            ),
        )


# --- what it becomes --------------------------------------------------------------------------


def _is_ready(seen: Seen) -> bool:
    return is_ready(seen.state) and not seen.is_blocked


def _asked_of(groups: Collection[tuple[str, str]], found: Sequence[Seen]) -> Iterator[GroupReview]:
    """Those of these groups (connection, id) that review these pull requests."""
    known = {(connection, group.lower()) for connection, group in groups}
    for seen in found:
        for reviewer in seen.state.reviewers:
            if (seen.state.connection, reviewer.identity.id.lower()) in known:
                yield GroupReview(seen.id, seen.state.connection, reviewer.identity.id)


def _waits_for(seen: Seen, own_ids: set[str]) -> tuple[datetime, str] | None:
    """Since when it waits for one of these identities, and the group that it is, if it is one.

    None: it does not wait for them.
    """
    waits = [wait for wait in seen.waits if wait.identity_id.lower() in own_ids]
    if not waits:
        return None
    in_person = [wait for wait in waits if wait.reviewer and not wait.reviewer.identity.is_group]
    first = min(in_person or waits, key=lambda wait: wait.since)
    is_group = first.reviewer is not None and first.reviewer.identity.is_group
    return first.since, first.reviewer.identity.display_name if is_group and first.reviewer else ""


def _since_begun(seen: Seen) -> datetime:
    return seen.history.published or seen.state.published_at or seen.state.created_at


def _since_own(seen: Seen) -> datetime:
    if seen.conflicts_since is not None:
        return seen.conflicts_since
    if _is_ready(seen):
        return max((*seen.history.voted.values(), _since_begun(seen)))
    return seen.state.created_at


def _author(seen: Seen) -> str:
    return f"by {seen.state.author.display_name}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"by {', '.join(names[:MOST_NAMES])}{more}"


def _line(what: str, seen: Seen, url: str, since: datetime, note: str = "") -> DigestLine:
    state = seen.state
    draft = "(draft)" if state.is_draft else ""
    return DigestLine(
        what=what,
        links=((f"#{state.number} {state.title}", url),),
        repository=state.repository.name,
        since=since,
        note=" ".join(part for part in (draft, note) if part),
    )


def _pair(pair: ListedPair) -> DigestLine:
    return DigestLine(
        what=PAIR,
        links=tuple(_link(each) for each in (pair.first, pair.second)),
        repository=pair.first.repository_name,
        since=pair.since,
    )


def _link(listed: ListedPullRequest) -> tuple[str, str]:
    url = pull_request_url(
        without_user(listed.base_url), listed.project_name, listed.repository_name, listed.number
    )
    return f"#{listed.number} {listed.title}", url


def _oldest_first(parts: Sequence[Sequence[DigestLine]]) -> Iterator[DigestLine]:
    for part in parts:
        yield from sorted(part, key=lambda line: line.since)
