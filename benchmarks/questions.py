"""What people ask of a file in which a hundred thousand are enrolled, against one with ten thousand. Smaller is better.

The files are those of the benchmark of statistics. Argument: enrollments of the larger one (default 100,000).
"""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from _common import START, Spent, count_from_arguments, report_cost, spent
from stats import DAYS, SMALL, made

from journeyflow import Engine

ROUNDS = 9
LAST = START + timedelta(days=DAYS)
WHO = "c0000042"


def asked(engine: Engine) -> dict[str, Callable[[], object]]:
    """Return the questions."""
    return {
        "journeys": engine.journeys,
        "enrollments, 25 of a journey": partial(engine.enrollments, journey="welcome", take=25),
        "messages, 25 of a step": partial(engine.messages, journey="welcome", step="hello", take=25),
        "people who were at a step, 25": partial(engine.people, "welcome", step="hello", take=25),
        "people at a step now, 25": partial(engine.people, "welcome", step="hello", now=True, take=25),
        "explain": partial(engine.explain, "welcome", WHO),
        "why not": partial(engine.why_not, "welcome", WHO, at=LAST),
        "timeline": partial(engine.timeline, WHO),
        "benchmark": partial(engine.benchmark, at=LAST),
    }


def main() -> None:
    """Ask both files in turn and print the medians."""
    large = count_from_arguments(100_000)
    with tempfile.TemporaryDirectory() as folder:
        engines = [made(Path(folder) / f"{count}.db", count) for count in (large, SMALL)]
        for name, ask in asked(engines[0]).items():
            pair = (ask, asked(engines[1])[name])
            times: list[list[Spent]] = [[], []]
            for _ in range(ROUNDS):
                for work, taken in zip(pair, times, strict=True):
                    taken.append(spent(work))
            against = f"the same with {SMALL} enrollments"
            report_cost("questions", name, times[0], others=times[1], against=against, n=large)
        for engine in engines:
            engine.close()


if __name__ == "__main__":
    main()
