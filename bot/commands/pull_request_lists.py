"""Tables of pull requests, as ``prs`` and ``reviews`` show them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.cards.answers import command_button, escape, open_url_button, table_card
from bot.cards.plain_text import plain
from bot.commands.command import Reply
from bot.links import pull_request_url
from bot.model import branch_name
from storage.queries.pull_request_lists import ListedPullRequest

MOST_LISTED = 20
TITLE_LENGTH = 90
NAME_LENGTH = 60


def list_reply(
    title: str,
    found: Sequence[ListedPullRequest],
    now: datetime,
    *,
    clock_column: str,
    clock: Callable[[datetime, datetime], str],
    note: str = "",
) -> Reply:
    """One table, each pull request a link, with buttons for the first of them.

    ``found`` may hold one more than MOST_LISTED, which tells that there are more. ``clock`` writes
    what stands in the clock column, from since when it is, and now. ``note`` stands below.
    """
    shown = found[:MOST_LISTED]
    more = f"These are the first {MOST_LISTED}; there are more." if len(found) > len(shown) else ""
    note = " ".join(part for part in (more, note) if part)
    first = shown[0]
    buttons = [
        open_url_button(f"Open {first.number}", page(first)),
        command_button(f"Sync {first.number}", "sync pr", f"{first.connection}:{first.number}"),
    ]
    columns = ("Pull request", "Repository", "Into", clock_column)
    rows = [(*_row(each), clock(each.since, now)) for each in shown]
    return Reply((table_card(title, columns, rows, buttons, note=note),))


def page(listed: ListedPullRequest) -> str:
    """The pull request's page on the connection's own host."""
    return pull_request_url(
        listed.base_url, listed.project_name, listed.repository_name, listed.number
    )


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits: ``20 min``, ``3 h``, ``2 d``."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes == 0:
        return "under 1 min"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def ago(moment: datetime, now: datetime) -> str:
    """The same in the past: ``3 h ago``."""
    return f"{age(moment, now)} ago" if now - moment >= timedelta(minutes=1) else "just now"


def _row(listed: ListedPullRequest) -> tuple[str, str, str]:
    title = escape(plain(f"{listed.number} {listed.title}", TITLE_LENGTH))
    marks = " (draft)" if listed.is_draft else ""
    marks += " (muted)" if listed.is_muted else ""
    marks += " **conflicts**" if listed.has_conflicts else ""
    marks += f" for {escape(listed.reviewer_name, NAME_LENGTH)}" if listed.reviewer_name else ""
    return (
        f"[{title}]({page(listed)}){marks}",
        escape(plain(listed.repository_name, NAME_LENGTH)),
        escape(plain(branch_name(listed.target_ref), NAME_LENGTH)),
    )
