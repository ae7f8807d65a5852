"""Who is calling, and the many ways in which Azure DevOps says "nobody I know".

The exact answers for revoked and malformed tokens are not documented; several were seen, so the
sandbox can give each (``sign_in_style``).
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Literal

from aiohttp import web

from adapters.sandbox.azure_devops.addresses import Style
from adapters.sandbox.azure_devops.people import Credentials, SandboxIdentity

SignInStyle = Literal["page", "redirect", "unauthorized"]

_PAGE_BYTES = 16_000
_NOT_AUTHORIZED = "TF400813: The user '' is not authorized to access this resource."
_EXPIRED = "Access Denied: The Personal Access Token used has expired."
_AREAS = {
    "git": "vso.code",
    "policy": "vso.code",
    "wit": "vso.work",
    "build": "vso.build",
    "projects": "vso.project",
    "identities": "vso.identity",
}
_WRITING_SUFFIXES = ("_write", "_manage", "_full", "_execute")


class SignInNeededError(Exception):
    """The caller is not known; carries the answer that says so."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__("sign-in needed")
        self.answer = answer


def authenticate(
    request: web.Request,
    credentials: Credentials,
    now: datetime,
    area: str,
    *,
    sign_in_style: SignInStyle,
    style: Style,
) -> SandboxIdentity:
    """Return whom the credential stands for.

    Raises:
        SignInNeededError: there is none, it is unknown, revoked or expired, or its scopes do not
            cover the area.
    """
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    bearer = credentials.bearer(value) if scheme.lower() == "bearer" else None
    if bearer is not None:
        return bearer
    pat = credentials.pats.get(_password(value)) if scheme.lower() == "basic" else None
    if pat is None or pat.revoked:
        raise SignInNeededError(_sign_in(request, sign_in_style, style))
    if pat.expires_at is not None and pat.expires_at <= now:
        raise SignInNeededError(web.Response(status=401, text=_EXPIRED))
    if pat.scopes is not None and not _covers(pat.scopes, area, request.method):
        raise SignInNeededError(_unauthorized(style))
    return pat.person


def _password(value: str) -> str:
    """The user name in front of the colon does not matter."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text.partition(":")[2]


def _covers(scopes: frozenset[str], area: str, method: str) -> bool:
    wanted = _AREAS.get(area.lower())
    if wanted is None:
        return True
    mine = [scope for scope in scopes if scope == wanted or scope.startswith(f"{wanted}_")]
    if method == "GET":
        return bool(mine)
    return any(scope.endswith(_WRITING_SUFFIXES) for scope in mine)


def _sign_in(request: web.Request, sign_in_style: SignInStyle, style: Style) -> web.Response:
    suppressed = request.headers.get("X-TFS-FedAuthRedirect", "").lower() == "suppress"
    if style == "server" or sign_in_style == "unauthorized":
        return _unauthorized(style)
    if sign_in_style == "redirect":
        if suppressed:
            return _unauthorized(style)
        return web.Response(status=302, headers={"Location": "/_signin?realm=sandbox"})
    filler = "<!-- sign-in -->\n" * (_PAGE_BYTES // 17)
    page = f"<!DOCTYPE html><html><head><title>Sign In</title></head><body>{filler}</body></html>"
    return web.Response(status=203, text=page, content_type="text/html")


def _unauthorized(style: Style) -> web.Response:
    answer = web.json_response(
        {
            "$id": "1",
            "innerException": None,
            "message": _NOT_AUTHORIZED,
            "typeName": "Microsoft.TeamFoundation.Framework.Server.UnauthorizedRequestException,"
            " Microsoft.TeamFoundation.Framework.Server",
            "typeKey": "UnauthorizedRequestException",
            "errorCode": 0,
            "eventId": 3000,
        },
        status=401,
    )
    answer.headers["WWW-Authenticate"] = "Bearer"
    if style == "server":
        for scheme in ('Basic realm="tfs"', "Negotiate", "NTLM"):
            answer.headers.add("WWW-Authenticate", scheme)
    return answer
