"""What the bot's parts work with, made once in ``bot.app``."""

from dataclasses import dataclass, field
from datetime import timedelta

from bot.conflicts.episodes import FLAP
from bot.connections.checks import TestConnection
from bot.notices.holding import HoldingRules
from bot.ports import AzureDevOpsFor, Clock, ParseHook, Sleep, Teams
from bot.roles import RoleRules
from storage.engine import Database
from storage.housekeeping import Retention


@dataclass(frozen=True, slots=True)
class Services:
    """The database, both outside sides, and time.

    ``administrators`` are mails (lower case) that may confirm identities and see secrets' states.
    ``allowed_tenants`` are the Entra tenants (lower case) whose people may give commands; empty:
    the tenant of the conversation that they write in. ``conflict_flap``: a conflict that is back
    within this time is the same episode. ``holding`` are the operator's rules of what is told to
    people when. ``role_rules``: what the settings say of roles. ``retention``: how long what has
    been dealt with is kept. ``test_connection`` tries a connection; None where nothing outside may
    be tried.
    """

    db: Database
    azure_devops: AzureDevOpsFor
    teams: Teams
    parse_hook: ParseHook
    clock: Clock
    sleep: Sleep
    administrators: frozenset[str] = frozenset()
    allowed_tenants: frozenset[str] = frozenset()
    conflict_flap: timedelta = FLAP
    channel_subscribers: str = "members"
    holding: HoldingRules = field(default_factory=HoldingRules)
    role_rules: RoleRules = RoleRules()  # noqa: RUF009 - frozen, so sharing it is safe
    retention: Retention = Retention()  # noqa: RUF009 - as above
    test_connection: TestConnection | None = None
