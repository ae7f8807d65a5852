"""``start ticket N [in REPO] [from BRANCH] [no pr] [anyway]``."""

from dataclasses import dataclass, replace

from microsoft_teams.cards import Action
from sqlmodel import Session

from bot.cards.answers import (
    Tone,
    choice_card,
    command_button,
    escape,
    open_url_button,
    text_card,
)
from bot.commands.command import Command, Invocation, Reply, UsageError
from bot.commands.failures import explain
from bot.commands.text import Reference, Word, parse_ticket, split_words
from bot.identities import actor_of
from bot.links import trusted_url
from bot.model import branch_name
from bot.workflows.start_ticket import start_ticket
from bot.workflows.start_ticket_types import (
    Outcome,
    Refusal,
    RepositoryWanted,
    StartedTicket,
    StartRefused,
    StartTicketRequest,
    Step,
    StepReport,
)
from storage import audit
from storage.tables import Connection

REASON_LENGTH = 1_200

FLAGS = (("no", "pr"), ("without", "pr"), ("anyway",))

LABELS = {
    Step.BRANCH: "Branch",
    Step.FILE: "Ticket file",
    Step.PULL_REQUEST: "Draft pull request",
    Step.REVIEWER: "Reviewer",
    Step.ASSIGNED: "Assigned to",
    Step.STATE: "State",
    Step.LINKS: "Links in Azure DevOps",
}
MARKS = {
    Outcome.DONE: "✅",
    Outcome.WAS_THERE: "☑️",
    Outcome.LEFT_OUT: "➖",
    Outcome.NOT_DONE: "❌",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered."""

    ticket: Reference
    repository: str = ""
    base_branch: str = ""
    wants_pull_request: bool = True
    anyway: bool = False

    def arguments(self, repository: str = "", *, anyway: bool = False) -> str:
        """The words that give this order again, with changes."""
        number = self.ticket.number
        words = [
            self.ticket.url or f"{self.ticket.connection}:{number}".lstrip(":"),
            _clause("in", repository or self.repository),
            _clause("from", self.base_branch),
            "" if self.wants_pull_request else "no pr",
            "anyway" if anyway or self.anyway else "",
        ]
        return " ".join(word for word in words if word)


def parse(arguments: str) -> Order:
    """The ticket first; the other parts in any order.

    Raises:
        UsageError: With one sentence that says what is not right.
    """
    words = split_words(arguments)
    if not words:
        raise UsageError("Say which ticket, by number or address.")
    ticket = parse_ticket(words[0].text)
    given: dict[str, str] = {}
    flags: set[tuple[str, ...]] = set()
    rest = words[1:]
    while rest:
        flag = next((each for each in FLAGS if _begins(rest, each)), None)
        if flag is not None:
            flags.add(flag)
            rest = rest[len(flag) :]
            continue
        keyword = rest[0].key
        if keyword not in ("in", "from"):
            raise UsageError(f"I do not know what “{rest[0].text[:60]}” is to mean here.")
        if keyword in given:
            raise UsageError(f"“{keyword}” was given twice.")
        name, rest = _name(rest[1:])
        if not name:
            wanted = "a repository" if keyword == "in" else "a branch"
            raise UsageError(f"After “{keyword}” comes {wanted}.")
        given[keyword] = name
    return Order(
        ticket=ticket,
        repository=given.get("in", ""),
        base_branch=branch_name(given.get("from", "")),
        wants_pull_request=not flags & {("no", "pr"), ("without", "pr")},
        anyway=("anyway",) in flags,
    )


async def run(invocation: Invocation, order: Order) -> Reply:
    """Start the ticket and tell what was done."""
    services = invocation.services
    result = await start_ticket(
        services,
        StartTicketRequest(
            ticket=order.ticket.number,
            asker=invocation.person,
            conversation_id=invocation.conversation.id,
            cause=invocation.cause,
            connection=order.ticket.connection,
            url=order.ticket.url,
            repository=order.repository,
            base_branch=order.base_branch,
            wants_pull_request=order.wants_pull_request,
            anyway=order.anyway,
        ),
    )
    if isinstance(result, RepositoryWanted):
        return _ask_repository(result, order)
    if isinstance(result, StartRefused):
        await _audit_refusal(invocation, result)
        return _refused(result, order)
    connection = await services.db.read(lambda s: s.get(Connection, result.connection))
    return _started(result, order, connection.base_url if connection else "")


def _begins(words: list[Word], flag: tuple[str, ...]) -> bool:
    return tuple(word.key for word in words[: len(flag)]) == flag


def _name(words: list[Word]) -> tuple[str, list[Word]]:
    """The words up to the next keyword: names of repositories may have spaces."""
    taken: list[str] = []
    for index, word in enumerate(words):
        is_keyword = word.key in ("in", "from") or any(
            _begins(words[index:], flag) for flag in FLAGS
        )
        if is_keyword and taken:
            return " ".join(taken), words[index:]
        taken.append(word.text)
    return " ".join(taken), []


def _clause(keyword: str, name: str) -> str:
    if not name:
        return ""
    is_plain = not any(character.isspace() for character in name)
    return f"{keyword} {name}" if is_plain else f'{keyword} "{name}"'


async def _audit_refusal(invocation: Invocation, refused: StartRefused) -> None:
    """Who tried to start what, and why it was not done."""
    now = invocation.services.clock()
    subject = f"conversation/{invocation.conversation.id}"
    after = {"command": COMMAND.name, "ticket": refused.ticket, "reason": refused.message}

    def record(session: Session) -> None:
        audit.append(
            session,
            at=now,
            actor=actor_of(invocation.person),
            action="command.refused",
            subject=subject,
            after=after,
            cause=invocation.cause,
        )

    await invocation.services.db.write(record)


def _ask_repository(wanted: RepositoryWanted, order: Order) -> Reply:
    card = choice_card(
        f"In which repository is ticket {wanted.ticket} to be started?",
        [escape(wanted.reason), "`use REPOSITORY` sets one for this conversation."],
        [(name, _quoted(name)) for name in wanted.names],
        command=COMMAND.name,
        arguments=order.arguments("{choice}"),
    )
    return Reply((card,))


def _quoted(name: str) -> str:
    return f'"{name}"' if any(character.isspace() for character in name) else name


def _refused(refused: StartRefused, order: Order) -> Reply:
    buttons: list[Action] = []
    if refused.ticket_url:
        buttons.append(open_url_button("Open ticket", refused.ticket_url))
    if refused.refusal is Refusal.FINISHED:
        again = order.arguments(anyway=True)
        buttons.append(command_button("Start anyway", COMMAND.name, again))
    elif refused.refusal is Refusal.TAKEN:
        again = order.arguments(anyway=True)
        buttons.append(command_button("Take it over", COMMAND.name, again))
    elif refused.refusal in (Refusal.RUNNING, Refusal.UNAVAILABLE):
        buttons.append(command_button("Try again", COMMAND.name, order.arguments()))
    for name in refused.suggestions:
        buttons.append(command_button(f"In {name}", COMMAND.name, order.arguments(name)))
    if not buttons:
        buttons.append(command_button("Help", "help", COMMAND.name))
    title = f"Ticket {refused.ticket} is not started"
    why = explain(refused.error) if refused.error else refused.message
    card = text_card(title, [escape(why, REASON_LENGTH)], buttons, Tone.WARNING)
    return Reply((card,))


def _started(started: StartedTicket, order: Order, base_url: str) -> Reply:
    lines = [f"**{escape(started.repository)}**"]
    lines += [_line(report) for report in started.steps]
    buttons: list[Action] = []
    if started.failure:
        lines += [
            f"Why: {escape(started.failure)}",
            "What is done stays. Continue when the reason is gone; nothing is made twice.",
        ]
        again = order.arguments(started.repository if not order.repository else "")
        buttons.append(command_button("Continue", COMMAND.name, again))
    page = trusted_url(started.pull_request_url, base_url)
    if page:
        buttons.append(open_url_button("Open pull request", page))
    ticket_page = trusted_url(started.ticket_url, base_url)
    if ticket_page:
        buttons.append(open_url_button("Open ticket", ticket_page))
    if not order.wants_pull_request and not started.failure:
        with_one = replace(order, wants_pull_request=True, base_branch="")
        arguments = with_one.arguments(started.repository)
        buttons.append(command_button("Draft pull request", COMMAND.name, arguments))
    if started.pull_request and not started.failure:
        target = f"{started.connection}:{started.pull_request}"
        buttons.append(command_button("Sync", "sync pr", target))
    return Reply((text_card(_title(started), lines, buttons, _tone(started)),))


def _title(started: StartedTicket) -> str:
    what = f"Ticket {started.ticket}"
    if started.failure:
        done = any(each.outcome is not Outcome.NOT_DONE for each in started.steps)
        return f"{what} is only partly started" if done else f"{what} is not started"
    name = f"{what}: {started.title}" if started.title else what
    return f"Started {name}" if started.is_new else f"Started already: {name}"


def _tone(started: StartedTicket) -> Tone:
    if started.failure:
        return Tone.BAD
    return Tone.GOOD if started.is_new else Tone.NEUTRAL


def _line(report: StepReport) -> str:
    label, detail = LABELS[report.step], escape(report.detail)
    if report.outcome is Outcome.NOT_DONE:
        return f"{MARKS[report.outcome]} {label}: not done"
    if report.step is Step.STATE and report.outcome is Outcome.WAS_THERE:
        detail += " (left as it is)"
    elif report.outcome is Outcome.WAS_THERE:
        detail = f"{detail} (was there already)".lstrip()
    if report.outcome is Outcome.LEFT_OUT:
        detail = f"left out: {detail}"
    return f"{MARKS[report.outcome]} {label}" + (f": {detail}" if detail else "")


COMMAND = Command(
    name="start ticket",
    usage="start ticket NUMBER [in REPOSITORY] [from BRANCH] [no pr] [anyway]",
    summary="Make branch, ticket file and draft pull request for a ticket, and move it on.",
    examples=(
        "start ticket 123",
        "start ticket 123 in shop from release/2.0",
        "start ticket AB#123 no pr",
    ),
    parse=parse,
    run=run,
    is_slow=True,
    details=(
        "Creates the branch, pushes `.tickets/NUMBER.md`, opens a draft pull request with a "
        "reviewer, assigns the ticket to you and moves it to work in progress. Say it again when "
        "something failed: it goes on where it stopped, and takes what is there already. `anyway` "
        "takes a ticket over from somebody else, or starts one that is finished. Nothing is ever "
        "merged or completed."
    ),
)
