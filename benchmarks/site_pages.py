"""Every page of the site over a file with a million enrollments, and those that list over one with 10,000 journeys.

The promise is at most 50 ms of CPU time each. The engine runs 20,000 people, and their rows are copied until there are
as many enrollments as asked for. Argument: how many (default 1,000,000: two minutes and one gigabyte).
"""

import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from _common import count_from_arguments, cpu, report
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

JOURNEYS = 10_000
LISTS = {
    "journeys, of 10,000": ("", {}),
    "more journeys, of 10,000": ("", {"after": "{middle}"}),
    "customer, of 10,000 journeys": ("customer", {"id": "ann"}),
    "audit, of 10,000 journeys": ("audit", {}),
}


def milliseconds(service: PageService, request: HttpRequest) -> float:
    """Return the CPU time of one page."""

    def look() -> None:
        reply = service.answer(request, END)
        assert reply.status == HTTPStatus.OK, reply.body

    return 1_000 * cpu(look)


def main() -> None:
    """Measure every page."""
    count = count_from_arguments(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "site.db")
        few(path, SEED)
        copied(path, max(round(count / SEED / 0.98), 2))
        with Engine(path) as engine:
            enrolled = engine.journey("club").enrolled
            measure(engine, PAGES, enrolled, half=str(enrolled // 2))
    with Engine(MemoryStore()) as engine:
        many_journeys(engine)
        middle = engine.journeys(skip=JOURNEYS // 2, take=1).cursor
        measure(engine, LISTS, JOURNEYS, middle=str(middle))


def many_journeys(engine: Engine) -> None:
    """Publish journeys, each with a trigger of its own, and let one customer into some of them."""
    for n in range(JOURNEYS):
        steps = [Send("hello", channel="EMAIL", template="hello"), Wait("rest", "9 days")]
        engine.deploy(Journey(id=f"j{n:05}", trigger=Trigger(f"event {n}"), steps=steps), at=END)
    engine.feed(Event(f"event {n}", customer="ann", at=END) for n in range(0, JOURNEYS, 500))
    engine.tick(END)


def measure(engine: Engine, pages: Mapping[str, tuple[str, Mapping[str, str]]], of: int, **words: str) -> None:
    """Measure pages of an engine; `words` are put into what is asked."""
    with SQLiteDirectory() as directory:
        directory.put_user(1, "default")
        headers = {"X-API-Key": directory.add_secret("key", user=1)}
        service = PageService(engine, directory)
        for name, (page, asked) in pages.items():
            query = {key: value.format(**words) for key, value in asked.items()}
            request = HttpRequest("GET", f"/site/{page}", query, headers)
            milliseconds(service, request)  # the first one compiles patterns and fills caches
            taken = [milliseconds(service, request) for _ in range(ROUNDS)]
            report("site", name, taken, "ms", n=of)


if __name__ == "__main__":
    main()
