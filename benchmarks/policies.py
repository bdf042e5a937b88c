"""The durable benchmark with two caps, consent, a goal and an exit rule on, against itself without them.

Both sides run the welcome journey on a SQLite file, every commit synced, in turn. The guarded side requires consent, so
its customers give it; its goal listens to an event, its exit rule looks at the customer; the caps count over all
channels and over one, by calendar day and over a rolling week. Argument: number of customers (default 100,000).
"""

import tempfile
from functools import partial
from pathlib import Path

from _common import LATER, START, WELCOME, Spent, count_from_arguments, customers, report_speed, signups, spent
from attrs import evolve

from journeyflow import Cap, Engine, Exit, Goal, Journey, Policies, field
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 5
GUARDED = evolve(
    WELCOME,
    consent="required",
    goal=Goal("order.placed", within="7 days"),
    exits=[Exit("left", when=field("membershipTier").eq("None"))],
)
CAPS = Policies(caps=[Cap(3, per="day", channel="EMAIL"), Cap(10, within="7 days", over="defer")])


def prepared(path: Path, count: int, journey: Journey, policies: Policies) -> Engine:
    """Open a file with the journey deployed and the customers loaded; they consent if the journey requires it."""
    engine = Engine(SQLiteStore(path, nonce="bench"), grace=None)
    engine.deploy(journey, at=START)
    engine.set_policies(policies, at=START)
    said = {"consent": {"EMAIL": True, "SMS": True}} if journey.consent == "required" else {}
    engine.put_customers(((name, {**values, **said}) for name, values in customers(count)), at=START)
    engine.tick(START)
    engine.feed(signups(count))
    return engine


def run(engine: Engine) -> None:
    """Enter all customers, and three days later move all of them to the end."""
    engine.tick(START)
    engine.tick(LATER)


def main() -> None:
    """Run both sides in turn and print the medians."""
    count = count_from_arguments(100_000)
    sides = {"plain": (WELCOME, Policies()), "guarded": (GUARDED, CAPS)}
    times: dict[str, list[Spent]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for name, (journey, policies) in sides.items():
                path = Path(folder) / f"{name}{number}.db"
                engine = prepared(path, count, journey, policies)
                times[name].append(spent(partial(run, engine)))
                assert engine.messages(take=1).total == 2 * count
                if number == 0:
                    assert engine.audit() == []
                engine.close()
                path.unlink()
    against = "the same journey without caps, consent, goal and exit rule"
    report_speed("policies", "messages", 2 * count, times["guarded"], others=times["plain"], against=against, n=count)


if __name__ == "__main__":
    main()
