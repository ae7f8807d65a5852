"""What the present task works on, put beside each of its log lines.

A task has fields of its own; tasks that it starts begin with a copy of them (``contextvars``).
"""

from collections.abc import Mapping
from contextvars import ContextVar

_fields: ContextVar[Mapping[str, str | int]] = ContextVar("log_fields", default={})  # noqa: B039 - never changed in place


def add_log_fields(**fields: str | int) -> None:
    """Name what this task works on, e.g. ``webhook=17, connection="contoso"``."""
    _fields.set({**_fields.get(), **fields})


def log_fields() -> Mapping[str, str | int]:
    """The fields of the present task."""
    return _fields.get()
