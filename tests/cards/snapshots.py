"""The files in tests/snapshots: compared with what the code says now, or written anew.

``WRITE_SNAPSHOTS=1 uv run pytest tests/cards`` writes them anew.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.teams_model import OutgoingMessage

FOLDER = Path(__file__).parents[1] / "snapshots"
CARDS, ANSWERS, TEXTS = FOLDER / "cards", FOLDER / "answers", FOLDER / "texts"
FAILURES = FOLDER / "failures"
VARIABLE = "WRITE_SNAPSHOTS"


def as_snapshot(sent: OutgoingMessage) -> str:
    """A message as it is sent, readable in a diff."""
    return as_json({"text": sent.text, "summary": sent.summary, "card": sent.card})


def as_json(value: Any) -> str:
    """JSON with the letters that people read."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


BASE = "https://dev.azure.com/contoso"


def neutral(text: str, sandbox_url: str) -> str:
    """Without what is different each time: addresses of the sandbox, commits, ids."""
    text = text.replace(sandbox_url, BASE)
    text = re.sub(r"http://127\.0\.0\.1:\d+[^\s\"')]*", BASE, text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID", text)
    return re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", text)


def check_one(path: Path, text: str) -> None:
    """Compare one file with what it is to hold; or write it anew.

    Raises:
        AssertionError: it differs or is missing.
    """
    if os.environ.get(VARIABLE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.is_file(), f"{path.name} is missing: set {VARIABLE}=1"
    assert path.read_text("utf-8") == text, (
        f"{path.name} differs: if that is meant, set {VARIABLE}=1"
    )


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
