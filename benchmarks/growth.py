"""The crowd of the durable benchmark, a hundred times as large: speed a customer, and the memory of the process.

Each size runs in a process of its own. Argument: customers of the larger one (default 1,000,000).
"""

import tempfile
from functools import partial
from pathlib import Path

from _common import Spent, apart, count_from_arguments, peak_memory, quotients, report, spent
from durable import prepared, run

ROUNDS = 3
SMALL = 10_000


def measured(count: int) -> tuple[Spent, float]:
    """Return the CPU and the wall-clock seconds, and the peak of memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        engine = prepared(Path(folder) / "engine.db", count)
        taken = spent(partial(run, engine))
        engine.close()
    return taken, peak_memory()


def main() -> None:
    """Run both sizes in turn and print the medians."""
    large = count_from_arguments(1_000_000)
    rounds = [(apart(measured, large), apart(measured, SMALL)) for _ in range(ROUNDS)]
    for place, unit in enumerate(("customers/CPU s", "customers/s")):
        big, small = ([n / each[side][0][place] for each in rounds] for side, n in enumerate((large, SMALL)))
        report("growth", "customers", big, unit, n=large, ratio=quotients(big, small),
               against=f"the same with {SMALL} customers")  # fmt: skip
    held, few = ([each[side][1] for each in rounds] for side in (0, 1))
    report("growth", "peak memory", held, "MB", n=large, ratio=quotients(held, few),
           against=f"the same with {SMALL} customers; a smaller ratio is better")  # fmt: skip


if __name__ == "__main__":
    main()
