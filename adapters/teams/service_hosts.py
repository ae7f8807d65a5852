"""Which addresses of the Bot Connector may be stored and called with our token."""

import re
from collections.abc import Iterable

# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
# https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
# Never *.trafficmanager.net: any customer of Azure can have a name there.
MICROSOFT_SERVICE_HOSTS = (
    "smba.trafficmanager.net",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
    "smba.infra.dod.teams.microsoft.us",
    "*.botframework.com",
    "*.botframework.azure.us",
)
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]"
_PATTERN = re.compile(rf"(?P<wild>\*\.)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?")
# Deliberately narrower than RFC 3986: no user information, query, fragment, backslash or control
# character gets in, so no two parsers can disagree about the host.
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?(?:/[a-z0-9._~%/-]*)?",
    re.IGNORECASE | re.ASCII,
)


class ServiceHosts:
    """An allow-list of connector hosts.

    Args:
        patterns: Host names, ``*.`` before one for whole labels below it, ``:port`` behind one for
            that port only. Plain http and any port are for loopback names that are listed.

    Raises:
        ValueError: a pattern is not a host, or a wildcard over a top-level domain.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact: set[tuple[str, str | None]] = set()
        self._suffixes: list[tuple[str, str | None]] = []
        for pattern in patterns:
            found = _PATTERN.fullmatch(pattern.strip().lower())
            if found is None or (found["wild"] and "." not in found["host"]):
                raise ValueError(f"{pattern!r} is not a host of the Bot Connector")
            if found["wild"]:
                self._suffixes.append((f".{found['host']}", found["port"]))
            else:
                self._exact.add((found["host"], found["port"]))

    def allows(self, url: str) -> bool:
        """Whether this service URL may be stored and called."""
        found = _URL.fullmatch(url)
        if found is None:
            return False
        scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"]
        if (host, port) in self._exact:
            return scheme == "https" or host in LOOPBACK_HOSTS
        if host in LOOPBACK_HOSTS:
            return (host, None) in self._exact
        return scheme == "https" and self._names(host, port)

    def _names(self, host: str, port: str | None) -> bool:
        usual = None if port == "443" else port
        if (host, usual) in self._exact:
            return True
        return any(
            host.endswith(suffix) and wanted in (usual, port) for suffix, wanted in self._suffixes
        )
