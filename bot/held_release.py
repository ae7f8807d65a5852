"""What waits for people and below cards: told, put off, or dropped. Inside ``Database.write``.

All that is due to one person or conversation is looked at together, so that one review is one
message, what was held overnight is one message, and their order stays. What waits for its time is
not looked at, but for the parts of a review, which what comes after them may end.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from bot.cards.view import PullRequestView, load_view
from bot.held_item import Waiting, late_once, read_item
from bot.held_over import why_over
from bot.held_telling import (
    mention_instead,
    tell_person,
    tell_person_together,
    tell_reply,
)
from bot.notices.holding import (
    CHECKS_AGAIN,
    Hold,
    HoldingRules,
    Never,
    Reason,
    Send,
    Verdict,
    decide,
)
from bot.notices.kinds import EventKind
from bot.notices.readiness import checks_in_the_way
from bot.people_preferences import preferences_of
from storage import held
from storage.held import SENT, Addressees
from storage.queries import people
from storage.tables import HeldNotice

_WERE_HELD = frozenset({Reason.QUIET.value, Reason.DIGEST.value, Reason.SNOOZE.value})


def release(
    session: Session, addressees: Addressees, rules: HoldingRules, *, now: datetime
) -> None:
    """Deal with what is due to these people and conversations."""
    views: dict[int, PullRequestView] = {}
    by_person: dict[int, list[Waiting]] = {}
    by_place: dict[str, list[Waiting]] = {}
    for row in held.waiting_for(session, addressees, now=now, also=[Reason.REVIEW.value]):
        waiting = Waiting(row, read_item(row.payload), _view(session, row, views, now))
        if row.person_id is not None:
            by_person.setdefault(row.person_id, []).append(waiting)
        elif row.conversation_id:
            by_place.setdefault(row.conversation_id, []).append(waiting)
    for person_id, theirs in by_person.items():
        _release_person(session, person_id, theirs, rules, now)
    for theirs in by_place.values():
        _release_replies(session, theirs, rules, now)


def _view(
    session: Session, row: HeldNotice, views: dict[int, PullRequestView], now: datetime
) -> PullRequestView | None:
    if row.pull_request_id is None:
        return None
    if row.pull_request_id not in views:
        views[row.pull_request_id] = load_view(session, row.pull_request_id, "", now)
    return views[row.pull_request_id]


def _release_person(
    session: Session, person_id: int, theirs: Sequence[Waiting], rules: HoldingRules, now: datetime
) -> None:
    person = people.get(session, person_id)
    if person is None or person.removed_at is not None:
        ids = [waiting.row.id for waiting in theirs]
        held.release(session, ids, now=now, outcome="the person is not there any more")
        return
    preferences = preferences_of(person)
    over = {
        waiting.row.id: why
        for waiting in theirs
        if (why := why_over(session, person_id, waiting.row, waiting.item, waiting.view))
    }
    open_ = [waiting for waiting in theirs if waiting.row.id not in over]
    ends = _windows(open_, rules)

    def verdict(waiting: Waiting) -> Verdict:
        found = decide(
            waiting.subject,
            preferences,
            person.timezone,
            rules,
            created_at=waiting.row.created_at,
            now=now,
            window_ends=ends.get(waiting.row.id),
        )
        if isinstance(found, Send) and _waits_for_checks(waiting):
            return Hold(Reason.CHECKS, now + CHECKS_AGAIN)
        return found

    for row_id, why in over.items():
        held.release(session, [row_id], now=now, outcome=why)
    verdicts = [(waiting, verdict(waiting)) for waiting in open_]
    told = late_once(_sort_out(session, verdicts, now))
    if not told:
        return
    direct = [each for each in told if not mention_instead(session, person, each, now=now)]
    late = [waiting for waiting in direct if waiting.row.reason in _WERE_HELD]
    late_groups = _as_groups(late, rules)
    if len(late_groups) > 1:
        tell_person_together(session, person, late_groups, now=now)
    at_once = direct if len(late_groups) <= 1 else [each for each in direct if each not in late]
    for group in _as_groups(at_once, rules):
        tell_person(session, person, group, now=now)
    held.release(session, [waiting.row.id for waiting in told], now=now, outcome=SENT)


def _release_replies(
    session: Session, theirs: Sequence[Waiting], rules: HoldingRules, now: datetime
) -> None:
    """A later reply that is no part of a review does not overtake it: then the window is over."""
    ends = _windows(theirs, rules)
    verdicts: list[tuple[Waiting, Verdict]] = [
        (waiting, Hold(Reason.REVIEW, until))
        if (until := ends.get(waiting.row.id)) is not None and until > now
        else (waiting, Send())
        for waiting in theirs
    ]
    told = _sort_out(session, verdicts, now)
    for group in _as_groups(told, rules):
        tell_reply(session, group, now=now)
    held.release(session, [waiting.row.id for waiting in told], now=now, outcome=SENT)


def _windows(theirs: Sequence[Waiting], rules: HoldingRules) -> dict[int | None, datetime]:
    """Until when each row waits for the rest of a review. What comes after it ends the wait."""
    begun: dict[str, datetime] = {}
    last_other: dict[int | None, int] = {}
    for waiting in theirs:
        row = waiting.row
        if row.group_key:
            begun[row.group_key] = min(begun.get(row.group_key, row.created_at), row.created_at)
        elif row.kind != EventKind.READY:
            last_other[row.pull_request_id] = row.id or 0
    ends: dict[int | None, datetime] = {}
    of_pull_request: dict[int | None, datetime] = {}
    for waiting in theirs:
        row = waiting.row
        is_overtaken = (row.id or 0) < last_other.get(row.pull_request_id, 0)
        if row.group_key and not is_overtaken:
            until = begun[row.group_key] + rules.review_window
            ends[row.id] = until
            of_pull_request[row.pull_request_id] = max(
                of_pull_request.get(row.pull_request_id, until), until
            )
    for waiting in theirs:  # that nothing stands in the way is told with the vote that did it
        row = waiting.row
        if row.kind == EventKind.READY and row.pull_request_id in of_pull_request:
            ends[row.id] = of_pull_request[row.pull_request_id]
    return ends


def _waits_for_checks(waiting: Waiting) -> bool:
    view = waiting.view
    return (
        waiting.row.kind == EventKind.READY
        and view is not None
        and checks_in_the_way(view.checks or ())
    )


def _sort_out(
    session: Session, verdicts: Iterable[tuple[Waiting, Verdict]], now: datetime
) -> list[Waiting]:
    """Store what is not told now; what is told, in its order."""
    told: list[Waiting] = []
    for waiting, verdict in verdicts:
        match verdict:
            case Send():
                told.append(waiting)
            case Hold(reason=reason, until=until):
                held.put_off(session, [waiting.row.id], due_at=until, reason=reason.value)
            case Never(why=why):
                held.release(session, [waiting.row.id], now=now, outcome=why)
    return told


def _as_groups(told: Sequence[Waiting], rules: HoldingRules) -> list[list[Waiting]]:
    """What is one message each: a review, with the news that nothing stands in the way.

    What waited is joined. Without a review window nothing waits for its rest: then what is told at
    once is joined with what the same cause brought, not with what happens to be told beside it.
    """
    groups: dict[object, list[Waiting]] = {}
    last_review: dict[object, object] = {}
    for waiting in told:
        row = waiting.row
        brought_by = "" if rules.review_window or row.reason else row.cause
        key: object = row.id
        if row.group_key:
            key = (row.group_key, brought_by)
            last_review[row.pull_request_id, brought_by] = key
        elif row.kind == EventKind.READY:
            key = last_review.get((row.pull_request_id, brought_by), row.id)
        groups.setdefault(key, []).append(waiting)
    return list(groups.values())
