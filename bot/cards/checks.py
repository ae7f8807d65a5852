"""The checks of a pull request on its card: how many stand how, then those that need somebody."""

from collections.abc import Sequence

from microsoft_teams.cards import CardElement, RichTextBlock, TextRun
from microsoft_teams.cards.core import TextColor

from bot.cards.parts import line, run
from bot.cards.plain_text import plain
from bot.cards.view import PullRequestView
from bot.checks import is_failed, is_running
from bot.links import trusted_url
from bot.model import Check, CheckKind

DESCRIPTION_LENGTH = 80
FAILED: tuple[str, TextColor] = ("✗", "Attention")
RUNNING: tuple[str, TextColor] = ("◔", "Warning")
PASSED: tuple[str, TextColor] = ("✓", "Good")


def check_counts(checks: Sequence[Check]) -> list[TextRun]:
    """``Checks: ✗ 1 failed  ✓ 2 passed``: the verdicts of machines; nothing when there are none.

    Only the marks have colours: words in yellow or green cannot be read on white.
    """
    failed = [check for check in checks if is_failed(check)]
    running = [check for check in checks if is_running(check)]
    passed = [
        check
        for check in checks
        if check.kind is not CheckKind.POLICY and check.state == "succeeded"
    ]
    parts = [
        *_count(failed, FAILED, "failed"),
        *_count(running, RUNNING, "running"),
        *_count(passed, PASSED, "passed"),
    ]
    return [run("Checks: "), *parts] if parts else []


def check_lines(view: PullRequestView, *, rows: int, name_length: int) -> list[CardElement]:
    """Those that failed and run, each with the way to it, and the policies that are not met.

    Nothing of it matters any more once the pull request is closed.
    """
    if not view.state.is_active or not view.checks:
        return []
    failed = [check for check in view.checks if is_failed(check)]
    running = [check for check in view.checks if is_running(check)]
    shown = [*failed, *running][:rows]
    lines: list[CardElement] = [_check(check, view.base_url, name_length) for check in shown]
    more = len(failed) + len(running) - len(shown)
    if more > 0 and rows:
        lines.append(line(run(f"and {more} more checks", subtle=True), spacing="None"))
    return [*lines, *_policies(view.checks, rows=rows, name_length=name_length)]


def _check(check: Check, base_url: str, name_length: int) -> RichTextBlock:
    """The link only where it leads to the connection's own host."""
    has_failed = is_failed(check)
    mark, color = FAILED if has_failed else RUNNING
    name = plain(check.name, name_length)
    says = plain(check.description, DESCRIPTION_LENGTH) or ("failed" if has_failed else "running")
    required = [run(" required", bold=True)] if check.is_blocking else []
    return line(
        run(f"{mark} ", color=color, bold=True),
        run(name, url=trusted_url(check.target_url, base_url)),
        *required,
        run(f"  {says}", subtle=True),
        spacing="None",
    )


def _policies(checks: Sequence[Check], *, rows: int, name_length: int) -> list[CardElement]:
    """What completing waits for beside machines: reviewers, comments, linked tickets."""
    unmet = [
        check
        for check in checks
        if check.kind is CheckKind.POLICY and check.is_blocking and check.state != "succeeded"
    ]
    if not unmet or not rows:
        return []
    names = ", ".join(plain(check.name, name_length) for check in unmet[:rows])
    more = len(unmet) - rows
    names += f" and {more} more" if more > 0 else ""
    return [line(run("Not met yet: ", subtle=True), run(names), spacing="None")]


def _count(checks: Sequence[Check], shown: tuple[str, TextColor], word: str) -> list[TextRun]:
    mark, color = shown
    if not checks:
        return []
    return [run(f"{mark} ", color=color, bold=True), run(f"{len(checks)} {word}  ")]
