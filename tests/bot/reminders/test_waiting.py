"""What a pull request waits for, and when that becomes a reminder."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from bot.model import MergeStatus, Reviewer, Vote
from bot.preferences import Preferences, WorkingHours
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from bot.reminders.due import for_conversation, for_person
from bot.reminders.people import Roster, Someone
from bot.reminders.rules import ReminderWishes, Rule
from bot.reminders.seen import Seen
from bot.reminders.waiting import History, waits
from bot.working_time import calendar_of
from tests.bot.pull_request_samples import JONAS, LENA, MAYA, ROBOT, START, TEAM, at, seen, votes

BERLIN = WorkingHours("Europe/Berlin")
MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # 10:00 in Berlin, also START
ASKED = (JONAS, Vote.NONE)


def state_of(**changed: Any) -> PullRequestState:
    return reconcile(None, seen(**changed)).state


def rules_of(state: PullRequestState, history: History | None = None) -> dict[str, datetime]:
    """What is waited for: rule and identity, since when."""
    found = waits(state, history or History(), is_blocked=False)
    return {f"{wait.rule} {wait.identity_id}".strip(): wait.since for wait in found}


def someone(id_: int, name: str, **wishes: Any) -> Someone:
    preferences = Preferences(hours=wishes.pop("hours", BERLIN), **wishes)
    return Someone(id_, name, f"chat-{id_}", preferences, calendar_of(preferences, ""))


def seen_of(state: PullRequestState, history: History | None = None) -> Seen:
    known = history or History()
    return Seen(1, state, known, waits(state, known, is_blocked=False), is_blocked=False)


def roster(**people: Someone) -> Roster:
    return Roster({("contoso", f"id-{name}"): person for name, person in people.items()})


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            votes(ASKED),
            {"review id-jonas", "first review id-jonas", "first review missed id-jonas"},
        ),
        (votes(), {"no reviewer"}),
        (votes((MAYA, Vote.APPROVED)), {"no reviewer"}),  # her own vote is no review
        (votes((JONAS, Vote.APPROVED)), None),
        (votes((JONAS, Vote.APPROVED), (LENA, Vote.NONE)), None),
        (votes((JONAS, Vote.REJECTED), (LENA, Vote.NONE)), {"review id-lena"}),
        (votes((ROBOT, Vote.NONE), ASKED), {"review id-jonas"}),
        (votes(ASKED, is_draft=True), {"draft"}),
    ],
)
def test_what_is_waited_for(changed: dict[str, Any], expected: set[str] | None) -> None:
    found = rules_of(state_of(**changed)).keys()
    if expected is None:
        assert found == {"approved"}
    else:
        assert expected <= found
        assert "approved" not in found
        assert ("stale" in found) is not bool(changed.get("is_draft"))


def test_a_required_vote_that_is_missing_keeps_it_from_being_approved() -> None:
    both = (Reviewer(JONAS, Vote.APPROVED), Reviewer(LENA, Vote.NONE, required=True))
    found = rules_of(state_of(reviewers=both))
    assert "approved" not in found
    assert "review id-lena" in found
    assert not any(name.startswith("first review") for name in found)


def test_who_waited_for_the_author_is_waited_for_again_after_new_commits() -> None:
    state = state_of(**votes((JONAS, Vote.WAITING_FOR_AUTHOR)))
    voted = History(voted={"id-jonas": at(60)})
    assert "review id-jonas" not in rules_of(state, voted)
    pushed = replace(voted, pushed=at(90))
    assert rules_of(state, pushed)["review id-jonas"] == at(90)
    assert "review id-jonas" not in rules_of(state, replace(voted, pushed=at(30)))


def test_a_review_is_waited_for_since_it_was_asked_for_last() -> None:
    state = state_of(**votes(ASKED))
    for history, since in (
        (History(), START),
        (History(published=at(10)), at(10)),
        (History(asked={"id-jonas": at(20)}), at(20)),
        (History(asked={"id-jonas": at(20)}, reset={"id-jonas": at(40)}), at(40)),
        (History(published=at(60), asked={"id-jonas": at(20)}), at(60)),
    ):
        assert rules_of(state, history)["review id-jonas"] == since


def test_nobody_is_waited_for_when_it_completes_by_itself_or_cannot_be_completed() -> None:
    approved = votes((JONAS, Vote.APPROVED))
    assert rules_of(state_of(auto_complete_by=MAYA, **approved)) == {}
    assert waits(state_of(**approved), History(), is_blocked=True) == ()


def test_groups_are_waited_for_and_get_no_reminder_of_their_own() -> None:
    found = seen_of(state_of(**votes((TEAM, Vote.NONE))))
    assert "review id-team" in rules_of(found.state)
    jonas = someone(2, "Jonas Sample", reminders={"review": 1.0})
    assert not list(for_person(jonas, found, roster(jonas=jonas), MONDAY))


@pytest.mark.parametrize(
    ("hours", "away_until", "due"),
    [
        (BERLIN, None, "2026-11-03 09:00"),  # 7 h on Monday, 1 h on Tuesday
        (replace(BERLIN, timezone="America/New_York"), None, "2026-11-02 22:00"),
        (replace(BERLIN, start=time(22), end=time(6)), None, "2026-11-03 05:00"),
        (BERLIN, date(2026, 11, 9), "2026-11-09 16:00"),
        (replace(BERLIN, holidays="DE-BY"), None, "2026-11-03 09:00"),
    ],
)
def test_a_reminder_is_due_after_working_hours_of_the_reviewer(
    hours: WorkingHours, away_until: date | None, due: str
) -> None:
    jonas = someone(
        2, "Jonas Sample", hours=hours, away_until=away_until, reminders={"review": 8.0}
    )
    (found,) = for_person(jonas, seen_of(state_of(**votes(ASKED))), roster(jonas=jonas), MONDAY)
    expected = datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert jonas.calendar.working_time(START, found.due_at) == timedelta(hours=8)
    assert found.due_at == jonas.calendar.next_working(expected)


def test_the_author_is_reminded_of_what_is_his_and_the_reviewer_of_what_waits_for_him() -> None:
    every = {rule.value: 1.0 for rule in Rule}
    maya, jonas = someone(1, "Maya", reminders=every), someone(2, "Jonas", reminders=every)
    people = roster(maya=maya, jonas=jonas)
    found = seen_of(state_of(**votes(ASKED)))
    assert {due.rule for due in for_person(maya, found, people, MONDAY)} == {Rule.STALE}
    assert {due.rule for due in for_person(jonas, found, people, MONDAY)} == {
        Rule.REVIEW,
        Rule.FIRST_REVIEW,
    }


def test_a_muted_pull_request_or_repository_reminds_of_nothing() -> None:
    found = seen_of(state_of(**votes(ASKED)))
    for muted in (
        {"muted_pull_requests": frozenset({"contoso/12"})},
        {"muted_repositories": frozenset({"contoso/repo-web"})},
    ):
        jonas = someone(2, "Jonas", reminders={"review": 1.0}, **muted)
        assert not list(for_person(jonas, found, roster(jonas=jonas), MONDAY))


def test_the_heads_up_comes_at_three_quarters_and_is_over_when_the_goal_is_missed() -> None:
    jonas = someone(2, "Jonas", reminders={"first review": 8.0})
    found = seen_of(state_of(**votes(ASKED)))
    (due,) = for_person(jonas, found, roster(jonas=jonas), MONDAY)
    assert due.due_at == MONDAY + timedelta(hours=6)
    assert not list(for_person(jonas, found, roster(jonas=jonas), MONDAY + timedelta(days=2)))


def test_a_goal_is_one_heads_up_in_a_conversation_by_the_one_whose_time_is_up_first() -> None:
    jonas = someone(2, "Jonas Sample")
    lena = someone(3, "Lena Sample", hours=replace(BERLIN, timezone="America/New_York"))
    found = seen_of(state_of(**votes(ASKED, (LENA, Vote.NONE))))
    wish = ReminderWishes({Rule.FIRST_REVIEW: 8.0}, replace(BERLIN, days=frozenset(range(7))))
    dues = for_conversation([wish], found, roster(jonas=jonas, lena=lena), MONDAY)
    assert [(due.rule, due.identity_id) for due in dues] == [
        (Rule.FIRST_REVIEW, ""),
        (Rule.FIRST_REVIEW_MISSED, ""),
    ]
    assert dues[0].due_at == MONDAY + timedelta(hours=6)
    assert set(dues[0].names) == {"Jonas Sample", "Lena Sample"}


def test_the_earlier_of_two_subscriptions_counts_and_the_window_holds() -> None:
    jonas = someone(2, "Jonas Sample")
    found = seen_of(state_of(**votes(ASKED)))
    late = WorkingHours("Europe/Berlin", time(14), time(15))
    wishes = [ReminderWishes({Rule.REVIEW: 8.0}, BERLIN), ReminderWishes({Rule.REVIEW: 1.0}, late)]
    (due,) = for_conversation(wishes, found, roster(jonas=jonas), MONDAY)
    assert due.due_at == datetime(2026, 11, 2, 13, 0, tzinfo=UTC)  # 14:00 in Berlin
    assert due.hours == 1.0


def test_the_absent_are_passed_over_to_the_next_reviewer_where_that_is_wanted() -> None:
    jonas = someone(2, "Jonas Sample", away_until=date(2026, 11, 30))
    lena = someone(3, "Lena Sample")
    people = roster(jonas=jonas, lena=lena, maya=someone(1, "Maya Sample"))
    found = seen_of(state_of(**votes(ASKED, (LENA, Vote.NONE))))
    for passes_on, expected in ((True, lena), (False, None)):
        wish = ReminderWishes({Rule.REVIEW: 2.0}, BERLIN, passes_on)
        dues = {d.identity_id: d for d in for_conversation([wish], found, people, MONDAY)}
        assert dues["id-jonas"].stand_in == expected
        back = dues["id-jonas"].due_at.date() >= date(2026, 11, 30)
        assert back is not passes_on
        assert dues["id-lena"].stand_in is None


def test_without_another_reviewer_a_configured_one_is_next_but_never_the_author() -> None:
    jonas = someone(2, "Jonas Sample", away_until=date(2026, 11, 30))
    maya, lena = someone(1, "Maya Sample"), someone(3, "Lena Sample")
    people = roster(jonas=jonas, lena=lena, maya=maya)
    state = state_of(**votes(ASKED))
    key = ("contoso", state.repository.id)
    for configured, expected in (
        (("id-maya", "id-jonas", "id-lena"), lena),
        (("id-maya", "id-jonas"), None),
        (("id-nobody",), None),
    ):
        known = Roster(people.by_identity, {key: configured})
        assert known.stand_in(seen_of(state), state.reviewers[0], MONDAY) == expected


def test_conflicts_are_no_reason_to_remind_of_completing() -> None:
    approved = votes((JONAS, Vote.APPROVED), merge_status=MergeStatus.CONFLICTS)
    assert waits(state_of(**approved), History(), is_blocked=True) == ()
