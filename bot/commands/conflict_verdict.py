"""What ``conflicts N`` answers: the truth about one pull request at this moment."""

from collections.abc import Sequence

from microsoft_teams.cards import Action

from bot.cards.alert_view import FROM_AZURE_DEVOPS
from bot.cards.answers import (
    Tone,
    command_button,
    escape,
    open_url_button,
    text_card,
    time_text,
)
from bot.cards.conflict_alert import named_page
from bot.cards.plain_text import plain
from bot.cards.radar_alert import files_text
from bot.cards.view import PullRequestView
from bot.commands.command import Reply
from bot.commands.pull_request_lists import page
from bot.conflicts.check_now import Verdict
from bot.model import ConflictKind, MergeStatus, PullRequestStatus, branch_name
from storage.queries.conflict_lists import ListedPair
from storage.queries.pull_request_lists import ListedPullRequest

NAME = "conflicts"
MOST_FILES = 10
MOST_COMMITS = 5
TITLE_LENGTH = 80
PATH_LENGTH = 100


def verdict_reply(verdict: Verdict, view: PullRequestView, pairs: Sequence[ListedPair]) -> Reply:
    """The card: what it is now, since when, in which files, and with whom it will conflict."""
    state = verdict.state
    title, tone, lines = _said(verdict, view)
    lines = [f"[{escape(plain(state.title, TITLE_LENGTH))}]({view.page_url()})", *lines]
    lines += [*_file_lines(verdict), *_cause_lines(verdict, view)]
    for pair in pairs:
        other = pair.second if pair.first.number == state.number else pair.first
        lines.append(
            f"It will conflict with {pull_request_link(other)}: whoever completes second will have "
            f"a conflict in {files_text(pair.paths)}."
        )
    buttons: list[Action] = [open_url_button("Open", view.page_url())]
    if verdict.status is MergeStatus.CONFLICTS and state.is_active:
        buttons.append(open_url_button("Conflicts", view.page_url("conflicts")))
    if state.is_active:
        again = f"{state.connection}:{state.number}"
        buttons.append(command_button("Check again", NAME, again))
    return Reply((text_card(title, lines, buttons, tone),))


def _said(verdict: Verdict, view: PullRequestView) -> tuple[str, Tone, list[str]]:
    """Title, colour and what is to be known besides."""
    state, number = verdict.state, verdict.state.number
    if not state.is_active:
        is_done = state.status is PullRequestStatus.COMPLETED
        return f"{number} is {state.status.value}", Tone.GOOD if is_done else Tone.NEUTRAL, []
    target, notes = branch_name(state.target_ref), _reservations(verdict)
    match verdict.status:
        case MergeStatus.CONFLICTS:
            title, tone = f"{number} has conflicts with {target}", Tone.BAD
            if view.conflicts_since is not None:
                notes.append(f"Since {time_text(view.conflicts_since)}")
            if state.auto_complete_by is not None:
                notes.append("Auto-complete is set and will not happen.")
        case MergeStatus.SUCCEEDED:
            title = f"{number} can merge into {target}"
            tone = Tone.WARNING if verdict.is_stale else Tone.GOOD
        case MergeStatus.FAILURE:
            title, tone = f"The trial merge of {number} failed", Tone.WARNING
            notes.append(f"That is no conflict. {escape(verdict.message)}".strip())
        case MergeStatus.REJECTED_BY_POLICY:
            title, tone = f"A policy refused the trial merge of {number}", Tone.WARNING
            notes.append(f"That is no conflict. {escape(verdict.message)}".strip())
        case _:
            title, tone = f"It is not known yet whether {number} can merge", Tone.NEUTRAL
            notes.append("The trial merge is still under way. Please ask again in a moment.")
    return title, tone, notes


def _reservations(verdict: Verdict) -> list[str]:
    """Who says it, where that is not Azure DevOps of the present branches."""
    into = escape(branch_name(verdict.state.target_ref))
    if verdict.is_own:
        return [
            f"Azure DevOps has not merged it with the newest **{into}** yet: this is what my own "
            "trial merge found."
        ]
    if verdict.is_stale:
        return [
            f"**{into}** has moved since Azure DevOps merged it on trial, and I could not try it "
            f"myself: this is what was true before. {escape(verdict.message)}"
        ]
    return []


def _file_lines(verdict: Verdict) -> list[str]:
    """At most ten files and a count, with how they conflict where Azure DevOps says it."""
    if not verdict.files:
        return []
    shown = [
        f"**{escape(plain(one.path.lstrip('/'), PATH_LENGTH))}**"
        + ("" if one.kind is ConflictKind.UNKNOWN else f": {one.kind.value}")
        for one in verdict.files[:MOST_FILES]
    ]
    if len(verdict.files) > MOST_FILES:
        shown.append(f"and {len(verdict.files) - MOST_FILES} more")
    if verdict.files_from != FROM_AZURE_DEVOPS:
        shown.insert(0, "Changed on both sides, so the conflict is among these:")
    return shown


def _cause_lines(verdict: Verdict, view: PullRequestView) -> list[str]:
    """Who changed them on the target: commits, each with its author and a link."""
    if not verdict.cause:
        return []
    told = []
    for commit in verdict.cause[:MOST_COMMITS]:
        name, url = named_page(commit, view)
        author = escape(plain(commit.author_name, PATH_LENGTH))
        said = escape(plain(commit.message.partition("\n")[0], TITLE_LENGTH))
        told.append(f"{author}: [{escape(name)}]({url}) {said}")
    return [f"Changed on {escape(branch_name(verdict.state.target_ref))} by", *told]


def pull_request_link(listed: ListedPullRequest) -> str:
    """Number and title as a link to its page, Markdown."""
    title = escape(plain(f"{listed.number} {listed.title}", TITLE_LENGTH))
    return f"[{title}]({page(listed)})"
