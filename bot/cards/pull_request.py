"""The living card of a pull request."""

from collections.abc import Sequence
from dataclasses import dataclass

from microsoft_teams.cards import (
    Action,
    CardElement,
    Column,
    ColumnSet,
    Container,
    RichTextBlock,
    TextRun,
)
from microsoft_teams.cards.core import TextColor

from bot.cards.answers import time_text
from bot.cards.checks import check_counts, check_lines
from bot.cards.direct import WHY_COMMAND, WHY_TITLE
from bot.cards.parts import (
    command_button,
    fits,
    header,
    line,
    markdown,
    message,
    open_url_button,
    run,
)
from bot.cards.plain_text import plain
from bot.cards.standing import Standing, standing
from bot.cards.view import PullRequestView
from bot.model import MergeStatus, Reviewer, Vote, branch_name
from bot.notices import texts
from bot.teams_model import OutgoingMessage

SYNC_COMMAND = "sync pr"
NUDGE_COMMAND = "nudge"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is shown: characters of texts, rows of lists."""

    title: int
    branch: int
    name: int
    reviewers: int
    tickets: int
    checks: int


GENEROUS = Limits(title=200, branch=120, name=60, reviewers=8, tickets=6, checks=5)
# Only for texts that escape badly on the wire: 12 bytes for each emoji of a title.
TIGHT = Limits(title=100, branch=80, name=40, reviewers=5, tickets=2, checks=2)
TIGHTEST = Limits(title=60, branch=40, name=20, reviewers=3, tickets=1, checks=0)

_VOTES: dict[Vote, tuple[str, TextColor | None, str]] = {
    Vote.APPROVED: ("✓", "Good", "approved"),
    Vote.APPROVED_WITH_SUGGESTIONS: ("✓", "Good", "approved with suggestions"),
    Vote.NONE: ("○", None, "no vote yet"),
    Vote.WAITING_FOR_AUTHOR: ("◔", "Warning", "waits for the author"),
    Vote.REJECTED: ("✗", "Attention", "rejected"),
}
_MERGE_LINES = {
    MergeStatus.SUCCEEDED: "Merges cleanly",
    MergeStatus.CONFLICTS: "Has merge conflicts",
    MergeStatus.REJECTED_BY_POLICY: "Merge rejected by a policy",
    MergeStatus.FAILURE: "Merge could not be tried",
    MergeStatus.NOT_SET: "Merge not tried yet",
}


def draw_pull_request(view: PullRequestView) -> OutgoingMessage:
    """The card of what is known now, never larger than Teams takes."""
    stands = standing(view)
    for limits in (GENEROUS, TIGHT):
        sent = _draw(view, stands, limits)
        if fits(sent):
            return sent
    return _draw(view, stands, TIGHTEST)


def _draw(view: PullRequestView, stands: Standing, limits: Limits) -> OutgoingMessage:
    body: list[CardElement] = [
        _header(view, stands, limits),
        _people_and_branches(view, limits),
        *_reviewers(view, limits),
        *_tickets(view, limits),
        *_merge_and_checks(view, limits),
        *check_lines(view, rows=limits.checks, name_length=limits.name),
        _age(view),
    ]
    return message(body, _buttons(view), summary=_summary(view, stands))


def _summary(view: PullRequestView, stands: Standing) -> str:
    name = texts.pull_request(view.state)
    if view.waits_for_viewer:
        return f"Your review is asked for: {name}"
    return f"{name} by {texts.name_of(view.state.author)}: {stands.sentence}"


def _header(view: PullRequestView, stands: Standing, limits: Limits) -> Container:
    state = view.state
    repository = state.repository
    where = plain(f"{repository.project_name} / {repository.name}", limits.name * 2)
    title = plain(state.title, limits.title) or "(no title)"
    top = ColumnSet(
        columns=[
            Column(width="stretch", items=[line(run(f"{where}  #{state.number}", subtle=True))]),
            Column(width="auto", items=[line(run(stands.label, bold=True))]),
        ]
    )
    heading = line(run(title, bold=True, size="Large"))  # a link's colour is faint on red
    says = line(run(stands.sentence, bold=True))
    since = [markdown(f"Since {time_text(stands.since)}")] if stands.since else []
    return header(stands.tone, top, heading, says, *since, url=view.page_url())


def _people_and_branches(view: PullRequestView, limits: Limits) -> RichTextBlock:
    state = view.state
    return line(
        run(plain(texts.name_of(state.author), limits.name), bold=True),
        run("   "),
        run(plain(branch_name(state.source_ref), limits.branch), mono=True),
        run(" → ", subtle=True),
        run(plain(branch_name(state.target_ref), limits.branch), mono=True),
        spacing="Medium",
    )


def _reviewers(view: PullRequestView, limits: Limits) -> list[CardElement]:
    """Required ones first; in each group those who voted down, are waited for, approved."""
    everyone = sorted(view.state.reviewers, key=lambda r: (not r.required, int(r.vote)))
    lines: list[CardElement] = [
        _reviewer(reviewer, limits) for reviewer in everyone[: limits.reviewers]
    ]
    more = len(everyone) - len(lines)
    if more > 0:
        lines.append(line(run(f"and {more} more reviewers", subtle=True), spacing="None"))
    return lines


def _reviewer(reviewer: Reviewer, limits: Limits) -> RichTextBlock:
    mark, color, says = _VOTES[reviewer.vote]
    if reviewer.declined and reviewer.vote is Vote.NONE:
        mark, says = "–", "declined"
    required = [run(" required", bold=True)] if reviewer.required else []
    return line(
        run(f"{mark} ", color=color, bold=True),
        run(plain(texts.name_of(reviewer.identity), limits.name)),
        *required,
        run(f"  {says}", subtle=True),
        spacing="None",
    )


def _tickets(view: PullRequestView, limits: Limits) -> list[CardElement]:
    shown = view.tickets[: limits.tickets]
    lines: list[CardElement] = []
    for ticket in shown:
        title = plain(ticket.title, limits.name)
        name = f"#{ticket.number} {title}".rstrip()
        state = plain(ticket.state, limits.name // 2)
        runs = [run("Ticket ", subtle=True), run(name, url=view.ticket_url(ticket))]
        lines.append(line(*runs, *([run(f"  {state}", subtle=True)] if state else [])))
    more = len(view.tickets) - len(shown)
    if more > 0:
        lines.append(line(run(f"and {more} more tickets", subtle=True), spacing="None"))
    return lines


def _merge_and_checks(view: PullRequestView, limits: Limits) -> list[CardElement]:
    runs: list[TextRun] = []
    if view.state.is_active:
        own = view.own_finding
        runs.append(run(_MERGE_LINES[own.status if own else view.state.merge_status]))
    if view.checks:
        counts = check_counts(view.checks)
        runs += [run("  ·  ", subtle=True)] if runs and counts else []
        runs += counts
    return [line(*runs)] if runs else []


def _age(view: PullRequestView) -> CardElement:
    """A moment that stays true, and an age that bot.card_ages keeps true."""
    state = view.state
    opened = f"Opened {time_text(state.created_at)}"
    if state.closed_at is not None:
        lived = texts.duration(state.closed_at - state.created_at)
        return markdown(f"{opened}, open for {lived}", subtle=True)
    age = texts.age_in_days(state.created_at, view.now)
    return markdown(f"{opened}, {age} old" if age else opened, subtle=True)


def _buttons(view: PullRequestView) -> Sequence[Action]:
    """Open and Sync always; between them the next likely steps."""
    state = view.state
    buttons: list[Action] = [open_url_button("Open", view.page_url())]
    if view.has_conflicts:
        buttons.append(open_url_button("Conflicts", view.page_url("conflicts")))
    elif state.is_active and not state.is_draft and view.reviews_pending:
        buttons.append(open_url_button("Review", view.page_url("files")))
        buttons += _nudge(view)
    if view.tickets:
        ticket = view.tickets[0]
        buttons.append(open_url_button(f"Ticket {ticket.number}", view.ticket_url(ticket)))
    buttons.append(command_button("Sync", SYNC_COMMAND, f"{state.connection}:{state.number}"))
    if view.viewers or view.is_own_chat:
        buttons.append(command_button(WHY_TITLE, WHY_COMMAND, f"{state.connection}:{state.number}"))
    return buttons


def _nudge(view: PullRequestView) -> Sequence[Action]:
    """For the author: in his own chat, and in conversations, where one card is for all."""
    state = view.state
    is_for_others = view.viewers and state.author.id not in view.viewers
    if is_for_others or all(reviewer.identity.is_group for reviewer in view.reviews_pending):
        return ()
    return (command_button("Nudge", NUDGE_COMMAND, f"{state.connection}:{state.number}"),)
