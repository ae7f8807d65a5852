"""A Microsoft Teams of our own: Bot Connector, token issuer, channels and people.

It speaks the protocols over HTTP and imports neither the bot nor an SDK, so that the bot runs
against it with its real code; only URLs differ.
"""

from adapters.sandbox.teams.conversations import Conversation, Team
from adapters.sandbox.teams.faults import Fault
from adapters.sandbox.teams.issuer import SigningKey
from adapters.sandbox.teams.looking import render_text
from adapters.sandbox.teams.messages import Mention, Message
from adapters.sandbox.teams.people import TeamsPerson
from adapters.sandbox.teams.posting import BotAnswer
from adapters.sandbox.teams.recording import RecordedRequest
from adapters.sandbox.teams.server import TeamsSandbox

__all__ = [
    "BotAnswer",
    "Conversation",
    "Fault",
    "Mention",
    "Message",
    "RecordedRequest",
    "SigningKey",
    "Team",
    "TeamsPerson",
    "TeamsSandbox",
    "render_text",
]
