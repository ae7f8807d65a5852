from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.changes import Change, CommentPosted
from bot.model import Comment, Identity, MergeStatus, PullRequestSnapshot, Reviewer, Vote
from bot.notices.filters import Filters
from bot.notices.kinds import EventKind, Place
from bot.notices.model import (
    Contact,
    DirectMessage,
    GroupAsk,
    Notice,
    RefreshCard,
    Situation,
    Subscriber,
    ThreadReply,
)
from bot.notices.places import DEFAULT_PLACES, Places
from bot.notices.routing import route
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from bot.teams_model import ConversationKind
from tests.bot.pull_request_samples import (
    CLEAN,
    COMPLETED,
    CONFLICT,
    JONAS,
    LENA,
    MAYA,
    ROBOT,
    START,
    TEAM,
    at,
    hooked,
    seen,
    votes,
)

PEOPLE = {
    MAYA.id: Contact(1, "Maya Sample", "chat-maya"),
    JONAS.id: Contact(2, "Jonas Sample", "chat-jonas"),
    LENA.id: Contact(3, "Lena Sample"),
}
LOUD = Places(tuple((kind, Place.THREAD) for kind in EventKind))
CHANNEL = Subscriber(
    "channel", ConversationKind.CHANNEL, "Shop", "", START - timedelta(days=1), places=LOUD
)
QUIET = replace(CHANNEL, places=DEFAULT_PLACES)


def told(
    *snapshots: PullRequestSnapshot,
    subscribers: tuple[Subscriber, ...] = (CHANNEL,),
    posted: frozenset[str] = frozenset(),
    **situation: Any,
) -> tuple[Notice, ...]:
    """What the last of the snapshots makes Pullcord tell."""
    before: PullRequestState | None = None
    for snapshot in snapshots[:-1]:
        before = reconcile(before, snapshot).state
    found = reconcile(before, snapshots[-1])
    return _route(found.changes, before, found.state, subscribers, posted, **situation)


def _route(
    changes: tuple[Change, ...],
    before: PullRequestState | None,
    state: PullRequestState,
    subscribers: tuple[Subscriber, ...] = (CHANNEL,),
    posted: frozenset[str] = frozenset(),
    **more: Any,
) -> tuple[Notice, ...]:
    situation = Situation(
        before=before,
        state=state,
        subscribers=subscribers,
        posted=posted,
        people=more.get("people", PEOPLE),
        watched_since=more.get("watched_since", START - timedelta(days=2)),
        actor=more.get("actor"),
    )
    return route(changes, situation)


def replies(notices: tuple[Notice, ...]) -> list[str]:
    return [
        f"{notice.about}: {notice.text}" if notice.about else notice.text
        for notice in notices
        if isinstance(notice, ThreadReply)
    ]


def direct(notices: tuple[Notice, ...]) -> list[tuple[int, str]]:
    return [(n.person_id, n.text) for n in notices if isinstance(n, DirectMessage)]


def cards(notices: tuple[Notice, ...]) -> list[str]:
    return [notice.conversation_id for notice in notices if isinstance(notice, RefreshCard)]


# --- conversations ----------------------------------------------------------------------------


def test_a_new_pull_request_is_a_card_and_then_a_reply_and_asks_its_reviewers() -> None:
    notices = told(seen(**votes((JONAS, Vote.NONE), (TEAM, Vote.NONE))))
    kinds = [RefreshCard, ThreadReply, DirectMessage, GroupAsk]
    assert [type(notice) for notice in notices] == kinds
    assert replies(notices) == ["Maya Sample opened this pull request"]
    assert direct(notices) == [(2, "Maya Sample asks for your review of #12 Add search")]
    message = notices[2]
    assert isinstance(message, DirectMessage) and message.with_card


@pytest.mark.parametrize(
    ("snapshots", "expected"),
    [
        ([seen(is_draft=True), seen(1)], ["Published: ready for review"]),
        ([seen(), seen(1, source_commit="b" * 40)], ["New commits, now at bbbbbbb"]),
        (
            [seen(**votes((JONAS, Vote.NONE))), seen(1, **votes((JONAS, Vote.APPROVED)))],
            ["Jonas Sample approved"],
        ),
        (
            [seen(**votes((JONAS, Vote.APPROVED))), seen(1, **votes((JONAS, Vote.NONE)))],
            ["Jonas Sample's vote was reset"],
        ),
        ([seen(), seen(90, closed_by=JONAS, **COMPLETED)], ["Completed by Jonas Sample"]),
        ([seen(), hooked(90, **COMPLETED)], ["Completed"]),
        ([seen(90, **COMPLETED), seen(95)], ["Reactivated"]),
        ([seen(), seen(1, **CONFLICT)], []),  # told by its episode
        ([seen(**CONFLICT), seen(185, **CLEAN)], []),
        (
            [seen(), seen(1, merge_status=MergeStatus.REJECTED_BY_POLICY)],
            ["A policy rejects the merge into main"],
        ),
        (
            [seen(), seen(1, merge_status=MergeStatus.FAILURE, merge_failure="too large")],
            ["Azure DevOps could not try the merge into main: too large"],
        ),
        (
            [seen(), seen(1, target_ref="refs/heads/release/1")],
            ["Now targets release/1 instead of main"],
        ),
        ([seen(), seen(1, title="Other")], []),
        ([seen(), seen(1, **votes((LENA, Vote.NONE)))], ["Lena Sample is asked for a review"]),
        ([seen(), seen(1, **votes((LENA, Vote.APPROVED)))], ["Lena Sample approved"]),
    ],
)
def test_what_a_channel_hears(snapshots: list[PullRequestSnapshot], expected: list[str]) -> None:
    assert replies(told(*snapshots)) == expected


