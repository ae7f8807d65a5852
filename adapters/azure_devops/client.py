"""The client of one connection (``bot.ports.AzureDevOps``), for Services and for Server."""

import asyncio
from collections.abc import Mapping, Sequence

from adapters.azure_devops.base_url import base_url as parse_base_url
from adapters.azure_devops.builds import BuildCalls
from adapters.azure_devops.commits import CommitCalls
from adapters.azure_devops.conflicts import ConflictCalls
from adapters.azure_devops.credentials import CredentialSource
from adapters.azure_devops.git_refs import GitRefCalls
from adapters.azure_devops.http import Http, Reached, Refused, TimeOuts
from adapters.azure_devops.identities import IdentityCalls
from adapters.azure_devops.iterations import IterationCalls
from adapters.azure_devops.network import Network
from adapters.azure_devops.policies import PolicyCalls
from adapters.azure_devops.projects import ProjectCalls
from adapters.azure_devops.pull_requests import PullRequestCalls
from adapters.azure_devops.rate_limit import RateLimit
from adapters.azure_devops.service_hooks import HookCalls
from adapters.azure_devops.trial_merges import TrialMergeCalls
from adapters.azure_devops.work_items import WorkItemCalls
from bot.ports import Clock, Sleep, utc_now

DEFAULT_API_VERSION = "7.1"
"""Services, and Server 2022.1; Server 2022 has 7.0, Server 2020 has 6.0."""


class AzureDevOpsClient(
    ProjectCalls,
    GitRefCalls,
    CommitCalls,
    PullRequestCalls,
    IterationCalls,
    PolicyCalls,
    BuildCalls,
    ConflictCalls,
    TrialMergeCalls,
    WorkItemCalls,
    IdentityCalls,
    HookCalls,
):
    """Calls to one organisation or collection."""

    def __init__(
        self,
        connection: str,
        base_url: str,
        credentials: Sequence[CredentialSource],
        *,
        api_version: str = DEFAULT_API_VERSION,
        headers: Mapping[str, str] | None = None,
        network: Network | None = None,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        timeouts: TimeOuts = TimeOuts(),  # noqa: B008 - frozen, so sharing it is safe
        user_agent: str = "Pullcord",
        refused: Refused | None = None,
        reached: Reached | None = None,
    ) -> None:
        """Prepare a client; nothing is sent.

        Args:
            connection: name of the connection, put on everything that is read.
            base_url: of the organisation or collection, without anything behind it.
            credentials: at least one; several share the load.
            api_version: without "-preview".
            headers: sent with every request, e.g. for a gateway in front of a Server.
            network: headers, proxy and authorities together, instead of ``headers``.
            clock: gives aware times in UTC.
            sleep: waits seconds.
            timeouts: of each call.
            user_agent: sent with every request.
            refused: told when a credential is set aside because Azure DevOps refuses it.
            reached: told after each request whether there was an answer.

        Raises:
            ValueError: the base URL is not one, or there is no credential.
        """
        base = parse_base_url(base_url)
        http = Http(
            base=base,
            credentials=credentials,
            api_version=api_version,
            network=network or Network(headers=headers or {}),
            clock=clock,
            sleep=sleep,
            timeouts=timeouts,
            user_agent=user_agent,
            refused=refused,
            reached=reached,
        )
        super().__init__(connection=connection, base=base, http=http, clock=clock, sleep=sleep)

    def __repr__(self) -> str:
        return f"AzureDevOpsClient({self.connection!r}, {self.base_url!r})"

    @property
    def rate_limits(self) -> Sequence[RateLimit]:
        """What Azure DevOps said last about each credential's limits, for metrics."""
        return self._http.rate_limits()

    async def close(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        await self._http.close()
