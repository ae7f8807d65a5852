"""Every recorded body of a folder is understood, or set aside with a reason.

The folder: PULLCORD_PAYLOADS, else the one beside the project. Without one these
tests are skipped; they add to the fixtures, which cover every family.
"""

import os
import re
from pathlib import Path

import pytest

from adapters.azure_devops.payloads import PARSERS, parse_hook
from bot.model import (
    BuildHook,
    CommentHook,
    PullRequestHook,
    Pushed,
    RepositoryHook,
    TestHook,
    TicketHook,
    UnusedHook,
)
from bot.ports import PayloadError

PROJECT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("PULLCORD_PAYLOADS", PROJECT.parent / "shared" / "payloads"))
FILES = sorted(FOLDER.glob("**/*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason="no folder of recorded payloads is here")

USED: dict[str, type] = {
    "git.pullrequest.created": PullRequestHook,
    "git.pullrequest.updated": PullRequestHook,
    "git.pullrequest.merged": PullRequestHook,
    "ms.vss-code.git-pullrequest-comment-event": CommentHook,
    "git.push": Pushed,
    "git.repo.renamed": RepositoryHook,
    "git.repo.deleted": RepositoryHook,
    "workitem.created": TicketHook,
    "workitem.updated": TicketHook,
    "workitem.commented": TicketHook,
    "build.complete": BuildHook,
}

# First groups of the GUIDs by which the Test button's sample is told.
SAMPLE_IDS = re.compile(
    rb"(c12d0eb8|f844ec47|4bc14d40|278d5cd2|03c164c2|2ab4e3d3|af07be1b|6872ee8c|4a5d99d6"
    rb"|d2d46fb1|27646e0e|fb2617ed)(?=-)"
)
ids = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def test_the_table_has_every_kind_that_is_used() -> None:
    assert USED.keys() == PARSERS.keys()


@ids
def test_a_recorded_body_is_understood_or_set_aside(path: Path) -> None:
    kind = path.name.split("__")[0]
    try:
        hook = parse_hook(path.read_bytes(), "acme")
    except PayloadError as error:
        assert kind in USED
        assert re.search(r"is (missing|not)", str(error))
    else:
        assert isinstance(hook, TestHook | USED.get(kind, UnusedHook))


@ids
def test_a_sample_under_other_ids_is_read_like_a_real_body(path: Path) -> None:
    """Else the samples would show nothing but that they are samples."""
    kind = path.name.split("__")[0]
    raw = SAMPLE_IDS.sub(b"0a0a0a0a", path.read_bytes())
    try:
        hook = parse_hook(raw, "acme")
    except PayloadError as error:
        trimmed = ("unit-test-partial", "BuildWithParametersCommand", "ms-docs-2018-data")
        assert any(part in str(path) for part in trimmed), error
    else:
        assert isinstance(hook, USED.get(kind, UnusedHook))
