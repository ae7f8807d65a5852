"""The alert of a conflict: which files, since when, because of whom, and how to see it locally."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from microsoft_teams.cards import Action, CardElement, RichTextBlock
from microsoft_teams.cards.core import TextColor

from bot.cards.alert_view import FROM_OVERLAP, AlertView
from bot.cards.answers import time_text
from bot.cards.direct import why_button
from bot.cards.parts import (
    Tone,
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
from bot.cards.view import PullRequestView
from bot.model import Commit, FileConflict, branch_name
from bot.notices import texts
from bot.notices.conflict_texts import ended_how
from bot.teams_model import OutgoingMessage

CHECK_COMMAND = "conflicts"
SNOOZE_COMMAND = "snooze conflict"
MOST_FILES = 10
SHORT_COMMIT = 7


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is shown: characters of texts, rows of lists."""

    path: int
    files: int
    commits: int
    subject: int
    branch: int


GENEROUS = Limits(path=160, files=MOST_FILES, commits=5, subject=80, branch=250)
# Only for texts that escape badly on the wire: 12 bytes for each emoji.
TIGHT = Limits(path=80, files=MOST_FILES, commits=3, subject=40, branch=120)
TIGHTEST = Limits(path=40, files=5, commits=1, subject=20, branch=60)


def draw_conflict_alert(alert: AlertView) -> OutgoingMessage:
    """The alert as it is now: red while the conflict goes on, green or grey after.

    In somebody's own chat it has the button that says why it came.
    """
    for limits in (GENEROUS, TIGHT):
        sent = _draw(alert, limits)
        if fits(sent):
            return sent
    return _draw(alert, TIGHTEST)


def _draw(alert: AlertView, limits: Limits) -> OutgoingMessage:
    return _draw_ended(alert, limits) if alert.ended_at else _draw_open(alert, limits)


def _draw_open(alert: AlertView, limits: Limits) -> OutgoingMessage:
    title = f"{_name(alert)} has conflicts with {texts.branch(alert.target_ref)}"
    body: list[CardElement] = [
        header(Tone.BAD, _title(title), *_since(alert)),
        *_files(alert, limits),
        *_cause(alert, limits),
        *_commands(alert, limits),
    ]
    return message(body, [*_buttons(alert), *_why(alert)], summary=title)


def _draw_ended(alert: AlertView, limits: Limits) -> OutgoingMessage:
    assert alert.ended_at is not None
    took = texts.duration(alert.ended_at - alert.began_at)
    target = texts.branch(alert.target_ref)
    if alert.ended_by.is_closing:
        title = f"{_name(alert)} was {alert.ended_by.value}"
        tone, said = Tone.NEUTRAL, f"Conflicts with {target} stood for {took}"
    else:
        title = f"{_name(alert)} merges cleanly again"
        how = ended_how(
            alert.ended_by,
            alert.ended_actor,
            source_ref=alert.view.state.source_ref,
            target_ref=alert.view.state.target_ref,
        )
        tone, said = Tone.GOOD, f"Conflicts with {target} are gone after {took}{how}"
    own = [line(run(_OWN_CLEAN, subtle=True))] if alert.is_own_finding and tone is Tone.GOOD else []
    was = [*_files(alert, limits), *_cause(alert, limits)] if alert.files else []
    body: list[CardElement] = [header(tone, _title(title), line(run(said))), *own, *was]
    buttons = [open_url_button("Open", alert.view.page_url()), *_why(alert)]
    return message(body, buttons, summary=title)


_OWN_CLEAN = "Found by Pullcord's own trial merge; Azure DevOps has not merged on trial again yet."


def _name(alert: AlertView) -> str:
    return texts.pull_request(alert.view.state)


def _title(text: str) -> RichTextBlock:
    return line(run(text, bold=True, size="Medium"))


def _since(alert: AlertView) -> list[CardElement]:
    state = alert.view.state
    repository = state.repository
    where = plain(f"{repository.project_name} / {repository.name}", 120)
    found: list[CardElement] = [
        line(run(f"{where}, pull request {state.number}", subtle=True)),
        markdown(f"Since {time_text(alert.began_at)}"),
    ]
    if state.auto_complete_by is not None:
        found.append(line(run("Auto-complete is set and will not happen", bold=True)))
    if alert.is_own_finding:
        found.append(
            line(
                run(
                    "Pullcord's own finding: Azure DevOps has not merged on trial again since "
                    f"{texts.branch(alert.target_ref)} moved."
                )
            )
        )
    return found


def _files(alert: AlertView, limits: Limits) -> list[CardElement]:
    if not alert.files:
        return [line(run(_without_files(alert), subtle=True), spacing="Medium")]
    count = "1 file" if len(alert.files) == 1 else f"{len(alert.files)} files"
    if alert.files_from == FROM_OVERLAP:
        said = f"Azure DevOps does not name the files; {count} changed on both sides:"
    elif alert.ended_at is not None:
        said = f"{count} had conflicts:"
    else:
        said = f"{count} in conflict:"
    shown = alert.files[: limits.files]
    found: list[CardElement] = [line(run(said, bold=True), spacing="Medium")]
    found += [_file(each, limits) for each in shown]
    if len(alert.files) > len(shown):
        found.append(line(run(f"and {len(alert.files) - len(shown)} more", subtle=True)))
    return found


