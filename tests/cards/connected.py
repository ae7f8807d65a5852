"""The team's connection as an operator stores it: encrypted credentials, clients made from them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from adapters.azure_devops.connection_tests import ConnectionTests
from adapters.azure_devops.connections import FRESH_S, AzureDevOpsClients
from adapters.azure_devops.stored_credentials import CredentialReader
from bot.connections.checks import Check
from storage.queries import connections
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox, new_key
from tests.bot.talking import ADMINISTRATOR, CONNECTION, Talk

LABEL, LASTS = "team token", timedelta(days=90)
LOGIN_URL = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class Connected:
    """Who talks, and the token of their connection's one credential."""

    talk: Talk
    token: str

    def forget_clients(self) -> None:
        """As when ten seconds have passed: what is stored is looked at again."""
        self.talk.clock.now += timedelta(seconds=FRESH_S)

    def refuse(self) -> None:
        """Azure DevOps takes the credential no more."""
        self.talk.azure.revoke_pat(self.token)


@asynccontextmanager
async def connected(talk: Talk) -> AsyncIterator[Connected]:
    """The bot with its connection stored; it calls and tests it as when it is served."""
    box = SecretBox([new_key()])
    clock, sleep = talk.clock, talk.clock.sleep
    token = talk.azure.issue_pat(talk.bot_there)
    new = NewCredential("pat", token, label=LABEL, expires_at=clock() + LASTS)
    await talk.db.write(lambda s: connections.add_credential(s, CONNECTION, new, box, now=clock()))
    clients = AzureDevOpsClients(
        talk.db,
        box,
        login_url=LOGIN_URL,
        clock=clock,
        sleep=sleep,
        administrators={ADMINISTRATOR},
        monotonic=clock.monotonic,
    )
    tests = ConnectionTests(CredentialReader(box, login_url=LOGIN_URL), clock=clock, sleep=sleep)

    async def test(name: str) -> Sequence[Check]:
        return (await tests.stored(talk.db, name)).checks

    talk.services = replace(talk.services, azure_devops=clients, test_connection=test)
    talk.restart()
    try:
        yield Connected(talk, token)
    finally:
        await clients.close()
