"""Every page of the site over a file with a million enrollments: the promise is at most 50 ms of CPU time each.

The engine runs 20,000 people, and their rows are copied until there are as many enrollments as asked for. Argument: how
many (default 1,000,000: two minutes and one gigabyte).
"""

import tempfile
from http import HTTPStatus
from pathlib import Path

from _common import count_from_arguments, cpu, report
from _crowd import END, copied, few

from journeyflow import Engine
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
        measure(path)


def measure(path: Path) -> None:
    """Measure every page over a file."""
    with Engine(path) as engine, SQLiteDirectory() as directory:
        directory.put_user(1, "default")
        headers = {"X-API-Key": directory.add_secret("key", user=1)}
        service = PageService(engine, directory)
        enrolled = engine.journey("club").enrolled
        for name, (page, asked) in PAGES.items():
            query = {key: value.replace("{half}", str(enrolled // 2)) for key, value in asked.items()}
            request = HttpRequest("GET", f"/site/{page}", query, headers)
            milliseconds(service, request)  # the first one compiles patterns and fills caches
            taken = [milliseconds(service, request) for _ in range(ROUNDS)]
            report("site", name, taken, "ms", n=enrolled)


if __name__ == "__main__":
    main()
