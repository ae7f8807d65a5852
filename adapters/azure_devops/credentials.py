"""How a connection proves itself: PATs and Entra service principals, several sharing the load."""

import base64
from collections.abc import Awaitable, Callable
from typing import Protocol


class CredentialSource(Protocol):
    """One credential of a connection."""

    name: str

    async def authorization(self) -> str:
        """The Authorization header's value. Raises AuthenticationFailed or Unreachable."""

    def redact(self, body: bytes) -> bytes:
        """The body without this credential's secrets, should somebody echo them."""

    def refused(self) -> None:
        """Azure DevOps refused the last authorization: keep nothing of it."""

    async def close(self) -> None:
        """End what it holds open."""


class PatCredential:
    """A personal access token, sent by Basic authentication with an empty user name."""

    def __init__(self, name: str, token: str) -> None:
        if not token:
            raise ValueError(f"the token of credential {name!r} is empty")
        self.name = name
        self._secret = token.encode()
        self._encoded = base64.b64encode(b":" + self._secret)

    def __repr__(self) -> str:
        return f"PatCredential({self.name!r})"

    async def authorization(self) -> str:
        return f"Basic {self._encoded.decode()}"

    def redact(self, body: bytes) -> bytes:
        return body.replace(self._secret, b"***").replace(self._encoded, b"***")

    def refused(self) -> None:
        """A token does not change by being refused."""

    async def close(self) -> None:
        """It holds nothing open."""


class EntraCredential:
    """A service principal or managed identity, by a function that gives a valid access token."""

    def __init__(
        self,
        name: str,
        token: Callable[[], Awaitable[str]],
        forget: Callable[[str], None] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self._token = token
        self._forget = forget
        self._close = close
        self._last = b""

    def __repr__(self) -> str:
        return f"EntraCredential({self.name!r})"

    async def authorization(self) -> str:
        token = await self._token()
        self._last = token.encode()
        return f"Bearer {token}"

    def redact(self, body: bytes) -> bytes:
        return body.replace(self._last, b"***") if self._last else body

    def refused(self) -> None:
        """The next authorization is made of a new token."""
        if self._forget is not None and self._last:
            self._forget(self._last.decode())

    async def close(self) -> None:
        """End the connections to the sign-in service."""
        if self._close is not None:
            await self._close()
