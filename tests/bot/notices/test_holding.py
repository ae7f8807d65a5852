from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notices.holding import (
    DIGEST_TAKES_ALONG,
    Hold,
    HoldingRules,
    Never,
    Reason,
    Send,
    Subject,
    decide,
)
from bot.notices.kinds import EventKind
from bot.preferences import Delivery, Preferences, WorkingHours
from bot.working_time import calendar_of

BERLIN = WorkingHours(timezone="Europe/Berlin", holidays="DE")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # 11:00 in Berlin
NIGHT = MONDAY + timedelta(hours=10)
TUESDAY_NINE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
VOTE = Subject(EventKind.VOTE, "contoso/repo-web", "contoso/12")
OWN = Preferences(hours=BERLIN)


@pytest.mark.parametrize(
    ("own", "now", "expected"),
    [
        (OWN, MONDAY, Send()),
        (OWN, NIGHT, Hold(Reason.QUIET, TUESDAY_NINE)),
        (Preferences(), NIGHT, Send()),  # nobody told the zone: no hours are known
        (replace(OWN, is_quiet_outside_hours=False), NIGHT, Send()),
        (replace(OWN, urgent=frozenset({EventKind.VOTE})), NIGHT, Send()),
        (
            replace(OWN, urgent=frozenset({EventKind.MENTION})),
            NIGHT,
            Hold(Reason.QUIET, TUESDAY_NINE),
        ),
        (replace(OWN, kinds={EventKind.VOTE: Delivery.OFF}), MONDAY, Never("vote is off")),
        (
            replace(OWN, kinds={EventKind.VOTE: Delivery.DIGEST}),
            MONDAY,
            Hold(Reason.DIGEST, TUESDAY_NINE),
        ),
        (
            replace(OWN, kinds={EventKind.VOTE: Delivery.DIGEST}, digest_at=time(14)),
            MONDAY,
            Hold(Reason.DIGEST, datetime(2026, 11, 23, 13, 0, tzinfo=UTC) + DIGEST_TAKES_ALONG),
        ),
        (
            replace(OWN, muted_pull_requests=frozenset({"contoso/12"})),
            MONDAY,
            Never("the pull request is muted"),
        ),
        (
            replace(OWN, muted_repositories=frozenset({"contoso/repo-web"})),
            MONDAY,
            Never("the repository is muted"),
        ),
        (replace(OWN, muted_pull_requests=frozenset({"contoso/1"})), MONDAY, Send()),
        (
            replace(OWN, snoozed_pull_requests={"contoso/12": NIGHT}),
            MONDAY,
            Hold(Reason.SNOOZE, NIGHT),
        ),
        (
            replace(OWN, snoozed_pull_requests={"contoso/12": NIGHT}),
            NIGHT,
            Hold(Reason.QUIET, TUESDAY_NINE),
        ),
        (replace(OWN, snoozed_until=NIGHT), MONDAY, Hold(Reason.SNOOZE, NIGHT)),
        (
            replace(OWN, away_until=date(2026, 11, 26), urgent=frozenset(EventKind)),
            MONDAY,
            Hold(Reason.QUIET, datetime(2026, 11, 26, 8, 0, tzinfo=UTC)),
        ),
    ],
)
def test_what_settings_make_of_a_vote(own: Preferences, now: datetime, expected: object) -> None:
    found = decide(VOTE, own, "", HoldingRules(), created_at=MONDAY, now=now)
    assert found == expected


def test_teams_zone_counts_where_none_is_chosen() -> None:
    found = decide(
        VOTE, Preferences(), "America/New_York", HoldingRules(), created_at=MONDAY, now=MONDAY
    )
    assert found == Hold(Reason.QUIET, datetime(2026, 11, 23, 14, 0, tzinfo=UTC))


def test_the_operator_may_leave_the_quiet_to_each_person() -> None:
    rules = HoldingRules(is_quiet=False)
    assert decide(VOTE, OWN, "", rules, created_at=NIGHT, now=NIGHT) == Send()
    chosen = replace(OWN, is_quiet_outside_hours=True)
    assert isinstance(decide(VOTE, chosen, "", rules, created_at=NIGHT, now=NIGHT), Hold)


def test_the_rest_of_a_review_is_waited_for() -> None:
    ends = MONDAY + timedelta(seconds=60)
    args = {"created_at": MONDAY, "window_ends": ends}
    assert decide(VOTE, OWN, "", HoldingRules(), now=MONDAY, **args) == Hold(Reason.REVIEW, ends)
    assert decide(VOTE, OWN, "", HoldingRules(), now=ends, **args) == Send()


moments = st.integers(0, 700 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))
preferences = st.builds(
    Preferences,
    kinds=st.dictionaries(st.sampled_from(EventKind), st.sampled_from(Delivery), max_size=5),
    hours=st.builds(
        WorkingHours,
        timezone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", ""]),
        start=st.sampled_from([time(9), time(22), time(0)]),
        end=st.sampled_from([time(17), time(6), time(0)]),
        days=st.frozensets(st.integers(0, 6), min_size=1),
        holidays=st.sampled_from(["", "DE", "US"]),
    ),
    is_quiet_outside_hours=st.sampled_from([True, False, None]),
    urgent=st.frozensets(st.sampled_from(EventKind), max_size=3),
    away_until=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    snoozed_until=st.none() | moments,
    digest_at=st.none() | st.just(time(8, 30)),
)


@given(preferences, moments, st.sampled_from(EventKind))
def test_it_comes_in_the_end_and_never_while_it_must_not(
    own: Preferences, created_at: datetime, kind: EventKind
) -> None:
    """Whatever was chosen: following each “look again” ends, at a moment that is allowed."""
    subject, rules, now = Subject(kind), HoldingRules(), created_at
    for _ in range(20):
        found = decide(subject, own, "", rules, created_at=created_at, now=now)
        if not isinstance(found, Hold):
            break
        assert found.until > now
        now = found.until
    assert not isinstance(found, Hold)
    if isinstance(found, Never):
        assert own.delivery(kind) is Delivery.OFF
        return
    calendar = calendar_of(own, "")
    assert not calendar.is_away(calendar.day_of(now))
    assert own.snoozed_until is None or now >= own.snoozed_until
    is_free = own.is_quiet_outside_hours is False or not own.hours.timezone or kind in own.urgent
    assert is_free or calendar.is_working(now)
