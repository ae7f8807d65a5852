"""A ticket as Markdown: the file on its branch, and the description of its pull request. Pure."""

import re
from collections.abc import Iterable, Sequence

from bot.model import Ticket

DESCRIPTION_MAX = 4000
"""Characters of a pull request's description (Azure DevOps REST); .NET counts UTF-16 units."""
TITLE_MAX = 400
DESCRIPTION_FIELD = "System.Description"
ACCEPTANCE_FIELD = "Microsoft.VSTS.Common.AcceptanceCriteria"

_BULLET = re.compile(
    r"^(?P<indent>\s*)(?:[-*+]|\d{1,3}[.)])\s+(?:\[(?P<done>[ xX])\]\s+)?(?P<text>.*)$"
)
_HIDDEN = re.compile(r"<(script|style|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def ticket_path(number: int) -> str:
    """Where the ticket's file stands in the repository."""
    return f".tickets/{number}.md"


def ticket_markdown(ticket: Ticket) -> str:
    """The whole file: title, link, description, acceptance criteria."""
    heading = f"# {_one_line(ticket.type)} {ticket.number}: {_one_line(ticket.title)}"
    parts = [heading]
    if ticket.web_url:
        parts.append(f"<{ticket.web_url}>")
    description = description_of(ticket)
    if description:
        parts += ["## Description", description]
    criteria = checklist(acceptance_of(ticket))
    if criteria:
        parts += ["## Acceptance criteria", "\n".join(criteria)]
    return "\n\n".join(parts) + "\n"


def pull_request_title(ticket: Ticket) -> str:
    """The ticket's title on one line, cut to what Azure DevOps takes."""
    title = _one_line(ticket.title) or f"Ticket {ticket.number}"
    return title if _units(title) <= TITLE_MAX else _cut(title, TITLE_MAX - 1).rstrip() + "…"


def pull_request_description(ticket: Ticket, limit: int = DESCRIPTION_MAX) -> str:
    """Ticket, acceptance criteria as a checklist, description; at most ``limit`` characters.

    The criteria come before the description, because what is cut is cut at the end.
    """
    note = f"\n\n*Cut here; the whole text is in `{ticket_path(ticket.number)}`.*"
    parts = [f"Ticket #{ticket.number}"]
    criteria = checklist(acceptance_of(ticket))
    if criteria:
        parts.append("## Acceptance criteria\n\n" + "\n".join(criteria))
    description = description_of(ticket)
    if description:
        parts.append("## Description\n\n" + description)
    whole = "\n\n".join(parts)
    if _units(whole) <= limit:
        return whole
    return _cut_at_line(whole, limit - _units(note)) + note


def description_of(ticket: Ticket) -> str:
    """The ticket's description as Markdown."""
    return as_markdown(ticket.description, is_markdown=DESCRIPTION_FIELD in ticket.markdown_fields)


def acceptance_of(ticket: Ticket) -> str:
    """The ticket's acceptance criteria as Markdown."""
    is_markdown = ACCEPTANCE_FIELD in ticket.markdown_fields
    return as_markdown(ticket.acceptance_criteria, is_markdown=is_markdown)


def as_markdown(text: str, *, is_markdown: bool) -> str:
    """A work item's text as Markdown; HTML is converted, its scripts and comments left out."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not is_markdown:
        from markdownify import ATX, markdownify  # noqa: PLC0415  4 MB, for `start ticket` only

        # Azure Boards' editor writes a <div> for each line and &nbsp; for a second space.
        text = markdownify(_HIDDEN.sub("", text), heading_style=ATX, bullets="-")
        text = text.replace("\u00a0", " ")
    lines = (line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def checklist(markdown: str) -> list[str]:
    """Acceptance criteria as lines of a task list, ``- [ ] …``.

    List items become tasks, deeper ones indented below; where there is no list every line is a
    task; lines around a list stay as they are.
    """
    lines = [line for line in markdown.split("\n") if line.strip()]
    if not any(_BULLET.match(line) for line in lines):
        return [f"- [ ] {line.strip()}" for line in lines]
    return list(_tasks(lines))


def _tasks(lines: Sequence[str]) -> Iterable[str]:
    depths: list[int] = []
    for line in lines:
        match = _BULLET.match(line)
        if match is None:
            if depths and line[:1].isspace():
                yield "  " * len(depths) + line.strip()
                continue
            if depths:
                yield ""  # else Markdown takes the line for a part of the item above
            depths = []
            yield line.strip()
            continue
        indent = len(match["indent"].expandtabs(4))
        while depths and indent < depths[-1]:
            depths.pop()
        if not depths or indent > depths[-1]:
            depths.append(indent)
        mark = "x" if (match["done"] or "").lower() == "x" else " "
        yield f"{'  ' * (len(depths) - 1)}- [{mark}] {match['text'].strip()}"


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, limit: int) -> str:
    kept = text.encode("utf-16-le", "surrogatepass")[: max(limit, 0) * 2]
    return kept.decode("utf-16-le", "ignore")


def _cut_at_line(text: str, limit: int) -> str:
    kept = _cut(text, limit)
    line_end = kept.rfind("\n")
    # A last line longer than half of it all is cut in itself: better than losing so much.
    return (kept[:line_end] if line_end > limit // 2 else kept).rstrip()
