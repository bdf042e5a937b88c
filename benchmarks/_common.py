"""What the benchmarks share: the welcome journey, its customers, stopwatches, and one JSON line per figure.

A line has `bench`, `figure`, `value` (the median of the runs), `unit`, `against` (what the ratio compares with),
`ratio` (the median over the pairs of runs; more than 1 is in favor of the engine unless `against` says otherwise), `n`
(the size of the input), `runs`, and `spread` (largest less smallest over the median, of the ratios if there are any).
Sides that are compared run in turn, so that a busy machine slows down both. What is timed, or held in memory, is
measured several times; only what further runs would repeat, as the size of a file, is a single value without a spread.
"""

import json
import resource
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from journeyflow import Condition, End, Event, Journey, Send, Split, Trigger, Update, Wait, arm, field, tag

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LATER = START + timedelta(days=3)

WELCOME = Journey(
    id="welcome",
    trigger=Trigger("member.created", where=field("membershipTier").in_(["Gold", "Platinum"])),
    timezone="Africa/Johannesburg",
    steps=[
        Send("hello", channel="EMAIL", template="welcome_email"),
        Wait("breathe", "3 days"),
        Condition(
            "opened",
            field("message.hello.opened").eq(True),
            yes=[
                Split(
                    "test",
                    arm(50, [Send("tips", channel="EMAIL", template="tips")]),
                    arm(50, [Send("offer", channel="EMAIL", template="offer")]),
                ),
            ],
            no=[Send("nudge", channel="SMS", template="nudge")],
        ),
        Update("onboarded", tag.add("onboarded")),
        End("done"),
    ],
)


def customers(count: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Return made-up customers who all match the trigger."""
    return ((f"c{n:06d}", {"membershipTier": "Gold", "email": f"c{n:06d}@example.com"}) for n in range(count))


def signups(count: int) -> Iterator[Event]:
    """Return the events that enter them."""
    return (Event("member.created", customer=f"c{n:06d}", at=START) for n in range(count))


Spent = tuple[float, float]
"""The CPU and the wall-clock seconds of one piece of work."""


def seconds(work: Callable[[], object]) -> float:
    """Time one piece of work by the wall clock."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def spent(work: Callable[[], object]) -> Spent:
    """Return the CPU seconds and the wall-clock seconds of one piece of work."""
    begun, since = perf_counter(), process_time()
    work()
    return process_time() - since, perf_counter() - begun


def in_turn(rounds: int, *works: Callable[[], object]) -> list[list[Spent]]:
    """Return what each piece of work cost in so many runs, made in turn."""
    taken = [[spent(work) for work in works] for _ in range(rounds)]
    return [list(each) for each in zip(*taken, strict=True)]


def shared_by(count: int, costs: Sequence[Spent]) -> list[Spent]:
    """Return what one of so many things costs, where this is what all of them cost together in each run."""
    return [(each[0] / count, each[1] / count) for each in costs]


def quotients(of: Sequence[float], by: Sequence[float]) -> list[float]:
    """Return the quotients of runs made in turn."""
    return [one / other for one, other in zip(of, by, strict=True)]


def peak_memory(process: int | str = "self") -> float:
    """Return the most memory that a process has held, in MB; where Linux does not say it, that of this process.

    What the system counts as used (`getrusage`) would begin with the peak of the process that started this one.
    """
    status = Path(f"/proc/{process}/status")
    if status.exists():
        [held] = (line.split()[1] for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(held) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def apart(work: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 whatever the work returns
    """Return what a piece of work returns in a new process, whose memory nothing else has raised."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def durable(path: Path, *, shared: bool = False) -> sqlite3.Connection:
    """Open a bare file whose commits are as durable as those of the engine; `shared` by threads, in turn."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=not shared)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def report(
    bench: str,
    figure: str,
    value: float | Sequence[float],
    unit: str,
    *,
    n: int,
    against: str = "",
    ratio: float | Sequence[float] | None = None,
) -> None:
    """Print one figure as a JSON line; several values or ratios are those of the runs."""
    values = list(value) if isinstance(value, Sequence) else [value]
    ratios = list(ratio) if isinstance(ratio, Sequence) else [] if ratio is None else [ratio]
    scattered = ratios or values
    middle = abs(median(scattered))
    line = {
        "bench": bench, "figure": figure, "value": shown(median(values)), "unit": unit, "against": against,
        "ratio": shown(median(ratios)) if ratios else None, "n": n, "runs": len(scattered),
        "spread": shown((max(scattered) - min(scattered)) / middle) if len(scattered) > 1 and middle else None,
    }  # fmt: skip
    print(json.dumps(line), flush=True)


def report_speed(
    bench: str,
    figure: str,
    done: int,
    ours: Sequence[Spent],
    *,
    others: Sequence[Spent],
    against: str,
    n: int,
    what: str = "1",
) -> None:
    """Print how much a second runs did, of CPU and by the wall clock, against other runs in turn."""
    for unit, mine, theirs in _both(ours, others):
        report(bench, figure, [done / each for each in mine], f"{what}/{unit}", n=n, against=against,
               ratio=quotients(theirs, mine))  # fmt: skip


def report_cost(
    bench: str, figure: str, ours: Sequence[Spent], *, others: Sequence[Spent], against: str, n: int, unit: str = "ms"
) -> None:
    """Print what one thing costs, in CPU time and by the wall clock, against other runs in turn."""
    scale = {"ms": 1e3, "us": 1e6}[unit]
    for clock, mine, theirs in _both(ours, others):
        report(bench, figure, [scale * each for each in mine], f"{unit} CPU" if "CPU" in clock else unit, n=n,
               against=f"{against}; a smaller ratio is better", ratio=quotients(mine, theirs))  # fmt: skip


def _both(ours: Sequence[Spent], others: Sequence[Spent]) -> Iterator[tuple[str, list[float], list[float]]]:
    for place, clock in enumerate(("CPU s", "s")):
        yield clock, [each[place] for each in ours], [each[place] for each in others]


def shown(value: float) -> float:
    """Return a figure with four digits; the machine promises no more."""
    return float(f"{value:.4g}")


def count_from_arguments(default: int) -> int:
    """Read the number of customers from the command line."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else default
