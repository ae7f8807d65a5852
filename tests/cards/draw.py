"""Draws every card of tests/snapshots as Microsoft's own renderer does.

``uv run python -m tests.cards.draw [--to FOLDER] [NAME …]`` writes pictures at phone and desktop
width, in Teams' light and dark theme, and names texts that are cut or too faint to read.
``--docs`` writes the pictures of the documentation anew. It needs npm (it gets the renderer
and Teams' host configuration, https://www.npmjs.com/package/adaptivecards-designer) and Chromium,
and says so where one is missing.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cards.browser import Browser, chromium
from tests.cards.documentation import PICTURES, Picture
from tests.cards.snapshots import ANSWERS, CARDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = Path(__file__).with_name("page.html")
PACKAGES = ("adaptivecards@3.0.6", "adaptivecards-designer@2.4.4", "markdown-it@14")
INSTALL = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps")
MARGIN = 16
WIDTHS = {"phone": 328, "desktop": 640}
"""Pixels of the message itself: a phone has 360, a channel of a desktop some more than 640."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours around the card; Teams' own are in the designer's styles and host configuration."""

    name: str
    background: str
    foreground: str
    bubble: str


THEMES = (
    Theme("light", "#f5f5f5", "#242424", "#ffffff"),
    Theme("dark", "#1f1f1f", "#ffffff", "#292929"),
)


def main() -> int:
    """Draw; 1 when a text cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m tests.cards.draw", description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "dist" / "cards", help="the folder")
    parser.add_argument("--docs", action="store_true", help="the documentation's pictures only")
    parser.add_argument("names", nargs="*", help="snapshots whose names begin so; none: all")
    asked = parser.parse_args()
    npm, browser = shutil.which("npm"), chromium()
    if npm is None or browser is None:
        missing = "npm" if npm is None else "Chromium (Debian: apt-get install chromium)"
        print(f"Skipped: {missing} is not installed, so no card was drawn.")
        return 0
    with tempfile.TemporaryDirectory(prefix="cards-") as folder:
        work = Path(folder)
        subprocess.run([npm, *INSTALL, "--prefix", folder, *PACKAGES], check=True, stdout=2)
        pages = {theme.name: _page(work, theme) for theme in THEMES}
        drawn = asyncio.run(_draw(browser, work, pages, asked))
    print(f"{drawn.pictures} pictures in {drawn.folder}")
    for trouble in drawn.troubles:
        print(trouble, file=sys.stderr)
    return 1 if drawn.troubles else 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of it."""

    pictures: int
    folder: Path
    troubles: list[str]


async def _draw(
    browser: str, work: Path, pages: dict[str, Path], asked: argparse.Namespace
) -> Drawn:
    folder: Path = DOCS if asked.docs else asked.to
    pictures = list(PICTURES if asked.docs else _all(tuple(asked.names)))
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # nobody waits for this loop
    troubles = []
    async with Browser.open(browser, work / "profile") as opened:
        for theme, page in pages.items():
            await opened.show(page)
            for picture in pictures:
                if picture.theme != theme:
                    continue
                messages, width = json.dumps(picture.messages()), picture.width
                found = await opened.value(f"draw({messages}, {width})")
                size = width + 2 * MARGIN, found["height"] + 2 * MARGIN
                png = await opened.picture(*size, scale=picture.scale)
                (folder / f"{picture.name}.png").write_bytes(png)
                troubles += [f"{picture.name}: {each}" for each in found["troubles"]]
    return Drawn(len(pictures), folder, troubles)


def _all(names: tuple[str, ...]) -> Iterator[Picture]:
    for path in sorted((*CARDS.glob("*.json"), *ANSWERS.glob("*.json"))):
        if names and not path.name.startswith(names):
            continue
        for theme in THEMES:
            for place, width in WIDTHS.items():
                name = f"{path.stem}.{place}.{theme.name}"
                yield Picture(name, theme.name, width, ((path.stem, ""),))


def _page(work: Path, theme: Theme) -> Path:
    """The page that draws in one theme, with everything that it needs."""
    modules = work / "node_modules"
    designer = modules / "adaptivecards-designer"
    config: dict[str, Any] = json.loads(
        (designer / "lib" / "hostConfigs" / f"microsoft-teams-{theme.name}.json").read_text("utf-8")
    )
    colors = config["containerStyles"]["default"]["foregroundColors"]
    values = {
        "STYLES": designer / "dist" / "containers" / f"teams-container-{theme.name}.css",
        "CARDS": modules / "adaptivecards" / "dist" / "adaptivecards.min.js",
        "MARKDOWN": next((modules / "markdown-it" / "dist").rglob("markdown-it*.min.js")),
        "HOSTCONFIG": json.dumps(config),
        "ACCENT": _css_color(colors["accent"]["default"]),
        "BACKGROUND": theme.background,
        "FOREGROUND": theme.foreground,
        "BUBBLE": theme.bubble,
    }
    html = PAGE.read_text("utf-8")
    for name, value in values.items():
        html = html.replace(name, str(value), 1)
    page = work / f"{theme.name}.html"
    page.write_text(html, "utf-8")
    return page


def _css_color(color: str) -> str:
    """``#aarrggbb`` of a host configuration as ``#rrggbb``."""
    return f"#{color[-6:]}"


if __name__ == "__main__":
    sys.exit(main())
