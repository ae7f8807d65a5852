"""Every sentence that a reply or direct message says. All of it is plain text.

What comes from outside is made harmless by ``plain``; whoever sends a sentence as Markdown escapes
it as a whole.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.cards.plain_text import plain
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
from bot.model import Identity, MergeStatus, Vote, branch_name
from bot.notices.checks import checks_failed, checks_fixed
from bot.pull_request_state import PullRequestState

NAME_LENGTH = 60
BRANCH_LENGTH = 100
TITLE_LENGTH = 100
COMMENT_LENGTH = 200
SHORT_COMMIT = 7
WEEK = 7
MONTH = 30

VOTE_SENTENCES = {
    Vote.APPROVED: "{name} approved",
    Vote.APPROVED_WITH_SUGGESTIONS: "{name} approved with suggestions",
    Vote.NONE: "{name}'s vote was reset",
    Vote.WAITING_FOR_AUTHOR: "{name} waits for the author",
    Vote.REJECTED: "{name} rejected",
}
DIRECT_VOTES = {
    Vote.APPROVED: "{name} approved {pr}",
    Vote.APPROVED_WITH_SUGGESTIONS: "{name} approved {pr} with suggestions",
    Vote.NONE: "{name}'s vote on {pr} was reset",
    Vote.WAITING_FOR_AUTHOR: "{name} waits for you on {pr}",
    Vote.REJECTED: "{name} rejected {pr}",
}

_MENTION = re.compile(r"@<([0-9A-Fa-f-]{36})>")

Names = Mapping[str, str]


def name_of(identity: Identity) -> str:
    """The display name, or what else names the identity."""
    return plain(identity.display_name or identity.unique_name or "Somebody", NAME_LENGTH)


def branch(ref: str) -> str:
    """A branch with its slashes."""
    return plain(branch_name(ref), BRANCH_LENGTH)


def duration(span: timedelta) -> str:
    """How long, in one unit: "5 min", "3 h", "2 days"."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def pull_request(state: PullRequestState) -> str:
    """``#12 Title``."""
    return f"#{state.number} {plain(state.title, TITLE_LENGTH)}".rstrip()


# --- replies in the card's thread -------------------------------------------------------------


def created(_: PullRequestCreated, state: PullRequestState, __: Names) -> str:
    """Who opened it."""
    what = "a draft" if state.is_draft else "this pull request"
    return f"{name_of(state.author)} opened {what}"


def published(_: PullRequestPublished, __: PullRequestState, ___: Names) -> str:
    """Ready for review."""
    return "Published: ready for review"


def returned_to_draft(_: ReturnedToDraft, __: PullRequestState, ___: Names) -> str:
    """A draft again."""
    return "Back to draft"


def commits_pushed(change: CommitsPushed, _: PullRequestState, __: Names) -> str:
    """How many, where that is known for sure, and the new tip."""
    if change.is_rewritten:
        what = "Force-pushed"
    elif change.count:
        what = "1 new commit" if change.count == 1 else f"{change.count} new commits"
    else:
        what = "New commits"
    return f"{what}, now at {plain(change.new, SHORT_COMMIT, ellipsis='')}"


def vote_cast(change: VoteCast, _: PullRequestState, __: Names) -> str:
    """Who voted what."""
    return VOTE_SENTENCES[change.new].format(name=name_of(change.reviewer))


def completed(change: PullRequestCompleted, _: PullRequestState, __: Names) -> str:
    """Merged, by whom if known."""
    return f"Completed by {name_of(change.by)}" if change.by else "Completed"


def abandoned(change: PullRequestAbandoned, _: PullRequestState, __: Names) -> str:
    """Given up, by whom if known."""
    return f"Abandoned by {name_of(change.by)}" if change.by else "Abandoned"


def reactivated(_: PullRequestReactivated, __: PullRequestState, ___: Names) -> str:
    """Open again."""
    return "Reactivated"


def merge_failed(change: MergeFailed, state: PullRequestState, _: Names) -> str:
    """The trial merge has no outcome: never called a conflict."""
    target = branch(state.target_ref)
    if change.status is MergeStatus.REJECTED_BY_POLICY:
        sentence = f"A policy rejects the merge into {target}"
    else:
        sentence = f"Azure DevOps could not try the merge into {target}"
    reason = plain(change.reason, COMMENT_LENGTH)
    return f"{sentence}: {reason}" if reason else sentence


def target_changed(change: TargetChanged, _: PullRequestState, __: Names) -> str:
    """From which branch to which."""
    return f"Now targets {branch(change.new)} instead of {branch(change.old)}"


def became_ready(_: BecameReady, __: PullRequestState, ___: Names) -> str:
    """What is known for sure: checks may still run."""
    return "Approved, and it merges cleanly"


def reviewer_added(change: ReviewerAdded, _: PullRequestState, __: Names) -> str:
    """Who is asked now."""
    return f"{name_of(change.reviewer)} is asked for a review"


def reviewer_made_required(change: ReviewerMadeRequired, _: PullRequestState, __: Names) -> str:
    """Whose approval is needed now."""
    return f"{name_of(change.reviewer)}'s approval is required now"


