"""What waits to be told is released, as the loop of held messages does it."""

from datetime import datetime, timedelta

from sqlmodel import Session

from bot.held_release import release
from bot.notices.holding import HoldingRules
from storage import held
from storage.engine import Database
from storage.held import Addressees

AT_ONCE = HoldingRules(review_window=timedelta(), is_quiet=False)


async def release_due(db: Database, now: datetime) -> None:
    """Tell what is due, with nothing that holds it back."""

    def tell(session: Session) -> None:
        due = held.due_addressees(session, now=now)
        told = Addressees(due.people, due.conversations, frozenset())
        release(session, told, AT_ONCE, now=now)

    await db.write(tell)
