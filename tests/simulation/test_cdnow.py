"""The back-test against a computation that shares no line with the engine: real purchases, and made-up ones.

The real ones are the CDNOW sample, 6,919 purchases of 2,357 customers; the file is not part of this repository and is
looked for beside it. The made-up ones sit where it hurts: clock changes, month ends, deadlines, equal instants.
"""

import csv
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from journeyflow import Engine
from journeyflow.cli import main
from journeyflow.formats.native_reading import loads_journey
from journeyflow.questions.numbers.figures import MessageStats
from journeyflow.simulation import backtest
from tests import direct_cdnow as direct

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "cdnow_sample_events.csv"
FILES = [ROOT / "examples" / f"{journey}.json" for journey in direct.JOURNEYS]
STORES = ("memory", "sqlite")

pytestmark = pytest.mark.unmeasured
with_data = pytest.mark.skipif(not DATA.exists(), reason="the CDNOW sample is not at ../shared/data/")


# --- comparing --------------------------------------------------------------------------------------------------------


def run(store: str, events: Path, folder: Path) -> None:
    """Back-test the five journeys and export their tables into a folder."""
    journeys = [loads_journey(file.read_text(encoding="utf-8")) for file in FILES]
    db = folder / "run.db" if store == "sqlite" else None
    backtest(journeys, events=events, until=direct.UNTIL, db=db, export=folder)


def rows(path: Path) -> list[list[str]]:
    """Read a CSV file, header first."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def differences(got: list[list[str]], expected: list[list[str]]) -> list[object]:
    """List the first rows that differ, and the numbers of rows where these do."""
    found: list[object] = [(n, *pair) for n, pair in enumerate(zip(got, expected, strict=False)) if pair[0] != pair[1]]
    return found[:5] + [f"{len(got)} rows instead of {len(expected)}"] * (len(got) != len(expected))


def all_differences(folder: Path, expected: dict[str, list[list[str]]]) -> dict[str, list[object]]:
    """List the differences of each exported file that has any."""
    found = {name: differences(rows(folder / f"{name}.csv"), wanted) for name, wanted in expected.items()}
    return {name: lines for name, lines in found.items() if lines}


# --- real purchases ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expected():
    """Compute the three tables directly, once."""
    return direct.tables(DATA)


@pytest.fixture(scope="module")
def by_command(tmp_path_factory):
    """Back-test on the real purchases from the shell, into a database and files."""
    folder = tmp_path_factory.mktemp("sqlite")
    options = {"--events": DATA, "--until": "1998-07-01T00:00:00Z", "--db": folder / "run.db", "--export": folder}
    arguments = [str(word) for option in options.items() for word in option]
    done = CliRunner().invoke(main, ["backtest", *map(str, FILES), *arguments])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def by_function(tmp_path_factory):
    """Back-test on the real purchases from Python, in memory."""
    folder = tmp_path_factory.mktemp("memory")
    run("memory", DATA, folder)
    return folder


@pytest.fixture(params=["by_command", "by_function"])
def exported(request):
    """Give the files of either: `journeyflow backtest` does from the shell what the function does (D3)."""
    return request.getfixturevalue(request.param)


@with_data
def test_every_row_is_the_one_that_was_computed_directly(exported, expected):
    """All 80,016 rows of the three files are equal and in order, in memory and on SQLite (R4, R7, R9, R90)."""
    assert {name: len(wanted) - 1 for name, wanted in expected.items()} == {
        "enrollments": 15_936,
        "visits": 54_584,
        "messages": 9_496,
    }
    assert all_differences(exported, expected) == {}


@with_data
def test_the_headline_figures_follow_from_the_event_file(exported):
    """Who was thanked, counted, made a member and came back unaided is a count over the event file (R20, R22, R36)."""
    bought = purchases()
    first = [each[0] for each in bought.values()]
    messages = Counter((row[1], row[7]) for row in rows(exported / "messages.csv")[1:])
    runs = Counter(row[1] for row in rows(exported / "enrollments.csv")[1:])
    outcomes = Counter((row[1], row[5], row[9]) for row in rows(exported / "visits.csv")[1:])

    assert messages["thanks", "thank_you"] == len(bought) == 2_357
    assert messages["thanks", "gift_card"] == sum(amount >= 50 for _, amount in first) == 382
    assert runs["purchases"] == sum(map(len, bought.values())) == 6_919
    assert runs["loyalty"] == sum(len(each) >= 5 for each in bought.values()) == 388
    unaided = sum(in_time(*each[:2]) for each in bought.values() if len(each) > 1)
    assert outcomes["second-purchase", "second", "event"] == unaided == 617
    arms = [outcomes["second-purchase", "test", arm] for arm in ("discount", "postage")]
    assert sum(arms) == 2_357 - 617
    assert min(arms) > 800


@with_data
def test_statistics_are_those_of_a_direct_computation(by_command, expected):
    """People, outcomes and messages, in all and on each day, are counts over the direct tables (R81, R82)."""
    first = datetime(1997, 1, 1, tzinfo=direct.NEW_YORK).date()
    with Engine(by_command / "run.db") as engine:
        for journey in direct.JOURNEYS:
            assert counted(engine, journey, first) == computed(expected, journey, first)


def counted(engine: Engine, journey: str, first: date) -> dict[str, object]:
    """Lay out what the engine's statistics say of a journey."""
    stats = engine.stats(journey, at=direct.UNTIL, since=first)
    people, messages = stats.people, stats.messages
    assert people is not None
    assert messages is not None
    return {
        "people": [people.total, people.active, people.completed, people.exited, people.failed, people.lifetime],
        "queued": messages.queued,
        "days": [(day.date, day.entered, day.completed, day.exited, queued(day.messages)) for day in stats.daily],
        "visited": {name: step.visited for name, step in stats.by_step.items() if step.visited},
        "active": {name: step.active for name, step in stats.by_step.items() if step.active},
        "outcomes": {(name, label): n for name, step in stats.by_step.items() for label, n in told(step.outcomes) if n},
        "last entry": stats.last_triggered_at,
    }


