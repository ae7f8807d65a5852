"""Refusals of the sandbox, shaped like those of Azure DevOps.

Body and type keys follow Microsoft's published examples (vsteam issue 378, azure-pipelines-tasks
issue 5813). Clients are meant to switch on ``typeKey`` and on the ``TFnnnnnn:`` prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_GIT = "Microsoft.TeamFoundation.Git.Server"
_VSS = "Microsoft.VisualStudio.Services.Common"
_WIT = "Microsoft.TeamFoundation.WorkItemTracking.Server"


class AzureDevOpsError(Exception):
    """One refusal: the HTTP status, and what its JSON body says.

    Args:
        status: HTTP status of the answer.
        type_key: short .NET exception name, such as ``GitPullRequestStaleException``.
        message: text with its TF or VS number, as a person would read it.
        namespace: .NET namespace, only for ``typeName``.
        custom_properties: extra facts, such as ``RuleValidationErrors`` of a work item.
    """

    def __init__(
        self,
        status: int,
        type_key: str,
        message: str,
        *,
        namespace: str = _VSS,
        custom_properties: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type_key = type_key
        self.message = message
        self.namespace = namespace
        self.custom_properties = custom_properties

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the refusal."""
        body: dict[str, Any] = {
            "$id": "1",
            "innerException": None,
            "message": self.message,
            "typeName": f"{self.namespace}.{self.type_key}, {self.namespace}",
            "typeKey": self.type_key,
            "errorCode": 0,
            "eventId": 3000,
        }
        if self.custom_properties is not None:
            body["customProperties"] = dict(self.custom_properties)
        return body


def invalid_argument(message: str) -> AzureDevOpsError:
    """400: a value that Azure DevOps does not accept."""
    return AzureDevOpsError(400, "InvalidArgumentValueException", message, namespace=_GIT)


def bad_body(message: str) -> AzureDevOpsError:
    """400: the request's body is missing or is not what the operation reads."""
    return AzureDevOpsError(400, "VssPropertyValidationException", message)


def no_such_path(path: str) -> AzureDevOpsError:
    """404: no controller answers this address."""
    return AzureDevOpsError(
        404,
        "VssResourceNotFoundException",
        f"VS800075: The controller for path '{path}' was not found or does not implement"
        " IController.",
    )


def method_not_allowed(method: str) -> AzureDevOpsError:
    """405: the address exists, the verb does not."""
    return AzureDevOpsError(
        405,
        "VssRequestMethodNotAllowedException",
        f"The requested resource does not support http method '{method}'.",
    )


def project_not_found(name: str) -> AzureDevOpsError:
    """404: no such project, or it is hidden from the caller."""
    return AzureDevOpsError(
        404,
        "ProjectDoesNotExistWithNameException",
        f"TF200016: The following project does not exist: {name}. Verify that the name of the"
        " project is correct and that the project exists on the specified Azure DevOps Server.",
        namespace="Microsoft.TeamFoundation.Core.WebApi",
    )


def repository_not_found(name: str) -> AzureDevOpsError:
    """404: no such repository, or it is hidden from the caller."""
    return AzureDevOpsError(
        404,
        "GitRepositoryNotFoundException",
        f"TF401019: The Git repository with name or identifier {name} does not exist or you do"
        " not have permissions for the operation you are attempting.",
        namespace=_GIT,
    )


def pull_request_not_found(number: object) -> AzureDevOpsError:
    """404: no such pull request in this repository."""
    return AzureDevOpsError(
        404,
        "GitPullRequestNotFoundException",
        f"TF401180: The requested pull request was not found ({number}).",
        namespace=_GIT,
    )


def item_not_found(path: str, repository: str, version: str) -> AzureDevOpsError:
    """404: no file or folder of this path in that version."""
    return AzureDevOpsError(
        404,
        "GitItemNotFoundException",
        f"TF401174: The item '{path}' could not be found in the repository '{repository}' at the"
        f" version specified by '{version}'.",
        namespace=_GIT,
    )


def path_missing_in_push(path: str, commit: str) -> AzureDevOpsError:
    """400: a pushed change edits or deletes a path that its parent commit does not have."""
    return AzureDevOpsError(
        400,
        "GitItemNotFoundException",
        f"TF401174: The path '{path}' does not exist at commit {commit}.",
        namespace=_GIT,
    )


def path_exists_in_push(path: str, commit: str) -> AzureDevOpsError:
    """400: a pushed change adds a path that its parent commit already has."""
    return AzureDevOpsError(
        400,
        "GitItemAlreadyExistsException",
        f"TF401021: The path '{path}' already exists at commit {commit}. Use the change type"
        " 'edit' to change it.",
        namespace=_GIT,
    )


