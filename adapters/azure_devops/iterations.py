"""The updates of a pull request, and who moved a branch."""

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import segment
from bot.model import Iteration

LAST_PUSHES = 10


class IterationCalls(Calls):
    """Calls about who moved what, and how often."""

    async def latest_iteration(self, repository: str, number: int) -> Iteration | None:
        """The newest iteration of a pull request, None when it has none.

        A push to the source branch makes one, and so does another target; a push to the target
        does not (Azure DevOps REST, Pull Request Iterations - List).
        """
        place = f"{_repository(repository)}/pullRequests/{number}/iterations"
        answer = await self._http.get(place)
        with reading_answer():
            found = [_iteration(item) for item in answer.items()]
        return max(found, key=lambda one: one.number, default=None)

    async def who_moved(self, repository: str, ref: str, commit: str) -> str:
        """Name of the person whose push made a branch point at a commit, "" if not found.

        Looked for among the branch's last pushes (Azure DevOps REST, Pushes - List). Who pushed
        the commit first may be somebody else: a branch can be forced back to it.
        """
        query: dict[str, str | int] = {
            "searchCriteria.refName": ref,
            "searchCriteria.includeRefUpdates": "true",
            "$top": LAST_PUSHES,
        }
        answer = await self._http.get(f"{_repository(repository)}/pushes", query)
        with reading_answer():
            for push in answer.items():
                moved = {
                    (update.text("name", ""), update.text("newObjectId", ""))
                    for update in push.objects("refUpdates")
                }
                if (ref, commit) in moved:
                    pusher = push.optional_object("pushedBy")
                    return pusher.text("displayName", "") if pusher is not None else ""
        return ""


def _repository(repository: str) -> str:
    return f"_apis/git/repositories/{segment(repository, 'repository')}"


def _iteration(item: Fields) -> Iteration:
    author = item.optional_object("author")
    source = item.optional_object("sourceRefCommit")
    return Iteration(
        number=item.number("id"),
        source_commit=source.guid("commitId", "") if source else "",
        author_name=author.text("displayName", "") if author else "",
    )