def comment_posted(change: CommentPosted, _: PullRequestState, names: Names) -> str:
    """Who commented, and how it begins."""
    said = excerpt(change.comment.text, names)
    return f"{name_of(change.comment.author)} commented" + (f": {said}" if said else "")


def excerpt(text: str, names: Names) -> str:
    """The beginning of a comment; mentions (``@<GUID>``) as names where they are known."""
    named = _MENTION.sub(lambda found: "@" + names.get(found[1].lower(), "somebody"), text)
    return plain(named, COMMENT_LENGTH)


def mentioned(text: str) -> frozenset[str]:
    """The identity ids that a comment mentions, lower case."""
    return frozenset(found.lower() for found in _MENTION.findall(text))


REPLIES: dict[type, Callable[..., str]] = {
    PullRequestCreated: created,
    PullRequestPublished: published,
    ReturnedToDraft: returned_to_draft,
    CommitsPushed: commits_pushed,
    VoteCast: vote_cast,
    PullRequestCompleted: completed,
    PullRequestAbandoned: abandoned,
    PullRequestReactivated: reactivated,
    MergeFailed: merge_failed,
    TargetChanged: target_changed,
    ReviewerAdded: reviewer_added,
    ReviewerMadeRequired: reviewer_made_required,
    CommentPosted: comment_posted,
    ChecksFailed: checks_failed,
    ChecksFixed: checks_fixed,
    BecameReady: became_ready,
}
"""Kinds of change that a thread can hear of; the rest is only seen on the card.

Conflicts are told by their episodes (bot.conflicts).
"""


def reply(change: Change, state: PullRequestState, names: Names) -> str:
    """The reply for a change of REPLIES' kinds."""
    return REPLIES[type(change)](change, state, names)


# --- direct messages --------------------------------------------------------------------------


def review_asked(state: PullRequestState) -> str:
    """To a reviewer."""
    return f"{name_of(state.author)} asks for your review of {pull_request(state)}"


def group_review_asked(state: PullRequestState, group: str, *, is_turn: bool) -> str:
    """To a member of a group."""
    name = plain(group, NAME_LENGTH) or "your group"
    ending = f": it is your turn for {name}" if is_turn else f" from {name}"
    return f"{name_of(state.author)} asks for a review of {pull_request(state)}{ending}"


def review_asked_again(state: PullRequestState) -> str:
    """To a reviewer who voted on older commits."""
    return f"{name_of(state.author)} asks again for your review of {pull_request(state)}"


def pushed_after_vote(state: PullRequestState, vote: Vote) -> str:
    """To a reviewer who sent it back."""
    said = "rejection" if vote is Vote.REJECTED else "“waiting for author”"
    return f"New commits after your {said} on {pull_request(state)}: please look again"


def vote_reset(state: PullRequestState) -> str:
    """To a reviewer whose vote does not count any more."""
    return f"Your vote on {pull_request(state)} was reset: please look again"


def ready(state: PullRequestState) -> str:
    """To the author."""
    return f"{pull_request(state)} is approved and nothing stands in its way: you can complete it"


def changed_since(commits: int | None, files: int | None) -> str:
    """``Since your last look: 2 commits, 3 files``; "" when nothing is known of it."""
    known = [
        f"{count} {word}" if count == 1 else f"{count} {word}s"
        for count, word in ((commits, "commit"), (files, "changed file"))
        if count
    ]
    return f"Since your last look: {', '.join(known)}" if known else ""


def direct_vote(change: VoteCast, state: PullRequestState) -> str:
    """To the author."""
    return DIRECT_VOTES[change.new].format(name=name_of(change.reviewer), pr=pull_request(state))


def direct_merge_failed(change: MergeFailed, state: PullRequestState) -> str:
    """To the author."""
    return f"{pull_request(state)}: {merge_failed(change, state, {})}"


def direct_checks(change: ChecksFailed | ChecksFixed, state: PullRequestState) -> str:
    """To the author."""
    return f"{pull_request(state)}: {reply(change, state, {})}"


def direct_closed(by: Identity, state: PullRequestState) -> str:
    """To the author, when somebody else did it."""
    return f"{name_of(by)} {state.status.value} {pull_request(state)}"


MENTIONED_YOU, REPLIED, COMMENTED = "mentioned you on", "replied on", "commented on"


def direct_comment(
    change: CommentPosted, state: PullRequestState, names: Names, verb: str = COMMENTED
) -> str:
    """To the author, one who is mentioned, or one who wrote in the thread."""
    said = excerpt(change.comment.text, names)
    sentence = f"{name_of(change.comment.author)} {verb} {pull_request(state)}"
    return f"{sentence}: {said}" if said else sentence


def age_in_days(since: datetime, now: datetime) -> str:
    """How old something is that people look at for days: "1 day", "3 weeks"; "" on its first day.

    Of few different values, because a card that shows it must be drawn anew for each.
    """
    days = (now - since) // timedelta(days=1)
    if days < 1:
        return ""
    if days < 2 * WEEK:
        return "1 day" if days == 1 else f"{days} days"
    return f"{days // WEEK} weeks" if days < 2 * MONTH else f"{days // MONTH} months"
