"""Direct messages: to the one who must act, never of his own action, never a machine's. Pure.

Whether and when a person hears of one is decided by his settings, when it is told
(``bot.notices.holding``).
"""

from collections.abc import Iterator

from bot.changes import (
    Change,
    ChecksFailed,
    ChecksFixed,
    CloserIdentified,
    CommentPosted,
    CommitsPushed,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    VoteCast,
)
from bot.model import Identity, PullRequestStatus, Vote
from bot.notices import texts
from bot.notices.kinds import EventKind
from bot.notices.machines import is_machine
from bot.notices.model import Contact, DirectMessage, GroupAsk, Situation
from bot.notices.readiness import became_ready
from bot.notices.reasons import Role
from bot.notices.review import ReviewPart
from bot.notices.review_requests import review_requests


def direct_messages(
    changes: tuple[Change, ...], situation: Situation, names: texts.Names
) -> Iterator[DirectMessage | GroupAsk]:
    """What individual people are told. What was before Pullcord looked is not news."""
    is_old = situation.before is None and situation.state.created_at < situation.watched_since
    if is_old:
        return
    yield from review_requests(changes, situation)
    yield from _votes(changes, situation)
    yield from _ready(changes, situation)
    for change in changes:
        match change:
            case CommentPosted():
                yield from _comment(change, situation, names)
            case MergeFailed():
                text = texts.direct_merge_failed(change, situation.state)
                yield from _to_author(change, text, situation, EventKind.CONFLICT)
            case ChecksFailed() | ChecksFixed():
                text = texts.direct_checks(change, situation.state)
                url = change.run_url if isinstance(change, ChecksFailed) else ""
                yield from _to_author(change, text, situation, EventKind.CHECKS, run_url=url)
            case PullRequestCompleted() | PullRequestAbandoned() | CloserIdentified():
                yield from _closed(change, situation)


def _votes(changes: tuple[Change, ...], situation: Situation) -> Iterator[DirectMessage]:
    """Votes that are found together are one message."""
    votes = [
        change
        for change in changes
        if isinstance(change, VoteCast)
        and not is_machine(change.reviewer)
        and not _is_author(change.reviewer, situation)
        and not _is_reset_by_push(change, changes, situation)
    ]
    if not votes:
        return
    parts = tuple(_vote_part(vote, situation) for vote in votes)
    text = "; ".join(part.text for part in parts)
    yield from _to_author(votes[0], text, situation, EventKind.VOTE, parts=parts)


def _is_reset_by_push(vote: VoteCast, changes: tuple[Change, ...], situation: Situation) -> bool:
    """Whether the author's own new commits took the vote away: he knows what he did."""
    if vote.new is not Vote.NONE:
        return False
    known = situation.reviewed.get(vote.reviewer.id, "")
    was_pushed = any(isinstance(change, CommitsPushed) for change in changes)
    return was_pushed or (bool(known) and known != situation.state.source_commit)


def _vote_part(vote: VoteCast, situation: Situation) -> ReviewPart:
    return ReviewPart(
        vote.reviewer.id,
        texts.name_of(vote.reviewer),
        texts.direct_vote(vote, situation.state),
        vote=vote.new,
    )


def _ready(changes: tuple[Change, ...], situation: Situation) -> Iterator[DirectMessage]:
    """Once per source commit, however often approvals go and come."""
    state = situation.state
    if became_ready(changes, situation.before, state) is None:
        return
    contact = situation.people.get(state.author.id)
    if contact is None or contact.person_id == situation.actor:
        return
    yield DirectMessage(
        contact.person_id,
        texts.ready(state),
        f"direct:{contact.person_id}:{situation.key}:ready:{state.source_commit}",
        kind=EventKind.READY,
        role=Role.AUTHOR,
    )


def _comment(
    change: CommentPosted, situation: Situation, names: texts.Names
) -> Iterator[DirectMessage]:
    """To those who are mentioned, the author, and those who wrote in the thread: each once."""
    writer = change.comment.author
    if is_machine(writer) or change.comment.created_at < situation.watched_since:
        return
    roles: dict[str, Role] = dict.fromkeys(sorted(situation.participants), Role.PARTICIPANT)
    roles[situation.state.author.id] = Role.AUTHOR
    roles |= dict.fromkeys(sorted(texts.mentioned(change.comment.text)), Role.MENTIONED)
    told: dict[int, tuple[Contact, Role]] = {}
    for identity_id, role in reversed(roles.items()):  # the weightiest comes first
        contact = situation.people.get(identity_id)
        if contact is not None and not _is_own(contact, writer, situation):
            known = told.setdefault(contact.person_id, (contact, role))
            if role is Role.MENTIONED:
                told[contact.person_id] = (known[0], role)
    for contact, role in told.values():
        yield _comment_message(change, contact, role, situation, names)


def _comment_message(
    change: CommentPosted, contact: Contact, role: Role, situation: Situation, names: texts.Names
) -> DirectMessage:
    comment, is_mention = change.comment, role is Role.MENTIONED
    verb = {Role.MENTIONED: texts.MENTIONED_YOU, Role.PARTICIPANT: texts.REPLIED}.get(
        role, texts.COMMENTED
    )
    text = texts.direct_comment(change, situation.state, names, verb)
    part = ReviewPart(
        comment.author.id,
        texts.name_of(comment.author),
        text,
        said=texts.excerpt(comment.text, names),
        is_mention=is_mention,
    )
    return DirectMessage(
        contact.person_id,
        text,
        _key(contact, change.id, situation),
        kind=EventKind.MENTION if is_mention else EventKind.COMMENT,
        role=role,
        parts=(part,),
    )


def _closed(
    change: PullRequestCompleted | PullRequestAbandoned | CloserIdentified, situation: Situation
) -> Iterator[DirectMessage]:
    """Told once it is known who did it: the author's own doing is no news to him."""
    if change.by is None or _is_author(change.by, situation):
        return
    is_completed = situation.state.status is PullRequestStatus.COMPLETED
    kind = EventKind.COMPLETED if is_completed else EventKind.ABANDONED
    contact = situation.people.get(situation.state.author.id)
    if contact is not None and contact.person_id != situation.actor:
        text = texts.direct_closed(change.by, situation.state)
        yield from _to_author(change, text, situation, kind)


def _to_author(
    change: Change,
    text: str,
    situation: Situation,
    kind: EventKind,
    *,
    parts: tuple[ReviewPart, ...] = (),
    run_url: str = "",
) -> Iterator[DirectMessage]:
    contact = situation.people.get(situation.state.author.id)
    if contact is not None:
        yield DirectMessage(
            contact.person_id,
            text,
            _key(contact, change.id, situation),
            kind=kind,
            role=Role.AUTHOR,
            parts=parts,
            run_url=run_url,
        )


def _is_author(actor: Identity, situation: Situation) -> bool:
    author = situation.state.author
    if actor.id == author.id:
        return True
    contact = situation.people.get(author.id)
    return contact is not None and _is_own(contact, actor, situation)


def _is_own(contact: Contact, actor: Identity, situation: Situation) -> bool:
    """Whether the identity that acted is this person, under whatever identity."""
    acting = situation.people.get(actor.id)
    return acting is not None and acting.person_id == contact.person_id


def _key(contact: Contact, change_id: str, situation: Situation) -> str:
    return f"direct:{contact.person_id}:{situation.key}:{change_id}"
