"""What people ask of a file in which a hundred thousand are enrolled, against ten thousand and against one statement.

The files are those of the benchmark of statistics. The statement is the one SQL question that a good developer would
ask of the same tables for the same answer (`_in_sql.py`); it must give the same numbers. Smaller is better. Argument:
enrollments of the larger file (default 100,000).
"""

import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from _common import count_from_arguments, in_turn, report_cost
from _in_sql import QUESTIONS, REST, STEP, TAKE, WHO, opened
from stats import LAST, SMALL, WINDOW, made

from journeyflow import Engine

ROUNDS = 9


STATEMENT = "one SQL statement"


def asked(engine: Engine) -> dict[str, Callable[[], object]]:
    """Return the questions."""
    return {
        "journeys": engine.journeys,
        "enrollments, 25 of a journey": partial(engine.enrollments, journey="welcome", take=TAKE),
        "messages, 25 of a step": partial(engine.messages, journey="welcome", step=STEP, take=TAKE),
        "people who were at a step, 25": partial(engine.people, "welcome", step=STEP, take=TAKE),
        "people at a step now, 25": partial(engine.people, "welcome", step=REST, now=True, take=TAKE),
        "explain": partial(engine.explain, "welcome", WHO),
        "why not": partial(engine.why_not, "welcome", WHO, at=LAST),
        "timeline": partial(engine.timeline, WHO),
        "benchmark": partial(engine.benchmark, at=LAST),
    }


def main() -> None:
    """Ask both files and the statement in turn and print the medians."""
    large = count_from_arguments(100_000)
    with tempfile.TemporaryDirectory() as folder:
        engines = [made(Path(folder) / f"{count}.db", count) for count in (large, SMALL)]
        with closing(opened(Path(folder) / f"{large}.db")) as bare:
            for name, ask in asked(engines[0]).items():
                in_sql = QUESTIONS[name]
                assert in_sql.agrees(bare, ask(), **WINDOW), name
                works = (ask, asked(engines[1])[name], partial(in_sql.ask, bare, **WINDOW))
                in_turn(1, *works)  # the first time, statements are compiled
                ours, *rivals = in_turn(ROUNDS, *works)
                for others, against in zip(rivals, (f"the same with {SMALL} enrollments", STATEMENT), strict=True):
                    report_cost("questions", name, ours, others=others, against=against, n=large)
        for engine in engines:
            engine.close()


if __name__ == "__main__":
    main()
