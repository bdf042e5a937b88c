"""What importing costs, against importing attrs alone, each in a fresh interpreter less an empty one.

`import journeyflow` loads no name before it is used; what a host with an engine on a file pays is the other figure.
Bytecode is there, as in an installed package: it is kept in a folder of its own, and each side begins once unmeasured.
"""

import os
import resource
import subprocess
import sys
import tempfile

from _common import quotients, report

ROUNDS = 9


SIDES = {
    "import journeyflow": "import journeyflow",
    "an engine on a file": "import journeyflow.stores.sqlite.store; from journeyflow import Engine",
    "importing attrs": "import attrs",
    "importing what it stands on": "import attrs, dateutil.relativedelta, zoneinfo, json",
    "": "",
}
"""What each interpreter runs."""


def importing(folder: str, code: str) -> float:
    """Return the CPU seconds of a fresh interpreter that runs some code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)  # noqa: S603 our own code
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Import each in turn and print the medians."""
    times: dict[str, list[float]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1):
            for name, code in SIDES.items():
                taken = importing(folder, code)
                times[name] += [taken] if number else []
    ours, engine, *others = (name for name in SIDES if name)
    net = {name: [one - none for one, none in zip(times[name], times[""], strict=True)] for name in SIDES}
    for figure in (ours, engine):
        for other in others:
            report("import", figure, [1e3 * each for each in net[figure]], "ms CPU", n=1,
                   against=f"{other}; a smaller ratio is better", ratio=quotients(net[figure], net[other]))  # fmt: skip


if __name__ == "__main__":
    main()
