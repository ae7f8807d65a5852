"""What the bot's parts work with, made once in ``bot.app``."""

from dataclasses import dataclass

from bot.ports import AzureDevOpsFor, Clock, ParseHook, Sleep, Teams
from storage.engine import Database


@dataclass(frozen=True, slots=True)
class Services:
    """The database, both outside sides, and time.

    ``administrators`` are mails (lower case) that may confirm identities and see secrets' states.
    ``allowed_tenants`` are the Entra tenants (lower case) whose people may give commands; empty:
    the tenant of the conversation that they write in.
    """

    db: Database
    azure_devops: AzureDevOpsFor
    teams: Teams
    parse_hook: ParseHook
    clock: Clock
    sleep: Sleep
    administrators: frozenset[str] = frozenset()
    allowed_tenants: frozenset[str] = frozenset()
