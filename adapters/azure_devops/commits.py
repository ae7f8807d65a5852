"""What lies between two commits: changed files, how many commits, those that changed one file."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import MAX_PAGES, segment
from bot.model import BranchChanges, Commit, PushedCommits
from bot.ports import BadAnswer

PAGE_SIZE = 1000

# The message that Azure DevOps proposes for merge and squash commits.
_MERGED_PULL_REQUEST = re.compile(r"Merged PR ([0-9]{1,10}):")


@dataclass(frozen=True, slots=True)
class _Distance:
    """Two versions and how far they are from each other (Azure DevOps REST, Diffs - Get)."""

    base: str
    common: str
    ahead: int
    behind: int


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

    async def branch_changes(self, repository: str, *, since: str, branch: str) -> BranchChanges:
        """What a branch gained since a commit, and its tip: one call.

        NotFound when the commit or the branch is not there.
        """
        query: dict[str, str | int] = {
            "baseVersion": since,
            "baseVersionType": "commit",
            "targetVersion": branch,
            "targetVersionType": "branch",
            "diffCommonCommit": "true",
            "$top": PAGE_SIZE,
        }
        answer = await self._http.get(f"{_repository(repository)}/diffs/commits", query)
        with reading_answer():
            fields = answer.fields()
            paths = {path for change in fields.objects("changes") for path in _paths(change)}
            return BranchChanges(
                tip=fields.guid("targetCommit"),
                is_ahead=fields.guid("commonCommit", "") == since,
                paths=frozenset(paths) if fields.flag("allChangesIncluded") else None,
            )

    async def pushed_commits(
        self, repository: str, *, old: str, new: str, target_branch: str
    ) -> PushedCommits:
        """What a source branch gained from one commit to another.

        One call, and two more side by side when there are several commits: some may be of the
        target branch, merged into the source.
        """
        moved = await self._distance(repository, old, new)
        if moved.common != old:
            return PushedCommits(old, new, is_rewritten=True)
        # Which of the two counts which side is not documented: here only one side has commits.
        is_ahead = moved.ahead > 0
        count = moved.ahead if is_ahead else moved.behind
        if count > 1:
            now, before = await asyncio.gather(
                self._distance(repository, target_branch, new, base_is="branch"),
                self._distance(repository, target_branch, old, base_is="branch"),
            )
            own = now.ahead - before.ahead if is_ahead else now.behind - before.behind
            count = own if now.base == before.base and 0 < own <= count else 0
        return PushedCommits(old, new, count=count)

    async def _distance(
        self, repository: str, base: str, target: str, *, base_is: str = "commit"
    ) -> _Distance:
        query: dict[str, str | int] = {
            "baseVersion": base,
            "baseVersionType": base_is,
            "targetVersion": target,
            "targetVersionType": "commit",
            "$top": 1,
        }
        answer = await self._http.get(f"{_repository(repository)}/diffs/commits", query)
        with reading_answer():
            fields = answer.fields()
            return _Distance(
                base=fields.guid("baseCommit"),
                common=fields.guid("commonCommit", ""),
                ahead=fields.number("aheadCount"),
                behind=fields.number("behindCount"),
            )

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
