"""Branch names from a template and a ticket, and a ticket's number back from a branch name.

A name made here is always one that git takes (rules of git-check-ref-format(1)), whatever the
template and the ticket's title hold.
"""

import re
from functools import lru_cache

DEFAULT_TEMPLATE = "feature/{id}-{slug}"
PLACEHOLDERS = ("type", "id", "slug", "user")
SLUG_MAX_BYTES = 100
WORD_MAX_BYTES = 40
NAME_MAX_BYTES = 240
"""Servers keep a ref as a file path; with ``refs/heads/`` this stays under 255 bytes."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\]\\{}\"'<>|#%&]+")
"""What git forbids in a ref, and what shells, URLs and Windows make trouble with."""


def check_template(template: str) -> None:
    """Raise ValueError with one sentence when branches cannot be named by this template."""
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{word}}}" for word in PLACEHOLDERS)
            raise ValueError(f"The branch template knows {known}, not {{{name}}}.")
    if "{id}" not in template:
        raise ValueError("The branch template needs {id}, the number of the ticket.")


def branch_for(template: str, *, ticket: int, type_: str, title: str, user: str) -> str:
    """The branch's name (without ``refs/heads/``) for a ticket.

    ``user`` is the mail of the person who starts it; its part before the @ is used.
    """
    values = {
        "id": str(ticket),
        "type": _slug(type_, WORD_MAX_BYTES),
        "slug": _slug(title, SLUG_MAX_BYTES),
        "user": _slug(user.partition("@")[0], WORD_MAX_BYTES),
    }
    filled = _PLACEHOLDER.sub(lambda match: values.get(match[1], ""), template)
    return valid_branch_name(filled) or str(ticket)


def valid_branch_name(text: str) -> str:
    """``text`` with everything left out that git does not take; may be empty.

    The rules: git-check-ref-format(1), and no leading dash (git-branch(1)).
    """
    parts = (_valid_part(part) for part in text.encode("ascii", "ignore").decode().split("/"))
    name = "/".join(part for part in parts if part)
    while len(name) > NAME_MAX_BYTES:
        name = "/".join(filter(None, map(_valid_part, name[:NAME_MAX_BYTES].split("/"))))
    return name.removeprefix("refs/heads/")


def ticket_of_branch(template: str, branch: str) -> int | None:
    """The ticket's number that the template put into a branch name, None when it does not fit."""
    match = _reader(template).fullmatch(branch)
    return int(match["id"]) if match else None


def _valid_part(part: str) -> str:
    part = _FORBIDDEN.sub("-", part).replace("@{", "@")
    part = re.sub(r"\.{2,}", ".", part)
    part = re.sub(r"-{2,}", "-", part)
    while True:
        cut = part.strip(".-_@").removesuffix(".lock")
        if cut == part:
            return part
        part = cut


def _slug(text: str, max_bytes: int) -> str:
    from slugify import slugify  # noqa: PLC0415  5 MB of tables, for `start ticket` only

    # ASCII letters, digits and dashes only, so that characters are bytes.
    return slugify(text[:1000], max_length=max_bytes, word_boundary=True, save_order=True)


@lru_cache(maxsize=64)
def _reader(template: str) -> re.Pattern[str]:
    pattern = ""
    rest = template if "{id}" in template else DEFAULT_TEMPLATE
    seen_id = False
    for literal, name in re.findall(r"([^{}]*)(?:\{([^{}]*)\})?", rest):
        if name == "slug":
            # A title without a single letter leaves no slug, and the dash before it goes too.
            separator = literal[-1:] if literal[-1:] in "-_." else ""
            head = literal[: len(literal) - len(separator)]
            pattern += f"{re.escape(head)}(?:{re.escape(separator)}[^/]*)?"
            continue
        pattern += re.escape(literal)
        if name == "id":
            pattern += r"\d{1,10}" if seen_id else r"(?P<id>\d{1,10})"
            seen_id = True
        elif name:
            pattern += "[^/]*"
    return re.compile(pattern, re.ASCII)
