"""What is said of a branch whose build breaks or is fixed. All of it is plain text."""

from datetime import datetime

from bot.builds import BAD, Turn
from bot.cards.plain_text import plain
from bot.model import Build
from bot.notices import texts

DEFINITION_LENGTH = 80
NUMBER_LENGTH = 60

_RESULTS = {
    "succeeded": "succeeded",
    "partiallySucceeded": "succeeded in part",
    "failed": "failed",
    "canceled": "was canceled",
}


def build_turned(build: Build, turn: Turn, *, since: datetime | None) -> str:
    """``web-ci broke on main: build 20261120.3 failed (for Maya Sample)``."""
    definition = plain(build.definition, DEFINITION_LENGTH) or f"Pipeline {build.definition_id}"
    branch = texts.branch(build.source_ref)
    number = plain(build.number, NUMBER_LENGTH) or str(build.id)
    if turn is Turn.BROKEN:
        whose = f" (for {texts.name_of(build.requested_for)})" if build.requested_for else ""
        return f"{definition} is broken on {branch}: build {number} failed{whose}"
    lasted = f" after {texts.duration(build.finished_at - since)}" if since else ""
    return f"{definition} is fixed on {branch}{lasted}: build {number} succeeded"


def build_result(build: Build, *, is_last: bool = True) -> str:
    """``web-ci succeeded on main: build 20261120.4 (for Maya Sample)``, which is no turn.

    ``is_last`` False: a newer one of the branch has ended before.
    """
    definition = plain(build.definition, DEFINITION_LENGTH) or f"Pipeline {build.definition_id}"
    number = plain(build.number, NUMBER_LENGTH) or str(build.id)
    whose = f" (for {texts.name_of(build.requested_for)})" if build.requested_for else ""
    how = "failed again" if is_last and build.result in BAD else _RESULTS.get(build.result, "ended")
    which = "build" if is_last else "the earlier build"
    return f"{definition} {how} on {texts.branch(build.source_ref)}: {which} {number}{whose}"


def build_key(conversation_id: str, connection: str, build: Build) -> str:
    """Each end of a build is told once in each conversation, however often its webhook comes.

    What it did to its branch is not in it: a turn that is heard of again is none any more.
    """
    place = f"{connection}/{build.definition_id}/{build.source_ref}"
    return f"build:{conversation_id}:{place}:{build.id}:{build.finished_at.isoformat()}"
