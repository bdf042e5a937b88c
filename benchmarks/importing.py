"""What importing costs, against importing attrs alone, each in a fresh interpreter less an empty one.

`import journeyflow` loads no name before it is used; what a host with an engine on a file pays is the other figure.
Bytecode is there, as in an installed package: it is kept in a folder of its own, and each side begins once unmeasured.
"""

import os
import resource
import subprocess
import sys
import tempfile
from time import perf_counter

from _common import Spent, report_cost

ROUNDS = 9


SIDES = {
    "import journeyflow": "import journeyflow",
    "an engine on a file": "import journeyflow.stores.sqlite.store; from journeyflow import Engine",
    "importing attrs": "import attrs",
    "importing what it stands on": "import attrs, dateutil.relativedelta, zoneinfo, json",
    "": "",
}
"""What each interpreter runs."""


def importing(folder: str, code: str) -> Spent:
    """Return the CPU and the wall-clock seconds of a fresh interpreter that runs some code."""
    begun, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)  # noqa: S603 our own code
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, perf_counter() - begun


def main() -> None:
    """Import each in turn and print the medians."""
    times: dict[str, list[Spent]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1):
            for name, code in SIDES.items():
                taken = importing(folder, code)
                times[name] += [taken] if number else []
    ours, engine, *others = (name for name in SIDES if name)
    net = {name: [(one[0] - none[0], one[1] - none[1]) for one, none in zip(times[name], times[""], strict=True)]
           for name in SIDES}  # fmt: skip
    for figure in (ours, engine):
        for other in others:
            report_cost("import", figure, net[figure], others=net[other], against=other, n=1)


if __name__ == "__main__":
    main()
