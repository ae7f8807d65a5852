"""The Azure DevOps that the demo and the tests talk to."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from adapters.sandbox.azure_devops.access import Access
from adapters.sandbox.azure_devops.acting import Acting, field_operations
from adapters.sandbox.azure_devops.addresses import Style
from adapters.sandbox.azure_devops.faults import Faults
from adapters.sandbox.azure_devops.git.objects import FileContent
from adapters.sandbox.azure_devops.hooks.delivery import Hooks
from adapters.sandbox.azure_devops.hooks.subscriptions import Subscription
from adapters.sandbox.azure_devops.organization import Organization
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.processes import PROCESSES
from adapters.sandbox.azure_devops.projects import SandboxProject, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests.model import SandboxPullRequest
from adapters.sandbox.azure_devops.rest.authentication import SignInStyle
from adapters.sandbox.azure_devops.rest.server import RecordedCall, RestServer
from adapters.sandbox.azure_devops.timestamps import utc_now
from adapters.sandbox.azure_devops.work_items.model import SandboxWorkItem

SIGNATURE_HEADER = "X-ADO-Signature"
_RECOMMENDED_VERSIONS = {
    "ms.vss-code.git-pullrequest-comment-event": "2.0",
    "git.repo.renamed": "1.0-preview.1",
    "git.repo.deleted": "1.0-preview.1",
}


class AzureDevOpsSandbox(Acting):
    """An Azure DevOps organisation with real git, a REST API and service hooks.

    State lives as long as the object: ``stop()`` and ``start(port=same)`` act a restart. It is for
    loopback only, so unlike the service it delivers hooks to localhost and Basic auth over http.

    Args:
        folder: for the bare git repositories; made when it is missing.
        organization: name of the organisation or collection.
        clock: the present moment, aware.
        sleep: awaited with seconds for merge delays, hook retries and faults.
        merge_delay: seconds that a merge stays queued; 0 merges at once in the background.
        style: ``services`` (dev.azure.com), ``visualstudio`` or ``server`` (on-prem).
        tls: serve https with this; plain http without it.
        gateway: headers without which nothing gets through, as a gateway in front of a server
            demands them; the answer is 403 with a page of its own.
        newest_version: the newest api-version that is offered, such as ``7.0`` (Server 2022).
        remerge_on_target_push: whether a push to a target branch starts trial merges.
        draft_change_notification: notificationType fired when ``isDraft`` changes; None for none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        organization: str = "contoso",
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        merge_delay: float = 0.0,
        style: Style = "services",
        remerge_on_target_push: bool = False,
        draft_change_notification: str | None = None,
        tls: ssl.SSLContext | None = None,
        gateway: Mapping[str, str] | None = None,
        newest_version: str = "",
    ) -> None:
        self._tls = tls
        self._org = Organization(
            folder,
            name=organization,
            style=style,
            clock=clock,
            sleep=sleep,
            merge_delay_s=merge_delay,
            remerge_on_target_push=remerge_on_target_push,
            draft_change_notification=draft_change_notification,
        )
        self.faults = Faults(sleep)
        self._rest = RestServer(
            self._org, self.faults, gateway=gateway or {}, newest_version=newest_version
        )
        self._runner: web.AppRunner | None = None
        self._setup_identity: SandboxIdentity | None = None

    @property
    def base_url(self) -> str:
        """The organisation's or collection's URL, as a client is configured with it."""
        return self._org.addresses.base

    @property
    def port(self) -> int:
        """The port of the last start.

        Raises:
            RuntimeError: it was never started.
        """
        if not self._org.addresses.origin:
            raise RuntimeError("the sandbox has no port before start()")
        return int(self._org.addresses.origin.rsplit(":", 1)[1])

    @property
    def organization(self) -> Organization:
        """The state behind everything, for what has no call of its own."""
        return self._org

    @property
    def hooks(self) -> Hooks:
        """Subscriptions and the delivery queue, with its knobs."""
        return self._org.hooks

    @property
    def access(self) -> Access:
        """What is hidden from or denied to somebody."""
        return self._org.access

    @property
    def pull_requests(self) -> list[SandboxPullRequest]:
        """Every pull request, by number."""
        return list(self._org.pull_requests.values())

    @property
    def calls(self) -> list[RecordedCall]:
        """Every REST request so far, oldest first; ``calls.clear()`` starts afresh."""
        return self._rest.calls

    @property
    def sign_in_style(self) -> SignInStyle:
        """What an unknown credential gets: ``page`` (203), ``redirect`` (302), ``unauthorized``."""
        return self._rest.sign_in_style

    @sign_in_style.setter
    def sign_in_style(self, style: SignInStyle) -> None:
        self._rest.sign_in_style = style

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve the REST API and deliver hooks; port 0 takes a free one.

        Raises:
            RuntimeError: it is running already.
        """
        await self.bring_up(host, port)
        await self._org.hooks.start()
        self._org.merges.resume()

    async def stop(self) -> None:
        """Stop everything, keep the state; hooks that wait are delivered after the next start."""
        await self.take_down()
        await self._org.merges.stop()
        await self._org.hooks.stop()

    async def take_down(self) -> None:
        """Refuse REST connections while hooks go on: half an outage."""
        self.faults.release()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def bring_up(self, host: str = "127.0.0.1", port: int | None = None) -> None:
        """Accept REST connections again, on the port of before unless another is given."""
        if self._runner is not None:
            raise RuntimeError("the sandbox is running already")
        wanted = self.port if port is None else port
        runner = web.AppRunner(self._rest.application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(
                runner, host, wanted, reuse_address=True, ssl_context=self._tls
            ).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        scheme = "https" if self._tls else "http"
        self._org.addresses.origin = f"{scheme}://{host}:{runner.addresses[0][1]}"

    def add_person(
        self,
        display_name: str,
        mail: str,
        *,
        is_group: bool = False,
        members: Iterable[SandboxIdentity] = (),
    ) -> SandboxIdentity:
        """Add a person or a group."""
        return self._org.people.add(display_name, mail, is_group=is_group, members=members)

    def issue_pat(
        self,
        person: SandboxIdentity,
        *,
        expires_at: datetime | None = None,
        scopes: Iterable[str] | None = None,
    ) -> str:
        """Issue a personal access token; ``scopes`` such as ``vso.code_write``, None for all."""
        return self._org.credentials.issue_pat(person, expires_at=expires_at, scopes=scopes)

    def revoke_pat(self, token: str) -> None:
        """Revoke a personal access token.

        Raises:
            KeyError: it was never issued.
        """
        self._org.credentials.pats[token].revoked = True

    def accept_bearer(self, token: str, person: SandboxIdentity) -> None:
        """Take an (opaque) Entra access token for a person or service principal."""
        self._org.credentials.bearer_tokens[token] = person

    def accept_tokens_of(
        self, issued: Mapping[str, str], client_id: str, person: SandboxIdentity
    ) -> None:
        """Take whatever tokens stand in ``issued`` (token to client id) for an application."""
        self._org.credentials.applications.append((issued, client_id, person))

    def add_project(self, name: str, *, process: str = "Agile") -> SandboxProject:
        """Add a project of the process Agile, Scrum or Basic."""
        if process not in PROCESSES:
            raise ValueError(f"unknown process {process!r}; known: {', '.join(PROCESSES)}")
        project = SandboxProject(str(uuid.uuid4()), name, process, self._org.clock())
        self._org.projects[project.id] = project
        return project

    async def add_repository(
        self,
        project: SandboxProject,
        name: str,
        *,
        files: Mapping[str, FileContent] | None = None,
        default_branch: str = "main",
        author: SandboxIdentity | None = None,
    ) -> SandboxRepository:
        """Add a repository with a first commit of ``files``; without files it is empty."""
        repository = SandboxRepository(str(uuid.uuid4()), name, project, None)
        await self._org.git.create(repository.id, default_branch)
        self._org.repositories[repository.id] = repository
        if files:
            person = author or self._setup_person()
            await self.commit(repository, default_branch, files, person, "Initial commit")
        return repository

    def add_work_item(
        self,
        project: SandboxProject,
        type_name: str,
        title: str,
        *,
        number: int | None = None,
        created_by: SandboxIdentity | None = None,
        text_format: str = "html",
        **fields: Any,
    ) -> int:
        """Add a work item and return its number; fires workitem.created.

        Args:
            project: where.
            type_name: such as ``User Story``.
            title: of the item.
            number: a wanted number, by default the next free one.
            created_by: by default a setup account.
            text_format: of description and acceptance criteria, ``html`` or ``markdown``.
            fields: ``description``, ``acceptance_criteria``, ``state``, ``assigned_to``, ``tags``,
                ``area_path``, ``iteration_path``, or full names in ``**{…}``.
        """
        operations = field_operations({"title": title, **fields}, text_format)
        actor = created_by or self._setup_person()
        item = self._org.work_items.create(project, type_name, operations, actor, number=number)
        return item.id

    def work_item(self, number: int) -> SandboxWorkItem:
        """Return a work item by number."""
        return self._org.work_items.get(number, self._setup_person())

    def add_hook(
        self,
        url: str,
        event_type: str,
        *,
        project: SandboxProject,
        secret: str | None = None,
        header_secret: str | None = None,
        repository: SandboxRepository | None = None,
        branch: str | None = None,
        notification_type: str | None = None,
        merge_result: str | None = None,
        resource_version: str | None = None,
        messages: str = "all",
        created_by: SandboxIdentity | None = None,
    ) -> Subscription:
        """Subscribe a URL to an event type, as ``POST hooks/subscriptions`` does.

        Args:
            url: receives the POSTs.
            event_type: such as ``git.pullrequest.created``.
            project: whose events.
            secret: sent as the password of Basic auth.
            header_secret: sent in the header ``X-ADO-Signature``.
            repository: only events of this one.
            branch: pushed branch, or target branch of a pull request.
            notification_type: of git.pullrequest.updated.
            merge_result: of git.pullrequest.merged.
            resource_version: by default the one that works for the event type.
            messages: ``all``, ``text``, ``html``, ``markdown`` or ``none``.
            created_by: by default a setup account.
        """
        consumer = {"url": url, "messagesToSend": messages, "detailedMessagesToSend": messages}
        if secret is not None:
            consumer |= {"basicAuthUsername": "pullcord", "basicAuthPassword": secret}
        if header_secret is not None:
            consumer["httpHeaders"] = f"{SIGNATURE_HEADER}:{header_secret}"
        publisher = {
            "projectId": project.id,
            "repository": repository.id if repository else "",
            "branch": branch or "",
            "notificationType": notification_type or "",
            "mergeResult": merge_result or "",
        }
        version = resource_version or _RECOMMENDED_VERSIONS.get(event_type, "1.0")
        now = self._org.clock()
        subscription = Subscription(
            event_type,
            {name: value for name, value in publisher.items() if value},
            consumer,
            version,
            created_by or self._setup_person(),
            now,
            now,
        )
        self._org.hooks.subscriptions[subscription.id] = subscription
        return subscription

    def _setup_person(self) -> SandboxIdentity:
        if self._setup_identity is None:
            self._setup_identity = self.add_person("Sandbox Setup", "setup@example.com")
        return self._setup_identity
