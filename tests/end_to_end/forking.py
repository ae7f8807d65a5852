"""Starts ``pullcord serve`` again and again, by forking.

Python takes seconds to import what Pullcord stands on. This process does it once; each fork of it
then runs the command line as a fresh process does, and is killed as one.
Requests are lines of JSON on standard input, answers are lines on standard output.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

import bot.app
import bot.cli
import bot.cli.serve


def main() -> None:
    gc.collect()
    gc.freeze()  # what all forks share is neither looked through nor copied by each of them
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = _wait(request["wait"]) if "wait" in request else _start(request)
        print(answer, flush=True)


def _start(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(Path(request["log"]).parent)
    os.environ.update(request["environment"])
    sys.argv = ["pullcord", "serve"]
    code = 1
    try:
        bot.cli.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    finally:
        os._exit(code)


def _wait(pid: int) -> int:
    """The exit code; negative is the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
