"""Subscriptions as commands change them, with the audit. Inside ``Database.write``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from bot.conflicts.radar import ON, OPTION
from bot.notices.filters import PUBLISHED, Filters
from bot.notices.wishes import BrokenOptions, Wishes, read_wishes, write_wishes
from storage import audit
from storage.queries import subscriptions
from storage.tables import Subscription

DEFAULT_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class Order:
    """Whose change it is, where and when. ``cause`` is the Teams activity."""

    conversation_id: str
    actor: str
    cause: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription's settings; those with ``trouble`` are usual ones, as it cannot be read."""

    wishes: Wishes = DEFAULT_WISHES
    radar: str = ON
    is_paused: bool = False
    trouble: str = ""

    def with_filters(self, filters: Filters) -> "Subscribed":
        """The same with other filters."""
        return replace(self, wishes=replace(self.wishes, filters=filters))


def settings_of(row: Subscription) -> Subscribed:
    """What a stored subscription wants.

    Raises:
        BrokenOptions: it cannot be read.
    """
    wishes = read_wishes(row.options, row.target_branches, row.drafts)
    told = row.options.get(OPTION)
    radar = told if isinstance(told, str) and told else ON
    return Subscribed(wishes, radar, row.paused_at is not None)


def settings_or_default(row: Subscription) -> Subscribed:
    """The same, and what is usual where it cannot be read: saving puts it right."""
    try:
        return settings_of(row)
    except BrokenOptions as broken:
        return Subscribed(is_paused=row.paused_at is not None, trouble=str(broken))


def store(
    session: Session,
    order: Order,
    place: tuple[str, str, str],
    settings: Subscribed,
) -> None:
    """Make or change the subscription to (connection, project, repository)."""
    connection, project, repository = place
    found = subscriptions.find(session, order.conversation_id, connection, project, repository)
    before = None if found is None else _audited(found)
    options = write_wishes(found.options if found and _is_readable(found) else {}, settings.wishes)
    options.pop(OPTION, None)
    if settings.radar != ON:
        options[OPTION] = settings.radar
    row, is_new = subscriptions.add(
        session,
        conversation_id=order.conversation_id,
        connection=connection,
        project=project,
        repository=repository,
        target_branches=settings.wishes.filters.target,
        drafts=settings.wishes.filters.drafts,
        options=options,
        created_by=order.actor,
        now=order.now,
    )
    row.paused_at = order.now if settings.is_paused else None
    action = "subscription.added" if is_new else "subscription.changed"
    _append(session, order, action, row, before=before, after=_audited(row))


def pause(session: Session, order: Order, rows: Sequence[Subscription]) -> list[Subscription]:
    """Tell nothing under these until they are resumed; which were not paused before."""
    changed = [row for row in rows if row.paused_at is None]
    for row in changed:
        row.paused_at = order.now
        session.add(row)
        _append(session, order, "subscription.paused", row, {"paused": False}, {"paused": True})
    return changed


def resume(session: Session, order: Order, rows: Sequence[Subscription]) -> list[Subscription]:
    """Tell again from now on; which were paused before."""
    changed = [row for row in rows if row.paused_at is not None]
    for row in changed:
        row.paused_at = None
        session.add(row)
        _append(session, order, "subscription.resumed", row, {"paused": True}, {"paused": False})
    return changed


def _append(
    session: Session,
    order: Order,
    action: str,
    row: Subscription,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    label = f"{row.project}/{row.repository}" if row.repository else row.project
    audit.append(
        session,
        at=order.now,
        actor=order.actor,
        action=action,
        connection=row.connection,
        subject=f"conversation/{order.conversation_id}",
        before=None if before is None else {"of": label, **before},
        after=None if after is None else {"of": label, **after},
        cause=order.cause,
    )


def _audited(row: Subscription) -> dict[str, object]:
    told: dict[str, object] = {"target_branches": [*row.target_branches]}
    if row.drafts != PUBLISHED:
        told["drafts"] = row.drafts
    return {**told, **row.options}


def _is_readable(row: Subscription) -> bool:
    try:
        read_wishes(row.options, row.target_branches, row.drafts)
    except BrokenOptions:
        return False
    return True
