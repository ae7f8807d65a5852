"""Each kind of event in each place, in channels, group chats and personal chats: exact notices."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.changes import (
    Change,
    ChecksFailed,
    CommentPosted,
    CommitsPushed,
    ConflictStarted,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    PullRequestPublished,
    ReviewerAdded,
    VoteCast,
)
from bot.model import Comment, MergeStatus, PullRequestStatus, Reviewer, Vote
from bot.notices.conflict_alerts import audience
from bot.notices.kinds import EventKind, Place
from bot.notices.model import (
    Contact,
    DirectMessage,
    Notice,
    OwnMessage,
    RefreshCard,
    Situation,
    Subscriber,
    SubscriptionTrouble,
    ThreadReply,
    UnreadableSubscription,
)
from bot.notices.places import DEFAULTS, Places, kind_of
from bot.notices.routing import route
from bot.reconcile import reconcile
from bot.teams_model import ConversationKind
from tests.bot.pull_request_samples import CLEAN, JONAS, LENA, MAYA, START, at, seen

PR = "#12 Add search"
BEFORE = reconcile(None, seen(reviewers=(Reviewer(JONAS), Reviewer(LENA)))).state
PEOPLE = {
    MAYA.id: Contact(1, "Maya Sample", "chat-maya"),
    JONAS.id: Contact(2, "Jonas Sample", "chat-jonas"),
    LENA.id: Contact(3, "Lena Sample"),
}
COMMENT = Comment(7, 1, JONAS, "Nice", at(5))
GUID = "2b7d1c1e-0000-4000-8000-0000000000aa"
CHANGES: dict[EventKind, tuple[Change, str]] = {
    EventKind.CREATED: (
        PullRequestCreated("created", START),
        "Maya Sample opened this pull request",
    ),
    EventKind.PUBLISHED: (PullRequestPublished("published:1"), "Published: ready for review"),
    EventKind.REVIEW_ASKED: (
        ReviewerAdded("asked:1", LENA, False),
        "Lena Sample is asked for a review",
    ),
    EventKind.COMMITS: (
        CommitsPushed("commits:1", "a" * 40, "b" * 40),
        "New commits, now at bbbbbbb",
    ),
    EventKind.VOTE: (
        VoteCast("vote:1", JONAS, Vote.NONE, Vote.APPROVED),
        "Jonas Sample approved",
    ),
    EventKind.COMMENT: (CommentPosted("comment:7:1", COMMENT), "Jonas Sample commented: Nice"),
    EventKind.MENTION: (
        CommentPosted("comment:7:2", replace(COMMENT, text=f"@<{GUID}> look")),
        "Jonas Sample commented: @somebody look",
    ),
    EventKind.CHECKS: (ChecksFailed("checks:1", ("build",)), "The check build failed"),
    EventKind.CONFLICT: (
        MergeFailed("merge:1", MergeStatus.REJECTED_BY_POLICY, ""),
        "A policy rejects the merge into main",
    ),
    EventKind.COMPLETED: (PullRequestCompleted("completed:1", JONAS), "Completed by Jonas Sample"),
    EventKind.ABANDONED: (PullRequestAbandoned("abandoned:1", JONAS), "Abandoned by Jonas Sample"),
}
EACH_KIND = pytest.mark.parametrize("kind", CHANGES, ids=lambda kind: kind.value)


def subscriber(kind: EventKind, place: Place, where: ConversationKind) -> Subscriber:
    """One who chose this place for this kind."""
    return Subscriber(
        "here",
        where,
        "Shop",
        "",
        START - timedelta(days=1),
        places=Places(((kind, place),)),
        person_id=9 if where is ConversationKind.PERSONAL else 0,
    )


def told(
    change: Change,
    *subscribers: Subscriber,
    posted: frozenset[str] = frozenset({"here"}),
    actor: int | None = None,
    people: dict[str, Contact] | None = None,
) -> tuple[Notice, ...]:
    status = {
        PullRequestCompleted: PullRequestStatus.COMPLETED,
        PullRequestAbandoned: PullRequestStatus.ABANDONED,
    }.get(type(change), PullRequestStatus.ACTIVE)
    situation = Situation(
        before=BEFORE,
        state=replace(BEFORE, status=status),
        subscribers=subscribers,
        posted=posted,
        people=PEOPLE if people is None else people,
        watched_since=START - timedelta(days=2),
        actor=actor,
    )
    return route((change,), situation)


def in_conversations(notices: tuple[Notice, ...]) -> list[Notice]:
    return [notice for notice in notices if isinstance(notice, ThreadReply | OwnMessage)]


def to_person(notices: tuple[Notice, ...], person_id: int) -> list[str]:
    return [n.text for n in notices if isinstance(n, DirectMessage) and n.person_id == person_id]


@EACH_KIND
def test_a_thread_gets_one_reply(kind: EventKind) -> None:
    change, text = CHANGES[kind]
    assert kind_of(change) is kind
    notices = told(change, subscriber(kind, Place.THREAD, ConversationKind.CHANNEL))
    assert RefreshCard("here") in notices
    (reply,) = in_conversations(notices)
    assert isinstance(reply, ThreadReply)
    assert (reply.text, reply.about, reply.key) == (text, "", f"reply:here:contoso/12:{change.id}")


@EACH_KIND
def test_a_channel_gets_a_message_of_its_own_that_names_the_pull_request(kind: EventKind) -> None:
    change, text = CHANGES[kind]
    notices = told(change, subscriber(kind, Place.CHANNEL, ConversationKind.CHANNEL))
    assert in_conversations(notices) == [
        OwnMessage("here", f"{PR}: {text}", f"reply:here:contoso/12:{change.id}")
    ]


@EACH_KIND
@pytest.mark.parametrize("place", [Place.CARD, Place.DIRECT])
def test_on_the_card_only_and_directly_write_nothing_there(kind: EventKind, place: Place) -> None:
    change, _ = CHANGES[kind]
    notices = told(change, subscriber(kind, place, ConversationKind.CHANNEL))
    assert in_conversations(notices) == []


@EACH_KIND
def test_off_does_nothing_there_at_all(kind: EventKind) -> None:
    change, _ = CHANGES[kind]
    notices = told(
        change, subscriber(kind, Place.OFF, ConversationKind.CHANNEL), posted=frozenset()
    )
    assert [n for n in notices if not isinstance(n, DirectMessage)] == []


@EACH_KIND
@pytest.mark.parametrize("place", [Place.THREAD, Place.CHANNEL])
def test_a_group_chat_gets_a_message_about_the_pull_request(kind: EventKind, place: Place) -> None:
    change, text = CHANGES[kind]
    (reply,) = in_conversations(told(change, subscriber(kind, place, ConversationKind.GROUP)))
    assert isinstance(reply, ThreadReply)
    assert (reply.about, reply.text) == (PR, text)


@EACH_KIND
@pytest.mark.parametrize("place", [Place.THREAD, Place.CHANNEL, Place.DIRECT])
def test_ones_own_chat_gets_what_one_asked_for(kind: EventKind, place: Place) -> None:
    change, text = CHANGES[kind]
    notices = told(change, subscriber(kind, place, ConversationKind.PERSONAL))
    assert in_conversations(notices) == []
    assert to_person(notices, 9) == [f"{PR}: {text}"]


@EACH_KIND
def test_ones_own_chat_has_by_default_the_card_alone(kind: EventKind) -> None:
    change, _ = CHANGES[kind]
    usual = replace(subscriber(kind, Place.CARD, ConversationKind.PERSONAL), places=Places())
    assert to_person(told(change, usual), 9) == []


@EACH_KIND
def test_nobody_hears_twice_of_one_thing_nor_of_his_own(kind: EventKind) -> None:
    """By role and by subscription; under whatever identity he acted."""
    change, _ = CHANGES[kind]
    for who in (1, 2, 3):
        own = replace(subscriber(kind, Place.DIRECT, ConversationKind.PERSONAL), person_id=who)
        channel = replace(
            subscriber(kind, Place.DIRECT, ConversationKind.CHANNEL), conversation_id="channel"
        )
        assert len(to_person(told(change, own, channel), who)) <= 1
    his = replace(subscriber(kind, Place.DIRECT, ConversationKind.PERSONAL), person_id=2)
    done_by_jonas = kind in (
        EventKind.VOTE,
        EventKind.COMMENT,
        EventKind.MENTION,
        EventKind.COMPLETED,
        EventKind.ABANDONED,
    )
    if done_by_jonas:
        assert to_person(told(change, his), 2) == []


def test_new_commits_can_go_directly_to_the_reviewers() -> None:
    change, text = CHANGES[EventKind.COMMITS]
    channel = subscriber(EventKind.COMMITS, Place.DIRECT, ConversationKind.CHANNEL)
    notices = told(change, channel)
    assert to_person(notices, 2) == to_person(notices, 3) == [f"{PR}: {text}"]
    assert to_person(notices, 1) == []


def test_a_fresh_subscription_is_quiet() -> None:
    """Only what people act on, or wait for, makes a thread bold."""
    loud = {kind for kind, place in DEFAULTS.items() if place is Place.THREAD}
    assert loud == {
        EventKind.PUBLISHED,
        EventKind.VOTE,
        EventKind.COMMENT,
        EventKind.MENTION,
        EventKind.CONFLICT,
        EventKind.COMPLETED,
        EventKind.ABANDONED,
    }
    assert DEFAULTS[EventKind.TICKET] is Place.OFF


def test_the_posted_card_is_the_message_that_says_it_was_created() -> None:
    change, _ = CHANGES[EventKind.CREATED]
    channel = subscriber(EventKind.CREATED, Place.CHANNEL, ConversationKind.CHANNEL)
    notices = told(change, channel, posted=frozenset(), people={})
    assert notices == (RefreshCard("here"),)


def test_the_loudest_of_several_subscriptions_counts_once() -> None:
    change, _ = CHANGES[EventKind.VOTE]
    places = (Place.CARD, Place.CHANNEL, Place.OFF, Place.THREAD)
    several = [subscriber(EventKind.VOTE, each, ConversationKind.CHANNEL) for each in places]
    (message,) = in_conversations(told(change, *several))
    assert isinstance(message, OwnMessage)


def test_ready_is_told_where_it_is_asked_for() -> None:
    state = reconcile(None, seen(**CLEAN, reviewers=(Reviewer(JONAS),))).state
    voted = reconcile(state, seen(1, **CLEAN, reviewers=(Reviewer(JONAS, Vote.APPROVED),)))
    channel = Subscriber(
        "here",
        ConversationKind.CHANNEL,
        "Shop",
        "",
        START - timedelta(days=1),
        places=Places(((EventKind.VOTE, Place.OFF), (EventKind.READY, Place.THREAD))),
    )
    situation = Situation(state, voted.state, (channel,), frozenset(), {}, START)
    (reply,) = in_conversations(route(voted.changes, situation))
    assert isinstance(reply, ThreadReply)
    assert reply.text == "Approved, and it merges cleanly"


@pytest.mark.parametrize(
    ("place", "alerted", "on_its_own", "has_card"),
    [
        (Place.THREAD, True, False, True),
        (Place.CHANNEL, True, True, True),
        (Place.CARD, False, False, True),
        (Place.DIRECT, False, False, True),
        (Place.OFF, False, False, False),
    ],
)
def test_a_conflicts_alert_goes_where_conflicts_are_told(
    place: Place, alerted: bool, on_its_own: bool, has_card: bool
) -> None:
    channel = subscriber(EventKind.CONFLICT, place, ConversationKind.CHANNEL)
    situation = Situation(BEFORE, BEFORE, (channel,), frozenset(), PEOPLE, START)
    found = audience(
        situation, ConflictStarted("episode:1", START), at_first_sight=False, is_snoozed=False
    )
    assert (found.places == ("here",)) is alerted
    assert (found.own_messages == {"here"}) is on_its_own
    assert (found.cards == ("here",)) is has_card
    assert found.author == PEOPLE[MAYA.id]


def test_a_subscription_that_cannot_be_read_is_told_once_for_each_trouble() -> None:
    change, _ = CHANGES[EventKind.VOTE]
    broken = UnreadableSubscription(4, "here", "Shop/web", "filters.author: no list")
    keys = set()
    for reason in ("one", "one", "two"):
        situation = Situation(
            BEFORE, BEFORE, (), frozenset(), {}, START, unreadable=(replace(broken, reason=reason),)
        )
        (trouble,) = route((change,), situation)
        assert isinstance(trouble, SubscriptionTrouble)
        keys.add(trouble.key)
    assert len(keys) == 2
