"""A pull request by its number: stored, else read from Azure DevOps and stored."""

from sqlmodel import Session

from bot.commands.command import CommandRefused, Invocation
from bot.commands.failures import ANSWER_WITHIN_S
from bot.ports import AzureDevOps, NotFound
from bot.recording import record_snapshot
from bot.workflows.side_by_side import within
from storage.queries import pull_requests
from storage.tables import PullRequestRow, RepositoryRow


async def pull_request_of(
    invocation: Invocation, connection: str, client: AzureDevOps, number: int
) -> tuple[PullRequestRow, RepositoryRow]:
    """The pull request and its repository.

    Raises:
        CommandRefused: If Azure DevOps has none of this number.
        AzureDevOpsError: If it had to be read and could not.
    """
    db, now = invocation.services.db, invocation.services.clock()

    def stored(session: Session) -> tuple[PullRequestRow, RepositoryRow] | None:
        row = pull_requests.by_number(session, connection, number)
        repository = row and session.get(RepositoryRow, (connection, row.repository_id))
        return (row, repository) if row and repository else None

    found = await db.read(stored)
    if found is not None:
        return found
    try:
        snapshot = await within(ANSWER_WITHIN_S, client.pull_request(number))
    except NotFound:
        raise CommandRefused(
            f"There is no pull request {number} in {connection}, or it is hidden from my account."
        ) from None

    def record(session: Session) -> tuple[PullRequestRow, RepositoryRow] | None:
        flap = invocation.services.conflict_flap
        record_snapshot(session, snapshot, cause=invocation.cause, now=now, flap=flap)
        return stored(session)

    found = await db.write(record)
    if found is None:
        raise LookupError(f"pull request {number} of {connection} was not recorded")
    return found
