from datetime import UTC, date, datetime, time

import pytest

from bot.commands.command import UsageError
from bot.commands.moments import read_day, read_moment
from bot.commands.settings_words import apply_settings, read_form, read_words
from bot.notices.kinds import EventKind
from bot.people_preferences import dump_preferences, read_preferences
from bot.preferences import Delivery, Preferences, WorkingHours
from bot.working_time import calendar_of

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday, 11:00 in Berlin
BERLIN = calendar_of(Preferences(hours=WorkingHours(timezone="Europe/Berlin")), "")


def chosen(words: str, own: Preferences | None = None) -> Preferences:
    return apply_settings(own or Preferences(), read_words(words))


def test_each_setting_by_words() -> None:
    assert chosen("vote off").kinds == {EventKind.VOTE: Delivery.OFF}
    assert chosen("votes digest").kinds == {EventKind.VOTE: Delivery.DIGEST}
    assert chosen("review asked off").kinds == {EventKind.REVIEW_ASKED: Delivery.OFF}
    assert chosen("vote on", chosen("vote off")).kinds == {}
    assert chosen("urgent review asked on").urgent == {EventKind.REVIEW_ASKED}
    assert chosen("urgent vote off", chosen("urgent vote on")).urgent == frozenset()
    hours = chosen("hours 8:30-17").hours
    assert (hours.start, hours.end) == (time(8, 30), time(17))
    assert chosen("days mon-wed fri").hours.days == {0, 1, 2, 4}
    assert chosen("days sat-mon").hours.days == {5, 6, 0}
    assert chosen("zone Europe/Berlin").hours.timezone == "Europe/Berlin"
    assert chosen("holidays de-by").hours.holidays == "DE-BY"
    assert chosen("quiet off").is_quiet_outside_hours is False
    assert chosen("digest 8:30 mon-fri").digest_at == time(8, 30)
    assert chosen("digest off", chosen("digest 9:00")).digest_at is None


@pytest.mark.parametrize(
    "words",
    [
        "vote loud",
        "nonsense on",
        "hours 25-26",
        "days someday",
        "zone Mars/Olympus",
        "holidays XX",
        "zone ../../etc/passwd",
        "urgent nothing on",
        "digest soon",
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(words: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_words(words)
    assert str(refused.value).endswith(".")


def test_a_form_keeps_what_it_does_not_hold_and_survives_storage() -> None:
    own = chosen("urgent mention on")
    filled = {"kind-vote": "digest", "days": "0,1", "away_until": "2026-12-24", "unknown": "x"}
    after = apply_settings(own, read_form(filled))
    assert after.urgent == {EventKind.MENTION}
    assert after.hours.days == {0, 1}
    assert after.away_until == date(2026, 12, 24)
    assert read_preferences(dump_preferences(after)) == after
    with pytest.raises(UsageError, match="after the first day away"):
        read_form({"away_from": "2026-12-24", "away_until": "2026-12-01"})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("until 15:00", datetime(2026, 11, 23, 14, 0, tzinfo=UTC)),
        ("until 10:30", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 11, 24, 8, 0, tzinfo=UTC)),
        ("until monday", datetime(2026, 11, 30, 8, 0, tzinfo=UTC)),
        ("until fri 12:00", datetime(2026, 11, 27, 11, 0, tzinfo=UTC)),
        ("for 2 h", datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),
        ("3 days", datetime(2026, 11, 26, 10, 0, tzinfo=UTC)),
        ("until 2026-12-01", datetime(2026, 12, 1, 8, 0, tzinfo=UTC)),
    ],
)
def test_moments_are_on_the_readers_own_clock(words: str, expected: datetime) -> None:
    assert read_moment(words.split(), BERLIN, NOW) == expected


@pytest.mark.parametrize("words", ["", "soon", "2025-01-01", "25:00", "900 days", "2026-02-30"])
def test_moments_that_are_none(words: str) -> None:
    with pytest.raises(UsageError):
        read_moment(words.split(), BERLIN, NOW)


def test_days() -> None:
    assert read_day(["thursday"], BERLIN, NOW) == date(2026, 11, 26)
    assert read_day(["3", "days"], BERLIN, NOW) == date(2026, 11, 26)
    with pytest.raises(UsageError, match="is over"):
        read_day(["2026-11-01"], BERLIN, NOW)
