"""The part of WIQL that a bot needs: one flat SELECT with conditions joined by AND.

Source: "Syntax for the Work Item Query Language (WIQL)" on learn.microsoft.com. Anything else is
refused with 400, never answered wrongly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.sandbox.azure_devops.errors import AzureDevOpsError
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxProject
from adapters.sandbox.azure_devops.work_items.model import SandboxWorkItem

RESULT_LIMIT = 20_000

_QUERY = re.compile(
    r"^\s*SELECT\s+(?P<columns>.+?)\s+FROM\s+workitems"
    r"(?:\s+WHERE\s+(?P<where>.+?))?(?:\s+ORDER\s+BY\s+(?P<order>.+?))?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(
    r"^\s*\[?(?P<field>[\w.]+)\]?\s*"
    r"(?P<operator>=|<>|NOT\s+IN|IN|CONTAINS|NOT\s+CONTAINS)\s*(?P<value>.+?)\s*$",
    re.IGNORECASE | re.DOTALL,
)
_SPLIT_AND = re.compile(r"\s+AND\s+(?=(?:[^']*'[^']*')*[^']*$)", re.IGNORECASE)
_VALUE = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"|(-?\d+)|(@\w+)")


@dataclass(frozen=True, slots=True)
class _Condition:
    field: str
    operator: str
    values: tuple[str, ...]

    def holds(self, item: SandboxWorkItem) -> bool:
        present = _comparable(_field(item, self.field))
        wanted = {value.casefold() for value in self.values}
        match self.operator:
            case "=" | "IN":
                return bool(present & wanted)
            case "<>" | "NOT IN":
                return not present & wanted
            case "CONTAINS":
                return any(value in text for value in wanted for text in present)
            case _:
                return not any(value in text for value in wanted for text in present)


@dataclass(frozen=True, slots=True)
class WiqlQuery:
    """A query that has been understood."""

    columns: tuple[str, ...]
    conditions: tuple[_Condition, ...]
    order: tuple[tuple[str, bool], ...]

    def run(self, items: list[SandboxWorkItem]) -> list[int]:
        """Return the numbers of matching items; cut silently at 20,000, as the service does."""
        found = [i for i in items if all(condition.holds(i) for condition in self.conditions)]
        for field, descending in reversed(self.order):
            found.sort(key=lambda item: _sort_key(_field(item, field)), reverse=descending)
        return [item.id for item in found[:RESULT_LIMIT]]


def parse(text: str, me: SandboxIdentity, project: SandboxProject | None) -> WiqlQuery:
    """Read a query; ``@me`` and ``@project`` are replaced.

    Raises:
        AzureDevOpsError: 400, the query is wrong or uses what the sandbox does not know.
    """
    query = _QUERY.match(text)
    if query is None:
        raise _refused("Expecting SELECT … FROM workitems.")
    conditions = []
    if query["where"]:
        if re.search(r"\bOR\b", re.sub(r"'(?:[^']|'')*'", "", query["where"]), re.IGNORECASE):
            raise _refused("OR is not supported here.")
        conditions = [_condition(part, me, project) for part in _SPLIT_AND.split(query["where"])]
    columns = tuple(part.strip().strip("[]") for part in query["columns"].split(","))
    return WiqlQuery(columns, tuple(conditions), tuple(_order(query["order"] or "")))


def _condition(part: str, me: SandboxIdentity, project: SandboxProject | None) -> _Condition:
    found = _CONDITION.match(part)
    if found is None:
        raise _refused(f"Cannot read the condition «{part.strip()}».")
    values = []
    for quoted, double, number, macro in _VALUE.findall(found["value"]):
        if macro.lower() == "@me":
            values.append(me.unique_name)
        elif macro.lower() == "@project" and project is not None:
            values.append(project.name)
        elif macro:
            raise _refused(f"The macro {macro} is not supported here.")
        else:
            values.append(quoted.replace("''", "'") or double or number)
    operator = re.sub(r"\s+", " ", found["operator"].upper())
    return _Condition(found["field"], operator, tuple(values))


def _order(text: str) -> list[tuple[str, bool]]:
    parts = [part.split() for part in text.split(",") if part.strip()]
    return [(part[0].strip("[]"), len(part) > 1 and part[1].lower() == "desc") for part in parts]


def _field(item: SandboxWorkItem, name: str) -> Any:
    return item.id if name.casefold() == "system.id" else item.fields.get(name)


def _comparable(value: Any) -> set[str]:
    """Every text by which a value may be named; an unset field equals the empty text."""
    if value is None:
        return {""}
    if isinstance(value, SandboxIdentity):
        return {value.unique_name.casefold(), value.display_name.casefold(), value.mail.casefold()}
    return {str(value).casefold()}


def _sort_key(value: Any) -> tuple[int, float, str]:
    if isinstance(value, datetime):
        return (1, value.timestamp(), "")
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (2, 0.0, str(value).casefold()) if value is not None else (0, 0.0, "")


def _refused(message: str) -> AzureDevOpsError:
    return AzureDevOpsError(
        400,
        "SyntaxException",
        f"TF51005: The query cannot be run. {message}",
        namespace="Microsoft.TeamFoundation.WorkItemTracking.Client.Wiql",
    )
