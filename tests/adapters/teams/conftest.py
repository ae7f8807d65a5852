from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.sandbox.teams import TeamsPerson, TeamsSandbox
from tests.adapters.teams.listening_bot import (
    APP_ID,
    APP_PASSWORD,
    TENANT_ID,
    ListeningBot,
    SetClock,
    config_for,
    sample_message,
)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def teams(clock: SetClock) -> AsyncIterator[TeamsSandbox]:
    sandbox = TeamsSandbox(
        app_id=APP_ID, app_password=APP_PASSWORD, tenant_id=TENANT_ID, clock=clock
    )
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def bot(
    teams: TeamsSandbox, session: aiohttp.ClientSession, clock: SetClock
) -> AsyncIterator[ListeningBot]:
    listening = ListeningBot(teams, session, clock)
    runner = await listening.listen(config_for(teams))
    yield listening
    await runner.cleanup()


@pytest.fixture
async def maya(teams: TeamsSandbox, bot: ListeningBot) -> TeamsPerson:
    """Maya Sample with the app in her personal chat; the bot has heard nothing yet."""
    person = teams.add_person("Maya Sample", "maya@example.com", time_zone="Europe/Berlin")
    await teams.install(person)
    bot.events.clear()
    return person


@pytest.fixture
async def activity(teams: TeamsSandbox, bot: ListeningBot, maya: TeamsPerson) -> dict[str, Any]:
    """A good message, sent once already; the bot's notes are empty again."""
    sample = await sample_message(teams)
    bot.events.clear()
    teams.requests.clear()
    return sample
