"""Requests that are not believed, and the one line that the security log has of each."""

import logging

from aiohttp import web

from bot.log_text import log_safe

security_log = logging.getLogger("pullcord.security")

# What the sender is told of a refusal for authentication: an attacker learns nothing from it.
_SAID = {401: "not authenticated", 403: "not allowed"}


class Refused(Exception):
    """A request is refused.

    Attributes:
        status: The HTTP status.
        reason: In our own words, with nothing of the sender's in it.
        detail: What the sender claimed; goes to the log, cleaned and cut.
    """

    def __init__(self, status: int, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.detail = detail


def refusal_answer(request: web.BaseRequest, refused: Refused) -> web.Response:
    """Log the refusal in one line and make the HTTP answer."""
    security_log.warning(
        "refused %s %s with %d: %s%s (from %s)",
        request.method,
        log_safe(request.path),
        refused.status,
        refused.reason,
        f" [{log_safe(refused.detail)}]" if refused.detail else "",
        peer_address(request) or "an unknown address",
    )
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
    said = _SAID.get(refused.status, refused.reason)
    return web.Response(status=refused.status, text=said, headers=headers)


def peer_address(request: web.BaseRequest) -> str:
    """The address of the connection itself, whatever headers say; empty when it is gone."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return str(peer[0]) if isinstance(peer, tuple) else ""
