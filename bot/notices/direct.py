"""Direct messages: to the one who must act, never of his own action, never a machine's."""

from collections.abc import Iterator

from bot.changes import (
    Change,
    CloserIdentified,
    CommentPosted,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReviewerAdded,
    VoteCast,
)
from bot.model import Identity, Vote
from bot.notices import texts
from bot.notices.machines import is_machine
from bot.notices.model import Contact, DirectMessage, Situation

FILES_PAGE = "files"


def direct_messages(
    changes: tuple[Change, ...], situation: Situation, names: texts.Names
) -> Iterator[DirectMessage]:
    """What individual people are told. What was before Pullcord looked is not news."""
    is_old = situation.before is None and situation.state.created_at < situation.watched_since
    if is_old:
        return
    yield from _to_reviewers(changes, situation)
    yield from _votes(changes, situation)
    for change in changes:
        match change:
            case CommentPosted():
                yield from _comment(change, situation, names)
            case MergeFailed():
                text = texts.direct_merge_failed(change, situation.state)
                yield from _to_author(change, text, situation)
            case PullRequestCompleted() | PullRequestAbandoned() | CloserIdentified():
                yield from _closed(change, situation)


def _to_reviewers(changes: tuple[Change, ...], situation: Situation) -> Iterator[DirectMessage]:
    state = situation.state
    if state.is_draft or not state.is_active:
        return
    begins = next((c for c in changes if isinstance(c, _BEGINNINGS)), None)
    added = {c.reviewer.id: c for c in changes if isinstance(c, ReviewerAdded)}
    for reviewer in state.reviewers:
        who = reviewer.identity
        cause = begins or added.get(who.id)
        if cause is None or who.is_group or reviewer.vote is not Vote.NONE or reviewer.declined:
            continue
        contact = situation.people.get(who.id)
        if contact is None or _is_own(contact, state.author, situation):
            continue
        if contact.person_id == situation.actor:
            continue
        yield DirectMessage(
            contact.person_id,
            texts.review_asked(state),
            _key(contact, f"review:{cause.id}", situation),
            with_card=True,
            page=FILES_PAGE,
        )


_BEGINNINGS = PullRequestCreated | PullRequestPublished | PullRequestReactivated


def _votes(changes: tuple[Change, ...], situation: Situation) -> Iterator[DirectMessage]:
    """Votes that are found together are one message."""
    votes = [
        change
        for change in changes
        if isinstance(change, VoteCast)
        and not is_machine(change.reviewer)
        and change.reviewer.id != situation.state.author.id
    ]
    if votes:
        text = "; ".join(texts.direct_vote(vote, situation.state) for vote in votes)
        yield from _to_author(votes[0], text, situation, by=votes[0].reviewer)


def _comment(
    change: CommentPosted, situation: Situation, names: texts.Names
) -> Iterator[DirectMessage]:
    writer = change.comment.author
    if is_machine(writer) or change.comment.created_at < situation.watched_since:
        return
    mentioned = texts.mentioned(change.comment.text)
    told: set[int] = set()
    for identity_id in (*sorted(mentioned), situation.state.author.id):
        contact = situation.people.get(identity_id)
        if contact is None or contact.person_id in told or _is_own(contact, writer, situation):
            continue
        told.add(contact.person_id)
        text = texts.direct_comment(
            change, situation.state, names, is_mentioned=identity_id in mentioned
        )
        yield DirectMessage(contact.person_id, text, _key(contact, change.id, situation))


def _closed(
    change: PullRequestCompleted | PullRequestAbandoned | CloserIdentified, situation: Situation
) -> Iterator[DirectMessage]:
    """Told once it is known who did it: the author's own doing is no news to him."""
    if change.by is not None:
        text = texts.direct_closed(change.by, situation.state)
        yield from _to_author(change, text, situation, by=change.by, is_command=True)


def _to_author(
    change: Change,
    text: str,
    situation: Situation,
    *,
    by: Identity | None = None,
    is_command: bool = False,
) -> Iterator[DirectMessage]:
    contact = situation.people.get(situation.state.author.id)
    if contact is None or (by is not None and _is_own(contact, by, situation)):
        return
    if is_command and contact.person_id == situation.actor:
        return
    yield DirectMessage(contact.person_id, text, _key(contact, change.id, situation))


def _is_own(contact: Contact, actor: Identity, situation: Situation) -> bool:
    """Whether the identity that acted is this person, under whatever identity."""
    acting = situation.people.get(actor.id)
    return acting is not None and acting.person_id == contact.person_id


def _key(contact: Contact, change_id: str, situation: Situation) -> str:
    return f"direct:{contact.person_id}:{situation.key}:{change_id}"
