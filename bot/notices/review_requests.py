"""Who is asked for a review, and asked again. Pure.

Asked again is who voted before: after new commits on "waiting for author" or "rejected", when his
vote was reset by a push or together with others', and when he is made a reviewer anew. A single
vote that is reset without new commits is mostly the reviewer's own doing, and Azure DevOps does not
say whose it was: nobody is told of that.
"""

from collections.abc import Iterator, Sequence

from bot.changes import (
    Change,
    CommitsPushed,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReviewerAdded,
    VoteCast,
)
from bot.model import Reviewer, Vote
from bot.notices import texts
from bot.notices.kinds import EventKind
from bot.notices.machines import is_machine
from bot.notices.model import Contact, DirectMessage, GroupAsk, Situation
from bot.notices.reasons import Role

FILES_PAGE = "files"

_BEGINNINGS = PullRequestCreated | PullRequestPublished | PullRequestReactivated
_SENT_BACK = (Vote.WAITING_FOR_AUTHOR, Vote.REJECTED)


def review_requests(
    changes: Sequence[Change], situation: Situation
) -> Iterator[DirectMessage | GroupAsk]:
    """Everybody whose review is asked for by these changes, each once."""
    state = situation.state
    if state.is_draft or not state.is_active:
        return
    told: set[int] = set()
    for reviewer in state.reviewers:
        if reviewer.identity.is_group:
            yield from _group(reviewer, changes, situation)
            continue
        contact = _whom(reviewer, situation)
        if contact is None or contact.person_id in told:
            continue
        message = _asked(reviewer, contact, changes, situation) or _again(
            reviewer, contact, changes, situation
        )
        if message is not None:
            told.add(contact.person_id)
            yield message


def may_ask_again(changes: Sequence[Change]) -> bool:
    """Whether any of these can make a difference between reviewers who voted before and others."""
    return any(
        change.new is Vote.NONE
        if isinstance(change, VoteCast)
        else isinstance(change, _BEGINNINGS | ReviewerAdded | CommitsPushed)
        for change in changes
    )


def request_key(person_id: int, pull_request: str, cause: str) -> str:
    """Names the asking of one person; ``pull_request`` is ``connection/number``."""
    return f"direct:{person_id}:{pull_request}:review:{cause}"


def group_cause(cause: str) -> str:
    """The same for all groups that are asked at the same time: their members are asked once.

    ``created`` and ``published:VERSION`` are so by themselves; in ``asked:REVIEWER:VERSION`` the
    reviewer is left out.
    """
    return f"asked:{cause.rpartition(':')[2]}" if cause.startswith("asked:") else cause


def _whom(reviewer: Reviewer, situation: Situation) -> Contact | None:
    """The reviewer's person, unless it is the author, who gave the order, or a machine."""
    contact = situation.people.get(reviewer.identity.id)
    if contact is None or reviewer.declined or is_machine(reviewer.identity):
        return None
    author = situation.people.get(situation.state.author.id)
    is_author = author is not None and author.person_id == contact.person_id
    return None if is_author or contact.person_id == situation.actor else contact


def _cause(reviewer: Reviewer, changes: Sequence[Change]) -> Change | None:
    begins = next((change for change in changes if isinstance(change, _BEGINNINGS)), None)
    added = (
        change
        for change in changes
        if isinstance(change, ReviewerAdded) and change.reviewer.id == reviewer.identity.id
    )
    return begins or next(added, None)


def _group(
    reviewer: Reviewer, changes: Sequence[Change], situation: Situation
) -> Iterator[GroupAsk]:
    cause = _cause(reviewer, changes)
    if cause is None or reviewer.vote is not Vote.NONE or reviewer.declined:
        return
    group = reviewer.identity
    key = f"group:{group.id}:{situation.key}:review:{cause.id}"
    yield GroupAsk(group, group_cause(cause.id), key)


def _asked(
    reviewer: Reviewer, contact: Contact, changes: Sequence[Change], situation: Situation
) -> DirectMessage | None:
    cause = _cause(reviewer, changes)
    if cause is None or reviewer.vote is not Vote.NONE:
        return None
    state = situation.state
    known = situation.reviewed.get(reviewer.identity.id, "")
    is_again = bool(known) and known != state.source_commit
    return DirectMessage(
        contact.person_id,
        texts.review_asked_again(state) if is_again else texts.review_asked(state),
        request_key(contact.person_id, situation.key, cause.id),
        with_card=not is_again,
        page=FILES_PAGE,
        kind=EventKind.REVIEW_ASKED,
        role=Role.REVIEWER,
        since=known if is_again else "",
    )


def _again(
    reviewer: Reviewer, contact: Contact, changes: Sequence[Change], situation: Situation
) -> DirectMessage | None:
    state = situation.state
    pushed = next((change for change in changes if isinstance(change, CommitsPushed)), None)
    known = situation.reviewed.get(reviewer.identity.id, "") or (pushed.old if pushed else "")
    if pushed is not None and reviewer.vote in _SENT_BACK:
        # Once per vote: what is pushed after the first time is seen on the card.
        cause = f"again:{int(reviewer.vote)}:{known}"
        text = texts.pushed_after_vote(state, reviewer.vote)
    elif _was_reset(reviewer, known, changes, situation):
        cause = f"again:0:{known}:{state.source_commit}"
        text = texts.vote_reset(state)
    else:
        return None
    return DirectMessage(
        contact.person_id,
        text,
        request_key(contact.person_id, situation.key, cause),
        page=FILES_PAGE,
        kind=EventKind.REVIEW_ASKED,
        role=Role.REVIEWER,
        since=known if known != state.source_commit else "",
    )


def _was_reset(
    reviewer: Reviewer, known: str, changes: Sequence[Change], situation: Situation
) -> bool:
    resets = {c.reviewer.id for c in changes if isinstance(c, VoteCast) and c.new is Vote.NONE}
    if reviewer.identity.id not in resets:
        return False
    return len(resets) > 1 or (bool(known) and known != situation.state.source_commit)
