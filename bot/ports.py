"""What the bot needs from outside, as Protocols. Adapters implement them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from bot.hooks.model import ServiceHooks
from bot.model import (
    BranchChanges,
    Build,
    Check,
    Commit,
    FileConflict,
    Hook,
    Identity,
    Iteration,
    PullRequestSnapshot,
    PullRequestStatus,
    PushedCommits,
    PushedFile,
    Repository,
    Ticket,
    TicketState,
    TrialMerge,
)
from bot.teams_model import (
    ActionAnswer,
    Conversation,
    LinkPasted,
    OutgoingMessage,
    SendResult,
    TeamsEvent,
    TeamsTeam,
    TeamsUser,
)

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


# --- Azure DevOps ---------------------------------------------------------------------------


class AzureDevOpsError(Exception):
    """A call to Azure DevOps failed. ``str()`` is one sentence for people and holds no secret.

    ``code`` is the TFnnnnnn/VSnnnnnn number or type key where Azure DevOps gave one.
    """

    def __init__(self, message: str, *, code: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


WEB_PAGE = "WebPage"
"""``code`` where a refusal came as a web page: Azure DevOps itself answers programs with JSON."""


class Unreachable(AzureDevOpsError):
    """No answer: refused, timed out, TLS, or 5xx after the retries. Trying later may help."""


class TlsFailed(Unreachable):
    """The server's certificate is not trusted, or TLS failed otherwise: waiting does not help."""


class RateLimited(AzureDevOpsError):
    """429 or a cool-down that is still running. ``retry_after_s`` seconds until it may go on."""

    def __init__(self, message: str, *, retry_after_s: float, code: str = "") -> None:
        super().__init__(message, code=code, status=429)
        self.retry_after_s = retry_after_s


class AuthenticationFailed(AzureDevOpsError):
    """The credential is missing, wrong, expired or blocked by policy (also 203 HTML and 302)."""


class ConnectionPaused(AuthenticationFailed):
    """No credential of the connection works: nothing is asked until one does."""


class Forbidden(AzureDevOpsError):
    """The credential is good but may not do this; ``code`` WEB_PAGE: by a page, not an answer."""


class NotFound(AzureDevOpsError):
    """It is not there, or hidden from this credential."""


class Conflict(AzureDevOpsError):
    """It changed meanwhile, or is there already (409, 412, stale refs, duplicate links)."""


class Rejected(AzureDevOpsError):
    """Azure DevOps refused the request as invalid (400), e.g. a work item rule."""


class BadAnswer(AzureDevOpsError):
    """The answer is not what its documentation says; the field is named."""


