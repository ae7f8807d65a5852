"""The bare repositories on disk, and the one thread that touches them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import pygit2

P = ParamSpec("P")
T = TypeVar("T")


class GitStore:
    """Opens repositories by id and runs functions on them.

    A ``pygit2.Repository`` must not be used by two threads at once, and disk work must not block
    the event loop: so everything runs on a single worker thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, pygit2.Repository] = {}
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-git")

    def path(self, repository_id: str) -> Path:
        """Return where the bare repository lies on disk."""
        return self._folder / f"{repository_id}.git"

    async def create(self, repository_id: str, default_branch: str) -> None:
        """Create an empty bare repository whose HEAD names the default branch."""

        def init() -> None:
            path = self.path(repository_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[repository_id] = pygit2.init_repository(
                str(path), bare=True, initial_head=default_branch
            )

        await asyncio.get_running_loop().run_in_executor(self._worker, init)

    async def on(
        self,
        repository_id: str,
        function: Callable[Concatenate[pygit2.Repository, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``function(repository, *args, **kwargs)`` on the worker thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, lambda: function(self._repository(repository_id), *args, **kwargs)
        )

    def _repository(self, repository_id: str) -> pygit2.Repository:
        if repository_id not in self._open:
            self._open[repository_id] = pygit2.Repository(str(self.path(repository_id)))
        return self._open[repository_id]