def test_votes_found_together_are_one_reply_and_one_direct_message() -> None:
    notices = told(
        seen(**votes((JONAS, Vote.NONE), (LENA, Vote.NONE))),
        seen(1, **votes((JONAS, Vote.APPROVED), (LENA, Vote.REJECTED))),
    )
    assert replies(notices) == ["Jonas Sample approved; Lena Sample rejected"]
    assert direct(notices) == [
        (1, "Jonas Sample approved #12 Add search; Lena Sample rejected #12 Add search")
    ]


def test_a_group_chat_has_no_threads_so_its_replies_name_the_pull_request() -> None:
    group = replace(CHANNEL, conversation_id="group", kind=ConversationKind.GROUP)
    failed = seen(1, merge_status=MergeStatus.REJECTED_BY_POLICY)
    assert replies(told(seen(), failed, subscribers=(group,))) == [
        "#12 Add search: A policy rejects the merge into main"
    ]


def test_a_personal_chat_gets_the_card_only() -> None:
    chat = replace(QUIET, conversation_id="chat", kind=ConversationKind.PERSONAL)
    notices = told(seen(), seen(1, source_commit="b" * 40), subscribers=(chat,))
    assert notices == (RefreshCard("chat"),)


def test_a_conversation_with_several_subscriptions_is_told_once() -> None:
    second = replace(CHANNEL, repository="w*")
    pushed = seen(1, source_commit="b" * 40)
    notices = told(seen(), pushed, subscribers=(CHANNEL, second))
    assert cards(notices) == ["channel"]
    assert replies(notices) == ["New commits, now at bbbbbbb"]


def test_a_card_that_is_there_is_refreshed_by_what_nobody_is_told() -> None:
    notices = told(seen(), seen(1, title="Other"), subscribers=(), posted=frozenset({"elsewhere"}))
    assert notices == (RefreshCard("elsewhere"),)
    unchanged = told(seen(), seen(1), posted=frozenset({"elsewhere"}))
    assert unchanged == ()


def test_what_was_before_a_subscription_is_not_news() -> None:
    late = replace(CHANNEL, created_at=at(1))
    assert told(seen(5, **CONFLICT), subscribers=(late,), people={}) == ()
    assert replies(told(seen(5), seen(6, source_commit="b" * 40), subscribers=(late,))) == [
        "New commits, now at bbbbbbb"
    ]


@pytest.mark.parametrize(
    ("changed", "is_told"),
    [
        ({"project": "SHOP"}, True),
        ({"project": "project-shop"}, True),
        ({"project": "sho"}, False),
        ({"repository": "WEB"}, True),
        ({"repository": "we"}, False),
        ({"repository": "w*"}, True),
        ({"filters": Filters(target=("main",))}, True),
        ({"filters": Filters(target=("mai",))}, False),
        ({"filters": Filters(target=("refs/heads/main",))}, True),
        ({"filters": Filters(target=("!main",))}, False),
        ({"filters": Filters(target=("!release/*",))}, True),
        ({"filters": Filters(target=("*", "!main"))}, False),
    ],
)
def test_a_subscription_matches_whole_names(changed: dict[str, Any], is_told: bool) -> None:
    notices = told(seen(), subscribers=(replace(CHANNEL, **changed),))
    assert cards(notices) == (["channel"] if is_told else [])


def test_dev_does_not_match_development() -> None:
    dev = replace(CHANNEL, filters=Filters(target=("dev",)))
    assert told(seen(target_ref="refs/heads/development"), subscribers=(dev,)) == ()


@pytest.mark.parametrize(
    ("drafts", "while_draft", "when_published"),
    [
        ("announce", ["Maya Sample opened a draft"], ["Published: ready for review"]),
        ("published", [], ["Published: ready for review"]),
        ("silent", [], []),
    ],
)
def test_drafts_are_told_as_the_subscription_says(
    drafts: str, while_draft: list[str], when_published: list[str]
) -> None:
    subscriber = (replace(CHANNEL, filters=Filters(drafts=drafts)),)
    assert replies(told(seen(is_draft=True), subscribers=subscriber)) == while_draft
    published = told(seen(is_draft=True), seen(1), subscribers=subscriber)
    assert replies(published) == when_published


# --- direct messages --------------------------------------------------------------------------


