"""What carries the requests to Azure DevOps: aiohttp below httpx, where the way is direct."""

import ssl
from urllib.request import getproxies

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport


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


def transport(
    verify: ssl.SSLContext, limits: httpx.Limits, *, proxy: str
) -> httpx.AsyncBaseTransport | None:
    """aiohttp's connections, which cost a third of the processor time of httpx' own.

    Args:
        verify: what certificates are checked with.
        limits: of the connections.
        proxy: URL of the proxy, "" for what the environment says.

    Returns:
        The transport; None behind a proxy: httpx' own knows more kinds of them, and which hosts
        the environment leaves out.
    """
    if proxy or getproxies():
        return None

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=limits.max_connections or 0,
            ssl=verify,
            keepalive_timeout=limits.keepalive_expiry or 0,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    return AiohttpTransport(verify=verify, limits=limits, client=session)
