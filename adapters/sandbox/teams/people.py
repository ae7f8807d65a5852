"""A person of the sandbox's directory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class TeamsPerson:
    """One human in a tenant.

    Attributes:
        display_name: As Teams shows it.
        mail: The mail address.
        tenant_id: The person's home tenant.
        guest: A guest of the tenant: `userRole` is guest and the UPN has `#EXT#`.
        time_zone: IANA name; the activities' localTimestamp and clientInfo carry it.
        object_id: The Entra object id (`aadObjectId`).
        id: The id Teams gives the person towards this bot (`29:…`).
    """

    display_name: str
    mail: str
    tenant_id: str
    guest: bool = False
    time_zone: str = "UTC"
    object_id: str = field(init=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        # Derived from tenant and mail, so that two runs show the same people under the same ids.
        object_id = uuid5(NAMESPACE_URL, f"person/{self.tenant_id}/{self.mail.casefold()}")
        object.__setattr__(self, "object_id", str(object_id))
        object.__setattr__(self, "id", f"29:1{uuid5(object_id, 'bot').hex}")

    @property
    def user_principal_name(self) -> str:
        """The mail for members; for guests the form that Entra gives invited users."""
        if not self.guest:
            return self.mail
        return f"{self.mail.replace('@', '_')}#EXT#@sandbox.onmicrosoft.com"

    def known_as(self, key: str) -> bool:
        """Whether `key` is one of the ids by which the connector finds a person."""
        return key in (self.id, self.object_id) or key.casefold() in (
            self.user_principal_name.casefold(),
            self.mail.casefold(),
        )

    def local_time(self, at: datetime) -> datetime:
        """`at` in the person's time zone."""
        zone: tzinfo = UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)
        return at.astimezone(zone)

    def as_account(self) -> dict[str, Any]:
        """The TeamsChannelAccount of the connector's member calls."""
        given, _, surname = self.display_name.partition(" ")
        return {
            "id": self.id,
            "objectId": self.object_id,
            "aadObjectId": self.object_id,
            "name": self.display_name,
            "givenName": given,
            "surname": surname,
            "email": self.mail,
            "userPrincipalName": self.user_principal_name,
            "tenantId": self.tenant_id,
            "userRole": "guest" if self.guest else "user",
        }
