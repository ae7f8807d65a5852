"""What a test of a connection finds: one line for each thing that will be needed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.ports import (
    WEB_PAGE,
    AuthenticationFailed,
    AzureDevOpsError,
    Forbidden,
    NotFound,
    RateLimited,
    TlsFailed,
    Unreachable,
)

CONDITIONAL_ACCESS = frozenset({"VS403463", "53003"})
"""Azure DevOps' and Entra's numbers for a Conditional Access policy that blocks."""

OAUTH_POLICY = "TF400813"
"""Also what a service principal gets where third-party access by OAuth is off."""


class Trouble(StrEnum):
    """Names of what may be wrong; scripts may rely on them."""

    NONE = ""
    INVALID_CREDENTIALS = "invalid_credentials"
    INVALID_PERMISSIONS = "invalid_permissions"
    NO_RESOURCES = "no_resources"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    WRONG_URL = "wrong_url"
    POLICY = "policy"


ADVICE = {
    Trouble.NONE: "",
    Trouble.INVALID_CREDENTIALS: "Make a new token or secret. `pullcord credentials rotate` puts "
    "it in the place of a stored one.",
    Trouble.INVALID_PERMISSIONS: "Give the token this scope, or the account this permission, in "
    "Azure DevOps.",
    Trouble.NO_RESOURCES: "Check the names, and that the account is a member of the project.",
    Trouble.UNREACHABLE: "Check the address, the proxy and the firewall from this machine; where "
    "Azure DevOps asks to wait, try again later.",
    Trouble.TLS: "Give the authority's certificates with --ca-bundle FILE.",
    Trouble.WRONG_URL: "Give https://dev.azure.com/ORGANISATION, or a Server's collection: "
    "https://HOST/tfs/COLLECTION.",
    Trouble.POLICY: "An administrator of the organisation must let the account in: Organization "
    "settings, Policies (third-party application access), Users (the service principal must be "
    "one), and Conditional Access in Entra.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried. ``trouble`` and ``advice`` are empty when it is well."""

    what: str
    trouble: Trouble
    says: str
    advice: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it can be used."""
        return self.trouble is Trouble.NONE


def well(what: str, says: str) -> Check:
    """Something that works."""
    return Check(what, Trouble.NONE, says)


def failed(what: str, trouble: Trouble, says: str, advice: str = "") -> Check:
    """Something that does not, with what to do."""
    return Check(what, trouble, says.rstrip("."), advice or ADVICE[trouble])


def sign_in_trouble(error: AzureDevOpsError, *, is_entra: bool) -> Trouble:
    """What a failure of the very first question, who we are, means."""
    if isinstance(error, TlsFailed):
        return Trouble.TLS
    if isinstance(error, Unreachable | RateLimited) or error.code == WEB_PAGE:
        return Trouble.UNREACHABLE
    if error.code in CONDITIONAL_ACCESS or (is_entra and error.code == OAUTH_POLICY):
        return Trouble.POLICY
    if isinstance(error, Forbidden):
        return Trouble.POLICY if is_entra else Trouble.INVALID_PERMISSIONS
    if isinstance(error, AuthenticationFailed) and error.status != 200:
        return Trouble.INVALID_CREDENTIALS
    return Trouble.WRONG_URL  # no such place, a page instead of JSON, a redirect elsewhere


def sign_in_advice(error: AzureDevOpsError) -> str:
    """What to do about it, where that is not what the trouble's name says."""
    if error.code == WEB_PAGE:
        return (
            "Give the headers that the gateway wants with --header or --header-env; or the "
            "organisation lets in only some addresses."
        )
    return ""


def use_trouble(error: AzureDevOpsError) -> Trouble:
    """What a failure means once Azure DevOps has said who we are."""
    if isinstance(error, TlsFailed):
        return Trouble.TLS
    if isinstance(error, Unreachable | RateLimited):
        return Trouble.UNREACHABLE
    if error.code in CONDITIONAL_ACCESS:
        return Trouble.POLICY
    if isinstance(error, AuthenticationFailed | Forbidden):
        return Trouble.INVALID_PERMISSIONS
    if isinstance(error, NotFound):
        return Trouble.NO_RESOURCES
    return Trouble.WRONG_URL


TestConnection = Callable[[str], Awaitable[Sequence[Check]]]
"""Tries the connection of this name; raises NotFound when there is none."""
