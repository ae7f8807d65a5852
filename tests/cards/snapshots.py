"""The files in tests/snapshots: compared with what the code says now, or written anew.

``WRITE_SNAPSHOTS=1 uv run pytest tests/cards`` writes them anew.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.teams_model import OutgoingMessage

FOLDER = Path(__file__).parents[1] / "snapshots"
CARDS, ANSWERS, TEXTS = FOLDER / "cards", FOLDER / "answers", FOLDER / "texts"
VARIABLE = "WRITE_SNAPSHOTS"


def as_snapshot(sent: OutgoingMessage) -> str:
    """A message as it is sent, readable in a diff."""
    return as_json({"text": sent.text, "summary": sent.summary, "card": sent.card})


def as_json(value: Any) -> str:
    """JSON with the letters that people read."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def check(folder: Path, ending: str, found: Mapping[str, str]) -> None:
    """Compare all files of a folder with what they are to hold, by name; or write them anew.

    Raises:
        AssertionError: names what differs, is missing, or is of nothing any more.
    """
    files = {name + ending: text for name, text in found.items()}
    if os.environ.get(VARIABLE) == "1":
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"*{ending}"):
            old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
    kept = {path.name: path.read_text("utf-8") for path in folder.glob(f"*{ending}")}
    for name in sorted(kept.keys() & files.keys()):
        assert kept[name] == files[name], f"{name} differs: if that is meant, set {VARIABLE}=1"
    assert sorted(kept) == sorted(files), f"files are missing or too many: set {VARIABLE}=1"
