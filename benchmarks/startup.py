"""How long ``pullcord --help`` takes, from the start of the process to its end.

The command line must not import botbuilder, SQLAlchemy or aiohttp before it knows what is wanted.
"""

import statistics
import subprocess
import sysconfig
import time
from pathlib import Path

from benchmarks import report

RUNS = 15
GOAL_S = 0.3
PULLCORD = Path(sysconfig.get_path("scripts")) / "pullcord"


def main() -> None:
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([PULLCORD, "--help"], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    print(f"{RUNS} runs; {report.machine()}")
    report.table(
        ("", "median s", "worst s", "goal s"),
        [("pullcord --help", f"{median:.3f}", f"{max(seconds):.3f}", GOAL_S)],
    )
    report.finish(GOAL_S / median, 1.0)


if __name__ == "__main__":
    main()
