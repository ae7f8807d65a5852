"""Whether something is told to a person now, later, or not at all. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from bot.notices.kinds import EventKind
from bot.preferences import Delivery, Preferences
from bot.working_time import Calendar, calendar_of, timezone_named

CHECKS_AGAIN = timedelta(minutes=2)
DIGEST_TAKES_ALONG = timedelta(minutes=5)
"""So long after a person's digest comes by itself what was kept for it and not in it."""
LONGEST_SEARCH_DAYS = 800


class Reason(StrEnum):
    """What something waits for."""

    REVIEW = "review"
    QUIET = "quiet"
    DIGEST = "digest"
    SNOOZE = "snooze"
    CHECKS = "checks"
    LOOKUP = "lookup"


class GroupReviewers(StrEnum):
    """Who is told when a group's review is asked for (PULLCORD_GROUP_REVIEWERS)."""

    MEMBERS = "members"
    ROTATION = "rotation"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class HoldingRules:
    """What the operator set.

    ``review_window``: how long a vote waits for the comments that come with it, and they for it.
    ``is_quiet``: whether working hours count for those who have not said. ``group_reviewers``: who
    is told when a group's review is asked for.
    """

    review_window: timedelta = timedelta()
    is_quiet: bool = True
    group_reviewers: GroupReviewers = GroupReviewers.ROTATION


@dataclass(frozen=True, slots=True)
class Send:
    """Tell it now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Look again at ``until``."""

    reason: Reason
    until: datetime


@dataclass(frozen=True, slots=True)
class Never:
    """Do not tell it. ``why`` is kept with it."""

    why: str


Verdict = Send | Hold | Never


@dataclass(frozen=True, slots=True)
class Subject:
    """What something is about, as preferences name it; "" where it is about none.

    ``repository`` is ``connection/REPOSITORY_ID``, ``pull_request`` is ``connection/NUMBER``.
    """

    kind: EventKind
    repository: str = ""
    pull_request: str = ""


def decide(
    subject: Subject,
    preferences: Preferences,
    teams_timezone: str,
    rules: HoldingRules,
    *,
    created_at: datetime,
    now: datetime,
    window_ends: datetime | None = None,
) -> Verdict:
    """What a person's settings say of one thing, now.

    Args:
        subject: what it is about.
        preferences: the person's.
        teams_timezone: what Teams told of the person's zone (IANA), "" if nothing.
        rules: the operator's.
        created_at: when it happened; the digest after that tells it.
        now: the time.
        window_ends: until when it waits for the rest of a review, None if it does not.
    """
    why = _unwanted(subject, preferences)
    if why:
        return Never(why)
    calendar = calendar_of(preferences, teams_timezone)
    waits: list[Hold] = []
    if window_ends is not None:
        waits.append(Hold(Reason.REVIEW, window_ends))
    snoozed = _snoozed_until(subject, preferences)
    if snoozed is not None:
        waits.append(Hold(Reason.SNOOZE, snoozed))
    if preferences.delivery(subject.kind) is Delivery.DIGEST:
        comes = next_digest(preferences, calendar, created_at)
        if preferences.digest_at is not None:
            comes += DIGEST_TAKES_ALONG
        waits.append(Hold(Reason.DIGEST, comes))
    for hold in waits:
        if hold.until > now:
            return hold
    return _quiet(subject, preferences, calendar, teams_timezone, rules, now)


def next_digest(preferences: Preferences, calendar: Calendar, after: datetime) -> datetime:
    """When the first digest after a moment comes: on a digest day that is no holiday nor absence.

    Without a time of his own it comes when work begins.
    """
    at = preferences.digest_at or preferences.hours.start
    day = calendar.day_of(after)
    for _ in range(LONGEST_SEARCH_DAYS):
        moment = calendar.moment(day, at)
        if (
            moment > after
            and _has_digest(preferences, calendar, day.weekday())
            and not (calendar.is_off(day))
        ):
            return moment
        day += timedelta(days=1)
    return calendar.moment(day, time())


def _has_digest(preferences: Preferences, calendar: Calendar, weekday: int) -> bool:
    days: Collection[int] = preferences.digest_days or calendar.hours.days
    return weekday in days or not days


def _unwanted(subject: Subject, preferences: Preferences) -> str:
    if preferences.delivery(subject.kind) is Delivery.OFF:
        return f"{subject.kind.value} is off"
    if subject.pull_request and subject.pull_request in preferences.muted_pull_requests:
        return "the pull request is muted"
    if subject.repository and subject.repository in preferences.muted_repositories:
        return "the repository is muted"
    return ""


def _snoozed_until(subject: Subject, preferences: Preferences) -> datetime | None:
    moments = (
        preferences.snoozed_until,
        preferences.snoozed_pull_requests.get(subject.pull_request),
    )
    return max((moment for moment in moments if moment is not None), default=None)


def _quiet(
    subject: Subject,
    preferences: Preferences,
    calendar: Calendar,
    teams_timezone: str,
    rules: HoldingRules,
    now: datetime,
) -> Verdict:
    """Nothing comes during an absence. Outside working hours only what is urgent comes.

    Whose time zone nobody told has no working hours that we could know.
    """
    if calendar.is_away(calendar.day_of(now)):
        return Hold(Reason.QUIET, calendar.next_working(now))
    chosen = preferences.is_quiet_outside_hours
    is_quiet = rules.is_quiet if chosen is None else chosen
    knows_zone = timezone_named(preferences.hours.timezone) or timezone_named(teams_timezone)
    if not is_quiet or knows_zone is None or subject.kind in preferences.urgent:
        return Send()
    if calendar.is_working(now):
        return Send()
    return Hold(Reason.QUIET, calendar.next_working(now))
