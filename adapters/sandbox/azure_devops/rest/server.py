"""The HTTP side: faults first, then who, which version, which handler; all of it recorded."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.errors import AzureDevOpsError
from adapters.sandbox.azure_devops.faults import Fault, Faults
from adapters.sandbox.azure_devops.organization import Organization
from adapters.sandbox.azure_devops.rest.authentication import (
    SignInNeededError,
    SignInStyle,
    authenticate,
)
from adapters.sandbox.azure_devops.rest.call import Answer, Call
from adapters.sandbox.azure_devops.rest.resource_areas import resource_areas
from adapters.sandbox.azure_devops.rest.routing import Match, Router
from adapters.sandbox.azure_devops.rest.versions import check_version, newest_of

_MAX_BODY_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One request: path after the organisation, decoded; ``owner`` is the caller's unique name.

    ``status`` is None when no answer was sent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    status: int | None
    owner: str | None


class RestServer:
    """Answers the REST API of one organisation."""

    def __init__(
        self,
        organization: Organization,
        faults: Faults,
        *,
        gateway: Mapping[str, str],
        newest_version: str,
    ) -> None:
        self._gateway = gateway
        self._newest_version = newest_version
        self._org = organization
        self._faults = faults
        style = organization.addresses.style
        other = "/DefaultCollection" if style == "visualstudio" else None
        self._router = Router(organization.addresses.prefix, other_prefix=other)
        self.sign_in_style: SignInStyle = "page"
        self.calls: list[RecordedCall] = []

    def application(self) -> web.Application:
        """Return the aiohttp application that answers every path."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = self._path(request)
        if any(request.headers.get(name) != value for name, value in self._gateway.items()):
            page = "<html><body>Forbidden by the gateway</body></html>"
            answer = web.Response(status=403, text=page, content_type="text/html")
            return self._record(request, path, answer, None)
        fault = self._faults.take(request.method, path)
        if fault is not None:
            await self._faults.wait(fault)
            if not fault.after:
                instead = await self._instead(request, fault)
                if instead is not None:
                    return self._record(request, path, instead, None)
        answer, owner = await self._answer(request, path)
        if fault is not None:
            if fault.after:
                answer = await self._instead(request, fault) or answer
            answer.headers.update(fault.headers)
        return self._record(request, path, answer, owner)

    async def _instead(self, request: web.Request, fault: Fault) -> web.Response | None:
        """Return what a fault answers in place of the work, None when it answers nothing."""
        if fault.hang:
            await self._faults.hang()
        if fault.hang or fault.drop:
            if request.transport is not None:
                request.transport.abort()
            return _NoAnswer()
        if fault.status is None:
            return None
        if isinstance(fault.body, Mapping):
            answer = web.json_response(fault.body, status=fault.status)
        else:
            answer = web.Response(
                status=fault.status, text=fault.body or "", content_type="text/html"
            )
        answer.headers.update(fault.headers)
        return answer

    async def _answer(self, request: web.Request, path: str) -> tuple[web.Response, str | None]:
        owner = None
        try:
            actor = authenticate(
                request,
                self._org.credentials,
                self._org.clock(),
                _area(request.rel_url.raw_path),
                sign_in_style=self.sign_in_style,
                style=self._org.addresses.style,
            )
            owner = actor.unique_name
            if request.method == "OPTIONS":
                return web.json_response(self._resource_areas(path)), owner
            match = self._router.match(request.method, request.rel_url.raw_path)
            query = CIMultiDict(request.rel_url.query)
            self._check_version(match, query.get("api-version"))
            call = Call(
                org=self._org,
                actor=actor,
                method=request.method,
                project_name=match.project,
                params=match.params,
                query=query,
                accept=request.headers.get("Accept", ""),
                content_type=request.content_type,
                body=await _body(request),
            )
            answer = await match.route.handler(call)
        except SignInNeededError as refusal:
            return refusal.answer, owner
        except AzureDevOpsError as error:
            return web.json_response(error.body(), status=error.status), owner
        return _response(answer), owner

    def _check_version(self, match: Match, version: str | None) -> None:
        if version is None and match.route.version_optional:
            return
        check_version(
            version,
            style=self._org.addresses.style,
            preview_only=match.route.preview,
            newest=self._newest_version,
        )

    def _resource_areas(self, path: str) -> dict[str, Any]:
        """What OPTIONS on ``_apis`` lists: every resource with its versions."""
        if path.rstrip("/").lower() != "/_apis":
            raise errors.no_such_path(path)
        newest = newest_of(self._org.addresses.style, self._newest_version)
        return resource_areas(".".join(map(str, newest)))

    def _path(self, request: web.Request) -> str:
        try:
            return unquote(self._router.relative(request.rel_url.raw_path))
        except AzureDevOpsError:
            return request.path

    def _record(
        self, request: web.Request, path: str, answer: web.Response, owner: str | None
    ) -> web.Response:
        status = None if isinstance(answer, _NoAnswer) else answer.status
        answer.headers.setdefault("ActivityId", str(uuid.uuid4()))
        self.calls.append(
            RecordedCall(request.method, path, dict(request.rel_url.query), status, owner)
        )
        return answer


class _NoAnswer(web.Response):
    """Stands for an answer that never reaches the caller."""


async def _body(request: web.Request) -> Any:
    if not request.can_read_body:
        return None
    text = await request.text()
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise errors.bad_body("The request body is not JSON.") from error


def _response(answer: Answer) -> web.Response:
    if isinstance(answer.body, bytes):
        return web.Response(
            body=answer.body, status=answer.status, content_type=answer.content_type
        )
    if answer.body is None:
        return web.Response(status=answer.status, headers=answer.headers)
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)


def _area(raw_path: str) -> str:
    """Return the segment after ``_apis``; scopes of a token are by area."""
    _, _, rest = raw_path.partition("/_apis/")
    return rest.split("/", 1)[0]