def _without_files(alert: AlertView) -> str:
    if not alert.is_examined:
        return "The files are not known yet: Azure DevOps could not be asked."
    if alert.files_from == FROM_OVERLAP:
        return "Azure DevOps does not name the files, and no file changed on both sides."
    return "The files are not known: Azure DevOps could not be asked."


def _file(conflict: FileConflict, limits: Limits) -> CardElement:
    path = plain(conflict.path.lstrip("/"), limits.path) or "(no name)"
    return line(run(path, mono=True), run(f"  {conflict.kind.value}", subtle=True))


def _cause(alert: AlertView, limits: Limits) -> list[CardElement]:
    if not alert.cause:
        return []
    shown = alert.cause[: limits.commits]
    branch = texts.branch(alert.target_ref)
    found: list[CardElement] = [line(run(f"Changed on {branch} by:", bold=True), spacing="Medium")]
    found += [_commit(each, alert.view, limits) for each in shown]
    if len(alert.cause) > len(shown):
        found.append(line(run(f"and {len(alert.cause) - len(shown)} more", subtle=True)))
    return found


def _commit(commit: Commit, view: PullRequestView, limits: Limits) -> CardElement:
    color: TextColor = "Accent"
    author = plain(commit.author_name, texts.NAME_LENGTH) or "Somebody"
    subject = plain(commit.message.partition("\n")[0], limits.subject)
    name, url = named_page(commit, view)
    linked = run(name, color=color, mono=not commit.pull_request, url=url)
    return line(run(f"{author}  ", bold=True), linked, run(f"  {subject}"))


def named_page(commit: Commit, view: PullRequestView) -> tuple[str, str]:
    """Name and page of what brought a commit: its pull request, or the commit itself."""
    repository = view.repository_url()
    if commit.pull_request:
        return f"#{commit.pull_request}", f"{repository}/pullrequest/{commit.pull_request}"
    return plain(commit.id, SHORT_COMMIT, ellipsis=""), f"{repository}/commit/{commit.id}"


def _commands(alert: AlertView, limits: Limits) -> list[CardElement]:
    """Whole branch names or none: a command that was cut would do something else."""
    state, view = alert.view.state, alert.view
    if state.fork is not None and not view.fork_url():
        said = "The source branch is in a fork that Azure DevOps does not name."
        return [line(run(said, subtle=True), spacing="Medium")]
    if state.fork is None:
        commands = reproduce_commands(state.source_ref, alert.target_ref)
    else:
        commands = reproduce_fork_commands(
            view.fork_url(), state.source_ref, view.repository_url(), alert.target_ref
        )
    if commands is None or len(commands) > limits.branch * 3:
        return []
    said = "See it locally:" if state.fork is None else "See it locally (the source is in a fork):"
    return [
        line(run(said, bold=True), spacing="Medium"),
        line(run(commands, mono=True)),
    ]


def reproduce_commands(source_ref: str, target_ref: str) -> str | None:
    """The shell commands that show the conflict locally, safe to paste.

    None for names that no terminal should get (a dash in front), or that no card can show as they
    are (invisible characters, card functions).
    """
    source, target = branch_name(source_ref), branch_name(target_ref)
    if not source or not target or source.startswith("-"):
        return None
    return _as_shown(
        f"git fetch origin && git checkout {shlex.quote(source)} && "
        f"git merge {shlex.quote('origin/' + target)}"
    )


def reproduce_fork_commands(
    fork_url: str, source_ref: str, target_url: str, target_ref: str
) -> str | None:
    """The same where the source branch is in a fork; they work in a clone of either.

    Args:
        fork_url: the repository that has the source branch.
        source_ref: the source branch.
        target_url: the repository that the pull request is in.
        target_ref: the target branch.
    """
    if not branch_name(source_ref) or not branch_name(target_ref):
        return None
    return _as_shown(  # whole refs: a name with a dash in front is no option
        f"git fetch {shlex.quote(fork_url)} {shlex.quote(source_ref)} && "
        "git checkout FETCH_HEAD && "
        f"git fetch {shlex.quote(target_url)} {shlex.quote(target_ref)} && git merge FETCH_HEAD"
    )


def _as_shown(commands: str) -> str | None:
    return commands if plain(commands, len(commands)) == commands else None


def _buttons(alert: AlertView) -> Sequence[Action]:
    reference = _reference(alert)
    return [
        open_url_button("Open", alert.view.page_url()),
        open_url_button("Conflicts", alert.view.page_url("conflicts")),
        command_button("Check again", CHECK_COMMAND, reference),
        command_button("Snooze", SNOOZE_COMMAND, reference),
    ]


def _why(alert: AlertView) -> Sequence[Action]:
    if alert.reader is None:
        return []
    return [why_button(f"conflict {alert.reader.value} {_reference(alert)}")]


def _reference(alert: AlertView) -> str:
    state = alert.view.state
    return f"{state.connection}:{state.number}"
