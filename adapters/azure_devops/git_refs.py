"""Branches and files: reading them, creating a branch, pushing one file."""

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.errors import plain
from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.http import segment
from adapters.azure_devops.mapping import optional_identity
from bot.model import HEADS, PushedFile
from bot.ports import AzureDevOpsError, Conflict, Forbidden, NotFound, Rejected

NO_COMMIT = "0" * 40

_CONFLICTS = {
    "staleOldObjectId": "the branch was moved meanwhile or is there already",
    "refNameConflict": "a branch of a conflicting name exists",
    "forcePushRequired": "the branch has other commits",
    "succeededNonExistentRef": "the branch is gone already",
}
_FORBIDDEN = {
    "writePermissionRequired": "the credential may not write to the branch",
    "manageNotePermissionRequired": "the credential may not write notes",
    "createBranchPermissionRequired": "the credential may not create branches",
    "createTagPermissionRequired": "the credential may not create tags",
    "locked": "the branch is locked",
    "rejectedByPolicy": "a branch policy does not allow it",
}
_REJECTED = {
    "invalidRefName": "the name is not valid for a branch",
    "unresolvableToCommit": "there is no such commit",
    "rejectedByPlugin": "the server's own check refused it",
}


class GitRefCalls(Calls):
    """Calls about refs, items and pushes of a repository (GUID)."""

    async def branch_tip(self, repository: str, branch: str) -> str | None:
        """Commit id of a branch (name without refs/heads/), None when there is none."""
        # The filter means "begins with", so others may come along.
        refs = self._http.pages(f"{_repository(repository)}/refs", {"filter": f"heads/{branch}"})
        with reading_answer():
            async for ref in refs:
                if ref.text("name") == f"{HEADS}{branch}":
                    return ref.guid("objectId")
        return None

    async def create_branch(self, repository: str, branch: str, commit: str) -> None:
        """Create a branch at a commit. Raises Conflict when there is one of that name."""
        await self._move(repository, branch, old=NO_COMMIT, new=commit)

    async def delete_branch(self, repository: str, branch: str, commit: str) -> None:
        """Delete a branch that is still at this commit; Conflict when it moved."""
        await self._move(repository, branch, old=commit, new=NO_COMMIT)

    async def file_text(self, repository: str, branch: str, path: str) -> str | None:
        """A file's text on a branch, None when there is no such file or branch."""
        query: dict[str, str | int] = {
            "path": path,
            "includeContent": "true",
            "$format": "json",
            "versionDescriptor.version": branch,
            "versionDescriptor.versionType": "branch",
        }
        try:
            answer = await self._http.get(f"{_repository(repository)}/items", query)
        except NotFound:
            return None
        with reading_answer():
            return answer.fields().text("content", "")

    async def push_file(
        self, repository: str, branch: str, tip: str, path: str, content: str, message: str
    ) -> PushedFile:
        """Add a file on a branch whose tip is known.

        Raises Conflict when the tip moved or the file is there already.
        """
        change = {
            "changeType": "add",
            "item": {"path": path if path.startswith("/") else f"/{path}"},
            "newContent": {"content": content, "contentType": "rawtext"},
        }
        push = {
            "refUpdates": [{"name": f"{HEADS}{branch}", "oldObjectId": tip}],
            "commits": [{"comment": message, "changes": [change]}],
        }
        answer = await self._http.post(f"{_repository(repository)}/pushes", push)
        with reading_answer():
            pushed = answer.fields()
            for update in pushed.objects("refUpdates"):
                if update.text("name") == f"{HEADS}{branch}":
                    by = optional_identity(pushed, "pushedBy")
                    return PushedFile(update.guid("newObjectId"), by)
            raise FieldError("answer.refUpdates lacks the branch")

    async def _move(self, repository: str, branch: str, *, old: str, new: str) -> None:
        ref = f"{HEADS}{branch}"
        update = {"name": ref, "oldObjectId": old, "newObjectId": new}
        answer = await self._http.post(f"{_repository(repository)}/refs", [update])
        with reading_answer():
            results = answer.items()
            if len(results) != 1:
                raise FieldError("answer.value does not hold one result")
            if not results[0].flag("success"):
                raise _refused(branch, results[0])


def _repository(repository: str) -> str:
    return f"_apis/git/repositories/{segment(repository, 'repository')}"


def _refused(branch: str, result: Fields) -> AzureDevOpsError:
    """A ref update that failed: Azure DevOps answers it with 200 all the same."""
    status = result.text("updateStatus", "")
    name = plain(branch)
    custom = plain(result.text("customMessage", ""))
    kinds: tuple[tuple[dict[str, str], type[AzureDevOpsError]], ...] = (
        (_CONFLICTS, Conflict),
        (_FORBIDDEN, Forbidden),
        (_REJECTED, Rejected),
    )
    for reasons, kind in kinds:
        if status in reasons:
            return kind(f"branch {name}: {custom or reasons[status]}", code=status)
    return Rejected(f"branch {name}: {custom or 'it was not changed'}", code=status)
