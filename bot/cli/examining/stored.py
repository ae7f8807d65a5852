"""What the database tells: stored secrets, and what waits or failed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from sqlmodel import Session, select

from bot.cli.examining.finding import Finding
from bot.log_text import log_safe
from bot.ports import utc_now
from bot.usual_repository import channel_name, unknown_places
from storage import inbox, outbox
from storage.engine import Database
from storage.queries import channels, connections
from storage.secrets import SecretBox, SecretKeyError
from storage.tables import Connection, ConversationRow, Credential

SHOWN_LETTERS = 5
SHOWN_CHANNELS = 20
INBOX_LATE = timedelta(minutes=5)
OUTBOX_LATE = timedelta(minutes=15)
RUNNING = "Is `pullcord serve` running? Its log says what is in the way."


async def examine_stored(db: Database, keys: tuple[str, ...]) -> AsyncIterator[Finding]:
    """Everything that is read from the database alone."""
    yield await _secrets(db, keys)
    yield await _inbox(db)
    yield await _outbox(db)
    for finding in await db.read(_places):
        yield finding


async def _secrets(db: Database, keys: tuple[str, ...]) -> Finding:
    """Whether the keys open what is stored: after a wrong rotation none of it does."""
    what = "stored secrets"
    held = await db.read(_encrypted)
    if not held:
        return Finding(what, True, "there are none yet")
    try:
        box = SecretBox(keys)
    except SecretKeyError:
        return Finding(
            what,
            False,
            f"{len(held)} are stored, and there is no good key to read them",
            "Set PULLCORD_SECRET_KEY to the key that they were stored with.",
        )
    closed = [name for name, secret in held if not _opens(box, secret)]
    if not closed:
        return Finding(what, True, f"all {len(held)} can be read")
    return Finding(
        what,
        False,
        f"{len(closed)} of {len(held)} were stored with another key: {', '.join(closed)}",
        "Add the old key to PULLCORD_SECRET_KEY after a comma, or store them anew: "
        "`pullcord credentials rotate`.",
    )


def _encrypted(session: Session) -> list[tuple[str, str]]:
    """(what it is, encrypted) of everything that is stored encrypted."""
    credentials = session.exec(select(Credential)).all()
    found = [
        (f"credential {row.label or row.id} of {row.connection}", row.secret)
        for row in credentials
        if row.secret
    ]
    rows = session.exec(select(Connection)).all()
    return found + [(f"network of {row.name}", row.network) for row in rows if row.network]


def _opens(box: SecretBox, secret: str) -> bool:
    try:
        box.decrypt(secret)
    except SecretKeyError:
        return False
    return True


async def _inbox(db: Database) -> Finding:
    counts = await db.read(inbox.counts)
    letters = await db.read(lambda s: inbox.dead_letters(s, limit=SHOWN_LETTERS))
    waiting, age = counts.get("pending", 0), _age(await db.read(inbox.oldest_pending))
    if letters:
        reasons = "; ".join(f"{letter.id}: {log_safe(letter.reason)}" for letter in letters)
        return Finding(
            "inbox",
            False,
            f"{_waiting(waiting, age)}, {counts.get('dead', 0)} dead letters ({reasons})",
            "See `pullcord inbox list`; after an upgrade run `pullcord inbox retry`.",
        )
    is_well = age < INBOX_LATE
    says = f"{_waiting(waiting, age)}, no dead letters"
    return Finding("inbox", is_well, says, "" if is_well else RUNNING)


async def _outbox(db: Database) -> Finding:
    counts = await db.read(outbox.counts)
    dead = counts.get("dead", 0)
    age = _age(await db.read(outbox.oldest_pending))
    says = f"{_waiting(counts.get('pending', 0), age)}, {dead} could not be sent"
    if not dead:
        is_well = age < OUTBOX_LATE
        return Finding("outbox", is_well, says, "" if is_well else RUNNING)
    letters = await db.read(lambda s: outbox.dead_letters(s, limit=SHOWN_LETTERS))
    reasons = "; ".join(f"{letter.id}: {log_safe(letter.reason)}" for letter in letters)
    return Finding(
        "outbox",
        False,
        f"{says} ({reasons})",
        "After mending the cause run `pullcord outbox retry`.",
    )


def _places(session: Session) -> list[Finding]:
    """Usual repositories that are named for a channel which nobody knows: nothing follows them."""
    rows = connections.all_connections(session)
    told, known = session.exec(select(ConversationRow)).all(), channels.every(session)
    names = ", ".join(channel_name(channel) for channel in known[:SHOWN_CHANNELS])
    more = f" and {len(known) - SHOWN_CHANNELS} more" if len(known) > SHOWN_CHANNELS else ""
    advice = f"Known channels: {names}{more}." if known else "Add the app to a team first."
    return [
        Finding(
            f"usual repositories of {row.name}",
            True,
            f"no team, channel or chat that I know is called {', '.join(map(log_safe, unknown))}",
            f"{log_safe(advice)} Then `pullcord connect {row.name} --edit --default-repository …`.",
            is_note=True,
        )
        for row in rows
        if (unknown := unknown_places(row.settings, told, known))
    ]


def _age(oldest: datetime | None) -> timedelta:
    return max(utc_now() - oldest, timedelta()) if oldest else timedelta()


def _waiting(count: int, age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{count} waiting, the oldest for {minutes} min" if minutes else f"{count} waiting"
