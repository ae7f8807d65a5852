"""What is held of one thing to tell, as it is stored; and the ways into the table.

Everything here runs inside ``Database.write``. What is held is looked at right after, so what need
not wait is told at once (``bot.held_messages``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.cards.view import PullRequestView
from bot.notices.holding import Reason, Subject
from bot.notices.kinds import EventKind
from bot.notices.lateness import Late
from bot.notices.model import DirectMessage, GroupAsk, ThreadReply
from bot.notices.reasons import Role
from bot.notices.review import ReviewPart
from bot.pull_request_state import PullRequestState
from storage import held
from storage.enqueue import AlertOf
from storage.tables import HeldNotice

CONFLICT_OVER = "the conflict is over"
PAIR_OVER = "the two do not conflict any more"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tell.

    ``text`` is its whole sentence. ``about`` names the pull request where no thread does. ``since``
    is the commit that the reader knows, ``is_looked_up`` and ``note`` what was found of the changes
    from there; ``is_own_doing``: all of them are the reader's own. ``episode_id`` is of a conflict,
    ``radar_pair_id`` of two pull requests that will conflict.
    ``group_id``, ``group_name``, ``request`` and ``actor`` are of a group that is asked for a
    review; ``turn_of`` is the id of the group for which one person is asked instead of the others.
    ``run_url`` is the page of a failed check's run, checked when it is drawn. ``url`` and
    ``where`` are of what is not about a pull request; ``card`` is a ready
    message for it. ``late``: how late it is told, None when it is not.
    """

    text: str
    role: Role = Role.AUTHOR
    page: str = ""
    with_card: bool = False
    parts: tuple[ReviewPart, ...] = ()
    about: str = ""
    since: str = ""
    is_looked_up: bool = False
    note: str = ""
    is_own_doing: bool = False
    episode_id: int | None = None
    radar_pair_id: int | None = None
    group_id: str = ""
    group_name: str = ""
    request: str = ""
    actor: int | None = None
    turn_of: str = ""
    run_url: str = ""
    url: str = ""
    where: str = ""
    card: dict[str, Any] | None = None
    late: Late | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row with what is in it and the pull request it is about (None: about none)."""

    row: HeldNotice
    item: Item
    view: PullRequestView | None

    @property
    def subject(self) -> Subject:
        """What it is about, as preferences name it."""
        kind = EventKind(self.row.kind)
        return Subject(kind) if self.view is None else about_pull_request(kind, self.view.state)


def late_once(told: Iterable[Waiting]) -> list[Waiting]:
    """These, with how late they are only at the first of what was found late together."""
    said: set[tuple[int | None, str, Late]] = set()
    once: list[Waiting] = []
    for waiting in told:
        late = waiting.item.late
        found_with = (waiting.row.pull_request_id, waiting.row.cause, late) if late else None
        is_said = found_with in said
        once.append(replace(waiting, item=replace(waiting.item, late=None)) if is_said else waiting)
        if found_with is not None:
            said.add(found_with)
    return once


def about_pull_request(kind: EventKind, state: PullRequestState) -> Subject:
    """A kind of event of one pull request, as preferences name it."""
    return Subject(
        kind,
        repository=f"{state.connection}/{state.repository.id}",
        pull_request=f"{state.connection}/{state.number}",
    )


_item = TypeAdapter(Item)


def read_item(payload: dict[str, Any]) -> Item:
    """The item in a row."""
    return _item.validate_python(payload)


def dump_item(item: Item) -> dict[str, Any]:
    """The item as it is stored, without what is usual."""
    dumped: dict[str, Any] = _item.dump_python(item, mode="json", exclude_defaults=True)
    return dumped


def hold_direct(
    session: Session,
    message: DirectMessage,
    pull_request_id: int,
    *,
    cause: str,
    now: datetime,
    turn_of: str = "",
) -> bool:
    """Keep a direct message about a pull request; False when it was told or kept before."""
    item = Item(
        text=message.text,
        role=message.role,
        page=message.page,
        with_card=message.with_card,
        parts=message.parts,
        since=message.since,
        turn_of=turn_of,
        run_url=message.run_url,
        late=message.late,
    )
    return held.hold(
        session,
        key=message.key,
        kind=message.kind.value,
        payload=dump_item(item),
        now=now,
        person_id=message.person_id,
        pull_request_id=pull_request_id,
        group_key=_review_group(message.parts, pull_request_id),
        cause=cause,
    )


def hold_reply(
    session: Session,
    reply: ThreadReply,
    pull_request_id: int,
    *,
    cause: str,
    now: datetime,
) -> bool:
    """Keep a reply that is part of a review, or comes after one that is kept."""
    item = Item(text=reply.text, parts=reply.parts, about=reply.about, late=reply.late)
    return held.hold(
        session,
        key=reply.key,
        kind=EventKind.VOTE.value,
        payload=dump_item(item),
        now=now,
        conversation_id=reply.conversation_id,
        pull_request_id=pull_request_id,
        group_key=_review_group(reply.parts, pull_request_id),
        cause=cause,
    )


def hold_group(
    session: Session,
    ask: GroupAsk,
    pull_request_id: int,
    *,
    actor: int | None,
    cause: str,
    now: datetime,
) -> bool:
    """Keep that a group's review is asked for; who that is, Azure DevOps says."""
    item = Item(
        text="",
        role=Role.GROUP_MEMBER,
        group_id=ask.group.id,
        group_name=ask.group.display_name,
        request=ask.cause,
        actor=actor,
        late=ask.late,
    )
    return held.hold(
        session,
        key=ask.key,
        kind=EventKind.REVIEW_ASKED.value,
        payload=dump_item(item),
        now=now,
        pull_request_id=pull_request_id,
        cause=cause,
        reason=Reason.LOOKUP.value,
    )


