"""The table and the last line of every benchmark."""

import os
import platform
import sys
from collections.abc import Sequence

Row = Sequence[object]


def table(header: Row, rows: Sequence[Row]) -> None:
    """Print aligned columns, the first to the left and the rest to the right."""
    texts = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    for row in texts:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join([row[0].ljust(widths[0]), *rest]) if first else "")


def machine() -> str:
    """What it ran on, and how busy that was: figures of a busy machine are noisy."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"load {load:.1f}"
    )


def finish(ratio: float, goal: float, failures: Sequence[str] = ()) -> None:
    """Say what failed, print the last line and end with 0 or 1."""
    for failure in failures:
        print(f"failed: {failure}")
    print(f"ratio {ratio:.2f} goal {goal:g}")
    sys.exit(1 if failures or ratio < goal else 0)
