"""One run of "start ticket": what is done so far, and recording each further step at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.ports import AzureDevOps
from bot.services import Services
from bot.workflows.place import Place
from bot.workflows.start_ticket_types import Outcome, StartTicketRequest, Step, StepReport
from storage import audit
from storage.queries import workflow_runs

Also = Callable[[Session, datetime], None]
"""What is stored together with a step."""


class Run:
    """The steps of one ticket's start in one repository. Only its claimer may use it."""

    def __init__(
        self,
        services: Services,
        azure: AzureDevOps,
        place: Place,
        request: StartTicketRequest,
        claimed: workflow_runs.Claimed,
    ) -> None:
        self.services = services
        self.azure = azure
        self.place = place
        self.request = request
        self.id = claimed.run_id
        self.was_done = claimed.was_done
        self.steps: dict[str, dict[str, Any]] = dict(claimed.steps)
        self.inputs: dict[str, Any] = dict(claimed.inputs)

    @property
    def repository_id(self) -> str:
        """The repository's GUID."""
        return self.place.repository.id

    @property
    def branch(self) -> str:
        """The branch, once it is chosen."""
        return str(self.inputs.get("branch", ""))

    @property
    def base(self) -> str:
        """The branch to start from: as ordered, else as ordered the last time, else empty."""
        return self.request.base_branch or str(self.inputs.get("base", ""))

    def is_done(self, step: Step) -> bool:
        """Whether this step is recorded."""
        return step in self.steps

    def made(self, step: Step, key: str) -> Any:
        """What a recorded step made, None when it is not recorded."""
        return self.steps.get(step, {}).get(key)

    async def record(
        self,
        step: Step,
        outcome: Outcome,
        detail: str = "",
        *,
        made: dict[str, Any] | None = None,
        also: Also | None = None,
        before: dict[str, Any] | None = None,
        **inputs: Any,
    ) -> None:
        """Store a step as done, with its audit entry and what belongs to it, in one transaction."""
        entry = {"outcome": str(outcome), "detail": detail, **(made or {})}
        now = self.services.clock()
        connection = self.place.connection.name

        def store(session: Session) -> None:
            workflow_runs.record_step(session, self.id, {str(step): entry}, now=now, **inputs)
            audit.append(
                session,
                at=now,
                actor=self.request.actor,
                action=f"start_ticket.{step}",
                connection=connection,
                subject=f"ticket/{connection}/{self.request.ticket}",
                before=before,
                after=entry,
                cause=self.request.cause,
            )
            if also is not None:
                also(session, now)

        await self.services.db.write(store)
        self.steps[str(step)] = entry
        self.inputs.update(inputs)

    async def forget(self, *steps: Step) -> None:
        """What these steps made is gone: do them again."""
        names = [str(step) for step in steps if step in self.steps]
        if not names:
            return
        now = self.services.clock()
        await self.services.db.write(
            lambda s: workflow_runs.forget_steps(s, self.id, names, now=now)
        )
        for name in names:
            del self.steps[name]

    async def finish(self, state: str, failure: str = "") -> None:
        """Let the run go, so that anybody may continue it."""
        now = self.services.clock()
        await self.services.db.write(
            lambda s: workflow_runs.finish(s, self.id, state=state, failure=failure, now=now)
        )

    def reports(self) -> tuple[StepReport, ...]:
        """Every step as people are told it; those that are not wanted are left out."""
        unwanted = () if self.request.wants_pull_request else (Step.PULL_REQUEST, Step.REVIEWER)
        found = []
        for step in Step:
            entry = self.steps.get(str(step))
            if entry is not None:
                found.append(StepReport(step, Outcome(entry["outcome"]), entry["detail"]))
            elif step not in unwanted:
                found.append(StepReport(step, Outcome.NOT_DONE))
        return tuple(found)
