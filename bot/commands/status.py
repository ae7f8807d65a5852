"""``status``: whether the feeds from Azure DevOps are alive."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.cards.answers import Tone, command_button, escape, table_card
from bot.commands.command import Command, Invocation, Reply
from bot.commands.pull_request_lists import age, ago
from bot.commands.text import no_arguments
from storage import inbox, outbox
from storage.queries import health, hooks, radar
from storage.queries.health import ConnectionHealth
from storage.tables import FeedTrouble, RadarBacklog

QUIET_AFTER = timedelta(days=1)
MOST_TROUBLES = 3


async def run(invocation: Invocation, _: None) -> Reply:
    """Show each connection, when it was last heard and swept, and what could not be handled."""
    services = invocation.services
    connections, dead_in, dead_out, backlogs = await services.db.read(
        lambda s: (
            health.of_connections(s),
            inbox.counts(s).get("dead", 0),
            outbox.counts(s).get("dead", 0),
            radar.backlogs(s),
        )
    )
    troubles = await services.db.read(
        lambda s: [each for row in connections for each in hooks.open_troubles(s, row.name)]
    )
    now = services.clock()
    rows = [
        (
            f"**{escape(each.name)}** ({escape(urlsplit(each.base_url).hostname or '')})",
            _state(each, now),
            _ago(each.last_hook_at, now),
            _ago(each.last_sweep_at, now),
        )
        for each in connections
    ]
    open_ones = [each for each in troubles if not each.is_repaired]
    notes = [
        _not_reached(connections, now),
        _feed(open_ones),
        _dead(dead_in, "webhooks that I did not understand", "`pullcord inbox retry`"),
    ]
    notes.append(_unchecked(backlogs))
    notes.append(_dead(dead_out, "messages that Teams did not take", "`pullcord doctor`"))
    if not connections:
        notes.append("No Azure DevOps is connected: an operator runs `pullcord connect`.")
    columns = ("Connection", "State", "Last webhook", "Last sweep")
    is_cut_off = any(each.paused_reason or each.unreachable_since for each in connections)
    is_well = not is_cut_off and not open_ones and not dead_in + dead_out
    tone = Tone.GOOD if is_well and connections else Tone.WARNING
    note = " ".join(text for text in notes if text)
    if not note and is_well:
        note = "Nothing is left undone."
    button = command_button("Subscriptions", "subscriptions")
    title = "Everything is well" if tone is Tone.GOOD else "Some things need an operator"
    return Reply((table_card(title, columns, rows, [button], tone, note=escape(note)),))


def _state(connection: ConnectionHealth, now: datetime) -> str:
    if connection.paused_reason:
        return f"**paused**: {escape(connection.paused_reason)}"
    if connection.unreachable_since:
        return "**not reached**"
    if connection.failing_credentials:
        return "a credential fails"
    last = connection.last_hook_at
    return "on" if last is not None and now - last < QUIET_AFTER else "on, quiet"


def _ago(moment: datetime | None, now: datetime) -> str:
    return ago(moment, now) if moment else "never"


def _not_reached(connections: Sequence[ConnectionHealth], now: datetime) -> str:
    """Since when Azure DevOps does not answer, and what that means for what is shown."""
    said = [
        f"{each.name} has not answered for {_length(each.unreachable_since, now)} "
        f"({each.unreachable_reason.rstrip('.')})."
        for each in connections
        if each.unreachable_since and not each.paused_reason
    ]
    if not said:
        return ""
    after = "Until it does, I show what I last read, keep what it sends me, and take no orders."
    return " ".join([*said, after])


def _length(since: datetime, now: datetime) -> str:
    return "less than a minute" if now - since < timedelta(minutes=1) else age(since, now)


def _feed(troubles: Sequence[FeedTrouble]) -> str:
    """What is wrong with the webhooks, and could not be mended."""
    said = [f"{each.connection}: {each.says.rstrip('.')}." for each in troubles[:MOST_TROUBLES]]
    if len(troubles) > MOST_TROUBLES:
        said.append(f"And {len(troubles) - MOST_TROUBLES} more.")
    return " ".join(said)


def _dead(count: int, what: str, remedy: str) -> str:
    return f"{count} {what}; an operator looks with {remedy}." if count else ""


def _unchecked(backlogs: Sequence[RadarBacklog]) -> str:
    """What the radar's last round has not looked at, because its budget of calls was spent."""
    pairs = sum(each.pairs for each in backlogs)
    unread = sum(each.unread for each in backlogs)
    parts = [f"{pairs} {'pair' if pairs == 1 else 'pairs'} of pull requests"] if pairs else []
    parts += [f"the files of {unread} pull requests"] if unread else []
    return f"The conflict radar has still to check {' and '.join(parts)}." if parts else ""


COMMAND = Command(
    name="status",
    usage="status",
    summary="Show whether I hear Azure DevOps, and what could not be handled.",
    examples=("status",),
    parse=no_arguments,
    run=run,
    is_changing=False,
)
