"""Work item types and their states, by process, as a new project of each has them.

Source: "Workflow states and state categories" on learn.microsoft.com.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """One state of a work item type: its name, category and colour."""

    name: str
    category: str
    color: str


@dataclass(frozen=True, slots=True)
class WorkItemType:
    """One work item type; the first state is the one that new items get."""

    name: str
    reference_name: str
    color: str
    states: tuple[State, ...]

    def state(self, name: str) -> State | None:
        """Return the state of this name (any case), or None."""
        return next((s for s in self.states if s.name.casefold() == name.casefold()), None)

    def in_category(self, category: str) -> State | None:
        """Return the first state of a category, or None."""
        return next((s for s in self.states if s.category == category), None)


_PROPOSED, _PROGRESS, _RESOLVED, _COMPLETED, _REMOVED = (
    "Proposed",
    "InProgress",
    "Resolved",
    "Completed",
    "Removed",
)
_GREY, _BLUE, _ORANGE, _GREEN, _WHITE = "b2b2b2", "007acc", "ff9d00", "339933", "ffffff"


def _agile(name: str, color: str, *, resolved: bool = True) -> WorkItemType:
    states = [State("New", _PROPOSED, _GREY), State("Active", _PROGRESS, _BLUE)]
    if resolved:
        states.append(State("Resolved", _RESOLVED, _ORANGE))
    states += [State("Closed", _COMPLETED, _GREEN), State("Removed", _REMOVED, _WHITE)]
    return WorkItemType(name, _reference_name(name), color, tuple(states))


def _scrum(name: str, color: str) -> WorkItemType:
    return WorkItemType(
        name,
        _reference_name(name),
        color,
        (
            State("New", _PROPOSED, _GREY),
            State("Approved", _PROPOSED, _GREY),
            State("Committed", _PROGRESS, _BLUE),
            State("Done", _COMPLETED, _GREEN),
            State("Removed", _REMOVED, _WHITE),
        ),
    )


def _simple(name: str, color: str, middle: str) -> WorkItemType:
    return WorkItemType(
        name,
        _reference_name(name),
        color,
        (
            State("To Do", _PROPOSED, _GREY),
            State(middle, _PROGRESS, _BLUE),
            State("Done", _COMPLETED, _GREEN),
        ),
    )


def _reference_name(name: str) -> str:
    return "Microsoft.VSTS.WorkItemTypes." + name.replace(" ", "")


PROCESSES: dict[str, tuple[WorkItemType, ...]] = {
    "Agile": (
        _agile("User Story", "009ccc"),
        _agile("Bug", "cc293d"),
        _agile("Task", "f2cb1d", resolved=False),
        _agile("Feature", "773b93"),
        _agile("Epic", "e06c00"),
    ),
    "Scrum": (
        _scrum("Product Backlog Item", "009ccc"),
        _scrum("Bug", "cc293d"),
        _simple("Task", "f2cb1d", "In Progress"),
    ),
    "Basic": (
        _simple("Issue", "339947", "Doing"),
        _simple("Task", "f2cb1d", "Doing"),
        _simple("Epic", "e06c00", "Doing"),
    ),
}
