from dataclasses import replace
from datetime import timedelta

from bot.changes import Change, CommitsPushed, PullRequestCreated, ReviewerAdded, VoteCast
from bot.model import Identity, Reviewer, Vote
from bot.notices.model import Contact, DirectMessage, GroupAsk, Situation
from bot.notices.review_requests import group_cause, may_ask_again, review_requests
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from tests.bot.pull_request_samples import JONAS, LENA, MAYA, ROBOT, START, TEAM, seen

OLD, NEW = "a" * 40, "b" * 40
PEOPLE = {
    MAYA.id: Contact(1, "Maya Sample"),
    JONAS.id: Contact(2, "Jonas Sample"),
    LENA.id: Contact(3, "Lena Sample"),
    ROBOT.id: Contact(4, "Robot"),
}


def state(*reviewers: Reviewer, commit: str = NEW) -> PullRequestState:
    return reconcile(None, seen(reviewers=reviewers, source_commit=commit)).state


def asked(
    changes: list[Change],
    now: PullRequestState,
    reviewed: dict[str, str] | None = None,
    actor: int | None = None,
) -> list[DirectMessage | GroupAsk]:
    situation = Situation(
        before=now,
        state=now,
        subscribers=(),
        posted=frozenset(),
        people=PEOPLE,
        watched_since=START - timedelta(days=1),
        actor=actor,
        reviewed=reviewed or {},
    )
    return list(review_requests(changes, situation))


def people(found: list[DirectMessage | GroupAsk]) -> list[int]:
    return [each.person_id for each in found if isinstance(each, DirectMessage)]


def pushed() -> CommitsPushed:
    return CommitsPushed("commits:v2", OLD, NEW)


def reset(who: Identity) -> VoteCast:
    return VoteCast(f"vote:{who.id}:v2", who, Vote.APPROVED, Vote.NONE)


def test_new_commits_after_waiting_for_author_ask_again_once_per_vote() -> None:
    now = state(Reviewer(JONAS, Vote.WAITING_FOR_AUTHOR), Reviewer(LENA, Vote.APPROVED))
    [first] = asked([pushed()], now, {JONAS.id: OLD})
    assert isinstance(first, DirectMessage)
    assert (first.person_id, first.since) == (2, OLD)
    assert "please look again" in first.text
    again = replace(pushed(), id="commits:v3", old=NEW, new="c" * 40)
    [second] = asked([again], now, {JONAS.id: OLD})
    assert isinstance(second, DirectMessage) and second.key == first.key
    [third] = asked([again], now, {JONAS.id: NEW})  # he voted again meanwhile
    assert isinstance(third, DirectMessage) and third.key != first.key


def test_a_vote_that_a_push_reset_asks_again() -> None:
    now = state(Reviewer(JONAS))
    assert people(asked([pushed(), reset(JONAS)], now, {JONAS.id: OLD})) == [2]
    assert people(asked([reset(JONAS)], now, {JONAS.id: OLD})) == [2]  # learned later


def test_a_single_vote_taken_back_is_mostly_the_reviewers_own_doing() -> None:
    now = state(Reviewer(JONAS))
    assert asked([reset(JONAS)], now, {JONAS.id: NEW}) == []
    both = state(Reviewer(JONAS), Reviewer(LENA))
    assert people(asked([reset(JONAS), reset(LENA)], both, {JONAS.id: NEW})) == [2, 3]


def test_who_is_made_a_reviewer_anew_hears_what_changed_since_his_vote() -> None:
    added = ReviewerAdded(f"asked:{JONAS.id}:v3", JONAS, required=False)
    [again] = asked([added], state(Reviewer(JONAS)), {JONAS.id: OLD})
    assert isinstance(again, DirectMessage)
    assert (again.since, again.with_card) == (OLD, False)
    assert "asks again for your review" in again.text
    [first] = asked([added], state(Reviewer(JONAS)))
    assert isinstance(first, DirectMessage) and first.with_card


def test_author_actor_machine_and_decliner_are_not_asked() -> None:
    created = PullRequestCreated("created", START)
    now = state(Reviewer(MAYA), Reviewer(JONAS, declined=True), Reviewer(ROBOT), Reviewer(LENA))
    assert people(asked([created], now)) == [3]
    assert asked([created], now, actor=3) == []


def test_a_group_is_asked_once_and_its_members_once_for_several_groups() -> None:
    other = replace(TEAM, id="id-other")
    changes: list[Change] = [
        ReviewerAdded(f"asked:{TEAM.id}:v3", TEAM, required=False),
        ReviewerAdded(f"asked:{other.id}:v3", other, required=False),
    ]
    found = asked(changes, state(Reviewer(TEAM), Reviewer(other)))
    asks = [each for each in found if isinstance(each, GroupAsk)]
    assert len(asks) == len(found) == 2
    assert {ask.cause for ask in asks} == {"asked:v3"}
    assert len({ask.key for ask in asks}) == 2
    assert group_cause("created") == "created"


def test_who_voted_before_is_read_for_what_it_decides_alone() -> None:
    voted = VoteCast("vote:v2", JONAS, Vote.NONE, Vote.APPROVED)
    assert not may_ask_again([voted])
    assert may_ask_again([voted, reset(LENA)])
    assert may_ask_again([pushed()])
    assert may_ask_again([ReviewerAdded("asked:v2", JONAS, required=False)])
