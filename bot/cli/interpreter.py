"""How the interpreter is set up for a process that serves: threads' turns, memory, collections."""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Coroutine
from typing import Any

THREAD_TURN_S = 0.0005  # the event loop need not wait long for the database's writer thread
M_TRIM_THRESHOLD, M_TOP_PAD = -1, -2
COLLECT_EVERY = 2_000  # new objects; Python's 700 come with every few webhooks


def set_up() -> None:
    """Before anything runs."""
    sys.setswitchinterval(THREAD_TURN_S)
    _give_memory_back()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run ``main`` on the fastest event loop that there is."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop  # noqa: PLC0415  no other command needs it

        uvloop.run(main)


def settle() -> None:
    """Once everything runs: what stays for good is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 20, 50)


def _give_memory_back() -> None:
    """Let the C library return what was freed, where it is glibc.

    Left to itself it raises the size from which it does so, and keeps a megabyte for good
    (mallopt(3)).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    mallopt(M_TRIM_THRESHOLD, 128 * 1024)
    mallopt(M_TOP_PAD, 16 * 1024)
