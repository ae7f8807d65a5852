"""How a connection's Azure DevOps is reached: headers for a gateway, a proxy, own authorities."""

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from bot.links import split_url

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token (RFC 9110, 5.6.2)."""

OWN_HEADERS = frozenset(
    {
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-tfs-fedauthredirect",
    }
)
"""What the client sets itself: a header of that name would do nothing or break it."""


@dataclass(frozen=True, slots=True)
class Network:
    """The way to Azure DevOps. Headers and proxy may hold secrets, so neither is in the repr.

    ``proxy`` is an http:// URL, "" for what the environment says. ``ca_pem`` are certificates of
    authorities, trusted besides those of the system.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: str = field(default="", repr=False)
    ca_pem: str = field(default="", repr=False)

    def encoded(self) -> str:
        """As JSON, to be encrypted; "" when it is nothing special."""
        if self == Network():
            return ""
        written = {"headers": dict(self.headers), "proxy": self.proxy, "ca_pem": self.ca_pem}
        return json.dumps(written)

    def tls(self) -> ssl.SSLContext:
        """What certificates are checked with. Reads files the first time: not on the event loop."""
        return trusted_with(self.ca_pem) if self.ca_pem else trusted()


def decoded(text: str) -> Network:
    """The way that ``encoded`` wrote."""
    return Network(**json.loads(text)) if text else Network()


def parse_header(text: str) -> tuple[str, str]:
    """``Name: value`` as (name, value).

    Raises:
        ValueError: it is not a header, or one that Pullcord sets itself. The value is not told.
    """
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not HEADER_NAME.fullmatch(name) or not value:
        raise ValueError("a header is written 'Name: value'")
    if name.lower() in OWN_HEADERS:
        raise ValueError(f"the header {name} is set by Pullcord itself")
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"the value of the header {name} is not plain text")
    return name, value


def check_authorities(pem: str) -> str:
    """The certificates, when they are some.

    Raises:
        ValueError: there is no certificate in it.
    """
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError("the CA bundle holds no certificate in PEM form") from None
    return pem


def check_proxy(url: str) -> str:
    """The proxy, when it is an address; user name and password may stand in it.

    Raises:
        ValueError: it is none. The address is not told, because a password may be in it.
    """
    scheme, _, rest = url.strip().partition("://")
    place = rest.rpartition("@")[2]
    if scheme not in ("http", "https") or split_url(f"{scheme}://{place}") is None:
        raise ValueError("the proxy must be an http:// address")
    return url.strip()


@cache
def trusted() -> ssl.SSLContext:
    """The authorities of the system: reading them takes a tenth of a second, so once."""
    return ssl.create_default_context()


@cache
def trusted_with(ca_pem: str) -> ssl.SSLContext:
    """The authorities of the system and these."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=ca_pem)
    return context
