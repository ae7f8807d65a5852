"""When digests come, and what people may write for times."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.command import UsageError
from bot.commands.digest import Now, SetDigest, Show
from bot.commands.digest import parse as parse_digest
from bot.commands.remind_words import PassOn, SetHours, SetRule
from bot.commands.remind_words import Show as ShowReminders
from bot.commands.remind_words import parse as parse_remind
from bot.commands.schedule_words import ScheduleWords
from bot.commands.times import days_text, read_clock, read_days, read_length, read_span
from bot.preferences import Preferences, WorkingHours
from bot.reminders.rules import (
    BrokenReminders,
    DigestWishes,
    ReminderWishes,
    Rule,
    dump_digest,
    dump_reminders,
    hours_text,
    personal_rules,
    read_digest,
    read_reminders,
)
from bot.reminders.schedule import Schedule
from bot.working_time import calendar_of

WORKDAYS = frozenset(range(5))


def schedule(at: time = time(9), days: frozenset[int] = WORKDAYS, **wishes: object) -> Schedule:
    hours = WorkingHours("Europe/Berlin", holidays=str(wishes.pop("holidays", "")))
    return Schedule(at, days, calendar_of(Preferences(hours=hours, **wishes), ""))  # type: ignore[arg-type]  # fields of Preferences


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "following"),
    [
        ("2026-11-20 07:59", "2026-11-20 08:00"),
        ("2026-11-20 08:00", "2026-11-23 08:00"),  # Friday's has come: Monday's is next
        ("2026-10-23 08:00", "2026-10-26 08:00"),  # after the clocks went back
        ("2026-10-23 06:59", "2026-10-23 07:00"),
    ],
)
def test_the_next_digest_is_at_the_local_time(after: str, following: str) -> None:
    assert schedule().next_after(moment(after)) == moment(following)


def test_no_digest_on_holidays_or_during_an_absence() -> None:
    epiphany = schedule(holidays="DE-BY")
    assert epiphany.next_after(moment("2026-01-05 12:00")) == moment("2026-01-07 08:00")
    away = schedule(away_until=date(2026, 11, 26))
    assert away.next_after(moment("2026-11-20 12:00")) == moment("2026-11-26 08:00")


@pytest.mark.parametrize(
    ("now", "comes"),
    [
        ("2026-11-20 08:10", None),
        ("2026-11-20 15:00", None),  # late, but still work
        ("2026-11-20 20:00", "2026-11-23 08:00"),  # in the evening: with the next one
        ("2026-11-22 12:00", "2026-11-23 08:00"),
    ],
)
def test_a_digest_that_was_missed_comes_at_work_or_with_the_next(
    now: str, comes: str | None
) -> None:
    due = moment("2026-11-20 08:00")
    expected = moment(comes) if comes else None
    assert schedule().put_off(due, moment(now)) == expected


def test_an_early_digest_comes_on_time_before_work() -> None:
    early = schedule(time(7, 30))
    due = moment("2026-11-20 06:30")
    assert early.put_off(due, due + timedelta(minutes=1)) is None


@settings(deadline=None)
@given(
    st.timedeltas(timedelta(), timedelta(days=400)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.frozensets(st.integers(0, 6), min_size=1),
)
def test_every_digest_is_later_than_the_last_and_on_a_chosen_day(
    since: timedelta, at: time, days: frozenset[int]
) -> None:
    begin = moment("2026-01-01 00:00") + since
    wanted = schedule(at, days, holidays="DE-BY")
    first = wanted.next_after(begin)
    assert first > begin
    assert wanted.next_after(first) > first
    assert wanted.calendar.day_of(first).weekday() in days


@pytest.mark.parametrize(
    ("typed", "wish"),
    [
        ("", Show()),
        ("now", Now()),
        ("off", SetDigest(None, ScheduleWords())),
        ("9:00", SetDigest(time(9), ScheduleWords())),
        ("at 8:30 mon-thu", SetDigest(time(8, 30), ScheduleWords(frozenset(range(4))))),
        (
            "17 daily europe/berlin de-by",
            SetDigest(time(17), ScheduleWords(frozenset(range(7)), "Europe/Berlin", "DE-BY")),
        ),
        ("9 fri, mon", SetDigest(time(9), ScheduleWords(frozenset({0, 4})))),
        ("9 none", SetDigest(time(9), ScheduleWords(holidays=""))),
    ],
)
def test_what_may_stand_after_digest(typed: str, wish: object) -> None:
    assert parse_digest(typed) == wish


@pytest.mark.parametrize(
    ("typed", "wish"),
    [
        ("", ShowReminders()),
        ("off", SetRule(None, None)),
        ("review 8h", SetRule(Rule.REVIEW, 8.0)),
        ("review after 30 minutes", SetRule(Rule.REVIEW, 0.5)),
        ("first review 1d", SetRule(Rule.FIRST_REVIEW, 8.0)),
        ("goal 4 h", SetRule(Rule.FIRST_REVIEW, 4.0)),
        ("no reviewer", SetRule(Rule.NO_REVIEWER, 2.0)),
        ("stale off", SetRule(Rule.STALE, None)),
        ("approved 4h for Web/shop", SetRule(Rule.APPROVED, 4.0, "Web/shop")),
        ("pass on", PassOn(True)),
        ("pass on off", PassOn(False)),
        ("pass off", PassOn(False)),
        (
            "hours 9-17:30 mon-fri Europe/Berlin",
            SetHours((time(9), time(17, 30)), ScheduleWords(WORKDAYS, "Europe/Berlin")),
        ),
    ],
)
def test_what_may_stand_after_remind(typed: str, wish: object) -> None:
    assert parse_remind(typed) == wish


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("digest tomorrow", "is no time of day"),
        ("digest 25:00", "is no time of day"),
        ("digest 9:00 Nowhere/City", "is no time zone"),
        ("digest 9:00 Atlantis", "no public holidays"),
        ("digest 9:00 mon-xyz", "is no weekday"),
        ("remind me", "There are: review, first review"),
        ("remind review soon", "is no length of time"),
        ("remind review 1m", "Between 15 minutes"),
        ("remind review 101d", "Between 15 minutes"),
        ("remind pass", "remind pass on"),
        ("remind hours 9", "are no hours"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_right(typed: str, says: str) -> None:
    name, _, arguments = typed.partition(" ")
    with pytest.raises(UsageError, match=says):
        (parse_digest if name == "digest" else parse_remind)(arguments)


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_days_are_read_as_they_are_written(days: frozenset[int]) -> None:
    assert read_days(days_text(days)) == days


@given(st.text(max_size=30))
def test_no_text_makes_the_readers_fail_otherwise(text: str) -> None:
    for read in (read_clock, read_span, read_days, read_length, parse_digest, parse_remind):
        try:
            read(text)
        except UsageError as problem:
            assert str(problem)


def test_a_weekend_may_be_within_days() -> None:
    assert read_days("fri-mon") == frozenset({4, 5, 6, 0})


def test_wishes_survive_the_database() -> None:
    hours = WorkingHours("Europe/Berlin", time(8), time(12), frozenset({0, 2}), "DE")
    wishes = ReminderWishes({Rule.REVIEW: 8.0, Rule.FIRST_REVIEW: 0.5}, hours, True)
    assert read_reminders({"reminders": dump_reminders(wishes)}) == wishes
    digest = DigestWishes(time(9, 30), frozenset({1}), "Asia/Kolkata", "IN")
    assert read_digest({"digest": dump_digest(digest)}) == digest
    assert read_reminders({}) == ReminderWishes()
    assert read_digest({}) is None


@pytest.mark.parametrize(
    ("option", "stored", "names"),
    [
        ("reminders", {"rules": {"review": -1}}, "reminders.rules.review"),
        ("reminders", {"rules": {"everything": 1}}, "reminders.rules.everything"),
        ("reminders", {"hours": {"start": "late"}}, "reminders.hours.start"),
        ("reminders", [1], "reminders"),
        ("digest", {"at": "25:00"}, "digest.at"),
        ("digest", {"days": [1]}, "digest.at"),
    ],
)
def test_what_cannot_be_read_names_the_field(option: str, stored: object, names: str) -> None:
    read = read_reminders if option == "reminders" else read_digest
    with pytest.raises(BrokenReminders, match=names):
        read({option: stored})


def test_strange_personal_rules_are_off() -> None:
    stored = {"review": 8.0, "nudge": 1.0, "nothing": 2.0, "stale": float("nan"), "draft": -1.0}
    assert personal_rules(stored) == {Rule.REVIEW: 8.0}


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.5, "30 working minutes"),
        (1.0, "1 working hour"),
        (8.0, "8 working hours"),
        (12.5, "12.5 working hours"),
        (40.0, "5 working days"),
    ],
)
def test_lengths_in_words(hours: float, text: str) -> None:
    assert hours_text(hours) == text
