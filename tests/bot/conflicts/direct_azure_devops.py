"""The real client on the real sandbox without a socket between them: calls are handler calls.

For tests that make thousands of calls. Paths, queries, answers and errors are those of HTTP.
"""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from multidict import CIMultiDict

from adapters.azure_devops.answers import Answer
from adapters.azure_devops.base_url import base_url
from adapters.azure_devops.calls import Calls
from adapters.azure_devops.client import DEFAULT_API_VERSION, AzureDevOpsClient
from adapters.azure_devops.credentials import PatCredential
from adapters.azure_devops.errors import to_error
from adapters.azure_devops.http import Http, TimeOuts
from adapters.azure_devops.network import Network
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity
from adapters.sandbox.azure_devops.errors import AzureDevOpsError as Refusal
from adapters.sandbox.azure_devops.rest.call import Call
from adapters.sandbox.azure_devops.rest.routing import Router
from bot.ports import Clock, Sleep, Unreachable


class DirectHttp(Http):
    """Gives each request to the sandbox's handler for it."""

    def __init__(
        self, sandbox: AzureDevOpsSandbox, actor: SandboxIdentity, *, clock: Clock, sleep: Sleep
    ) -> None:
        super().__init__(
            base=base_url(sandbox.base_url),
            credentials=[PatCredential("test", "not-looked-at")],
            api_version=DEFAULT_API_VERSION,
            network=Network(),
            clock=clock,
            sleep=sleep,
            timeouts=TimeOuts(),
            user_agent="test",
        )
        self._org = sandbox.organization
        self._actor = actor
        self._router = Router(self._org.addresses.prefix)
        self.calls: list[str] = []
        self.is_down = False

    async def _request(
        self,
        method: str,
        url: str,
        query: Mapping[str, str | int],
        *,
        content: bytes | None = None,
        content_type: str = "",
        repeatable: bool = True,
    ) -> Answer:
        if self.is_down:
            raise Unreachable("Azure DevOps cannot be reached")
        path = urlsplit(url).path
        self.calls.append(f"{method} {path}")
        try:
            match = self._router.match(method, path)
            call = Call(
                org=self._org,
                actor=self._actor,
                method=method,
                project_name=match.project,
                params=match.params,
                query=CIMultiDict({name: str(value) for name, value in query.items()}),
                accept="application/json",
                content_type=content_type,
                body=json.loads(content) if content else None,
            )
            answer = await match.route.handler(call)
        except Refusal as refusal:
            body = json.dumps(refusal.body()).encode()
            raise to_error(refusal.status, {}, body) from None
        headers = CIMultiDict(answer.headers)
        return Answer(
            json.loads(json.dumps(answer.body)), headers.get("x-ms-continuationtoken", "")
        )


class DirectClient(AzureDevOpsClient):
    """The client of one connection, with ``DirectHttp``."""

    def __init__(
        self,
        connection: str,
        sandbox: AzureDevOpsSandbox,
        actor: SandboxIdentity,
        *,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        http = DirectHttp(sandbox, actor, clock=clock, sleep=sleep)
        self.direct = http
        Calls.__init__(
            self,
            connection=connection,
            base=base_url(sandbox.base_url),
            http=http,
            clock=clock,
            sleep=sleep,
        )
