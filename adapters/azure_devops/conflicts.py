"""The files that keep a pull request from merging."""

from collections.abc import Mapping, Sequence

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import MAX_PAGES, segment
from bot.model import ConflictKind, FileConflict
from bot.ports import BadAnswer

PAGE_SIZE = 100

# GitConflictType names the source's side first; "here" is the pull request's source.
_KINDS: Mapping[str, ConflictKind] = {
    "editEdit": ConflictKind.BOTH_CHANGED,
    "addAdd": ConflictKind.BOTH_ADDED,
    "deleteEdit": ConflictKind.DELETED_HERE,
    "deleteRename": ConflictKind.DELETED_HERE,
    "editDelete": ConflictKind.DELETED_THERE,
    "renameDelete": ConflictKind.DELETED_THERE,
    "rename1to2": ConflictKind.RENAMED,
    "rename2to1": ConflictKind.RENAMED,
    "renameAdd": ConflictKind.RENAMED,
    "addRename": ConflictKind.RENAMED,
    "renameRename": ConflictKind.RENAMED,
    "directoryFile": ConflictKind.FOLDER,
    "fileDirectory": ConflictKind.FOLDER,
    "directoryChild": ConflictKind.FOLDER,
}
_NO_CONFLICT = "none"


class ConflictCalls(Calls):
    """Calls about the conflicts of a pull request's last trial merge."""

    async def conflicts(self, project: str, repository: str, number: int) -> Sequence[FileConflict]:
        """The files that keep a pull request from merging, by path; resolved ones are left out.

        The models are in Microsoft's git specification (GitConflict), the path is not: a Server
        that does not know it answers NotFound.
        """
        place = (
            f"{segment(project, 'project')}/_apis/git/repositories"
            f"/{segment(repository, 'repository')}/pullRequests/{number}/conflicts"
        )
        found: dict[str, ConflictKind] = {}
        for page in range(MAX_PAGES):
            query: dict[str, str | int] = {
                "excludeResolved": "true",
                "$top": PAGE_SIZE,
                "$skip": page * PAGE_SIZE,
            }
            answer = await self._http.get(place, query, preview=True)
            with reading_answer():
                items = answer.items()
                for item in items:
                    _take(found, item)
            if len(items) < PAGE_SIZE:
                return [FileConflict(path, kind) for path, kind in sorted(found.items())]
        raise BadAnswer("Azure DevOps' list of conflicts does not end")


def _take(found: dict[str, ConflictKind], item: Fields) -> None:
    kind = item.text("conflictType", "")
    if kind != _NO_CONFLICT:
        found.setdefault(item.text("conflictPath"), _KINDS.get(kind, ConflictKind.UNKNOWN))
