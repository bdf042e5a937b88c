"""What `import journeyflow` costs, against importing attrs alone, each in a fresh interpreter less an empty one.

Bytecode is there, as in an installed package: it is kept in a folder of its own, and each side begins once unmeasured.
"""

import os
import resource
import subprocess
import sys
import tempfile

from _common import quotients, report

ROUNDS = 9


def importing(folder: str, *modules: str) -> float:
    """Return the CPU seconds of a fresh interpreter that imports some modules."""
    code, before = f"import {', '.join(modules)}" if modules else "", resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)  # noqa: S603 our own code
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Import each in turn and print the medians."""
    sides: dict[str, tuple[str, ...]] = {
        "ours": ("journeyflow",), "attrs": ("attrs",), "empty": (),
        "what it stands on": ("attrs", "dateutil.relativedelta", "zoneinfo", "json"),
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1):
            for name, modules in sides.items():
                taken = importing(folder, *modules)
                times[name] += [taken] if number else []
    net = {name: [one - none for one, none in zip(times[name], times["empty"], strict=True)] for name in sides}
    for name in ("attrs", "what it stands on"):
        against = f"importing {', '.join(sides[name])}; a smaller ratio is better"
        ratio = quotients(net["ours"], net[name])
        report("import", "import journeyflow", [1e3 * each for each in net["ours"]], "ms CPU", n=1, against=against,
               ratio=ratio)  # fmt: skip


if __name__ == "__main__":
    main()
