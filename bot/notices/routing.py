"""Changes -> notices: what each conversation and each person is told, once. Pure."""

from collections.abc import Iterator

from bot.changes import Change, CommentPosted, VoteCast
from bot.notices import texts
from bot.notices.direct import direct_messages
from bot.notices.machines import is_machine
from bot.notices.model import Notice, RefreshCard, Situation, Subscriber, ThreadReply
from bot.notices.subscriptions import is_about, wants
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind


def route(changes: tuple[Change, ...], situation: Situation) -> tuple[Notice, ...]:
    """Who hears of these changes of one pull request, and how.

    Cards come first, so that a conversation has the card before the replies below it.
    """
    names = _names(situation)
    told = _told(changes, situation)
    cards = [RefreshCard(conversation) for conversation in _cards(told, situation)]
    replies = [
        reply
        for subscriber, wanted in told.values()
        if subscriber.kind is not ConversationKind.PERSONAL
        for reply in _replies(wanted, subscriber, situation, names)
    ]
    return (*cards, *replies, *direct_messages(changes, situation, names))


def _told(
    changes: tuple[Change, ...], situation: Situation
) -> dict[str, tuple[Subscriber, tuple[Change, ...]]]:
    """Per conversation what it is told: what any one of its subscriptions wants."""
    worth_telling = [change for change in changes if _is_worth_telling(change)]
    wanted: dict[str, tuple[Subscriber, set[str]]] = {}
    for subscriber in situation.subscribers:
        if not worth_telling or not is_about(subscriber, situation.state):
            continue
        ids = {change.id for change in worth_telling if wants(subscriber, change, situation)}
        known = wanted.get(subscriber.conversation_id)
        wanted[subscriber.conversation_id] = (subscriber, ids | (known[1] if known else set()))
    return {
        conversation: (subscriber, tuple(c for c in worth_telling if c.id in ids))
        for conversation, (subscriber, ids) in wanted.items()
        if ids
    }


def _is_worth_telling(change: Change) -> bool:
    match change:
        case VoteCast(reviewer=who):
            return not is_machine(who)
        case CommentPosted(comment=comment):
            return not comment.is_system and not is_machine(comment.author)
    return type(change) in texts.REPLIES


def _cards(
    told: dict[str, tuple[Subscriber, tuple[Change, ...]]], situation: Situation
) -> Iterator[str]:
    """Conversations that are told something, and those whose card shows something old."""
    yield from told
    before = situation.before
    if before is None or looks(before) != looks(situation.state):
        yield from sorted(situation.posted - told.keys())


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


def _replies(
    changes: tuple[Change, ...], subscriber: Subscriber, situation: Situation, names: texts.Names
) -> Iterator[ThreadReply]:
    """One reply per change; votes that are found together are one reply."""
    votes = [change for change in changes if isinstance(change, VoteCast)]
    for change in changes:
        if change in votes[1:]:
            continue
        group = votes if isinstance(change, VoteCast) else [change]
        text = "; ".join(texts.reply(one, situation.state, names) for one in group)
        if subscriber.kind is ConversationKind.GROUP:  # has no threads: say what it is about
            text = f"{texts.pull_request(situation.state)}: {text}"
        key = f"reply:{subscriber.conversation_id}:{situation.key}:{change.id}"
        yield ThreadReply(subscriber.conversation_id, text, key)


def _names(situation: Situation) -> dict[str, str]:
    """Names of identities by id, lower case, for mentions in comments."""
    state = situation.state
    known = [state.author, *(reviewer.identity for reviewer in state.reviewers)]
    names = {identity.id.lower(): texts.name_of(identity) for identity in known}
    people = {key.lower(): contact.name for key, contact in situation.people.items()}
    return {**names, **{key: name for key, name in people.items() if name}}
