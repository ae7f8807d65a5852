"""Trying a stored connection: each credential by itself, each thing that will be needed.

What is written is written so that nothing is changed: a work item with ``validateOnly``, and a ref
that is to point at a commit which does not exist (Azure DevOps REST, Work Items - Create and Refs -
Update Refs).
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from adapters.azure_devops.api_versions import TooOld, offered_version
from adapters.azure_devops.base_url import BaseUrl, base_url
from adapters.azure_devops.calls import reading_answer
from adapters.azure_devops.credentials import CredentialSource
from adapters.azure_devops.http import Http, TimeOuts, segment
from adapters.azure_devops.network import Network
from adapters.azure_devops.projects import property_of
from adapters.azure_devops.sign_in import UNAUTHORIZED, check_signed_in
from adapters.azure_devops.stored_credentials import (
    CredentialReader,
    StoredConnection,
    StoredCredential,
    load,
)
from bot.connections.checks import (
    Check,
    Trouble,
    failed,
    sign_in_advice,
    sign_in_trouble,
    use_trouble,
    well,
)
from bot.connections.conventions import Conventions, conventions_of
from bot.model import Identity
from bot.ports import AzureDevOpsError, Clock, Conflict, Forbidden, NotFound, Rejected, Sleep
from storage.engine import Database
from storage.queries import connections

NO_COMMIT = "0" * 40
NOWHERE = "f" * 40
"""A commit id that no repository has: a ref is not moved to it."""

PERMISSION_STATUSES = frozenset({"createbranchpermissionrequired", "forcepushrequired"})

SCOPES = {
    "projects": "Project and Team (Read), vso.project",
    "code": "Code (Read), vso.code",
    "code write": "Code (Read & write), vso.code_write",
    "work": "Work Items (Read), vso.work",
    "work write": "Work Items (Read & write), vso.work_write",
    "build": "Build (Read), vso.build",
    "identity": "Identity (Read), vso.identity",
}
"""Names as the page for making tokens has them, and as the API has them."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a test found, and what it learnt by the way."""

    checks: Sequence[Check]
    account: Identity | None = None
    projects: Sequence[str] = ()
    repositories: Sequence[str] = ()
    api_version: str = ""

    @property
    def is_well(self) -> bool:
        """Whether everything can be used."""
        return all(check.is_well for check in self.checks)