def version_not_found(version: str) -> AzureDevOpsError:
    """404: a branch, tag or commit that cannot be resolved."""
    return AzureDevOpsError(
        404,
        "GitUnresolvableToCommitException",
        f"TF401175: The version descriptor <{version}> could not be resolved to a version in the"
        " repository.",
        namespace=_GIT,
    )


def stale_reference(ref: str) -> AzureDevOpsError:
    """409: a push whose oldObjectId is not the tip of its branch."""
    return AzureDevOpsError(
        409,
        "GitReferenceStaleException",
        f"TF401028: The reference '{ref}' has already been updated by another client, so you"
        " cannot update it. Please try again.",
        namespace=_GIT,
    )


def needs_permission(permission: str) -> AzureDevOpsError:
    """403: the caller may read the repository but not do this."""
    return AzureDevOpsError(
        403,
        "GitNeedsPermissionException",
        f"TF401027: You need the Git '{permission}' permission to perform this action.",
        namespace=_GIT,
    )


def unauthorized(message: str) -> AzureDevOpsError:
    """403: a known person without the right to do this."""
    return AzureDevOpsError(403, "UnauthorizedRequestException", message)


def pull_request_exists(source: str, target: str) -> AzureDevOpsError:
    """409: there is an active pull request between these two branches."""
    return AzureDevOpsError(
        409,
        "GitPullRequestExistsException",
        "TF401179: An active pull request for the source and target branch already exists"
        f" ({source} into {target}).",
        namespace=_GIT,
    )


def pull_request_stale() -> AzureDevOpsError:
    """409: completing a commit that is no longer the source branch's tip."""
    return AzureDevOpsError(
        409,
        "GitPullRequestStaleException",
        "TF401192: The pull request was modified by another operation. Refresh it and try again.",
        namespace=_GIT,
    )


def pull_request_not_editable(number: int) -> AzureDevOpsError:
    """403: the pull request is completed or abandoned."""
    return AzureDevOpsError(
        403,
        "GitPullRequestNotEditableException",
        f"TF401181: The pull request {number} cannot be edited due to its state.",
        namespace=_GIT,
    )


def status_not_editable() -> AzureDevOpsError:
    """403: a status on a pull request that is not active (azure-pipelines-tasks issue 5813)."""
    return AzureDevOpsError(
        403,
        "GitPullRequestStatusNotEditableException",
        "TF401344: The status cannot be changed because the pull request is not active.",
        namespace=_GIT,
    )


def work_item_not_found(number: object) -> AzureDevOpsError:
    """404: no such work item, or it is hidden from the caller."""
    return AzureDevOpsError(
        404,
        "WorkItemUnauthorizedAccessException",
        f"TF401232: Work item {number} does not exist, or you do not have permissions to read it.",
        namespace=_WIT,
    )


def work_item_type_not_found(name: str, project: str) -> AzureDevOpsError:
    """404: the project's process has no such type."""
    return AzureDevOpsError(
        404,
        "WorkItemTypeNotFoundException",
        f"VS402323: Work item type {name} does not exist in project {project} or you do not have"
        " permission to access it.",
        namespace=_WIT,
    )


def stale_revision(number: int) -> AzureDevOpsError:
    """412: the ``test /rev`` operation does not hold."""
    return AzureDevOpsError(
        412,
        "WorkItemRevisionMismatchException",
        f"VS403351: Test operation for path '/rev' failed for work item {number}: it has been"
        " changed by somebody else.",
        namespace=_WIT,
    )


def rule_broken(field: str, message: str) -> AzureDevOpsError:
    """400: a work item rule refuses a value; names the field as the service does."""
    return AzureDevOpsError(
        400,
        "RuleValidationException",
        f"TF401320: Rule Error for field {field.rsplit('.', 1)[-1]}. {message}",
        namespace=_WIT,
        custom_properties={
            "ErrorMessage": message,
            "FieldReferenceName": field,
            "RuleValidationErrors": [
                {
                    "fieldReferenceName": field,
                    "fieldStatusFlags": "invalidListValue",
                    "errorMessage": message,
                    "fieldStatusCode": 0,
                    "ruleValidationErrors": None,
                }
            ],
        },
    )


def relation_exists() -> AzureDevOpsError:
    """400: the work item already has this link."""
    return AzureDevOpsError(
        400, "WorkItemResourceLinkException", "VS403278: Relation already exists.", namespace=_WIT
    )


def too_many_work_items(limit: int) -> AzureDevOpsError:
    """400: a batch over the documented limit."""
    return AzureDevOpsError(
        400,
        "VssPropertyValidationException",
        f"VS403474: You can request at most {limit} work items at once.",
    )


def subscription_not_found(subscription_id: str) -> AzureDevOpsError:
    """404: no such service hook subscription."""
    return AzureDevOpsError(
        404,
        "SubscriptionNotFoundException",
        f"TF400898: Cannot find the service hooks subscription {subscription_id}.",
        namespace="Microsoft.VisualStudio.Services.ServiceHooks.WebApi",
    )
