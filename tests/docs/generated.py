"""The parts of the documentation that are made from the code.

``uv run python -m tests.docs.generated`` writes them anew.
"""

import re
from pathlib import Path

from pydantic import SecretStr

from bot.commands.catalogue import REGISTRY
from bot.commands.registry import markdown_reference
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "commands.md"
REWRITE = "uv run python -m tests.docs.generated"


def command_table() -> str:
    """One row per chat command, for the README."""
    rows = (f"| `{_cell(each.usage)}` | {_cell(each.summary)} |" for each in REGISTRY.commands)
    return "\n".join(("| say | what happens |", "|---|---|", *rows))


def settings_table() -> str:
    """One row per setting, for the README."""
    rows = (
        f"| `PULLCORD_{name.upper()}` | {_default(field.default)} "
        f"| {_cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    )
    return "\n".join(("| setting | default | meaning |", "|---|---|---|", *rows))


def readme(text: str) -> str:
    """The README with its made parts as they must be."""
    text = _replace(text, "commands", command_table())
    return _replace(text, "settings", settings_table())


def commands_document() -> str:
    """docs/commands.md."""
    return markdown_reference(REGISTRY)


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", ()) else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _replace(text: str, name: str, made: str) -> str:
    marks = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
    found, count = marks.subn(lambda match: f"{match[1]}\n{made}\n\n{match[2]}", text)
    assert count == 1, f"README.md has no place for the {name}"
    return found


if __name__ == "__main__":
    README.write_text(readme(README.read_text("utf-8")), "utf-8")
    COMMANDS.write_text(commands_document(), "utf-8")
