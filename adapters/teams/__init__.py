"""Microsoft Teams: activities in, messages out. The only place that imports the Bot Framework."""

from adapters.teams.client import TeamsClient
from adapters.teams.config import TeamsConfig
from adapters.teams.connector_tokens import connector_tokens
from adapters.teams.inbound import TeamsInbound

__all__ = ["TeamsClient", "TeamsConfig", "TeamsInbound", "connector_tokens"]