def queued(messages: MessageStats | None) -> int | None:
    """Give how many messages were queued."""
    return None if messages is None else messages.queued


def told(outcomes: Mapping[str, int] | None) -> Iterable[tuple[str, int]]:
    """Give outcomes with their counts."""
    return (outcomes or {}).items()


def computed(tables: dict[str, list[list[str]]], journey: str, first: date) -> dict[str, object]:
    """Lay out the same from the tables that were computed directly."""
    runs, visits, messages = ([row for row in tables[name][1:] if row[1] == journey] for name in direct.COLUMNS)
    statuses = Counter(row[5] for row in runs)
    entered, sent = Counter(day_of(row[7]) for row in runs), Counter(day_of(row[8]) for row in messages)
    ended = {status: Counter(day_of(row[8]) for row in runs if row[5] == status) for status in ("COMPLETED", "EXITED")}
    last = direct.UNTIL.astimezone(direct.NEW_YORK).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        "people": [
            len(runs),
            *(statuses[status] for status in ("ACTIVE", "COMPLETED", "EXITED", "FAILED")),
            len({row[3] for row in runs}),
        ],
        "queued": len(messages),
        "days": [(day, entered[day], ended["COMPLETED"][day], ended["EXITED"][day], sent[day]) for day in days],
        "visited": Counter(row[5] for row in visits),
        "active": Counter(row[5] for row in visits if row[6] == "ACTIVE"),
        "outcomes": Counter((row[5], row[9]) for row in visits if row[9]),
        "last entry": max(datetime.fromisoformat(row[7]) for row in runs),
    }


def day_of(instant: str) -> date:
    """Give the day of an instant in New York."""
    return datetime.fromisoformat(instant).astimezone(direct.NEW_YORK).date()


def purchases() -> dict[str, list[tuple[datetime, float]]]:
    """Read (local time, amount) of each customer's purchases."""
    bought: dict[str, list[tuple[datetime, float]]] = {}
    for at, _, customer, _, amount in rows(DATA)[1:]:
        local = datetime.fromisoformat(at).astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)
        bought.setdefault(customer, []).append((local, float(amount)))
    return bought


def in_time(first: tuple[datetime, float], second: tuple[datetime, float]) -> bool:
    """Tell whether the second purchase comes within sixty days on the calendar."""
    return second[0] - first[0] <= timedelta(days=60)


@with_data
def test_the_counters_of_the_customers_are_the_sums_of_the_file(by_command):
    """In the file that is left behind every customer's `purchases` and `spent` are right, and the audit is empty (R39).

    Sums are those of floating-point numbers in the order of the purchases; `sum` rounds but once from Python 3.12 on.
    """
    with Engine(by_command / "run.db") as engine:
        for name, bought in purchases().items():
            counters = engine.customer(name).attributes
            assert counters["purchases"] == len(bought), name
            assert counters.get("spent", 0) == reduce(add, [amount for _, amount in bought], 0), name
        assert engine.audit() == []


# --- made-up purchases ------------------------------------------------------------------------------------------------

