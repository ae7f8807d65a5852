"""What a ticket's webhook says that is news. Pure.

Only four things are: it was created, moved to another state, assigned to somebody else, commented.
A body may be drawn late and webhooks come in any order, so states and assignments are compared with
what was told last, not taken from the difference that the body tells.
"""

import hashlib
from dataclasses import dataclass, replace

from bot.model import Identity, TicketHook

CREATED = "workitem.created"
COMMENTED = "workitem.commented"
STATE = "System.State"
ASSIGNED_TO = "System.AssignedTo"
AREA_PATH = "System.AreaPath"
TITLE = "System.Title"
FIRST_REVISION = 1


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket as its last webhook left it; ``assigned_to`` is ``Name <account>`` or ""."""

    rev: int
    state: str
    assigned_to: str


@dataclass(frozen=True, slots=True)
class TicketCreated:
    """It is new. ``assigned_to`` is "" when nobody has it."""

    id: str
    assigned_to: str


@dataclass(frozen=True, slots=True)
class TicketMoved:
    """It has another state."""

    id: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TicketAssigned:
    """It is somebody else's. ``new`` is "" when nobody has it any more."""

    id: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TicketCommented:
    """Somebody wrote a comment; ``text`` is HTML or Markdown."""

    id: str
    text: str


TicketChange = TicketCreated | TicketMoved | TicketAssigned | TicketCommented


def ticket_changes(known: Known | None, hook: TicketHook) -> tuple[Known, tuple[TicketChange, ...]]:
    """What is known after a webhook, and what is news in it.

    A comment comes as ``workitem.updated`` too; only ``workitem.commented`` tells it.
    """
    found: list[TicketChange] = []
    if hook.kind == CREATED:
        found.append(TicketCreated("created", hook.fields.get(ASSIGNED_TO, "")))
    now = _known_after(known, hook)
    before = known if known is not None and known.state else _before(hook, now)
    if now is not known and hook.kind != CREATED:
        found += _compared(before, now)
    if hook.kind == COMMENTED and hook.comment.strip():
        found.append(TicketCommented(_comment_id(hook), hook.comment))
    return now, tuple(found)


def person_of(text: str) -> Identity:
    """The person in ``Name <account>``; he has no id."""
    name, mark, account = text.strip().rpartition(" <")
    if not mark:
        return Identity(id="", display_name=text.strip(), unique_name="")
    return Identity(id="", display_name=name, unique_name=account.removesuffix(">"))


def is_same_person(one: str, other: str) -> bool:
    """Whether two such texts mean the same: by account where both have one."""
    first, second = person_of(one), person_of(other)
    if first.unique_name and second.unique_name:
        return first.unique_name.casefold() == second.unique_name.casefold()
    return first.display_name.casefold() == second.display_name.casefold()


def _known_after(known: Known | None, hook: TicketHook) -> Known:
    """An older revision says nothing new, and what a body leaves out stays.

    A body of the creation that shows a later revision was drawn late: how the ticket began is
    not known, and the updates since then are still to come.
    """
    if known is not None and hook.rev <= known.rev:
        return known
    if hook.kind == CREATED and hook.rev > FIRST_REVISION:
        return known or Known(FIRST_REVISION, "", "")
    base = known or Known(hook.rev, "", "")
    state = hook.fields.get(STATE, base.state)
    is_whole = TITLE in hook.fields and STATE in hook.fields
    missing = "" if is_whole else base.assigned_to
    return Known(hook.rev, state, hook.fields.get(ASSIGNED_TO, missing))


def _before(hook: TicketHook, now: Known) -> Known:
    """How a ticket that is not known yet was before this update, as far as the update says."""
    return replace(
        now,
        state=hook.old.get(STATE, now.state),
        assigned_to=hook.old.get(ASSIGNED_TO, now.assigned_to),
    )


def _compared(before: Known, after: Known) -> list[TicketChange]:
    found: list[TicketChange] = []
    if after.state and before.state.casefold() != after.state.casefold():
        found.append(TicketMoved(f"state:{after.rev}", before.state, after.state))
    if not is_same_person(before.assigned_to, after.assigned_to):
        found.append(TicketAssigned(f"assigned:{after.rev}", before.assigned_to, after.assigned_to))
    return found


def _comment_id(hook: TicketHook) -> str:
    """A body has no number of the comment: who wrote what, and when."""
    said = "\n".join((hook.changed_by, hook.comment, hook.at.isoformat()))
    return f"comment:{hashlib.sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
