"""Changes -> notices: what each conversation and each person is told, once. Pure."""

import hashlib
from collections.abc import Iterator

from bot.changes import BecameReady, Change, CommentPosted, PullRequestCreated, VoteCast
from bot.notices import texts
from bot.notices.direct import direct_messages
from bot.notices.kinds import Place
from bot.notices.model import (
    Notice,
    OwnMessage,
    RefreshCard,
    Situation,
    SubscriptionTrouble,
    ThreadReply,
)
from bot.notices.readiness import became_ready
from bot.notices.review import ReviewPart
from bot.notices.subscribed import subscribed_messages
from bot.notices.tellings import Telling, tellings
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind


def route(changes: tuple[Change, ...], situation: Situation) -> tuple[Notice, ...]:
    """Who hears of these changes of one pull request, and how.

    Cards come first, so that a conversation has the card before the replies below it.
    """
    names = _names(situation)
    told = tellings(tuple(_for_conversations(changes, situation)), situation)
    cards = [RefreshCard(conversation) for conversation in _cards(told, situation)]
    sentences = _Sentences(situation, names)
    messages = [
        message
        for telling in told.values()
        if telling.subscriber.kind is not ConversationKind.PERSONAL
        for message in _messages(telling, situation, sentences)
    ]
    direct = tuple(direct_messages(changes, situation, names))
    asked_for = subscribed_messages(told.values(), situation, names, direct)
    return (*cards, *messages, *direct, *asked_for, *_troubles(situation))


def _for_conversations(changes: tuple[Change, ...], situation: Situation) -> Iterator[Change]:
    """What conversations can be told; of conflicts they hear by their episodes."""
    for change in changes:
        if type(change) in texts.REPLIES:
            yield change
    if became_ready(changes, situation.before, situation.state) is not None:
        yield BecameReady(f"ready:{situation.state.source_commit}")


def _cards(told: dict[str, Telling], situation: Situation) -> Iterator[str]:
    """Conversations that are told something, and those whose card shows something old."""
    posting = [key for key, telling in told.items() if telling.posts_card]
    yield from posting
    before = situation.before
    if before is None or looks(before) != looks(situation.state):
        yield from sorted(situation.posted - set(posting))


def looks(state: PullRequestState) -> tuple[object, ...]:
    """What a card shows of a state; equal looks need no new card."""
    return (
        state.title,
        state.author.display_name,
        state.repository.name,
        state.repository.project_name,
        state.source_ref,
        state.target_ref,
        state.status,
        state.is_draft,
        state.closed_by,
        state.auto_complete_by,
        state.merge_status,
        state.conflicted_since,
        state.reviewers,
    )


class _Sentences:
    """What is said of each change: the same everywhere, so it is worded once."""

    def __init__(self, situation: Situation, names: texts.Names) -> None:
        self._situation, self._names = situation, names
        self._replies: dict[str, str] = {}
        self._parts: dict[str, ReviewPart | None] = {}
        self.pull_request = texts.pull_request(situation.state)

    def reply(self, change: Change) -> str:
        """The sentence for below the card."""
        if change.id not in self._replies:
            said = texts.reply(change, self._situation.state, self._names)
            self._replies[change.id] = said
        return self._replies[change.id]

    def part(self, change: Change) -> ReviewPart | None:
        """What of a review a change is, None for all that is no review."""
        if change.id not in self._parts:
            self._parts[change.id] = self._part(change)
        return self._parts[change.id]

    def _part(self, change: Change) -> ReviewPart | None:
        match change:
            case VoteCast(reviewer=who, new=vote):
                return ReviewPart(who.id, texts.name_of(who), self.reply(change), vote=vote)
            case CommentPosted(comment=comment):
                said = texts.excerpt(comment.text, self._names)
                name = texts.name_of(comment.author)
                return ReviewPart(comment.author.id, name, self.reply(change), said=said)
        return None


def _messages(
    telling: Telling, situation: Situation, sentences: _Sentences
) -> Iterator[ThreadReply | OwnMessage]:
    """One message per change; votes that are found together are one."""
    conversation_id, kind = telling.subscriber.conversation_id, telling.subscriber.kind
    for group, place in _groups(telling, situation):
        text = "; ".join(map(sentences.reply, group))
        key = f"reply:{conversation_id}:{situation.key}:{group[0].id}"
        if kind is ConversationKind.CHANNEL and place is Place.CHANNEL:
            yield OwnMessage(conversation_id, f"{sentences.pull_request}: {text}", key)
            continue
        about = sentences.pull_request if kind is ConversationKind.GROUP else ""  # has no threads
        parts = tuple(part for change in group if (part := sentences.part(change)))
        yield ThreadReply(conversation_id, text, key, parts=parts, about=about)


def _groups(telling: Telling, situation: Situation) -> Iterator[tuple[list[Change], Place]]:
    found = [
        (change, place)
        for change, place in telling.in_place(Place.THREAD, Place.CHANNEL)
        if not _is_the_card(change, place, telling, situation)
    ]
    votes = [change for change, _ in found if isinstance(change, VoteCast)]
    for change, place in found:
        if not isinstance(change, VoteCast):
            yield [change], place
        elif change is votes[0]:
            yield [*votes], place


def _is_the_card(change: Change, place: Place, telling: Telling, situation: Situation) -> bool:
    """Where the card has just been posted, it is the message that says it was created."""
    return (
        isinstance(change, PullRequestCreated)
        and place is Place.CHANNEL
        and telling.subscriber.conversation_id not in situation.posted
    )


def _troubles(situation: Situation) -> Iterator[SubscriptionTrouble]:
    """Each trouble is told once, and again when it is another one."""
    for each in situation.unreadable:
        digest = hashlib.sha256(each.reason.encode()).hexdigest()[:16]
        yield SubscriptionTrouble(each, f"unreadable:{each.id}:{digest}")


def _names(situation: Situation) -> dict[str, str]:
    """Names of identities by id, lower case, for mentions in comments."""
    state = situation.state
    known = [state.author, *(reviewer.identity for reviewer in state.reviewers)]
    names = {identity.id.lower(): texts.name_of(identity) for identity in known}
    people = {key.lower(): contact.name for key, contact in situation.people.items()}
    known_in_teams = {key: name for key, name in people.items() if name}
    return {**situation.mentioned, **names, **known_in_teams}
