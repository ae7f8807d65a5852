"""Pull requests: reading, listing, creating, reviewers, work items and status checks."""

from collections.abc import Sequence
from datetime import datetime

from adapters.azure_devops.calls import Calls, reading_answer
from adapters.azure_devops.fields import FieldError, Fields
from adapters.azure_devops.http import MAX_PAGES, segment
from adapters.azure_devops.mapping import pull_request
from bot.links import trusted_url
from bot.model import Check, PullRequestSnapshot, PullRequestStatus, SnapshotSource
from bot.ports import BadAnswer

PAGE_SIZE = 100
"""The service's own default; how much more it allows is not documented."""


class PullRequestCalls(Calls):
    """Calls about pull requests. Numbers are unique in the organisation or collection."""

    async def pull_request(self, number: int) -> PullRequestSnapshot:
        """The whole pull request, its description uncut."""
        as_of = self._clock()
        answer = await self._http.get(f"_apis/git/pullrequests/{number}")
        with reading_answer():
            return self._snapshot(answer.fields(), as_of)

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
        place = f"{segment(project, 'project')}/_apis/git"
        if repository is not None:
            place += f"/repositories/{segment(repository, 'repository')}"
        criteria: dict[str, str | int] = {
            "searchCriteria.status": status.value if status is not None else "all"
        }
        if source_ref is not None:
            criteria["searchCriteria.sourceRefName"] = source_ref
        if target_ref is not None:
            criteria["searchCriteria.targetRefName"] = target_ref
        found = await self._paged(f"{place}/pullrequests", criteria, top)
        return sorted(found.values(), key=lambda item: item.number, reverse=True)[:top]

    async def pull_request_tickets(self, repository: str, number: int) -> Sequence[int]:
        """Numbers of the work items linked to a pull request."""
        answer = await self._http.get(f"{_path(repository, number)}/workitems")
        with reading_answer():
            return [_ticket_number(item) for item in answer.items()]

    async def pull_request_labels(self, repository: str, number: int) -> Sequence[str]:
        """Names of the labels that a pull request has now.

        Source: Azure DevOps REST, Pull Request Labels - List.
        """
        answer = await self._http.get(f"{_path(repository, number)}/labels", preview=True)
        with reading_answer():
            return [
                item.text("name")
                for item in answer.items()
                if item.flag("active") or not item.has("active")
            ]

    async def pull_request_checks(
        self, project: str, repository: str, number: int
    ) -> Sequence[Check]:
        """The latest status of each context. Links to other hosts are left out."""
        place = f"{segment(project, 'project')}/{_path(repository, number)}/statuses"
        answer = await self._http.get(place)
        latest: dict[str, tuple[int, Check]] = {}
        with reading_answer():
            for item in answer.items():
                check, made = self._check(item), item.number("id")
                if made >= latest.get(check.name, (0, check))[0]:
                    latest[check.name] = (made, check)
        return [check for _, check in latest.values()]

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
        """Post a status; the latest of its genre and name counts.

        Args:
            repository: GUID.
            number: of the pull request.
            state: succeeded, failed, pending, notApplicable, error or notSet.
            description: one sentence.
            target_url: where somebody who clicks on it is taken; "" for nowhere.
            name: with ``genre`` the context, what a branch policy is set up for.
            genre: see ``name``.
            iteration: number of the iteration that it is about, 0 for the pull request as a whole.
                A branch policy that resets statuses by new commits looks at the newest iteration
                only (Azure Repos, "Configure a branch policy for an external service").

        Raises:
            Forbidden: the pull request is not active, or the credential may not.
        """
        status: dict[str, object] = {
            "state": state,
            "description": description,
            "context": {"name": name, "genre": genre},
        }
        if target_url:
            status["targetUrl"] = target_url
        if iteration:
            status["iterationId"] = iteration
        await self._http.post(f"{_path(repository, number)}/statuses", status)

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
        as_of = self._clock()
        wanted = {
            "sourceRefName": source_ref,
            "targetRefName": target_ref,
            "title": title,
            "description": description,
            "isDraft": is_draft,
            "reviewers": [{"id": reviewer_id} for reviewer_id in reviewer_ids],
            "workItemRefs": [{"id": str(number)} for number in ticket_numbers],
        }
        place = f"_apis/git/repositories/{segment(repository, 'repository')}/pullrequests"
        answer = await self._http.post(place, wanted)
        with reading_answer():
            return self._snapshot(answer.fields(), as_of)

    async def add_reviewer(
        self, repository: str, number: int, identity_id: str, *, required: bool = False
    ) -> None:
        """Ask somebody for a review, without a vote."""
        place = f"{_path(repository, number)}/reviewers/{segment(identity_id, 'reviewer')}"
        await self._http.put(place, {"id": identity_id, "vote": 0, "isRequired": required})

    async def _paged(
        self, path: str, criteria: dict[str, str | int], top: int | None
    ) -> dict[int, PullRequestSnapshot]:
        """All pages by ``$top`` and ``$skip``, by number: one made meanwhile moves the pages."""
        found: dict[int, PullRequestSnapshot] = {}
        for page in range(MAX_PAGES):
            size = PAGE_SIZE if top is None else min(PAGE_SIZE, top - len(found))
            as_of = self._clock()
            query = {**criteria, "$top": size, "$skip": page * PAGE_SIZE}
            answer = await self._http.get(path, query)
            with reading_answer():
                items = answer.items()
                for item in items:
                    snapshot = self._snapshot(item, as_of, is_summary=True)
                    found.setdefault(snapshot.number, snapshot)
            if len(items) < size or (top is not None and len(found) >= top):
                return found
        raise BadAnswer("Azure DevOps' list of pull requests does not end")

    def _snapshot(
        self, fields: Fields, as_of: datetime, *, is_summary: bool = False
    ) -> PullRequestSnapshot:
        return pull_request(
            fields,
            connection=self.connection,
            as_of=as_of,
            source=SnapshotSource.REST,
            base_url=self.base_url,
            is_summary=is_summary,
        )

    def _check(self, fields: Fields) -> Check:
        context = fields.object("context")
        genre, name = context.text("genre", ""), context.text("name", "")
        return Check(
            name=f"{genre}/{name}" if genre else name,
            state=fields.text("state", "notSet"),
            description=fields.text("description", ""),
            target_url=trusted_url(fields.text("targetUrl", ""), self.base_url),
            run=f"status/{fields.number('id')}",
        )


def _path(repository: str, number: int) -> str:
    return f"_apis/git/repositories/{segment(repository, 'repository')}/pullRequests/{number}"


def _ticket_number(reference: Fields) -> int:
    number = reference.text("id")
    if not (number.isascii() and number.isdecimal() and len(number) <= 10):
        raise FieldError(f"{reference.path}.id is not a work item's number")
    return int(number)
