"""The updates of a pull request, and who pushed a commit."""

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import Fields
from adapters.azure_devops.http import segment
from bot.model import Iteration


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

    async def pusher_of(self, repository: str, commit: str) -> str:
        """Name of the person who pushed a commit, or committed it where that is not said."""
        answer = await self._http.get(
            f"{_repository(repository)}/commits/{segment(commit, 'commit')}"
        )
        with reading_answer():
            fields = answer.fields()
            push = fields.optional_object("push")
            pusher = push.optional_object("pushedBy") if push else None
            if pusher is not None and (name := pusher.text("displayName", "")):
                return name
            committer = fields.optional_object("committer")
            return committer.text("name", "") if committer else ""


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