class ConnectionTests:
    """Tries connections, stored or not, whether they are paused or not.

    Args:
        reader: decrypts.
        clock: the time.
        sleep: waits.
        timeouts: of each call.
    """

    def __init__(
        self,
        reader: CredentialReader,
        *,
        clock: Clock,
        sleep: Sleep,
        timeouts: TimeOuts = TimeOuts(),  # noqa: B008 - frozen, so sharing it is safe
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._sleep = sleep
        self._timeouts = timeouts

    async def probe(self, db: Database, name: str, credential_id: int) -> AzureDevOpsError | None:
        """What keeps a credential from signing in; None when it works (CredentialProbe)."""
        stored = await db.read(lambda s: load(s, name))
        if stored is None:
            return NotFound("the connection was removed")
        credential = next((each for each in stored.credentials if each.id == credential_id), None)
        if credential is None:
            return NotFound("the credential was removed")
        try:
            http, source, _ = await self._open(stored, credential)
        except AzureDevOpsError as error:
            return error
        try:
            return await http.sign_in_trouble(source)
        finally:
            await http.close()

    async def stored(self, db: Database, name: str) -> Tried:
        """Test a stored connection.

        Raises:
            NotFound: there is none of that name.
        """
        stored = await db.read(lambda s: load(s, name))
        row = await db.read(lambda s: connections.get(s, name))
        if stored is None or row is None:
            raise NotFound(f"there is no connection {name!r}")
        return await self.run(stored, conventions_of(row.settings))

    async def run(self, stored: StoredConnection, conventions: Conventions) -> Tried:
        """Test a connection with each of its credentials."""
        if not stored.credentials:
            what = "credentials"
            return Tried([failed(what, Trouble.INVALID_CREDENTIALS, "there is none")])
        found = [await self._one(stored, each, conventions) for each in stored.credentials]
        best = max(found, key=lambda each: (each.is_well, len(each.repositories)))
        return Tried(
            [check for each in found for check in each.checks],
            best.account,
            best.projects,
            best.repositories,
            best.api_version,
        )

    async def _one(
        self, stored: StoredConnection, credential: StoredCredential, conventions: Conventions
    ) -> Tried:
        try:
            http, source, base = await self._open(stored, credential)
        except AzureDevOpsError as error:
            trouble = sign_in_trouble(error, is_entra=credential.is_entra)
            return Tried([failed(f"{credential.label}: sign in", trouble, str(error))])
        try:
            test = _Test(stored, credential, conventions, http, source, base)
            return await test.run()
        finally:
            await http.close()

    async def _open(
        self, stored: StoredConnection, credential: StoredCredential
    ) -> tuple[Http, CredentialSource, BaseUrl]:
        def make() -> tuple[CredentialSource, Network]:
            network = self._reader.network(stored)
            network.tls()
            return self._reader.sources([credential], network)[credential.id], network

        source, network = await asyncio.to_thread(make)
        base = base_url(stored.base_url)
        http = Http(
            base=base,
            credentials=[source],
            api_version=stored.api_version,
            network=network,
            clock=self._clock,
            sleep=self._sleep,
            timeouts=self._timeouts,
            user_agent="Pullcord",
        )
        return http, source, base


class _Test:
    """One credential against one connection."""

    def __init__(
        self,
        stored: StoredConnection,
        credential: StoredCredential,
        conventions: Conventions,
        http: Http,
        source: CredentialSource,
        base: BaseUrl,
    ) -> None:
        self._stored = stored
        self._credential = credential
        self._conventions = conventions
        self._http = http
        self._source = source
        self._base = base
        self._checks: list[Check] = []
        self._projects: list[str] = []
        self._types: list[str] = []
        self._repositories: list[tuple[str, str, str]] = []

    async def run(self) -> Tried:
        """Sign in first: without it nothing else tells anything."""
        account = await self._sign_in()
        if account is None:
            return Tried(self._checks)
        version = await self._version()
        if version:
            self._http.api_version = version
            await self._see_projects()
            for each in self._stored.projects or self._projects[:1]:
                await self._see_repositories(each)
            await self._use()
        names = [f"{project}/{name}" for project, name, _ in self._repositories]
        return Tried(self._checks, account, self._projects, names, version)

    async def _sign_in(self) -> Identity | None:
        what = self._named("sign in")
        try:
            answer = await self._http.get("_apis/connectionData", preview=True)
            with reading_answer():
                user = check_signed_in(answer.body)
                name = user.text("customDisplayName", "") or user.text("providerDisplayName", "")
                account = Identity(user.guid("id"), name, property_of(user, "Account"))
        except Rejected as error:  # this version is not spoken; which one is, is asked next
            return await self._sign_in_with_oldest(what, error)
        except AzureDevOpsError as error:
            trouble = sign_in_trouble(error, is_entra=self._credential.is_entra)
            self._checks.append(failed(what, trouble, str(error), sign_in_advice(error)))
            return None
        self._checks.append(well(what, f"signed in as {account.display_name}"))
        return account

    async def _sign_in_with_oldest(self, what: str, error: Rejected) -> Identity | None:
        oldest = "6.0"
        if self._http.api_version == oldest:
            self._checks.append(failed(what, Trouble.WRONG_URL, str(error)))
            return None
        self._http.api_version = oldest
        return await self._sign_in()

    async def _version(self) -> str:
        what = self._named("api-version")
        try:
            version = await offered_version(self._http, self._base)
        except TooOld as error:
            advice = "Upgrade Azure DevOps Server."
            self._checks.append(failed(what, Trouble.WRONG_URL, str(error), advice))
            return ""
        except AzureDevOpsError as error:
            self._checks.append(failed(what, use_trouble(error), str(error)))
            return ""
        self._checks.append(well(what, version))
        return version

    async def _see_projects(self) -> None:
        async def look() -> str:
            with reading_answer():
                self._projects = [
                    item.text("name") async for item in self._http.pages("_apis/projects")
                ]
            if not self._projects:
                raise NotFound("the account sees no project")
            return f"{len(self._projects)} seen"

        await self._try("projects (read)", "projects", look)

    async def _see_repositories(self, project: str) -> None:
        async def look() -> str:
            path = f"{segment(project, 'project')}/_apis/git/repositories"
            answer = await self._http.get(path)
            with reading_answer():
                found = [
                    (project, item.text("name"), item.guid("id"))
                    for item in answer.items()
                    if not item.flag("isDisabled")
                ]
            self._repositories += found
            if not found:
                raise NotFound("the project has no repository that the account sees")
            missing = self._missing_of(project, [name for _, name, _ in found])
            if missing:
                raise NotFound(f"not seen: {', '.join(missing)}")
            return "1 repository" if len(found) == 1 else f"{len(found)} repositories"

        await self._try(f"project {project}: code (read)", "code", look)

    def _missing_of(self, project: str, names: Sequence[str]) -> Sequence[str]:
        seen = {f"{project}/{name}".casefold() for name in names}
        chosen = [
            each
            for each in self._conventions.repositories
            if each.casefold().startswith(f"{project.casefold()}/")
        ]
        return [each for each in chosen if each.casefold() not in seen]

    async def _use(self) -> None:
        """The rest, in the first project; what is switched off is not needed."""
        project = next(iter(self._stored.projects or self._projects), "")
        if not project:
            return
        if self._repositories:
            await self._try("code (write)", "code write", self._write_code)
        await self._try("identities (read)", "identity", self._read_identities)
        if self._conventions.tickets:
            await self._try("tickets (read)", "work", lambda: self._read_tickets(project))
            await self._try("tickets (write)", "work write", lambda: self._write_ticket(project))
        if self._conventions.builds:
            await self._try("builds (read)", "build", lambda: self._read_builds(project))

    async def _write_code(self) -> str:
        project, name, repository = self._repositories[0]
        ref = f"refs/heads/pullcord-test-{uuid.uuid4().hex}"
        update = {"name": ref, "oldObjectId": NO_COMMIT, "newObjectId": NOWHERE}
        path = f"_apis/git/repositories/{repository}/refs"
        try:
            answer = await self._http.post(path, [update])
        except (Rejected, Conflict, NotFound):
            return f"may make branches in {project}/{name}"  # it was refused for the commit only
        with reading_answer():
            for item in answer.items():
                status = item.text("updateStatus", "").lower()
                if status in PERMISSION_STATUSES:
                    raise Forbidden(f"the account may not make branches in {project}/{name}")
        return f"may make branches in {project}/{name}"

    async def _read_tickets(self, project: str) -> str:
        answer = await self._http.get(f"{segment(project, 'project')}/_apis/wit/workitemtypes")
        with reading_answer():
            self._types = [item.text("name") for item in answer.items()]
        known = {each.casefold() for each in self._types}
        missing = [each for each in self._conventions.ticket_types if each.casefold() not in known]
        if missing:
            raise NotFound(f"{project} has no ticket type {', '.join(missing)}")
        return f"{len(self._types)} types"

    async def _write_ticket(self, project: str) -> str:
        kind = next(iter(self._conventions.ticket_types or self._types), "Task")
        path = f"{segment(project, 'project')}/_apis/wit/workitems/${segment(kind, 'type')}"
        title = {"op": "add", "path": "/fields/System.Title", "value": "Pullcord tests its access"}
        try:
            await self._http.post_patch(path, [title], {"validateOnly": "true"})
        except Rejected:
            return "may change tickets"  # a rule of the process was broken, so it was allowed
        return "may change tickets"

    async def _read_builds(self, project: str) -> str:
        await self._http.get(f"{segment(project, 'project')}/_apis/build/builds", {"$top": 1})
        return "may read builds"

    async def _read_identities(self) -> str:
        query = {"searchFilter": "General", "filterValue": "pullcord", "queryMembership": "none"}
        host = self._base.identities_url
        await self._http.get("_apis/identities", query, preview=True, host=host)
        return "may look people up"

    async def _try(self, what: str, scope: str, look: Callable[[], Awaitable[str]]) -> None:
        try:
            says = await look()
        except AzureDevOpsError as error:
            self._checks.append(self._trouble(what, scope, error))
        else:
            self._checks.append(well(self._named(what), says))

    def _trouble(self, what: str, scope: str, error: AzureDevOpsError) -> Check:
        trouble = use_trouble(error)
        says, advice = str(error), ""
        if trouble is Trouble.INVALID_PERMISSIONS:
            needed = SCOPES[scope]
            says = f"not allowed: needs {needed}"
            if isinstance(error, Forbidden) and error.status != UNAUTHORIZED:
                says = f"not allowed: {error}"
            if not self._credential.is_entra:
                advice = f"Give the token the scope {needed}, and its account the permission."
        return failed(self._named(what), trouble, says, advice)

    def _named(self, what: str) -> str:
        return f"{self._credential.label}: {what}"
