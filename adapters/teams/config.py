"""What the Teams side must be told."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from adapters.teams.service_hosts import LOOPBACK_HOSTS, MICROSOFT_SERVICE_HOSTS, ServiceHosts

AppType = Literal["SingleTenant", "MultiTenant", "UserAssignedMSI"]

# Tokens of multi-tenant bots come from this tenant.
BOT_FRAMEWORK_TENANT = "botframework.com"


@dataclass(frozen=True)
class TeamsConfig:
    """The bot's registration, and whom it believes.

    Attributes:
        app_id: The bot's application id; without one anybody could pass for Teams.
        app_password: Its client secret; not in the repr.
        app_type: New bots are single-tenant; Azure has made no others since July 2025.
        tenant_id: The bot's own tenant.
        allowed_tenants: Tenants that may talk to it; the own tenant when empty.
        service_hosts: Connector hosts that may be called, see ServiceHosts.
        openid_metadata_url: Where the channel's signing keys are named.
        token_issuer: The ``iss`` of the channel's tokens.
        login_url: Where our own tokens come from.
        unauthenticated: Believe unsigned requests from the loopback interface, and send without a
            token: for a local Teams client only.

    Raises:
        ValueError: ``app_id`` is empty, or a service host is not a host.
    """

    app_id: str
    app_password: str = field(default="", repr=False)
    app_type: AppType = "SingleTenant"
    tenant_id: str = ""
    allowed_tenants: tuple[str, ...] = ()
    service_hosts: tuple[str, ...] = MICROSOFT_SERVICE_HOSTS
    openid_metadata_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    token_issuer: str = "https://api.botframework.com"  # noqa: S105 - a name, not a secret
    login_url: str = "https://login.microsoftonline.com"
    unauthenticated: bool = False

    def __post_init__(self) -> None:
        if not self.app_id.strip():
            raise ValueError("the bot's application id is empty: nobody could be told from Teams")
        _ = self.hosts  # a wrong host is found at start, not at the first message

    @cached_property
    def hosts(self) -> ServiceHosts:
        """The allow-list of connector hosts; loopback too when ``unauthenticated``."""
        return ServiceHosts(
            (*self.service_hosts, *(LOOPBACK_HOSTS if self.unauthenticated else ()))
        )

    @cached_property
    def tenants(self) -> frozenset[str]:
        """The tenants that may talk to the bot, lower case."""
        allowed = self.allowed_tenants or ((self.tenant_id,) if self.tenant_id else ())
        return frozenset(tenant.strip().lower() for tenant in allowed)

    @property
    def token_scope(self) -> str:
        """What our own tokens are for; in sovereign clouds it follows the issuer's name.

        https://learn.microsoft.com/azure/bot-service/how-to-deploy-gov-cloud-high
        """
        return f"{self.token_issuer.rstrip('/')}/.default"

    @property
    def token_tenant(self) -> str:
        """The tenant that our own tokens come from."""
        is_multi = self.app_type == "MultiTenant" or not self.tenant_id
        return BOT_FRAMEWORK_TENANT if is_multi else self.tenant_id
