"""The documents, and what they hold."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.docs.generated import README, ROOT

DOCUMENTS = (README, *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_PLACEHOLDER = re.compile(r"[…\[\]|]")


def code_lines(document: Path) -> list[str]:
    """Lines of code blocks, continued lines joined."""
    return _code_lines(document.read_text("utf-8"))


def code_lines_between(document: Path, begin: str, end: str) -> list[str]:
    """The same of the part between two headings."""
    text = document.read_text("utf-8")
    return _code_lines(text[text.index(f"\n{begin}\n") : text.index(f"\n{end}\n")])


def _code_lines(text: str) -> list[str]:
    blocks = _BLOCK.findall(text)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def quoted(document: Path) -> list[str]:
    """What stands between backticks in the text, over line ends too."""
    prose = _BLOCK.sub("", document.read_text("utf-8"))
    return _SPAN.findall(re.sub(r"(?<=\S)\n(?=\S)", " ", prose))


def links(document: Path) -> list[str]:
    """Where links and pictures lead."""
    return _LINK.findall(_BLOCK.sub("", document.read_text("utf-8")))


def command_lines(document: Path) -> Iterator[list[str]]:
    """The words after ``pullcord`` of every command line that is named."""
    for text in (*code_lines(document), *quoted(document)):
        before, name, after = text.partition("pullcord ")
        is_command = name and before.strip() in ("", "uv run", "export PULLCORD_SECRET_KEY=$(")
        if is_command or before.endswith("/bin/"):
            yield shlex.split(_PLACEHOLDER.sub(" ", after.rstrip(")")))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
