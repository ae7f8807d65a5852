"""How long ``pullcord --help`` takes, from the start of the process to its end.

The command line must not import botbuilder, SQLAlchemy or aiohttp before it knows what is wanted;
the benchmark looks at what was imported, and fails if one of them was.
"""

import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from benchmarks import report
from benchmarks.processes import installed_environment

RUNS = 15
TOO_LARGE = ("aiohttp", "botbuilder", "botframework", "httpx", "pydantic", "sqlalchemy")
GOAL_S = 0.3
PULLCORD = Path(sysconfig.get_path("scripts")) / "pullcord"


def imported() -> set[str]:
    """The names of the packages that ``pullcord --help`` imports."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", PULLCORD, "--help"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=installed_environment(),
    )
    # Each line is "import time: self | cumulative | name".
    modules = (line.rpartition("|")[2].strip() for line in run.stderr.splitlines())
    return {module.partition(".")[0] for module in modules}


def main() -> None:
    packages = imported()  # also the warm-up
    if "click" not in packages:
        sys.exit("failed: what --help imports was not seen")
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(
            [PULLCORD, "--help"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=installed_environment(),
        )
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    print(f"{RUNS} runs; {report.machine()}")
    report.table(
        ("", "median s", "worst s", "goal s"),
        [("pullcord --help", f"{median:.3f}", f"{max(seconds):.3f}", GOAL_S)],
    )
    failures = [f"--help imports {name}" for name in TOO_LARGE if name in packages]
    report.finish(GOAL_S / median, 1.0, failures)


if __name__ == "__main__":
    main()
