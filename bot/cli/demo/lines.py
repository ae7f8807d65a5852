"""Lines that somebody types."""

import asyncio
from collections.abc import AsyncIterator

ENDINGS = ("quit", "exit", "q")


async def lines() -> AsyncIterator[str]:
    """Each line without blanks around it, until ``quit`` or the end of input."""
    while True:
        try:
            line = (await asyncio.to_thread(input, "pullcord> ")).strip()
        except EOFError:
            return
        if line in ENDINGS:
            return
        if line:
            yield line
