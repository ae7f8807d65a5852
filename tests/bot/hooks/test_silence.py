"""Silence that is a habit, silence that is not, and silence that hides something."""

from datetime import UTC, datetime, timedelta

from bot.hooks.silence import LEAST_EVENTS, PROOFS, Silence, silences
from storage.queries.hooks import Learnt

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
START = NOW - timedelta(days=20)


def heard(*hours_ago: float, cause: str = "webhook/1", action: str = "vote_cast") -> list[Learnt]:
    moments = sorted(NOW - timedelta(hours=each) for each in hours_ago)
    return [Learnt("web", at, action, cause) for at in moments]


def of_web(learnt: list[Learnt], *, since: datetime = START) -> list[Silence]:
    return silences(sorted(learnt, key=lambda each: each.at), ["web"], watched_since=since, now=NOW)


def test_a_pause_within_the_habit_is_no_silence() -> None:
    busy = heard(*(70 + each for each in range(LEAST_EVENTS)), 60)
    weekend = heard(*(200 + each for each in range(LEAST_EVENTS)), 140, 80)
    assert of_web(weekend) == []
    (quiet,) = of_web(busy)
    assert quiet.habit == timedelta(hours=10)
    assert quiet.found == 0


def test_of_too_little_nothing_is_concluded() -> None:
    assert of_web(heard(100, 101, 102)) == []
    assert of_web([]) == []


def test_what_the_sweep_finds_though_hooks_should_have_told_it_is_a_proof() -> None:
    found = heard(*(1 + each for each in range(PROOFS)), cause="sweep")
    (silent,) = of_web(heard(30) + found)
    assert (silent.found, silent.habit) == (PROOFS, None)
    assert of_web(heard(30) + found[1:]) == []
    assert of_web(heard(0.5) + found) == []  # it is heard again
    assert of_web(heard(30) + heard(*range(1, 4), cause="sweep", action="title_changed")) == []


def test_what_was_missed_while_pullcord_was_down_proves_nothing() -> None:
    found = heard(1, 2, 3, cause="sweep late")
    assert of_web(heard(30) + found, since=NOW - timedelta(minutes=5)) == []


def test_a_hook_may_come_a_little_after_the_sweep() -> None:
    assert of_web(heard(30) + heard(0.05, 0.1, 0.15, cause="sweep")) == []
