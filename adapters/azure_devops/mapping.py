"""Azure DevOps' JSON → what the bot knows, for REST answers and webhook bodies alike.

Every function raises ``FieldError`` when a value is missing or wrong. No address of a body is
taken over: web pages are built from the connection's base URL and names.
"""

from datetime import datetime

from adapters.azure_devops.fields import FieldError, Fields
from bot.links import pull_request_url, repository_url
from bot.model import (
    Fork,
    Identity,
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    SnapshotSource,
    Vote,
)


def identity(fields: Fields) -> Identity:
    """An identity that must have an id (IdentityRef)."""
    return Identity(
        id=fields.guid("id"),
        display_name=fields.text("displayName", "") or fields.text("uniqueName", ""),
        unique_name=fields.text("uniqueName", ""),
        is_group=fields.flag("isContainer"),
    )


def optional_identity(fields: Fields, key: str) -> Identity | None:
    """An identity that may be missing, or present without an id."""
    found = fields.optional_object(key)
    return identity(found) if found is not None and found.text("id", "") else None


def repository(fields: Fields, *, base_url: str = "") -> Repository:
    """A repository with its project. Without a base URL (webhooks) it has no web address."""
    project = fields.object("project")
    name, project_name = fields.text("name"), project.text("name")
    return Repository(
        id=fields.guid("id"),
        name=name,
        project_id=project.guid("id"),
        project_name=project_name,
        default_branch=fields.text("defaultBranch", "") or None,
        web_url=repository_url(base_url, project_name, name) if base_url else None,
        is_disabled=fields.flag("isDisabled"),
    )


def pull_request(
    fields: Fields,
    *,
    connection: str,
    as_of: datetime,
    source: SnapshotSource,
    base_url: str = "",
    is_summary: bool = False,
) -> PullRequestSnapshot:
    """A pull request (GitPullRequest) as it was at ``as_of``.

    Args:
        fields: the object of a REST answer or of a webhook's resource.
        connection: name of the connection.
        as_of: when the answer was asked for, or the webhook's createdDate.
        source: REST or a webhook.
        base_url: of the connection; without it there is no web address.
        is_summary: from a list, which cuts descriptions to 400 characters.
    """
    repo = repository(fields.object("repository"), base_url=base_url)
    number = fields.number("pullRequestId")
    page = pull_request_url(base_url, repo.project_name, repo.name, number) if base_url else ""
    return PullRequestSnapshot(
        connection=connection,
        repository=repo,
        number=number,
        title=fields.text("title"),
        author=identity(fields.object("createdBy")),
        source_ref=fields.text("sourceRefName"),
        target_ref=fields.text("targetRefName"),
        status=_status(fields),
        as_of=as_of,
        source=source,
        created_at=fields.moment("creationDate"),
        description=fields.text("description", ""),
        is_draft=fields.flag("isDraft"),
        merge_status=_merge_status(fields),
        merge_failure=_merge_failure(fields),
        source_commit=_commit(fields, "lastMergeSourceCommit"),
        target_commit=_commit(fields, "lastMergeTargetCommit"),
        merge_commit=_commit(fields, "lastMergeCommit"),
        closed_at=fields.optional_moment("closedDate"),
        closed_by=optional_identity(fields, "closedBy"),
        auto_complete_by=optional_identity(fields, "autoCompleteSetBy"),
        reviewers=tuple(_reviewer(reviewer) for reviewer in fields.objects("reviewers")),
        web_url=page,
        is_summary=is_summary,
        fork=_fork(fields),
    )


def _fork(fields: Fields) -> Fork | None:
    """Where the source branch is, if in a fork (forkSource). What is left out stays unknown."""
    source = fields.optional_object("forkSource")
    if source is None:
        return None
    found = source.optional_object("repository")
    project = found.optional_object("project") if found is not None else None
    if found is None or project is None:
        return Fork()
    return Fork(
        id=found.guid("id", ""),
        name=found.text("name", ""),
        project_id=project.guid("id", ""),
        project_name=project.text("name", ""),
    )


def _status(fields: Fields) -> PullRequestStatus:
    status = fields.text("status")
    try:
        return PullRequestStatus(status)
    except ValueError:
        raise FieldError(f"{fields.path or 'pull request'}.status is not known") from None


def _merge_status(fields: Fields) -> MergeStatus:
    try:
        return MergeStatus(fields.text("mergeStatus", MergeStatus.NOT_SET))
    except ValueError:
        # A status of a later version says nothing we could tell people.
        return MergeStatus.NOT_SET


def _merge_failure(fields: Fields) -> str:
    message, kind = fields.text("mergeFailureMessage", ""), fields.text("mergeFailureType", "")
    return message or ("" if kind == "none" else kind)


def _commit(fields: Fields, key: str) -> str:
    commit = fields.optional_object(key)
    return commit.guid("commitId", "") if commit is not None else ""


def _reviewer(fields: Fields) -> Reviewer:
    return Reviewer(
        identity=identity(fields),
        vote=_vote(fields),
        required=fields.flag("isRequired"),
        declined=fields.flag("hasDeclined"),
        voted_for=tuple(group.guid("id") for group in fields.objects("votedFor")),
    )


def _vote(fields: Fields) -> Vote:
    vote = fields.members.get("vote", 0)
    known = isinstance(vote, int) and not isinstance(vote, bool) and vote in set(Vote)
    return Vote(vote) if known else Vote.NONE