def test_a_draft_asks_nobody_until_it_is_published() -> None:
    draft = seen(is_draft=True, **votes((JONAS, Vote.NONE)))
    assert direct(told(draft)) == []
    assert direct(told(draft, seen(1, **votes((JONAS, Vote.NONE))))) == [
        (2, "Maya Sample asks for your review of #12 Add search")
    ]


def test_a_reviewer_who_joins_by_voting_is_not_asked() -> None:
    notices = told(seen(), seen(1, **votes((JONAS, Vote.APPROVED))))
    assert direct(notices) == [(1, "Jonas Sample approved #12 Add search")]


def test_a_conflict_is_told_by_its_episode_not_by_its_change() -> None:
    assert direct(told(seen(), seen(1, **CONFLICT))) == []
    assert direct(told(seen(**CONFLICT), seen(1, **CLEAN))) == []


def test_nobody_hears_of_his_own_action() -> None:
    own_vote = told(seen(), seen(1, **votes((MAYA, Vote.APPROVED))))
    own_completion = told(seen(), seen(90, closed_by=MAYA, **COMPLETED))
    assert direct(own_vote) == direct(own_completion) == []


def test_own_action_under_another_identity_is_own_action() -> None:
    other = Identity("id-maya-2", "Maya S.", "maya@example.com")
    people = {**PEOPLE, other.id: PEOPLE[MAYA.id]}
    assert direct(told(seen(), seen(90, closed_by=other, **COMPLETED), people=people)) == []


def test_the_one_who_ordered_it_is_not_told_of_the_closing() -> None:
    by_service = {**COMPLETED, "closed_by": ROBOT}
    assert direct(told(seen(), seen(90, **by_service), actor=1)) == []


def test_completion_by_somebody_else_is_told_once_it_is_known_by_whom() -> None:
    by_hook = told(seen(), hooked(90, **COMPLETED))
    then_read = told(seen(), hooked(90, **COMPLETED), seen(91, closed_by=JONAS, **COMPLETED))
    assert direct(by_hook) == []
    assert direct(then_read) == [(1, "Jonas Sample completed #12 Add search")]


def test_machines_are_not_told_of() -> None:
    notices = told(seen(), seen(1, **votes((ROBOT, Vote.APPROVED))), posted=frozenset({"channel"}))
    assert notices == (RefreshCard("channel"),)


def test_pull_requests_older_than_the_connection_tell_nobody_at_first_sight() -> None:
    old = seen(5, **votes((JONAS, Vote.NONE)), **CONFLICT)
    assert told(old, subscribers=(), watched_since=at(1)) == ()


# --- comments ---------------------------------------------------------------------------------

GUID = "1b2c3d4e-0000-4000-8000-00000000000A"


def comment(author: Identity, text: str, **more: Any) -> CommentPosted:
    return CommentPosted("comment:7:1", Comment(7, 1, author, text, at(5), **more))


def about_comment(change: CommentPosted, **more: Any) -> tuple[Notice, ...]:
    state = reconcile(None, seen()).state
    return _route((change,), state, state, **more)


def test_a_comment_is_a_reply_and_told_to_the_author() -> None:
    notices = about_comment(comment(JONAS, "Looks\ngood"))
    assert replies(notices) == ["Jonas Sample commented: Looks good"]
    assert direct(notices) == [(1, "Jonas Sample commented on #12 Add search: Looks good")]


def test_one_who_is_mentioned_is_told_once_even_as_the_author() -> None:
    people = {**PEOPLE, GUID.lower(): PEOPLE[LENA.id]}
    notices = about_comment(comment(JONAS, f"@<{GUID}> please"), people=people)
    assert direct(notices) == [
        (3, "Jonas Sample mentioned you on #12 Add search: @Lena Sample please"),
        (1, "Jonas Sample commented on #12 Add search: @Lena Sample please"),
    ]
    author = {**PEOPLE, GUID.lower(): PEOPLE[MAYA.id]}
    assert len(direct(about_comment(comment(JONAS, f"@<{GUID}>"), people=author))) == 1


def test_comments_of_the_system_of_machines_and_of_before_are_not_told() -> None:
    assert about_comment(comment(ROBOT, "Build 12 failed")) == ()
    late = replace(CHANNEL, created_at=at(6))
    old = about_comment(comment(JONAS, "x"), subscribers=(late,), watched_since=at(6))
    assert old == ()


def test_keys_name_conversation_or_person_pull_request_and_change() -> None:
    keys = [n.key for n in about_comment(comment(JONAS, "x")) if not isinstance(n, RefreshCard)]
    assert keys == ["reply:channel:contoso/12:comment:7:1", "direct:1:contoso/12:comment:7:1"]


def test_checks_20_outside_text_in_sentences_is_one_plain_line() -> None:
    """CHECKS 20."""
    evil = replace(JONAS, display_name="Jo\u202enas\n<at>all</at>\u200b")
    [text] = replies(told(seen(), seen(1, reviewers=(Reviewer(evil, Vote.APPROVED),))))
    assert text == "Jonas <at>all</at> approved"
    [cut] = replies(about_comment(comment(JONAS, "x" * 10_000)))
    assert len(cut) < 250 and cut.endswith("…")
