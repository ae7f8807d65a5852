"""Working hours, holidays and absence as moments of UTC."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.preferences import Preferences, WorkingHours
from bot.working_time import LOOK_AHEAD, Calendar, calendar_of, has_holidays, timezone_named

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
MOMENTS = st.timedeltas(timedelta(), timedelta(days=700)).map(
    lambda since: datetime(2026, 1, 1, tzinfo=UTC) + since
)
LENGTHS = st.timedeltas(timedelta(), timedelta(hours=200))
DATES = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any hours, night shifts and whole days included, with holidays and absence."""
    away = draw(st.none() | st.tuples(st.none() | DATES, DATES))
    hours = WorkingHours(
        timezone=draw(st.sampled_from(ZONES)),
        start=draw(TIMES),
        end=draw(TIMES),
        days=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        holidays=draw(st.sampled_from(("", "DE-BY", "US", "GB-SCT"))),
    )
    wishes = Preferences(
        hours=hours,
        away_from=away[0] if away else None,
        away_until=away[1] if away else None,
    )
    return calendar_of(wishes, "")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def office(zone: str = "Europe/Berlin", **changed: object) -> Calendar:
    return calendar_of(Preferences(hours=WorkingHours(timezone=zone), **changed), "")  # type: ignore[arg-type]  # fields of Preferences


@settings(deadline=None)
@given(calendars(), MOMENTS)
def test_the_next_working_moment_is_work_and_nothing_before_it_is(
    calendar: Calendar, moment: datetime
) -> None:
    found = calendar.next_working(moment)
    assert found >= moment
    assert calendar.is_working(found)
    assert calendar.is_working(moment) == (found == moment)
    assert calendar.working_time(moment, found) == timedelta()


@settings(deadline=None)
@given(calendars(), MOMENTS, MOMENTS, MOMENTS)
def test_working_time_adds_up_and_is_never_more_than_time(
    calendar: Calendar, one: datetime, two: datetime, three: datetime
) -> None:
    first, second, third = sorted((one, two, three))
    whole = calendar.working_time(first, third)
    assert whole == calendar.working_time(first, second) + calendar.working_time(second, third)
    assert timedelta() <= whole <= third - first
    assert calendar.working_time(third, first) == timedelta()


@settings(deadline=None)
@given(calendars(), MOMENTS, LENGTHS)
def test_adding_working_time_is_the_inverse_of_measuring_it(
    calendar: Calendar, start: datetime, length: timedelta
) -> None:
    end = calendar.add(start, length)
    assert end >= start
    if end - start < LOOK_AHEAD:
        assert calendar.working_time(start, end) == length


@settings(deadline=None)
@given(calendars(), MOMENTS)
def test_nobody_works_while_away_or_on_a_day_that_is_not_chosen(
    calendar: Calendar, moment: datetime
) -> None:
    if calendar.is_working(moment):
        today = calendar.day_of(moment)
        begun_on = today, today - timedelta(days=1)
        assert any(calendar.is_working_day(day) for day in begun_on)
        assert any(day.weekday() in calendar.hours.days for day in begun_on)
        assert not all(calendar.is_away(day) for day in begun_on)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-20 08:00", "2026-11-20 16:00", 8),  # a Friday, 9 to 17 in Berlin
        ("2026-11-20 15:00", "2026-11-23 09:00", 2),  # over the weekend
        ("2026-11-21 00:00", "2026-11-22 23:00", 0),  # the weekend itself
        ("2026-10-23 14:00", "2026-10-26 09:00", 2),  # the clocks go back on the 25th
        ("2026-03-27 15:00", "2026-03-30 08:00", 2),  # the clocks go forward on the 29th
    ],
)
def test_working_time_of_an_office_in_berlin(start: str, end: str, hours: float) -> None:
    assert office().working_time(at(start), at(end)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 6, 6), 8)]
)
def test_a_night_in_which_the_clocks_change_is_as_long_as_it_is(day: date, hours: int) -> None:
    night = WorkingHours("Europe/Berlin", time(22), time(6), frozenset(range(7)))
    calendar = calendar_of(Preferences(hours=night), "")
    begin = calendar.moment(day, time(22))
    end = calendar.moment(day + timedelta(days=1), time(6))
    assert calendar.working_time(begin, end) == timedelta(hours=hours)
    assert calendar.is_working(begin)
    assert not calendar.is_working(end)


def test_public_holidays_are_those_of_the_place() -> None:
    at_work = at("2026-01-06 10:00")  # Epiphany, a Tuesday: in Bavaria, not in Berlin
    for place, works in (("DE-BY", False), ("DE-BE", True), ("DE", True), ("", True)):
        hours = WorkingHours("Europe/Berlin", holidays=place)
        assert calendar_of(Preferences(hours=hours), "").is_working(at_work) is works, place


def test_absence_ends_on_the_first_day_back() -> None:
    away = office(away_from=date(2026, 11, 23), away_until=date(2026, 11, 26))
    assert away.is_working(at("2026-11-20 10:00"))
    assert away.next_working(at("2026-11-20 16:00")) == at("2026-11-26 08:00")
    already = office(away_until=date(2026, 11, 26))
    assert not already.is_working(at("2026-11-20 10:00"))
    assert office(away_from=date(2026, 11, 1)).is_working(at("2026-11-20 10:00"))


def test_an_absence_of_years_is_searched_at_once() -> None:
    away = office(away_until=date(2126, 11, 26))
    assert away.next_working(at("2026-11-20 16:00")).date() == date(2126, 11, 26)


def test_one_who_never_works_gets_an_answer_all_the_same() -> None:
    never = calendar_of(Preferences(hours=WorkingHours(days=frozenset())), "")
    now = at("2026-11-20 16:00")
    assert never.next_working(now) == now + LOOK_AHEAD
    assert never.add(now, timedelta(hours=1)) == now + LOOK_AHEAD


@pytest.mark.parametrize(
    ("chosen", "told", "zone"),
    [
        ("", "", "UTC"),
        ("", "America/New_York", "America/New_York"),
        ("Asia/Kolkata", "America/New_York", "Asia/Kolkata"),
        ("Nowhere/City", "America/New_York", "America/New_York"),
        ("../../etc/passwd", "Europe", "UTC"),
    ],
)
def test_the_zone_is_the_chosen_one_else_the_one_of_teams(
    chosen: str, told: str, zone: str
) -> None:
    assert calendar_of(Preferences(hours=WorkingHours(chosen)), told).zone.key == zone


@pytest.mark.parametrize(
    ("place", "known"),
    [("DE", True), ("DE-BY", True), ("GB-SCT", True), ("", False), ("de", False)]
    + [(name, False) for name in ("XX", "DE-ZZ", "DE-", "-BY", "registry", "__init__", "\0")],
)
def test_only_places_that_the_library_knows_have_holidays(place: str, known: bool) -> None:
    assert has_holidays(place) is known
    hours = WorkingHours(holidays=place)
    assert calendar_of(Preferences(hours=hours), "").is_working(at("2026-11-20 10:00"))


@pytest.mark.parametrize("name", ["", "Europe", "\0", "x" * 5_000, "/etc/localtime"])
def test_what_is_no_time_zone_is_none(name: str) -> None:
    assert timezone_named(name) is None