class AzureDevOps(ServiceHooks, Protocol):
    """One connection's Azure DevOps. Every method may raise AzureDevOpsError.

    ``project`` is a name or GUID, ``repository`` a GUID (names work where Azure DevOps takes them).
    Lists follow paging to the end unless ``top`` is given.
    """

    connection: str
    base_url: str

    async def who_am_i(self) -> Identity: ...

    async def projects(self) -> Sequence[tuple[str, str]]:
        """(id, name) of every project the credential may see."""

    async def repositories(self, project: str) -> Sequence[Repository]: ...

    async def pull_request(self, number: int) -> PullRequestSnapshot:
        """The whole pull request by its number, unique in the organisation."""

    async def pull_requests(
        self,
        *,
        project: str,
        repository: str | None = None,
        status: PullRequestStatus | None = PullRequestStatus.ACTIVE,
        source_ref: str | None = None,
        target_ref: str | None = None,
        top: int | None = None,
    ) -> Sequence[PullRequestSnapshot]:
        """Summaries, newest first. ``status`` None means all."""

    async def pull_request_tickets(self, repository: str, number: int) -> Sequence[int]: ...

    async def pull_request_checks(
        self, project: str, repository: str, number: int
    ) -> Sequence[Check]:
        """The latest status of each context."""

    async def pull_request_labels(self, repository: str, number: int) -> Sequence[str]: ...

    async def pull_request_policies(self, project_id: str, number: int) -> Sequence[Check]:
        """The verdicts of the branch policies that apply; those of statuses bear their names.

        ``project_id`` must be the GUID: it is a part of the artifact that is asked for.
        """

    async def build(self, project: str, build_id: int) -> Build: ...

    async def builds(
        self, project: str, definition_id: int, source_ref: str, *, top: int
    ) -> Sequence[Build]:
        """Finished builds of a definition and a ref, the last one first."""

    async def conflicts(self, project: str, repository: str, number: int) -> Sequence[FileConflict]:
        """The files that keep a pull request from merging; its last trial merge must be over."""

    async def trial_merge(
        self, project: str, repository: str, ours: str, theirs: str
    ) -> TrialMerge:
        """Merge two commits on trial and wait for the outcome, some seconds at most.

        Leaves nothing behind: no ref is moved (Azure DevOps REST, Merges - Create).
        """

    async def changed_files(self, repository: str, base: str, target: str) -> Sequence[str]:
        """Paths that differ between the merge base of two commits and ``target``."""

    async def commits_on_path(
        self, repository: str, path: str, *, since: str, until: str, top: int = 10
    ) -> Sequence[Commit]:
        """Commits reachable from ``until`` and not from ``since`` that touched a path ("": any)."""

    async def pushed_commits(
        self, repository: str, *, old: str, new: str, target_branch: str
    ) -> PushedCommits:
        """What a source branch gained from one commit to another; without ``refs/heads/``."""

    async def branch_changes(self, repository: str, *, since: str, branch: str) -> BranchChanges:
        """What a branch gained since a commit, and its tip; NotFound when either is not there."""

    async def who_moved(self, repository: str, ref: str, commit: str) -> str:
        """Name of the person whose push made a branch point at a commit, "" if not found."""

    async def latest_iteration(self, repository: str, number: int) -> Iteration | None:
        """The newest iteration of a pull request, None when it has none."""

    async def set_pull_request_status(
        self,
        repository: str,
        number: int,
        *,
        state: str,
        description: str,
        target_url: str,
        name: str = "mergeable",
        genre: str = "pullcord",
        iteration: int = 0,
    ) -> None:
        """Post a status (succeeded, failed, pending); Forbidden when it is not active any more.

        With an iteration's number it is of that one, so that a policy may reset it by new commits.
        """

    async def branch_tip(self, repository: str, branch: str) -> str | None:
        """Commit id of a branch (name without refs/heads/), None when there is none."""

    async def create_branch(self, repository: str, branch: str, commit: str) -> None:
        """Create a branch at a commit. Raises Conflict when there is one of that name."""

    async def delete_branch(self, repository: str, branch: str, commit: str) -> None: ...

    async def file_text(self, repository: str, branch: str, path: str) -> str | None: ...

    async def push_file(
        self, repository: str, branch: str, tip: str, path: str, content: str, message: str
    ) -> PushedFile:
        """Add a file on a branch whose tip is known.

        Raises Conflict when the tip moved or the file is there already.
        """

    async def create_pull_request(
        self,
        repository: str,
        *,
        source_ref: str,
        target_ref: str,
        title: str,
        description: str,
        is_draft: bool,
        reviewer_ids: Sequence[str] = (),
        ticket_numbers: Sequence[int] = (),
    ) -> PullRequestSnapshot:
        """Raises Conflict when an active pull request of these branches exists."""

    async def add_reviewer(
        self, repository: str, number: int, identity_id: str, *, required: bool = False
    ) -> None: ...

    async def ticket(self, number: int) -> Ticket:
        """The ticket with relations."""

    async def tickets(self, numbers: Sequence[int]) -> Sequence[Ticket]:
        """Tickets by number in batches of 200; those that are not there are left out."""

    async def ticket_states(self, project: str, type_: str) -> Sequence[TicketState]: ...

    async def update_ticket(
        self,
        number: int,
        *,
        rev: int | None = None,
        fields: dict[str, str] | None = None,
        add_relations: Sequence[tuple[str, str]] = (),
        remove_relation_urls: Sequence[str] = (),
    ) -> Ticket:
        """Set fields and artifact links ((url, name) pairs). ``rev`` given: Conflict when it moved.

        A link that is there already is no error.
        """

    async def find_identity(self, mail: str) -> Identity | None:
        """The identity whose mail or account name is exactly this, None when none or several."""

    async def find_group(self, name: str) -> Identity | None:
        """The group or team of exactly this name, None when none or several."""

    async def identities(self, ids: Sequence[str]) -> Sequence[Identity]:
        """The people and groups with these ids; unknown ones are left out."""

    async def group_members(self, group_id: str) -> Sequence[Identity]:
        """The people in a group or team, those of groups in it too."""

    async def groups_of(self, identity_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Names of the groups that each identity is in, also through other groups.

        A project's group is called ``[Shop]\\Contributors``. Unknown identities are left out.
        """

    async def close(self) -> None: ...


AzureDevOpsFor = Callable[[str], Awaitable[AzureDevOps]]
"""The client of a connection by its name; raises NotFound when there is no such connection."""


CredentialProbe = Callable[[str, int], Awaitable[AzureDevOpsError | None]]
"""(connection, credential id) -> what keeps the credential from signing in, None when it works."""


class PayloadError(ValueError):
    """A webhook body cannot be understood; the message names the path that is missing or wrong."""


ParseHook = Callable[[bytes, str], Hook]
"""(raw body, connection name) -> Hook; raises PayloadError and nothing else."""


# --- Teams ----------------------------------------------------------------------------------


class TeamsError(Exception):
    """A call to Teams failed. ``str()`` is one sentence and holds no secret."""


class TeamsRetry(TeamsError):
    """It may work later: 429, 412, 502, 503, 504, dropped connection, time-out.

    ``retry_after_s`` is what Teams asked for, None when it did not say.
    ``uncertain`` is True when the message may have been delivered all the same.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, uncertain: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.uncertain = uncertain


class ConversationGone(TeamsError):
    """403/404: the bot was removed, blocked, or the conversation is no more."""


class MessageGone(TeamsError):
    """404 on an update: the message was deleted; the conversation is still there."""


class TeamsRefused(TeamsError):
    """Teams refused the message for good (400, 413, …)."""


class Teams(Protocol):
    """Sending to Teams. Every method may raise TeamsError; none retries by itself."""

    async def send(
        self, conversation: Conversation, message: OutgoingMessage, *, thread_id: str = ""
    ) -> SendResult:
        """Post a message; in a channel with ``thread_id`` as a reply in that thread."""

    async def update(
        self, conversation: Conversation, activity_id: str, message: OutgoingMessage
    ) -> None: ...

    async def typing(self, conversation: Conversation, *, thread_id: str = "") -> None: ...

    async def open_personal_chat(
        self, *, user: TeamsUser, service_url: str, tenant_id: str
    ) -> Conversation: ...

    async def members(self, conversation: Conversation) -> Sequence[TeamsUser]:
        """The roster with mails, all pages."""

    async def member(self, conversation: Conversation, user_id: str) -> TeamsUser | None: ...

    async def team(self, conversation: Conversation) -> TeamsTeam:
        """The team of a channel, with the names of its channels."""


class TeamsEvents(Protocol):
    """What ``adapters.teams`` calls for each authenticated activity. Must return within seconds."""

    async def __call__(self, event: TeamsEvent) -> ActionAnswer | None:
        """Store the event durably; the answer is used for CardActionPressed only.

        Raises storage.CannotStore when it could not be stored (answered 503).
        """


class PreviewLink(Protocol):
    """What ``adapters.teams`` asks for the preview of an address. Must return within seconds."""

    async def __call__(self, pasted: LinkPasted) -> OutgoingMessage | None:
        """The card to show, None for no preview."""