STARTS = [
    datetime(*day, tzinfo=UTC) for day in ((1997, 4, 6), (1997, 10, 26), (1998, 4, 5), (1997, 1, 1), (1997, 1, 31))
]
"""Three clock changes of New York, a New Year and a month's end."""
DAYS = (0, 0, 1, 3, 7, 28, 30, 30, 31, 60, 60, 90, 90, 91, 120, 124, 125)
"""From one purchase to the next: often exactly as long as a wait of the journeys, or just longer than two."""
HOURS = (0, 0, 0, 1, -1, 5, 11, 17)
AMOUNTS = (0, 5, 40, 50, 99.99, 100, 120.5)
"""Around the bounds of the journeys; nothing is spent by 0."""


def made_up(chance: random.Random, customers: int = 60) -> Iterable[tuple[datetime, str, float]]:
    """Make purchases that fall together and on deadlines."""
    for number in range(customers):
        at = chance.choice(STARTS) + timedelta(days=-chance.choice((0, 30, 60, 90, 91)), hours=chance.randrange(24))
        for _ in range(chance.choice((1, 2, 5, 8, 14))):
            yield at, f"c{number:03}", chance.choice(AMOUNTS)
            at += timedelta(days=chance.choice(DAYS), hours=chance.choice(HOURS))
            at += timedelta(minutes=chance.choice((0, 0, 30)), microseconds=chance.choice((0, 0, 0, 1)))


def write_made_up(path: Path, seed: int) -> None:
    """Write an event file that is the same for the same seed, sorted by instant."""
    lines = sorted((each for each in made_up(random.Random(seed)) if each[0] < direct.UNTIL), key=lambda each: each[0])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("at", "type", "customer", "amount"))
        writer.writerows((at.isoformat(), "purchase", customer, amount) for at, customer, amount in lines)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("seed", range(5))
def test_made_up_purchases_at_awkward_instants_agree_too(tmp_path, seed, store):
    """Clock changes, clipped months, ties and held timeouts come out as computed directly (R7, R32, R33, R34)."""
    events = tmp_path / "events.csv"
    write_made_up(events, seed)
    run(store, events, tmp_path)
    assert all_differences(tmp_path, direct.tables(events)) == {}


def test_the_made_up_purchases_are_awkward_indeed(tmp_path):
    """Every hard case that is claimed above is there, so that an agreement means something (R7, R9, R22, R32, R33)."""
    seen: Counter[str] = Counter()
    for seed in range(5):
        write_made_up(tmp_path / "events.csv", seed)
        for customer, bought in direct.read(tmp_path / "events.csv").items():
            seen.update(case for runs in direct.runs(customer, bought).values() for case in cases(list(runs)))
    assert {case: seen[case] > 0 for case in CASES} == dict.fromkeys(CASES, True)


CASES = (
    "released at its own instant",
    "released exactly at the deadline",
    "released between timeout and window",
    "deadline moved by a clock change",
    "clipped month",
    "one purchase ends a run and starts the next",
    "again exactly after 90 days",
    "exited while waiting",
    "exited while a message was held",
)


def cases(runs: list[direct.Run]) -> Iterable[str]:
    """Name the hard cases in the runs of one customer through one journey."""
    for before, after in pairwise(runs):
        if before.visits[0].step == "away":
            yield from ["one purchase ends a run and starts the next"] * (before.ended == after.entered)
            yield from ["again exactly after 90 days"] * (direct.days_later(before.entered.at, 90) == after.entered.at)
    for each in runs:
        for visit in each.visits:
            if each.exit is None or visit.entered < each.exit[0]:
                yield from cases_of(visit, each.exit)


def cases_of(visit: direct.Visit, exit: tuple[direct.Moment, str] | None) -> Iterable[str]:  # noqa: A002 the rule's word
    """Name the hard cases in one visit."""
    start, end = visit.entered.at, visit.left.at
    if exit is not None and visit.left >= exit[0]:
        held = visit.step in {"miss-you", "last-offer"}
        yield "exited while a message was held" if held else "exited while waiting"
    elif visit.outcome == "event":
        wait = {"second": 60, "answer": 30, "away": 90, "reply": 30}.get(visit.step, 0)
        due = direct.days_later(start, wait)
        yield from ["released at its own instant"] * (start == end)
        yield from ["released exactly at the deadline"] * (wait > 0 and end == due)
        yield from ["released between timeout and window"] * (visit.step == "reply" and end > due)
    elif visit.outcome == "timeout":
        yield from ["deadline moved by a clock change"] * (visit.step == "second" and end - start != timedelta(days=60))
        clipped = direct.wall(start).day != direct.wall(end).day
        yield from ["clipped month"] * (visit.step in {"ten", "chance"} and end < direct.UNTIL and clipped)
