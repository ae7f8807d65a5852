"""Lines that somebody types."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

PROMPT = "pullcord> "
ENDINGS = ("quit", "exit", "q")


async def lines() -> AsyncIterator[str]:
    """Each line without blanks around it, until ``quit`` or the end of input."""
    while True:
        line = await _next_line()
        if line is None or line.strip() in ENDINGS:
            return
        if line.strip():
            yield line.strip()


async def _next_line() -> str | None:
    """One line, None at the end of input.

    Read in a thread that nobody waits for: after Ctrl-C it still hangs in its read, and one of
    asyncio's own threads would hold up the end until somebody presses Enter.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str | None] = loop.create_future()

    def tell(line: str | None) -> None:
        if not typed.done():
            typed.set_result(line)

    def read() -> None:
        try:
            line: str | None = input(PROMPT)
        except EOFError:
            line = None
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody wants the line
            loop.call_soon_threadsafe(tell, line)

    threading.Thread(target=read, name="input", daemon=True).start()
    return await typed
