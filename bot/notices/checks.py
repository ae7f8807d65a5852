"""What is said of checks that fail or pass again. All of it is plain text."""

from collections.abc import Mapping

from bot.cards.plain_text import plain
from bot.changes import ChecksFailed, ChecksFixed
from bot.pull_request_state import PullRequestState

CHECK_LENGTH = 60
MOST_NAMES = 3


def checks_failed(change: ChecksFailed, _: PullRequestState, __: Mapping[str, str]) -> str:
    """Below the card: which ones."""
    verb = "still fails" if change.again else "failed"
    if len(change.names) > 1:
        verb = "still fail" if change.again else "failed"
    return f"{_named(change.names)} {verb}"


def checks_fixed(change: ChecksFixed, _: PullRequestState, __: Mapping[str, str]) -> str:
    """Below the card: which ones passed, and that nothing fails any more."""
    passes = "passes" if len(change.names) == 1 else "pass"
    return f"{_named(change.names)} {passes} again: no check fails any more"


def _named(names: tuple[str, ...]) -> str:
    shown = ", ".join(plain(name, CHECK_LENGTH) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    noun = "The check" if len(names) == 1 else "The checks"
    return f"{noun} {shown}" + (f" and {more} more" if more > 0 else "")
