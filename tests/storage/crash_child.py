"""A process that writes and says what was acknowledged, until it is killed."""

import asyncio
import os
import sys
from itertools import count

from sqlmodel import Session

from storage import audit, enqueue
from storage.engine import Database
from tests.storage.samples import NOW, new_hook

PRODUCERS = 16


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # in one piece, and at once


async def store_hooks(db: Database, prefix: str, producer: int) -> None:
    for number in count():
        key = f"hook/{prefix}/{producer}/{number}"
        await db.store_hook(new_hook(key, os.urandom(500).hex().encode()))
        say(key)


async def queue_messages(db: Database, prefix: str, producer: int) -> None:
    for number in count():
        key = f"message/{prefix}/{producer}/{number}"

        def write(session: Session, key: str = key) -> None:
            enqueue.message(session, key=key, payload={}, now=NOW, conversation_id=f"c{producer}")
            audit.append(session, at=NOW, actor="a", action="queued", subject=key)

        await db.write(write)
        say(key)


async def main(url: str, prefix: str) -> None:
    async with Database.open(url) as db, asyncio.TaskGroup() as group:
        for producer in range(PRODUCERS):
            group.create_task(store_hooks(db, prefix, producer))
            group.create_task(queue_messages(db, prefix, producer))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
