"""What one can do in the sandbox Azure DevOps by typing a line: ``vote 1 10 as jonas``."""

import re
from collections.abc import Awaitable, Callable, Mapping

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import SandboxProject, SandboxRepository

HELP = """\
Do things in Azure DevOps:
  open TITLE as jonas            a pull request; two of them conflict
  vote N 10|5|0|-5|-10 as jonas    comment N TEXT as maya    complete N as priya
  publish N as priya               abandon N as maya"""

MORE_TICKETS = {
    124: ("Bug", "The total is wrong for an empty basket"),
    125: ("Task", "Show the shipping cost in the basket"),
}

_OPEN = re.compile(r"open\s+(?P<title>.+?)\s+as\s+(?P<who>\w+)")
_ACT = re.compile(
    r"(?P<verb>vote|comment|complete|publish|abandon)\s+(?P<number>\d+)(?:\s+(?P<rest>.*?))?"
    r"\s+as\s+(?P<who>\w+)"
)


class NotDone(Exception):
    """The line was understood and could not be done; ``str()`` says why."""


class Acts:
    """Does what a line says, as one of the sample people.

    Args:
        board: the sandbox.
        repository: where pull requests are opened.
        people: by the name that is typed; everybody but the author reviews what is opened.
        sweep: compares all open pull requests now. Azure DevOps sends no service hook when a draft
            is published, and nobody at a prompt waits five minutes to see it.
    """

    def __init__(
        self,
        board: AzureDevOpsSandbox,
        repository: SandboxRepository,
        people: Mapping[str, SandboxIdentity],
        sweep: Callable[[], Awaitable[object]],
    ) -> None:
        self._board = board
        self._repository = repository
        self._people = people
        self._sweep = sweep

    async def do(self, line: str) -> bool:
        """Do it; False when the line is none of these.

        Raises:
            NotDone: there is nobody of that name, or the sandbox refuses.
        """
        opened = _OPEN.fullmatch(line)
        found = opened or _ACT.fullmatch(line)
        if found is None:
            return False
        who = found["who"].lower()
        if who not in self._people:
            raise NotDone(f"there is nobody called {who}; there are {', '.join(self._people)}")
        person = self._people[who]
        try:
            if opened:
                await self._open(opened["title"], person)
            else:
                await self._act(found["verb"], int(found["number"]), found["rest"] or "", person)
        except Exception as error:  # whatever the sandbox refuses is told, and the prompt goes on
            raise NotDone(f"Azure DevOps (sandbox) refuses: {error}") from error
        return True

    async def _open(self, title: str, author: SandboxIdentity) -> None:
        branch = f"feature/sample-{len(self._board.pull_requests) + 1}"
        change = {"checkout.py": f"def total(prices):\n    return sum(prices)  # {branch}\n"}
        await self._board.commit(self._repository, branch, change, author, title)
        await self._board.create_pull_request(
            self._repository,
            author,
            branch,
            title=title,
            reviewers=[person for person in self._people.values() if person is not author],
        )

    async def _act(self, verb: str, number: int, rest: str, person: SandboxIdentity) -> None:
        board = self._board
        match verb:
            case "vote":
                await board.vote(number, person, int(rest or 10))
            case "comment":
                await board.comment(number, person, rest or "Looks good to me.")
            case "complete":
                await board.complete(number, person)
            case "publish":
                await board.publish(number, person)
                await self._sweep()
            case _:
                await board.abandon(number, person)


def add_more_tickets(board: AzureDevOpsSandbox, project: SandboxProject) -> None:
    """Tickets that wait to be started."""
    for number, (kind, title) in MORE_TICKETS.items():
        board.add_work_item(project, kind, title, number=number)
