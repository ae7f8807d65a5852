"""Waiting on a condition that nothing announces."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.01


async def eventually(
    holds: Callable[[], bool | Awaitable[bool]],
    *,
    within_s: float = 20.0,
    why_not: Callable[[], object] = str,
) -> None:
    """Look until it holds.

    Raises AssertionError after ``within_s`` seconds, with what ``why_not`` says then.
    """
    try:
        async with asyncio.timeout(within_s):
            while True:
                seen = holds()
                if await seen if inspect.isawaitable(seen) else seen:
                    return
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s: {why_not()}") from None
