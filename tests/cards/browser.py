"""A headless Chromium that shows one page and takes pictures of it.

Spoken to by the Chrome DevTools Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import base64
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # a container's root may not make the sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en-GB",
    "--remote-debugging-port=0",
)
LISTENS = re.compile(rb"DevTools listening on ws://([^/]+)/")
LARGEST_MESSAGE = 64 * 2**20
LOADED = (
    "new Promise(done => document.readyState === 'complete' ? done() "
    ": addEventListener('load', () => done()))"
)


def chromium() -> str | None:
    """The program, if there is one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass(frozen=True, slots=True)
class Browser:
    """The open browser; ``socket`` leads to its one page."""

    socket: aiohttp.ClientWebSocketResponse
    numbers: "count[int]"

    @staticmethod
    @asynccontextmanager
    async def open(program: str, profile: Path) -> AsyncIterator["Browser"]:
        """Start it, and end it afterwards.

        Raises:
            RuntimeError: it did not start.
        """
        process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env={"TZ": "UTC", "HOME": str(profile.parent), "PATH": "/usr/bin:/bin"},
        )
        reading = None
        try:
            assert process.stderr is not None  # it is a pipe
            place = await _place(process.stderr)
            reading = asyncio.create_task(process.stderr.read())  # so that it never waits for us
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://{place}/json/list") as answer:
                    pages = await answer.json()
                url = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
                async with session.ws_connect(url, max_msg_size=LARGEST_MESSAGE) as socket:
                    yield Browser(socket, count(1))
        finally:
            process.terminate()
            await process.wait()
            if reading is not None:
                await reading

    async def show(self, page: Path) -> None:
        """Open a file and wait until it is there with all its scripts."""
        await self._ask("Page.navigate", url=page.as_uri())
        await self._ask("Runtime.evaluate", expression=LOADED, awaitPromise=True)

    async def value(self, script: str) -> Any:
        """What a script's expression gives.

        Raises:
            RuntimeError: the script failed.
        """
        answer = await self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"]["value"]

    async def picture(self, width: float, height: float, *, scale: float = 1) -> bytes:
        """The page from its top left, as PNG."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        answer = await self._ask(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        return base64.b64decode(answer["data"])

    async def _ask(self, method: str, **values: Any) -> dict[str, Any]:
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": values})
        while True:
            answer = await self.socket.receive_json()
            if answer.get("id") == number:
                break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result


async def _place(stderr: asyncio.StreamReader) -> str:
    while line := await stderr.readline():
        if found := LISTENS.search(line):
            return found[1].decode()
    raise RuntimeError("Chromium ended without saying where it listens")
