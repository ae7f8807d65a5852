"""Every sentence that a reply or a direct message says, by where it is said."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bot.changes import (
    BecameReady,
    Change,
    ChecksFailed,
    ChecksFixed,
    CommentPosted,
    CommitsPushed,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReturnedToDraft,
    ReviewerAdded,
    ReviewerMadeRequired,
    TargetChanged,
    VoteCast,
)
from bot.commands.preview_texts import COUNTED, preview_line
from bot.conflicts.episodes import EndedBy
from bot.model import Comment, MergeStatus, PullRequestStatus, TicketHook, Vote
from bot.notices import texts
from bot.notices.conflict_texts import ended_how
from bot.notices.filters import ANNOUNCE, SILENT, Filters
from bot.notices.kinds import EventKind
from bot.notices.places import DEFAULT_PLACES
from bot.notices.review import ReviewPart, as_one, first_lines
from bot.notices.tickets import ticket_told
from bot.notices.wish_texts import drafts_text, filter_text, place_lines
from bot.preferences import Preferences
from bot.reminders import texts as reminder_texts
from bot.reminders.due import Due
from bot.reminders.people import Someone
from bot.reminders.rules import Rule
from bot.subscription_preview import Preview
from bot.teams_model import ConversationKind
from bot.ticket_changes import (
    TicketAssigned,
    TicketChange,
    TicketCommented,
    TicketCreated,
    TicketMoved,
)
from bot.working_time import calendar_of
from tests.bot.pull_request_samples import JONAS, LENA, MAYA, START, at
from tests.cards.pull_requests import PULL_REQUESTS

STATE = PULL_REQUESTS["waiting"].state
DRAFT = PULL_REQUESTS["draft"].state
SAID = Comment(1, 1, JONAS, "Please test @<00000000-0000-0000-0000-0000000000aa>, *too*.", START)
NAMES = {"00000000-0000-0000-0000-0000000000aa": "Lena Sample"}
CHANGES: tuple[Change, ...] = (
    PullRequestCreated("", START),
    PullRequestPublished(""),
    ReturnedToDraft(""),
    CommitsPushed("", "a" * 40, "b" * 40),
    CommitsPushed("", "a" * 40, "b" * 40, count=1),
    CommitsPushed("", "a" * 40, "b" * 40, count=3),
    CommitsPushed("", "a" * 40, "b" * 40, is_rewritten=True),
    *(VoteCast("", JONAS, Vote.NONE, vote) for vote in Vote),
    PullRequestCompleted("", JONAS),
    PullRequestCompleted("", None),
    PullRequestAbandoned("", JONAS),
    PullRequestAbandoned("", None),
    PullRequestReactivated(""),
    MergeFailed("", MergeStatus.REJECTED_BY_POLICY, "No merge commits"),
    MergeFailed("", MergeStatus.FAILURE, ""),
    TargetChanged("", "refs/heads/main", "refs/heads/release/2.0"),
    ReviewerAdded("", LENA, required=False),
    ReviewerMadeRequired("", LENA),
    CommentPosted("", SAID),
    CommentPosted("", replace(SAID, text="")),
    ChecksFailed("", ("web-ci",)),
    ChecksFailed("", ("web-ci", "lint", "licences", "docs"), again=True),
    ChecksFixed("", ("web-ci",)),
    ChecksFixed("", ("web-ci", "lint")),
    BecameReady(""),
)


def sentences() -> dict[str, list[str]]:
    """All of them, by the name of their file."""
    return {
        "replies": [texts.reply(change, STATE, NAMES) for change in CHANGES]
        + [texts.reply(CHANGES[0], DRAFT, NAMES)],
        "direct-messages": list(_direct()),
        "reviews": list(_reviews()),
        "conflicts-ended": [f"Conflicts with main are gone after 2 h{how}" for how in _ended()],
        "tickets": list(_tickets()),
        "reminders-to-people": list(_reminders_to_people()),
        "reminders-in-conversations": list(_reminders_in_conversations()),
        "subscriptions": list(_subscriptions()),
        "ages": [
            f"{days} days: {texts.age_in_days(at(0), at(days * 1440)) or '(nothing)'}; "
            f"{texts.duration(timedelta(days=days))}"
            for days in (0, 0.02, 0.5, 1, 3, 14, 61, 400)
        ],
    }


def _direct() -> Iterator[str]:
    yield texts.review_asked(STATE)
    yield texts.group_review_asked(STATE, "Web Team", is_turn=False)
    yield texts.group_review_asked(STATE, "Web Team", is_turn=True)
    yield texts.review_asked_again(STATE)
    yield texts.pushed_after_vote(STATE, Vote.WAITING_FOR_AUTHOR)
    yield texts.pushed_after_vote(STATE, Vote.REJECTED)
    yield texts.vote_reset(STATE)
    yield texts.changed_since(1, 3)
    yield texts.changed_since(None, 1)
    yield texts.ready(STATE)
    for change in CHANGES:
        match change:
            case VoteCast():
                yield texts.direct_vote(change, STATE)
            case MergeFailed():
                yield texts.direct_merge_failed(change, STATE)
            case ChecksFailed() | ChecksFixed():
                yield texts.direct_checks(change, STATE)
            case CommentPosted():
                for verb in (texts.COMMENTED, texts.REPLIED, texts.MENTIONED_YOU):
                    yield texts.direct_comment(change, STATE, NAMES, verb)
    for status in (PullRequestStatus.COMPLETED, PullRequestStatus.ABANDONED):
        yield texts.direct_closed(JONAS, replace(STATE, status=status))


def _reviews() -> Iterator[str]:
    comment = ReviewPart("jonas", "Jonas Sample", "Jonas Sample commented: Why?", said="Why?")
    mention = replace(comment, said="@Maya, please look", is_mention=True)
    for vote in Vote:
        voted = ReviewPart("jonas", "Jonas Sample", "Jonas Sample voted", vote)
        for to_author in (True, False):
            yield as_one([voted, comment, comment], about="#12 Add search", to_author=to_author)
        yield as_one([voted, comment])
    yield as_one([comment, mention], about="#12 Add search", to_author=True)
    yield as_one([comment, comment, replace(comment, writer_id="lena", name="Lena Sample")])
    yield first_lines([comment] * 5)


def _ended() -> Iterator[str]:
    for by in EndedBy:
        for actor in ("Maya Sample", ""):
            yield ended_how(
                by, actor, source_ref="refs/heads/feature/x", target_ref="refs/heads/main"
            )


def _tickets() -> Iterator[str]:
    maya, jonas = "Maya Sample <maya@example.com>", "Jonas Sample <jonas@example.com>"
    hook = TicketHook(
        "workitem.updated", 12, 2, "Shop", "Bug", "The checkout is slow", "Active", START, maya
    )
    moved = TicketMoved("", "New", "Active")
    told: tuple[tuple[TicketChange, ...], ...] = (
        (TicketCreated("", ""),),
        (TicketCreated("", jonas),),
        (moved,),
        (TicketAssigned("", jonas, ""),),
        (TicketAssigned("", "", maya),),
        (TicketAssigned("", "", jonas),),
        (TicketCommented("", "<div>It takes <b>8 s</b></div>"),),
        (moved, TicketAssigned("", "", jonas), TicketCommented("", "Please look")),
    )
    for changes in told:
        yield ticket_told(hook, changes, to_assignee=False)
    yield ticket_told(hook, (TicketAssigned("", "", jonas),), to_assignee=True)
    yield ticket_told(replace(hook, changed_by=""), (moved,), to_assignee=True)


def _dues() -> Iterator[tuple[Due, str]]:
    calendar = calendar_of(Preferences(), "UTC")
    for rule in Rule:
        yield (
            Due(rule, "id-jonas", START, at(480), 8, calendar, ("Jonas Sample",), ends_at=at(600)),
            "Maya Sample" if rule is Rule.NUDGE else "",
        )


def _reminders_to_people() -> Iterator[str]:
    for due, asked_by in _dues():
        for now in (at(5), at(420), at(3 * 1440)):
            yield reminder_texts.to_person(due, STATE, now, asked_by=asked_by)
        yield reminder_texts.why(due)
    yield reminder_texts.to_stand_in(due, STATE)
    yield reminder_texts.why(replace(due, rule=Rule.REVIEW), place="Web / General")


def _reminders_in_conversations() -> Iterator[str]:
    for due, _ in _dues():
        if due.rule is not Rule.NUDGE:  # is for reviewers only
            yield reminder_texts.to_conversation(due, at(420))
    calendar = calendar_of(Preferences(), "UTC")
    lena = Someone(1, "Lena Sample", "", Preferences(), calendar)
    review = next(due for due, _ in _dues() if due.rule is Rule.REVIEW)
    yield reminder_texts.to_conversation(replace(review, stand_in=lena), at(420))
    many = tuple(f"Person {number} Sample" for number in range(5))
    yield reminder_texts.to_conversation(replace(review, names=many), at(420))


def _subscriptions() -> Iterator[str]:
    everything = Filters(
        target=("release/*", "!release/old"),
        source=("feature/*",),
        author=(MAYA.display_name, "!Web Team"),
        reviewer=("Web Team",),
        label=("urgent", "!wip"),
        path=("src/**",),
        title=("hotfix",),
        bots=True,
        min_files=10,
        area=("Web\\Pay",),
        type=("Bug", "User Story"),
    )
    yield filter_text(Filters())
    yield filter_text(everything)
    for drafts in (Filters().drafts, ANNOUNCE, SILENT):
        yield drafts_text(Filters(drafts=drafts))
    for where in ConversationKind:
        yield from place_lines(DEFAULT_PLACES, where)
    yield preview_line(Preview())
    yield preview_line(Preview({EventKind.CREATED: 1}, ("#12 Add search",)))
    yield preview_line(Preview(dict.fromkeys(COUNTED, 2), ("#12 Add search", "#9 Round")))
