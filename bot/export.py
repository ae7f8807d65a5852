"""What Pullcord keeps as tables for other programs: links, audit, resolved work.

CSV as RFC 4180 has it: comma, CRLF, quotes doubled, one header line, UTF-8. A text that a
spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV Injection").
"""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.pull_request_state import PullRequestState
from storage.engine import Database
from storage.queries import exports
from storage.queries.exports import LinkedWork, ResolvedWork, Span
from storage.tables import AuditRow, PullRequestRow

Row = Mapping[str, Any]

FORMULA = re.compile(r"[\s\x00-\x1f\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_state = TypeAdapter(PullRequestState)


@dataclass(frozen=True, slots=True)
class Export:
    """One kind of export: its columns, and how its rows are read behind an id."""

    columns: tuple[str, ...]
    page: Callable[[Session, Span, int], tuple[list[Row], int]]


def month_span(month: str) -> Span:
    """The month ``2026-11`` in UTC; all there is when it is "".

    Raises:
        ValueError: it is no month.
    """
    if not month:
        return Span()
    found = _MONTH.fullmatch(month)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1 <= int(found[1]) <= 9998:
        raise ValueError("a month is written like 2026-11")
    year, number = int(found[1]), int(found[2])
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return Span(start, end)


async def export_rows(db: Database, export: Export, span: Span) -> AsyncIterator[list[Row]]:
    """The rows, some at a time, so that a long history needs little memory."""
    after = 0
    while True:
        rows, last = await db.read(lambda s, after=after: export.page(s, span, after))  # type: ignore[misc]  # a default binds the loop's value
        if not last:
            return
        yield rows
        after = last


def csv_line(cells: Iterable[Any]) -> str:
    """One line with its CRLF."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return buffer.getvalue()


def _cell(value: Any) -> str | int:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\x00", "")
    return f"'{text}" if FORMULA.match(text) else text


def _audit(session: Session, span: Span, after: int) -> tuple[list[Row], int]:
    rows = exports.audit_page(session, span, after=after)
    return [_audit_row(row) for row in rows], rows[-1].id or 0 if rows else 0


def _audit_row(row: AuditRow) -> Row:
    return {
        "id": row.id,
        "at": _time(row.at),
        "actor": row.actor,
        "action": row.action,
        "connection": row.connection,
        "subject": row.subject,
        "before": row.before,
        "after": row.after,
        "cause": row.cause,
        "digest": row.digest,
    }


def _links(session: Session, span: Span, after: int) -> tuple[list[Row], int]:
    rows = exports.links_page(session, span, after=after)
    return [_link_row(row) for row in rows], rows[-1].link.id or 0 if rows else 0


def _link_row(row: LinkedWork) -> Row:
    link = row.link
    return {
        "connection": link.connection,
        "project": row.repository.project_name if row.repository else "",
        "repository": row.repository.name if row.repository else link.repository_id,
        "ticket": link.ticket,
        "ticket_title": row.ticket.title if row.ticket else "",
        "branch": link.branch,
        "pull_request": link.pull_request or None,
        "pull_request_title": row.pull_request.title if row.pull_request else "",
        "pull_request_status": row.pull_request.status if row.pull_request else "",
        "origin": link.origin,
        "made_by": link.created_by,
        "made_at": _time(link.created_at),
        "removed_by": link.removed_by,
        "removed_at": _time(link.removed_at),
    }


def _resolved(session: Session, span: Span, after: int) -> tuple[list[Row], int]:
    rows = exports.resolved_page(session, span, after=after)
    return [_resolved_row(row) for row in rows], rows[-1].pull_request.id or 0 if rows else 0


def _resolved_row(row: ResolvedWork) -> Row:
    stored = row.pull_request
    state = _state.validate_python(stored.state)
    closer = state.closed_by
    return {
        "connection": stored.connection,
        "project": row.repository.project_name if row.repository else "",
        "repository": row.repository.name if row.repository else stored.repository_id,
        "ticket": row.link.ticket if row.link else None,
        "ticket_type": row.ticket.type if row.ticket else "",
        "ticket_title": row.ticket.title if row.ticket else "",
        "ticket_state": row.ticket.state if row.ticket else "",
        "pull_request": stored.number,
        "pull_request_title": stored.title,
        "branch": stored.source_ref.removeprefix("refs/heads/"),
        "target": stored.target_ref.removeprefix("refs/heads/"),
        "author": state.author.display_name,
        "author_account": state.author.unique_name,
        "completed_by": closer.display_name if closer else "",
        "opened_at": _time(stored.created_at),
        "completed_at": _time(stored.closed_at),
        "hours_open": _hours(stored),
    }


def _hours(row: PullRequestRow) -> int | None:
    if row.closed_at is None:
        return None
    return round((row.closed_at - row.created_at).total_seconds() / 3600)


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""


def _named(columns: str) -> tuple[str, ...]:
    return tuple(columns.split())


EXPORTS: Mapping[str, Export] = {
    "links": Export(
        _named(
            "connection project repository ticket ticket_title branch pull_request "
            "pull_request_title pull_request_status origin made_by made_at removed_by removed_at"
        ),
        _links,
    ),
    "audit": Export(
        _named("id at actor action connection subject before after cause digest"), _audit
    ),
    "resolved": Export(
        _named(
            "connection project repository ticket ticket_type ticket_title ticket_state "
            "pull_request pull_request_title branch target author author_account completed_by "
            "opened_at completed_at hours_open"
        ),
        _resolved,
    ),
}


def cells(export: Export, row: Row) -> Sequence[Any]:
    """A row's values in the order of the columns."""
    return [row[column] for column in export.columns]