def hold_alert(
    session: Session,
    person_id: int,
    about: AlertOf,
    pull_request_id: int,
    text: str,
    *,
    role: Role = Role.AUTHOR,
    cause: str,
    now: datetime,
) -> bool:
    """Keep the alert of a conflict or of a radar pair for a person; told alone it is its card.

    ``pull_request_id`` is the author's own, or the one that the person follows.
    """
    item = Item(
        text=text,
        role=role,
        episode_id=about.episode_id,
        radar_pair_id=about.radar_pair_id,
        page="conflicts",
    )
    return held.hold(
        session,
        key=f"{alert_prefix(about)}person/{person_id}",
        kind=EventKind.CONFLICT.value,
        payload=dump_item(item),
        now=now,
        person_id=person_id,
        pull_request_id=pull_request_id,
        cause=cause,
    )


def hold_alert_again(session: Session, about: AlertOf, *, now: datetime) -> None:
    """It is back: an author who was not told because it seemed over waits anew."""
    over = CONFLICT_OVER if about.radar_pair_id is None else PAIR_OVER
    held.hold_again(session, key_prefix=alert_prefix(about), outcome=over, now=now)


def alert_prefix(about: AlertOf) -> str:
    """What the keys of an alert's messages begin with, here and in the outbox."""
    return f"{about.key}:"


def hold_news(
    session: Session,
    person_id: int,
    kind: EventKind,
    *,
    key: str,
    text: str,
    role: Role,
    url: str = "",
    where: str = "",
    card: dict[str, Any] | None = None,
    cause: str,
    now: datetime,
) -> bool:
    """Keep something for a person that is not about one pull request: a ticket, a build.

    Args:
        session: the transaction in which it was learned.
        person_id: whom it is for.
        kind: what his settings choose by.
        key: names it and the person; the same is never told twice.
        text: one plain sentence.
        role: why it is this person.
        url: the page to open, already checked.
        where: a plain line below the sentence ("Shop / Bug 123").
        card: a message as ``bot.outgoing.as_payload`` gives it, sent when it comes alone.
        cause: what brought it.
        now: the time.
    """
    item = Item(text=text, role=role, url=url, where=where, card=card)
    return held.hold(
        session,
        key=key,
        kind=kind.value,
        payload=dump_item(item),
        now=now,
        person_id=person_id,
        cause=cause,
    )


def _review_group(parts: tuple[ReviewPart, ...], pull_request_id: int) -> str:
    return f"review:{pull_request_id}:{parts[0].writer_id}" if parts else ""
