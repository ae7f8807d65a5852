"""What lies between two commits: changed files, and the commits that changed one."""

import re
from collections.abc import Iterator, Sequence

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import MAX_PAGES, segment
from bot.model import Commit
from bot.ports import BadAnswer

PAGE_SIZE = 1000

# The message that Azure DevOps proposes for merge and squash commits.
_MERGED_PULL_REQUEST = re.compile(r"Merged PR ([0-9]{1,10}):")


class CommitCalls(Calls):
    """Calls about commits and the differences between them."""

    async def changed_files(self, repository: str, base: str, target: str) -> Sequence[str]:
        """Paths that differ between the merge base of two commits and ``target``, sorted.

        A renamed file counts with both its names. Folders are left out.
        """
        query: dict[str, str | int] = {
            "baseVersion": base,
            "baseVersionType": "commit",
            "targetVersion": target,
            "targetVersionType": "commit",
            "diffCommonCommit": "true",
            "$top": PAGE_SIZE,
        }
        paths: set[str] = set()
        received = 0
        for _ in range(MAX_PAGES):
            answer = await self._http.get(
                f"{_repository(repository)}/diffs/commits", {**query, "$skip": received}
            )
            with reading_answer():
                fields = answer.fields()
                changes = list(fields.objects("changes"))
                for change in changes:
                    paths.update(_paths(change))
            received += len(changes)
            # How many a page may hold is not documented: only these two say that it was the last.
            if not changes or fields.flag("allChangesIncluded"):
                return sorted(paths)
        raise BadAnswer("Azure DevOps' list of changed files does not end")

    async def commits_on_path(
        self, repository: str, path: str, *, since: str, until: str, top: int = 10
    ) -> Sequence[Commit]:
        """Commits reachable from ``until`` and not from ``since`` that touched a path ("": any).

        Newest first, along the first parents: a merged pull request is one commit, the one that
        brought it to the branch. NotFound when a commit or the path is not known any more.
        """
        query: dict[str, str | int] = {
            **({"searchCriteria.itemPath": path} if path else {}),
            "searchCriteria.itemVersion.version": since,
            "searchCriteria.itemVersion.versionType": "commit",
            "searchCriteria.compareVersion.version": until,
            "searchCriteria.compareVersion.versionType": "commit",
            "searchCriteria.historyMode": "firstParent",
            "searchCriteria.$top": top,
        }
        answer = await self._http.get(f"{_repository(repository)}/commits", query)
        with reading_answer():
            return [_commit(item) for item in answer.items()][:top]


def _repository(repository: str) -> str:
    return f"_apis/git/repositories/{segment(repository, 'repository')}"


def _paths(change: Fields) -> Iterator[str]:
    item = change.object("item")
    if item.flag("isFolder") or item.text("gitObjectType", "blob") == "tree":
        return
    yield item.text("path")
    # A rename names where it came from in either field, depending on the version.
    for key in ("originalPath", "sourceServerItem"):
        if came_from := change.text(key, ""):
            yield came_from


def _commit(item: Fields) -> Commit:
    author, message = item.object("author"), item.text("comment", "")
    merged = _MERGED_PULL_REQUEST.match(message)
    return Commit(
        id=item.guid("commitId"),
        author_name=author.text("name", ""),
        message=message,
        at=author.moment("date"),
        pull_request=int(merged.group(1)) if merged else 0,
    )
