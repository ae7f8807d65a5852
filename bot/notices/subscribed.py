"""Direct messages that a subscription asks for: in one's own chat, or instead of a reply. Pure.

What concerns a person by role (author, reviewer, mentioned) is told by ``bot.notices.direct``; this
adds only what that does not tell, and never somebody's own action.
"""

from collections.abc import Iterable, Iterator

from bot.changes import (
    Change,
    CloserIdentified,
    CommentPosted,
    CommitsPushed,
    PullRequestAbandoned,
    PullRequestCompleted,
    VoteCast,
)
from bot.model import Identity
from bot.notices import texts
from bot.notices.kinds import EventKind, Place
from bot.notices.model import DirectMessage, GroupAsk, Situation
from bot.notices.places import kind_of
from bot.notices.reasons import Role
from bot.notices.tellings import Telling
from bot.teams_model import ConversationKind

_MESSAGES = (Place.THREAD, Place.CHANNEL, Place.DIRECT)
_SAME_NEWS = {
    EventKind.REVIEW_ASKED: (EventKind.CREATED, EventKind.PUBLISHED, EventKind.COMMITS),
    EventKind.MENTION: (EventKind.COMMENT,),
    EventKind.COMMENT: (EventKind.MENTION,),
}
"""Who is told the one by his role is not told the other of the same changes."""


def subscribed_messages(
    told: Iterable[Telling],
    situation: Situation,
    names: texts.Names,
    direct: tuple[DirectMessage | GroupAsk, ...],
) -> Iterator[DirectMessage]:
    """What subscriptions send to people, without what ``direct`` tells them already."""
    known = {
        (message.person_id, kind)
        for message in direct
        if isinstance(message, DirectMessage)
        for kind in (message.kind, *_SAME_NEWS.get(message.kind, ()))
    }
    for person_id, change in dict.fromkeys(_wanted(told, situation)):
        kind = kind_of(change)
        if kind is None or (person_id, kind) in known or _did_it(person_id, change, situation):
            continue
        sentence = texts.reply(change, situation.state, names)
        yield DirectMessage(
            person_id,
            f"{texts.pull_request(situation.state)}: {sentence}",
            f"direct:{person_id}:{situation.key}:{change.id}",
            kind=kind,
            role=Role.SUBSCRIBER,
        )


def _wanted(told: Iterable[Telling], situation: Situation) -> Iterator[tuple[int, Change]]:
    for telling in told:
        subscriber = telling.subscriber
        if subscriber.kind is ConversationKind.PERSONAL:
            for change, _ in telling.in_place(*_MESSAGES):
                if subscriber.person_id:
                    yield subscriber.person_id, change
            continue
        for change, _ in telling.in_place(Place.DIRECT):
            if isinstance(change, CommitsPushed):
                yield from ((person, change) for person in _reviewers(situation))


def _reviewers(situation: Situation) -> Iterator[int]:
    """New commits concern those who review; everything else finds its people by role."""
    for reviewer in situation.state.reviewers:
        contact = situation.people.get(reviewer.identity.id)
        if contact is not None and not reviewer.declined:
            yield contact.person_id


def _did_it(person_id: int, change: Change, situation: Situation) -> bool:
    """Whether the change is the person's own doing, as far as Azure DevOps says whose it is."""
    who = _actor(change, situation)
    contact = situation.people.get(who.id) if who else None
    return situation.actor == person_id or (contact is not None and contact.person_id == person_id)


def _actor(change: Change, situation: Situation) -> Identity | None:
    """Who did it. Where Azure DevOps does not say, it was the author, mostly."""
    match change:
        case VoteCast(reviewer=who) | CloserIdentified(by=who):
            return who
        case CommentPosted(comment=comment):
            return comment.author
        case PullRequestCompleted(by=closer) | PullRequestAbandoned(by=closer):
            return closer
    return situation.state.author
