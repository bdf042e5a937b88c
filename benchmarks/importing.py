"""What `import journeyflow` costs, against importing attrs and dateutil alone."""

import subprocess
import sys

from _common import middle, report, seconds

ROUNDS = 9


def importing(*modules: str) -> float:
    """Time a fresh interpreter that imports some modules."""
    code = "import " + ", ".join(modules)
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))  # noqa: S603 our own code


def main() -> None:
    """Import both in turn and print the medians."""
    ours, floor = [], []
    for _ in range(ROUNDS):
        ours.append(importing("journeyflow"))
        floor.append(importing("attrs", "dateutil.relativedelta", "zoneinfo", "json"))
    against = "a fresh interpreter importing attrs, dateutil.relativedelta, zoneinfo and json"
    ratio = middle(ours) / middle(floor)
    report("import", "import journeyflow", middle(ours) * 1e3, "ms", against=against, ratio=round(ratio, 4), n=ROUNDS)


if __name__ == "__main__":
    main()
