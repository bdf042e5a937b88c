"""Every page of the site over a file with a million enrollments, and those that list over one with 10,000 journeys.

The promise is at most 50 ms of CPU time each. The engine runs 20,000 people, and their rows are copied until there are
as many enrollments as asked for; beside them, in turn, the same pages are asked for where they are copied once, and
those that list where there are 100 journeys. Argument: how many enrollments (default 1,000,000: two minutes and one
gigabyte).
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path

from _common import count_from_arguments, in_turn, report_cost
from _crowd import END, copied, few

from journeyflow import Engine, Event, Journey, MemoryStore, Send, Trigger, Wait
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.operations import HttpRequest
from journeyflow.services.site import PageService

SEED = 20_000
ROUNDS = 20
PAGES = {
    "journeys": ("", {}),
    "journey": ("journey", {"id": "club"}),
    "who entered": ("people", {"journey": "club"}),
    "at a step with most people": ("people", {"journey": "club", "step": "order"}),
    "at a step with few people": ("people", {"journey": "club", "step": "half-year"}),
    "older at a step": ("people", {"journey": "club", "step": "order", "after": "{half}"}),
    "messages": ("messages", {"journey": "club"}),
    "messages given up": ("messages", {"journey": "club", "failed": "1"}),
    "customer": ("customer", {"id": "c0000003-1"}),
    "customer who is in no journey": ("customer", {"id": "c0000050-1"}),
    "run": ("run", {"journey": "club", "customer": "c0000003-1"}),
    "audit": ("audit", {}),
}

JOURNEYS, FEW = 10_000, 100
LISTS = {
    "journeys, of 10,000": ("", {}),
    "more journeys, of 10,000": ("", {"after": "{middle}"}),
    "customer, of 10,000 journeys": ("customer", {"id": "ann"}),
    "audit, of 10,000 journeys": ("audit", {}),
}


Pages = Mapping[str, tuple[str, Mapping[str, str]]]


def look(service: PageService, request: HttpRequest) -> None:
    """Ask for a page."""
    reply = service.answer(request, END)
    assert reply.status == HTTPStatus.OK, reply.body


def looks(engine: Engine, directory: SQLiteDirectory, pages: Pages, **words: str) -> dict[str, Callable[[], None]]:
    """Return what asks an engine for each page; `words` are put into what is asked."""
    service, headers = PageService(engine, directory), {"X-API-Key": directory.add_secret("key", user=1)}
    found: dict[str, Callable[[], None]] = {}
    for name, (page, asked) in pages.items():
        query = {key: value.format(**words) for key, value in asked.items()}
        found[name] = partial(look, service, HttpRequest("GET", f"/site/{page}", query, headers))
    return found


def measure(
    ours: Mapping[str, Callable[[], None]], others: Mapping[str, Callable[[], None]], of: int, than: str
) -> None:
    """Look at the pages of both sides in turn; the first time, patterns are compiled and caches filled."""
    for name, work in ours.items():
        in_turn(1, work, others[name])
        mine, its = in_turn(ROUNDS, work, others[name])
        report_cost("site", name, mine, others=its, against=than, n=of)


def crowd(engine: Engine, directory: SQLiteDirectory) -> tuple[dict[str, Callable[[], None]], int]:
    """Return what looks at the pages of a crowd, and how many are enrolled."""
    enrolled = engine.journey("club").enrolled
    return looks(engine, directory, PAGES, half=str(enrolled // 2)), enrolled


def journeys(engine: Engine, directory: SQLiteDirectory, count: int) -> dict[str, Callable[[], None]]:
    """Publish journeys, each with a trigger of its own, and let one customer into some; return what lists them."""
    for n in range(count):
        steps = [Send("hello", channel="EMAIL", template="hello"), Wait("rest", "9 days")]
        engine.deploy(Journey(id=f"j{n:05}", trigger=Trigger(f"event {n}"), steps=steps), at=END)
    engine.feed(Event(f"event {n}", customer="ann", at=END) for n in range(0, count, max(1, count // 20)))
    engine.tick(END)
    return looks(engine, directory, LISTS, middle=str(engine.journeys(skip=count // 2, take=1).cursor))


def main() -> None:
    """Measure every page."""
    count = count_from_arguments(1_000_000)
    with tempfile.TemporaryDirectory() as folder, SQLiteDirectory() as directory:
        directory.put_user(1, "default")
        large, small = Path(folder, "large.db"), Path(folder, "small.db")
        few(large, SEED)
        shutil.copy(large, small)
        copied(large, max(round(count / SEED / 0.98), 2))
        copied(small, 2)
        with Engine(large) as engine, Engine(small) as other:
            (ours, enrolled), (others, fewer) = crowd(engine, directory), crowd(other, directory)
            measure(ours, others, enrolled, f"the same with {fewer} enrollments")
        with Engine(MemoryStore()) as engine, Engine(MemoryStore()) as other:
            ours, others = journeys(engine, directory, JOURNEYS), journeys(other, directory, FEW)
            measure(ours, others, JOURNEYS, f"the same with {FEW} journeys")


if __name__ == "__main__":
    main()
