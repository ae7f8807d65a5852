"""What carries the requests to Azure DevOps: aiohttp below httpx, where the way is direct."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from adapters.azure_devops.network import Network


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Nothing is kept of an answer."""


class CookielessClient(httpx.AsyncClient):
    """Keeps no cookies: a session of one credential must not go with the calls of another."""

    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise AttributeError("this client has no cookies")


_NO_COOKIES = _NoCookies()

LONGEST_HEADER = 64 * 1024
"""In bytes. Azure DevOps' own are short; gateways set long cookies."""


def client(network: Network, headers: Mapping[str, str], **options: Any) -> httpx.AsyncClient:
    """A client for one way to Azure DevOps, which keeps no cookies and follows no redirects.

    Behind a proxy httpx' own connections are used: they know more kinds of proxies, and which hosts
    the environment leaves out.

    Args:
        network: the way.
        headers: sent with every request.
        options: others of httpx, ``limits`` among them.
    """
    if network.proxy or getproxies():
        options |= {"verify": network.tls(), "proxy": network.proxy or None}
    else:
        options["transport"] = _transport(network, options["limits"])
    return CookielessClient(headers=dict(headers), follow_redirects=False, **options)


def _transport(network: Network, limits: httpx.Limits) -> AiohttpTransport:
    """aiohttp's connections, which cost a third of the processor time of httpx' own."""
    trusted = network.tls() if network.ca_pem else True

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=limits.max_connections or 0,
            ssl=trusted,
            keepalive_timeout=limits.keepalive_expiry or 0,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    # The session above checks certificates, with the authorities that all of aiohttp shares; this
    # context, which knows none, is never asked.
    unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return AiohttpTransport(verify=unused, limits=limits, client=session)
