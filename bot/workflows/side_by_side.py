"""Independent calls at the same time, with one plain error when one fails."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, TypeVar

from bot.ports import Unreachable

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


async def side_by_side(
    first: Coroutine[Any, Any, A],
    second: Coroutine[Any, Any, B],
    third: Coroutine[Any, Any, C],
    fourth: Coroutine[Any, Any, D],
) -> tuple[A, B, C, D]:
    """Run four calls at the same time; the first failure cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            one = group.create_task(first)
            two = group.create_task(second)
            three = group.create_task(third)
            four = group.create_task(fourth)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return one.result(), two.result(), three.result(), four.result()


async def within(seconds: float, call: Awaitable[A]) -> A:
    """The call's result, or Unreachable when Azure DevOps takes longer than people wait."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError:
        raise Unreachable(
            f"Azure DevOps cannot be reached: no answer within {seconds:.0f} seconds."
        ) from None


async def first_failure_ends_all(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all at the same time; the first failure cancels the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
