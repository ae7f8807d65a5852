"""What the channels of our teams are called: Teams does not say so in what people write there.

It is asked when the app is added to a team, and of each team once a day; never while somebody
waits for an answer.
"""

import asyncio
import logging
from datetime import timedelta
from functools import partial

from sqlmodel import Session

from bot.cards.plain_text import plain
from bot.log_text import log_safe
from bot.ports import TeamsError, TeamsRetry
from bot.services import Services
from bot.stored_conversation import to_conversation
from bot.teams_model import Conversation, ConversationKind, TeamsTeam
from storage.queries import channels
from storage.tables import ConversationRow

log = logging.getLogger(__name__)

JOB = "read channel names"
EVERY = timedelta(hours=1)
FRESH = timedelta(days=1)
READ_WITHIN_S = 10.0
NAME_LENGTH = 200


async def read_all(services: Services) -> int:
    """Read the teams that were not read for a day; how many were.

    One that cannot be read is tried again with the next round. When Teams has no time for us, the
    rest waits for that, too: the limit is the whole app's.
    """
    before = services.clock() - FRESH
    count = 0
    for row in await services.db.read(partial(channels.to_read, before=before)):
        try:
            count += await _read(services, to_conversation(row))
        except TeamsRetry as error:
            log.info("the names of channels are read later: %s", log_safe(str(error)))
            break
    return count


async def read_team(services: Services, conversation: Conversation) -> bool:
    """Read the team of one channel now; whether it could be read. Other conversations have none."""
    if conversation.kind is not ConversationKind.CHANNEL or not conversation.team_id:
        return False
    try:
        return await _read(services, conversation)
    except TeamsRetry as error:
        log.info("the names of channels are read later: %s", log_safe(str(error)))
        return False


def fill_in(session: Session, row: ConversationRow) -> None:
    """Give a channel that has just been stored the names that are known of it."""
    found = channels.known(session, row.id) if row.kind == ConversationKind.CHANNEL.value else None
    if found is not None:
        row.name = row.name or found.name
        row.team_name = row.team_name or found.team_name
        session.add(row)


async def _read(services: Services, conversation: Conversation) -> bool:
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            team = await services.teams.team(conversation)
    except TimeoutError:
        raise TeamsRetry("Teams did not answer in time") from None
    except TeamsRetry:
        raise
    except TeamsError as error:
        log.info("the channels of a team cannot be read: %s", log_safe(str(error)))
        return False
    now = services.clock()
    names = _names(team)
    await services.db.write(
        lambda s: channels.store_team(s, team.id, plain(team.name, NAME_LENGTH), names, now=now)
    )
    return True


def _names(team: TeamsTeam) -> dict[str, str]:
    return {channel.id: plain(channel.name, NAME_LENGTH) for channel in team.channels}
