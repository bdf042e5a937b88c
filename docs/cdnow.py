"""Rewrite the part of docs/forecasting.md that is computed from the CDNOW sample: half a year, and the truth.

`python3 dev.py run python docs/cdnow.py` needs the file ../shared/data/cdnow_sample_events.csv beside the checkout. A
test compares where the file is.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

from journeyflow import Engine, Event, MemoryStore
from journeyflow.analysis import Forecast, forecast
from journeyflow.formats.native_reading import loads_journey
from journeyflow.questions.numbers.totals import Totals
from journeyflow.simulation import Band, Behavior, Fit
from journeyflow.simulation.bands import band

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "cdnow_sample_events.csv"
PAGE = ROOT / "docs" / "forecasting.md"
JOURNEYS = ("loyalty", "purchases", "second-purchase", "thanks", "win-back")
BEGIN, YEAR, END = (datetime(*day, tzinfo=UTC) for day in ((1997, 1, 1), (1998, 1, 1), (1998, 7, 1)))
FITTED = {"the whole year": BEGIN, "its last half": datetime(1997, 7, 1, tzinfo=UTC)}
"""Which part of the first year each forecast is fitted to."""
REPLICATIONS = 5
SOONEST = "1 day"
"""Nobody reports what becomes of messages in this file, so a simulated host need not look after them more often."""

MONTHS = [f"1998-{month:02}" for month in range(1, 7)]

_COMPUTED = re.compile(r"(<!-- computed: cdnow -->\n).*?(<!-- end of cdnow -->)", re.DOTALL)


def purchases() -> list[Event]:
    """Read the file."""
    with DATA.open(newline="", encoding="utf-8") as file:
        return [
            Event(
                "purchase",
                customer=row["customer"],
                at=datetime.fromisoformat(row["at"]),
                data={"amount": float(row["amount"])},
            )
            for row in csv.DictReader(file)
        ]


def lived(events: Iterable[Event], until: datetime) -> Engine:
    """Return an engine that has gone through the events up to an instant."""
    engine = Engine(MemoryStore(), grace=None, max_jump=None)
    for name in JOURNEYS:
        journey = loads_journey((ROOT / "examples" / f"{name}.json").read_text(encoding="utf-8"))
        engine.deploy(journey, at=BEGIN)
    engine.feed(each for each in events if each.at <= until)
    engine.tick(until)
    return engine


def sent_per_day(engine: Engine) -> Counter[str]:
    """Return how many messages there were on each UTC day of the half year that is forecast."""
    return Counter(f"{each.at:%Y-%m-%d}" for each in engine.messages(take=None) if YEAR < each.at <= END)


def figures(found: Forecast) -> dict[str, Band]:
    """Return the figures of a forecast by name, in order."""
    orders, people = found.outcome.background("purchase")
    per_day = [of_days(tally) for tally in found.outcome.tallies]
    days = (END - YEAR).days
    return {
        "customers who buy again": people,
        "orders": orders,
        "messages": band(each.total() for each in per_day),
        "messages a day": band(round(each.total() / days, 2) for each in per_day),
        **{f"messages in {month}": band(in_month(each, month) for each in per_day) for month in MONTHS},
    }


def of_days(tally: Totals) -> Counter[str]:
    """Return how many messages one replication sent on each day."""
    found = Counter[str]()
    for key, count in tally.items():
        if key[0] == "messages":
            found[str(key[1])] += count
    return found


def in_month(sent: Mapping[str, int], month: str) -> int:
    """Return how many messages there were in a month."""
    return sum(count for day, count in sent.items() if day.startswith(month))


def truth(engine: Engine, events: Iterable[Event]) -> dict[str, float]:
    """Let an engine that has gone through the first year go on; return what happened, under the same names."""
    later = [each for each in events if YEAR < each.at <= END]
    engine.feed(later)
    engine.tick(END)
    sent = sent_per_day(engine)
    return {
        "customers who buy again": len({each.customer for each in later}),
        "orders": len(later),
        "messages": sent.total(),
        "messages a day": round(sent.total() / (END - YEAR).days, 2),
        **{f"messages in {month}": in_month(sent, month) for month in MONTHS},
    }


def fitted_rate(fit: Fit) -> str:
    """Return what was fitted, in words."""
    (found,) = fit.frequencies
    stays = f"once in {found.every:.0f} days ({found.low:.0f} to {found.high:.0f}) while they stay"
    return f"{stays}, spread {found.spread:.1f}; after each purchase {found.dropout.mean:.0%} leave"


def computed(fitted: Sequence[str] = tuple(FITTED)) -> str:
    """Return the computed part of the page, or of it what stands there about some of the forecasts."""
    events = purchases()
    columns, notes = [], []
    with lived(events, YEAR) as engine:
        for name in fitted:
            fit = Behavior.fit(engine, since=FITTED[name], until=YEAR, background=["purchase"])
            acting = evolve(fit, behavior=evolve(fit.behavior, soonest=SOONEST))
            found = forecast(engine, at=YEAR, until=END, behavior=acting, population=0, replications=REPLICATIONS)
            columns.append(figures(found))
            notes.append(f"- Fitted to {name}, a customer buys {fitted_rate(fit)}.")
        real = truth(engine, events)
    lines = [f"| figure | {' | '.join(f'fitted to {name}' for name in fitted)} | what happened |"]
    lines.append(f"| --- |{' --- |' * len(fitted)} --- |")
    for figure, happened in real.items():
        lines.append(f"| {figure} | {' | '.join(str(each[figure]) for each in columns)} | {happened:g} |")
    return "\n".join([*notes, "", *lines]) + "\n"


def rewritten(text: str) -> str:
    """Return the page with its computed part rewritten."""
    return _COMPUTED.sub(lambda found: f"{found[1]}\n{computed()}\n{found[2]}", text)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
