"""The bot's own tokens for the Bot Connector."""

import aiohttp

from adapters.entra import ClientCredentials, ManagedIdentity, TokenSource
from adapters.teams.config import TeamsConfig
from bot.ports import Clock, utc_now


def connector_tokens(
    session: aiohttp.ClientSession, config: TeamsConfig, *, clock: Clock = utc_now
) -> TokenSource:
    """Where the bot's tokens come from, by its kind of registration.

    https://learn.microsoft.com/azure/bot-service/bot-builder-authentication-basics
    """
    if config.app_type == "UserAssignedMSI":
        return ManagedIdentity(
            session,
            client_id=config.app_id,
            resource=config.token_scope.removesuffix("/.default"),
            clock=clock,
        )
    return ClientCredentials(
        session,
        login_url=config.login_url,
        tenant=config.token_tenant,
        client_id=config.app_id,
        secret=config.app_password,
        scope=config.token_scope,
        clock=clock,
    )
