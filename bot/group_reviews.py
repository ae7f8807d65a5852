"""A group's review is asked for: who of its members is told. Inside ``Database.write``."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from bot.cards.view import load_view
from bot.held_item import Item, hold_direct
from bot.model import Identity, Vote
from bot.notices import texts
from bot.notices.holding import GroupReviewers, HoldingRules
from bot.notices.kinds import EventKind
from bot.notices.machines import is_machine
from bot.notices.model import DirectMessage
from bot.notices.reasons import Role
from bot.notices.review_requests import FILES_PAGE, request_key
from bot.people_preferences import preferences_of
from bot.preferences import Delivery
from bot.pull_request_state import PullRequestState
from bot.recorded_rows import keep_identity
from bot.working_time import calendar_of
from storage import held
from storage.queries import people, recording, reviews
from storage.tables import HeldNotice, Person

log = logging.getLogger(__name__)

MEMBERS_KEPT = timedelta(hours=12)
NEVER = datetime.min.replace(tzinfo=UTC)


def expand(
    session: Session,
    row: HeldNotice,
    item: Item,
    connection: str,
    members: Sequence[Identity] | None,
    rules: HoldingRules,
    *,
    now: datetime,
) -> None:
    """Turn the asking of a group into that of its people; ``members`` None: as last read."""
    if row.pull_request_id is None:
        return
    state = load_view(session, row.pull_request_id, "", now).state
    ids = _members(session, connection, item, members, now)
    found = _candidates(session, connection, ids, item, state)
    chosen = choose(
        found,
        reviews.turns(session, connection, item.group_id),
        rules.group_reviewers,
        now=now,
    )
    if not chosen and rules.group_reviewers is not GroupReviewers.NOBODY:
        log.info("nobody of the group that reviews %s!%s is known", connection, state.number)
    for person in chosen:
        message = DirectMessage(
            person.id or 0,
            texts.group_review_asked(state, item.group_name, is_turn=_is_turn(rules)),
            request_key(person.id or 0, f"{connection}/{state.number}", item.request),
            with_card=False,
            page=FILES_PAGE,
            kind=EventKind.REVIEW_ASKED,
            role=Role.GROUP_MEMBER,
            late=item.late,
        )
        hold_direct(
            session,
            message,
            row.pull_request_id,
            cause=row.cause,
            now=now,
            turn_of=item.group_id if _is_turn(rules) else "",
        )
    told = [person.id or 0 for person in chosen]
    reviews.took_turns(session, connection, item.group_id, told, now=now)
    outcome = "asked of its members" if chosen else "nobody of the group can be told"
    held.release(session, [row.id], now=now, outcome=outcome)


def choose(
    candidates: Sequence[Person],
    turns: Mapping[int, datetime],
    mode: GroupReviewers,
    *,
    now: datetime,
) -> list[Person]:
    """All of them, or the one whose turn it is: who is there and was asked longest ago."""
    wanted = [
        person
        for person in candidates
        if preferences_of(person).delivery(EventKind.REVIEW_ASKED) is not Delivery.OFF
    ]
    match mode:
        case GroupReviewers.NOBODY:
            return []
        case GroupReviewers.MEMBERS:
            return wanted
    there = [person for person in wanted if not _is_away(person, now)] or wanted
    by_turn = sorted(there, key=lambda person: (turns.get(person.id or 0, NEVER), person.id or 0))
    return by_turn[:1]


def _is_turn(rules: HoldingRules) -> bool:
    return rules.group_reviewers is GroupReviewers.ROTATION


def _is_away(person: Person, now: datetime) -> bool:
    calendar = calendar_of(preferences_of(person), person.timezone)
    return calendar.is_away(calendar.day_of(now))


def _members(
    session: Session,
    connection: str,
    item: Item,
    members: Sequence[Identity] | None,
    now: datetime,
) -> list[str]:
    if members is None:
        known = reviews.group_members(session, connection, item.group_id)
        return list(known.members) if known else []
    listed = [member for member in members if not member.is_group and not is_machine(member)]
    for member in listed:
        keep_identity(session, connection, member, now=now)
    ids = [member.id for member in listed]
    reviews.keep_group(session, connection, item.group_id, ids, now=now)
    return ids


def _candidates(
    session: Session, connection: str, ids: Sequence[str], item: Item, state: PullRequestState
) -> list[Person]:
    """The members' persons, each once, without who wrote it, ordered it, reviews it or voted."""
    author = _people_behind(session, connection, [state.author.id])
    reviewers = [r.identity.id for r in state.reviewers if not r.identity.is_group]
    is_voted = any(
        r.identity.id == item.group_id and r.vote is not Vote.NONE for r in state.reviewers
    )
    if is_voted:
        return []
    barred = author | _people_behind(session, connection, reviewers)
    barred |= {item.actor} if item.actor is not None else set()
    wanted = _people_behind(session, connection, ids) - barred
    rows = [people.get(session, person_id) for person_id in sorted(wanted)]
    return [person for person in rows if person is not None]


def _people_behind(session: Session, connection: str, ids: Sequence[str]) -> set[int]:
    """The persons behind identities, those who left aside."""
    return {found.person_id for found in recording.people_of(session, connection, ids)}
