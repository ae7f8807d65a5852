"""Child processes, so that what is measured shares no interpreter with what measures it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

STOP_WITHIN_S = 30
LISTENS = "Pullcord listens on "


@dataclass(frozen=True, slots=True)
class Child:
    """A running process and what it said when it was ready."""

    process: "subprocess.Popen[str]"
    said: Mapping[str, Any]

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.said["port"])

    @property
    def resident_bytes(self) -> int:
        """Its resident memory now."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it still (SIGSTOP), so that what it has to do disturbs no other measurement."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def ask(self, line: object) -> Mapping[str, Any]:
        """Give it a line of input and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def wait_until_idle(self) -> None:
        """Wait until it has used a tenth of the processor at most for a second."""
        used = self.cpu_s
        while True:
            time.sleep(1)
            before, used = used, self.cpu_s
            if used - before <= 0.1:
                return

    @property
    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def module(name: str, *arguments: str) -> Iterator[Child]:
    """Run ``python -m benchmarks.NAME``; its first line of output is JSON and says it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"benchmarks.{name} ended before it was ready")
        yield Child(process, json.loads(line))
    finally:
        _stop(process)


SERVE = """
import sys

# Only the demo and the tests have them, and httpx loads them where they are.
sys.modules["rich"] = sys.modules["pygments"] = None
from bot.cli import main

main()
"""


def installed_environment() -> dict[str, str]:
    """This environment, as an installation has it.

    Without settings of Pullcord, and with bytecode kept on disk from the first start on: compiling
    every module anew at each start costs time, and memory that does not come back.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PULLCORD_") and name != "PYTHONDONTWRITEBYTECODE"
    }


@contextmanager
def serve(settings: Mapping[str, str]) -> Iterator[Child]:
    """Run the real ``pullcord serve`` with these settings, as an installation has it."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, "serve"],
        stderr=subprocess.PIPE,
        text=True,
        env={
            **installed_environment(),
            "PULLCORD_LOG_LEVEL": "WARNING",
            "PULLCORD_PORT": "0",
            **settings,
        },
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith(LISTENS):
                break
            sys.stderr.write(line)
        else:
            raise RuntimeError("pullcord serve ended before it was ready")
        yield Child(process, {"port": line.strip().rpartition(":")[2]})
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        _, errors = process.communicate(timeout=STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
    if errors:
        sys.stderr.write(errors)
