"""What handling one activity comes to; stored in one transaction with the mark that it is done."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from bot.teams_model import OutgoingMessage

CHANGED = "changed"
"""Outcome of a message whose command may have changed something: its edits do not run."""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """Replies in order, what to remember of it, and what else to store with it.

    ``record`` runs in the finishing transaction, so exactly once; it must do nothing outside it.
    """

    messages: tuple[OutgoingMessage, ...] = ()
    outcome: str = ""
    record: Callable[[Session], None] | None = None
