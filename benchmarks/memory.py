"""The welcome journey on the memory store, against the same work in SimPy (one timeout per wait), and a bare heap loop.

The heap loop is the floor: a queue of (instant, number), and the lists that hold the same visits and messages.
"""

import gc
from functools import partial
from heapq import heappop, heappush

import simpy
from _common import (
    LATER,
    START,
    WELCOME,
    Spent,
    apart,
    count_from_arguments,
    customers,
    peak_memory,
    quotients,
    report,
    report_speed,
    signups,
    spent,
)

from journeyflow import Engine, MemoryStore
from journeyflow.basics.chance import bucket

ROUNDS = 3
VISITS = 6
"""Visits of each customer, because nobody opens."""
HALF = 5_000
"""Half of the ten thousand buckets."""


def prepared(count: int) -> Engine:
    """Return an engine with the customers loaded and their sign-ups in the inbox."""
    engine = Engine(MemoryStore(), grace=None)
    engine.deploy(WELCOME, at=START)
    engine.put_customers(customers(count), at=START)
    engine.tick(START)
    engine.feed(signups(count))
    return engine


def run(engine: Engine) -> None:
    """Enter all customers, and three days later move all of them to the end."""
    engine.tick(START)
    engine.tick(LATER)


def run_simpy(count: int) -> None:
    """Do the same as SimPy processes: a send, one timeout, a condition, a split or a send, an update, the end."""
    environment = simpy.Environment()
    people = [dict(attributes) for _, attributes in customers(count)]
    visits: list[tuple[int, float, str, str]] = []
    messages: list[tuple[int, float, str]] = []

    def live(number: int):  # noqa: ANN202 a process of SimPy
        person = people[number]
        if person["membershipTier"] not in {"Gold", "Platinum"}:
            return
        messages.append((number, environment.now, "hello"))
        visits.append((number, environment.now, "hello", "queued"))
        yield environment.timeout(3 * 86_400)
        visits.append((number, environment.now, "breathe", "elapsed"))
        opened = person.get("opened", False)
        visits.append((number, environment.now, "opened", "yes" if opened else "no"))
        step = "nudge"
        if opened:
            step = "tips" if bucket("default", "welcome", "test", str(number)) < HALF else "offer"
        messages.append((number, environment.now, step))
        visits.append((number, environment.now, step, "queued"))
        person["tags"] = ["onboarded"]
        visits.append((number, environment.now, "onboarded", ""))
        visits.append((number, environment.now, "done", ""))

    for number in range(count):
        environment.process(live(number))
    environment.run()
    assert len(messages) == 2 * count


def run_heap(count: int) -> None:
    """Do the same with a heap of instants and a loop."""
    people = [dict(attributes) for _, attributes in customers(count)]
    visits: list[tuple[int, float, str, str]] = []
    messages: list[tuple[int, float, str]] = []
    heap: list[tuple[float, int]] = []
    for number, person in enumerate(people):
        if person["membershipTier"] in {"Gold", "Platinum"}:
            messages.append((number, 0.0, "hello"))
            visits.append((number, 0.0, "hello", "queued"))
            heappush(heap, (3 * 86_400.0, number))
    while heap:
        at, number = heappop(heap)
        person = people[number]
        visits.append((number, at, "breathe", "elapsed"))
        opened = person.get("opened", False)
        visits.append((number, at, "opened", "yes" if opened else "no"))
        step = "nudge"
        if opened:
            step = "tips" if bucket("default", "welcome", "test", str(number)) < HALF else "offer"
        messages.append((number, at, step))
        visits.append((number, at, step, "queued"))
        person["tags"] = ["onboarded"]
        visits.append((number, at, "onboarded", ""))
        visits.append((number, at, "done", ""))
    assert len(messages) == 2 * count


def peak(count: int) -> float:
    """Return the most memory that a process holds in which the engine alone does it, in MB."""
    run(prepared(count))
    return peak_memory()


def peak_simpy(count: int) -> float:
    """Return the most memory that a process holds in which SimPy does it, in MB."""
    run_simpy(count)
    return peak_memory()


def main() -> None:
    """Run the sides in turn and print the medians."""
    count = count_from_arguments(100_000)
    ours = list[Spent]()
    works = {f"SimPy {simpy.__version__}": run_simpy, "a bare heap loop": run_heap}
    others: dict[str, list[Spent]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        engine = prepared(count)
        ours.append(spent(partial(run, engine)))
        del engine
        gc.collect()  # what the engine held is not to be freed at the expense of others
        for name, work in works.items():
            others[name].append(spent(partial(work, count)))
    for against, taken in others.items():
        report_speed("memory", "transitions", VISITS * count, ours, others=taken, against=against, n=count)
    held, its = zip(*((apart(peak, count), apart(peak_simpy, count)) for _ in range(ROUNDS)), strict=True)
    report("memory", "peak memory", held, "MB", n=count, ratio=quotients(held, its),
           against=f"SimPy {simpy.__version__}; a smaller ratio is better")  # fmt: skip


if __name__ == "__main__":
    main()
