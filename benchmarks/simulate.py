"""A simulation of the welcome journey, against the same model in SimPy, which keeps no history, rules, caps or reasons.

100,000 customers come over twenty of thirty days; what they get is delivered, half of them open, some click. Both sides
draw from the same distributions, three times in turn. With 20,000 customers, so that all of it takes some four minutes:
a host that delivers each five minutes, against SimPy; the memory of a customer, against that of an engine fed with the
same events; and what four workers gain on the cores that there are, which only the clock on the wall shows. `NOTES.md`
says what the rest costs.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from math import exp
from random import Random

import simpy
from _common import (
    START,
    WELCOME,
    Spent,
    apart,
    count_from_arguments,
    peak_memory,
    quotients,
    report,
    report_speed,
    seconds,
    spent,
)

from journeyflow import Engine, Event, MemoryStore, Message
from journeyflow.questions.numbers.totals import totals
from journeyflow.simulation import Arrivals, Behavior, Outcome, Population, simulate

ROUNDS = 3
DAYS, COMING = 30, 20
DAY = 86_400
DELIVERED, OPENED, CLICKED = 0.98, 0.5, 0.1
INTERVAL = "30 minutes"
"""How often the simulated host delivers; the default is five minutes, which the benchmark shows too."""

WORKERS = 4

ROUND = 20_000
"""Customers of the runs with another interval, beside an engine, and with workers."""


Grown = tuple[float, Spent]
"""By how much the peak of memory was raised, in MB, and what it cost."""


def people(count: int) -> Population:
    """Return customers who all match the trigger, and come at equal distances."""
    return Population(size=count, attributes={"membershipTier": "Gold"}, arrivals=Arrivals.evenly(f"{COMING} days"))


def behavior(soonest: str = INTERVAL) -> Behavior:
    """Return what the customers do."""
    return Behavior(delivered=DELIVERED, opened=OPENED, clicked=CLICKED, soonest=soonest)


def run(count: int, soonest: str = INTERVAL, **options: object) -> Outcome:
    """Simulate the journey over thirty days."""
    return simulate(  # type: ignore[arg-type]  # options of simulate
        WELCOME, population=people(count), start=START, until=f"{DAYS} days", behavior=behavior(soonest), **options
    )


def run_simpy(count: int) -> None:
    """Do the same as SimPy processes: one for each customer, one for each message."""
    environment, chance = simpy.Environment(), Random(1)
    counts = dict.fromkeys(("sent", "delivered", "opened", "clicked", "done"), 0)

    def react(seen: dict[str, bool], step: str):  # noqa: ANN202 a process of SimPy
        counts["sent"] += 1
        if chance.random() >= DELIVERED:
            return
        opens, clicks = chance.random() < OPENED, chance.random() < CLICKED
        yield environment.timeout(30 * 60)
        counts["delivered"] += 1
        if opens or clicks:
            yield environment.timeout(2 * 3_600 * exp(1.5 * chance.gauss(0, 1)))
            counts["opened"] += 1
            seen[step] = True
        if clicks:
            yield environment.timeout(120 * exp(chance.gauss(0, 1)))
            counts["clicked"] += 1

    def live(number: int):  # noqa: ANN202 a process of SimPy
        yield environment.timeout(COMING * DAY * number / count)
        seen: dict[str, bool] = {}
        environment.process(react(seen, "hello"))
        yield environment.timeout(3 * DAY)
        step = ("tips" if chance.random() < 0.5 else "offer") if seen.get("hello") else "nudge"  # noqa: PLR2004 half
        environment.process(react(seen, step))
        counts["done"] += 1

    for number in range(count):
        environment.process(live(number))
    environment.run(until=DAYS * DAY)
    assert counts["done"] == count


def grown(work: Callable[..., object], *arguments: object) -> Grown:
    """Return by how much a piece of work raised the peak of memory, and what it cost."""
    before = peak_memory()
    cost = spent(partial(work, *arguments))
    return peak_memory() - before, cost


def fed(count: int) -> None:
    """Feed an engine what the customers of a simulation do; the events are drawn without another engine."""
    chance, store = Random(1), MemoryStore()
    with Engine(store, grace=None, max_jump=None) as engine:
        engine.deploy(WELCOME, at=START)
        for number in range(count):
            at, name = START + timedelta(days=COMING) * number / count, f"s1-{number:06d}"
            engine.put_customer(name, {"membershipTier": "Gold"}, at=at)
            engine.feed(Event("member.created", customer=name, at=at))
        now, end = START, START + timedelta(days=DAYS)
        while now < end:
            engine.tick(now := now + timedelta(minutes=30))
            messages = engine.claim("worker", at=now, limit=10_000)
            engine.ack(messages, at=now)
            for each in messages:
                engine.feed(told_of(each, chance, now))
        with store.figures() as reader:
            totals(reader)


def told_of(message: Message, chance: Random, now: datetime) -> list[Event]:
    """Return what becomes of a message, half an hour apart."""
    shares = {"delivered": DELIVERED, "opened": OPENED, "clicked": CLICKED}
    found = [f"message.{kind}" for kind, share in shares.items() if chance.random() < share]
    return [
        Event(kind, customer=message.customer, at=now + timedelta(minutes=30 * n), data={"message": message.id})
        for n, kind in enumerate(found, 1)
    ]


def side_by_side(count: int) -> tuple[float, float]:
    """Return how long one process takes and how long four workers do; the first jobs start the processes."""
    alone = seconds(partial(run, count))
    with ProcessPoolExecutor(WORKERS) as executor:
        run(WORKERS, executor=executor)
        return alone, seconds(partial(run, count, executor=executor))


def main() -> None:
    """Run the sides in turn, each in a process of its own, and print the medians."""
    count = count_from_arguments(100_000)
    few = min(count, ROUND)
    sides: dict[str, tuple[object, ...]] = {
        "whole": (run, count), "whole, SimPy": (run_simpy, count), "often": (run, few, "5 minutes"),
        "few, SimPy": (run_simpy, few), "few": (run, few), "few, engine": (fed, few),
    }  # fmt: skip
    found: dict[str, list[Grown]] = {name: [] for name in sides}
    workers = list[tuple[float, float]]()
    for _ in range(ROUNDS):
        for name, work in sides.items():
            found[name].append(apart(grown, *work))
        workers.append(apart(side_by_side, few))
    held = {name: [2**20 * each[0] for each in taken] for name, taken in found.items()}
    cost = {name: [each[1] for each in taken] for name, taken in found.items()}
    against = f"SimPy {simpy.__version__}"
    for figure, ours, others, n in (
        (f"every {INTERVAL}", "whole", "whole, SimPy", count), ("every 5 minutes", "often", "few, SimPy", few)
    ):  # fmt: skip
        report_speed("simulate", figure, n, cost[ours], others=cost[others], against=against, n=n, what="customers")
    report("simulate", "memory", [each / count for each in held["whole"]], "byte/customer", n=count,
           against=f"{against}; a smaller ratio is better",
           ratio=quotients(held["whole"], held["whole, SimPy"]))  # fmt: skip
    beyond = [(mine - its) / few for mine, its in zip(held["few"], held["few, engine"], strict=True)]
    report("simulate", "memory beyond the engine's", beyond, "byte/customer", n=few,
           against="all that an engine fed with the same events holds; a smaller ratio is better",
           ratio=quotients(held["few"], held["few, engine"]))  # fmt: skip
    alone, together = zip(*workers, strict=True)
    report("simulate", f"four workers on {os.cpu_count()} cores", [few / each for each in together], "customers/s",
           n=few, against="one process", ratio=quotients(alone, together))  # fmt: skip


if __name__ == "__main__":
    main()
