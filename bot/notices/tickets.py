"""What is said of tickets, and which subscriptions hear of one. Pure; all of it is plain text."""

from collections.abc import Sequence

from bot.cards.plain_text import plain
from bot.model import TicketHook
from bot.notices import texts
from bot.notices.filters import Filters
from bot.notices.html_text import html_text
from bot.notices.machines import is_machine
from bot.notices.patterns import admits
from bot.ticket_changes import (
    TicketAssigned,
    TicketChange,
    TicketCommented,
    TicketCreated,
    TicketMoved,
    is_same_person,
    person_of,
)

TYPE_LENGTH = 40
STATE_LENGTH = 40
COMMENT_LENGTH = 200
LONGEST_READ = 20_000
"""Characters of a comment that are looked at for its beginning."""


def passes(filters: Filters, area_path: str, type_: str) -> bool:
    r"""Whether a ticket passes the filters for tickets.

    An area holds all areas below it, and need not be written with its project:
    ``Shop\\Payments`` and ``Payments`` are the same.
    """
    return admits(filters.area, _areas(area_path)) and admits(filters.type, (type_,))


def told_of_machines(filters: Filters, hook: TicketHook) -> bool:
    """Whether what was done is told: of machines only where they are wanted."""
    return filters.bots or not is_machine(person_of(hook.changed_by))


def ticket_name(hook: TicketHook) -> str:
    """``Bug 12 The checkout is slow``."""
    type_ = plain(hook.type, TYPE_LENGTH) or "Ticket"
    return f"{type_} {hook.number} {plain(hook.title, texts.TITLE_LENGTH)}".rstrip()


def ticket_told(hook: TicketHook, changes: Sequence[TicketChange], *, to_assignee: bool) -> str:
    """One sentence for everything that one update changed.

    ``to_assignee``: the reader is the one to whom it is assigned now.
    """
    who = texts.name_of(person_of(hook.changed_by)) if hook.changed_by else "Somebody"
    name = ticket_name(hook)
    done = [_did(change, hook, name, to_assignee=to_assignee) for change in changes]
    first, *others = done
    return f"{who} " + " and ".join([first, *(each.replace(name, "it", 1) for each in others)])


def _did(change: TicketChange, hook: TicketHook, name: str, *, to_assignee: bool) -> str:
    match change:
        case TicketCreated(assigned_to=assigned_to):
            return f"created {name}{_for(assigned_to, hook, to_assignee=to_assignee)}"
        case TicketMoved(old=old, new=new):
            came_from = f" from {plain(old, STATE_LENGTH)}" if old else ""
            return f"moved {name}{came_from} to {plain(new, STATE_LENGTH)}"
        case TicketAssigned(old=old, new=""):
            return f"unassigned {name}, which {texts.name_of(person_of(old))} had"
        case TicketAssigned(new=new) if is_same_person(new, hook.changed_by):
            return f"took {name}"
        case TicketAssigned(new=new):
            whom = "you" if to_assignee else texts.name_of(person_of(new))
            return f"assigned {name} to {whom}"
        case TicketCommented(text=text):
            said = excerpt(text)
            return f"commented on {name}" + (f": {said}" if said else "")


def _for(assigned_to: str, hook: TicketHook, *, to_assignee: bool) -> str:
    if not assigned_to or is_same_person(assigned_to, hook.changed_by):
        return ""
    whom = "you" if to_assignee else texts.name_of(person_of(assigned_to))
    return f" for {whom}"


def excerpt(text: str) -> str:
    """The beginning of a comment in HTML or Markdown, as plain text in one line."""
    return plain(html_text(text[:LONGEST_READ]), COMMENT_LENGTH)


def _areas(path: str) -> tuple[str, ...]:
    """The area and all above it, each also without the project before it."""
    parts = [part for part in path.split("\\") if part]
    whole = [tuple(parts[: end + 1]) for end in range(len(parts))]
    return tuple(
        "\\".join(area) for each in whole for area in dict.fromkeys((each, each[1:])) if area
    )
