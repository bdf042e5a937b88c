"""The welcome journey on the memory store, against the same work in SimPy (one timeout per wait)."""

from functools import partial

import simpy
from _common import LATER, START, WELCOME, count_from_arguments, customers, middle, report, seconds, signups

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


def main() -> None:
    """Run both sides in turn and print the medians."""
    count = count_from_arguments(100_000)
    ours, simulated = [], []
    for _ in range(ROUNDS):
        engine = prepared(count)
        ours.append(seconds(partial(run, engine)))
        del engine
        simulated.append(seconds(partial(run_simpy, count)))
    ratio = middle([other / mine for mine, other in zip(ours, simulated, strict=True)])
    report("memory", "transitions", VISITS * count / middle(ours), "1/s", n=ROUNDS)
    report("memory", "speed", ratio, "ratio", against=f"SimPy {simpy.__version__}", ratio=round(ratio, 4), n=ROUNDS)


if __name__ == "__main__":
    main()
