"""What the benchmarks share: the welcome journey, its customers, and one JSON line per figure."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

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


def seconds(work: Callable[[], object]) -> float:
    """Time one piece of work by the wall clock."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def report(bench: str, figure: str, value: float, unit: str, **more: object) -> None:
    """Print one figure as a JSON line."""
    print(json.dumps({"bench": bench, "figure": figure, "value": round(value, 4), "unit": unit, **more}), flush=True)


def middle(values: list[float]) -> float:
    """Return the median."""
    return median(values)


def count_from_arguments(default: int) -> int:
    """Read the number of customers from the command line."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else default
