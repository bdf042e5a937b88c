"""The values that rules and templates read, under the names of R59."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter, methodcaller
from zoneinfo import ZoneInfo

from journeyflow.basics.moments import iso
from journeyflow.basics.values import loads
from journeyflow.definition.rules.value_paths import NOW, read_path
from journeyflow.records.message_ids import message_id
from journeyflow.records.rows import Glimpse, Run

Data = Mapping[str, object]

NO_DATA: Data = {}


class Facts:
    """What is known at one instant about one customer, one event and one run; `seen` records what was read."""

    __slots__ = (
        "_trigger",
        "at",
        "attributes",
        "customer",
        "event",
        "header",
        "memory",
        "nonces",
        "posts",
        "run",
        "seen",
        "zone",
    )

    def __init__(  # noqa: PLR0917 in this order, because a call that names them takes twice as long
        self,
        customer: str,
        attributes: dict[str, object],
        at: int,
        zone: ZoneInfo,
        event: Data | None = None,
        run: Run | None = None,
        header: tuple[str, str, int] = ("", "", 0),
        posts: Mapping[str, Glimpse] | None = None,
        nonces: Sequence[str] = ("",),
    ) -> None:
        """Take a customer's id and attributes, the instant and time zone of the question, and what else is known.

        `header` is (tenant, journey, version) of the run, `posts` the run's newest message of each step, `nonces` are
        those of the database.
        """
        self.customer, self.attributes, self.at, self.zone = customer, attributes, at, zone
        self.event, self.run, self.header, self.posts, self.nonces = event, run, header, posts or {}, nonces
        self.memory = run.memory if run is not None else None
        self.seen: dict[str, object] = {}
        self._trigger: Data | None = None

    def value(self, path: str) -> object:
        """Return the value at a path, None if it is missing, and record that it was read."""
        value = self.seen[path] = _reader(path)(self)
        return value

    def trigger(self) -> Data:
        """Return the data of the event that started the run, parsed once."""
        if self._trigger is None:
            if self.run is None:
                self._trigger = self.event or NO_DATA
            else:
                self._trigger = loads(self.run.trigger) if self.run.trigger else NO_DATA
        return self._trigger


FactReader = Callable[[Facts], object]
"""Reads the value at one path."""


def _inside(path: str) -> Callable[[Data], object]:
    """Return a function that reads a path from a mapping; plain names, the usual case, have a faster one."""
    return (lambda data: read_path(data, path)) if "." in path else methodcaller("get", path)


def _bare(path: str) -> FactReader:
    """Return a reader that looks a bare name up in the current event's data, else in the customer's attributes."""
    read = _inside(path)

    def ask(facts: Facts) -> object:
        value = read(facts.event) if facts.event else None
        return read(facts.attributes) if value is None else value

    return ask


def _customer(path: str) -> FactReader:
    read = _inside(path)
    return attrgetter("customer") if path == "id" else lambda facts: read(facts.attributes)


def _event(path: str) -> FactReader:
    read = _inside(path)
    return lambda facts: read(facts.event) if facts.event else None


def _trigger(path: str) -> FactReader:
    read = _inside(path)
    return lambda facts: read(facts.trigger())


def _wait(path: str) -> FactReader:
    step, _, rest = path.partition(".")
    read = _inside(rest)

    def ask(facts: Facts) -> object:
        memory = facts.memory
        data = memory.get("wait", NO_DATA).get(step) if memory else None
        return read(data) if data else None

    return ask


def _message(path: str) -> FactReader:
    step, _, name = path.partition(".")
    look = _OF_A_MESSAGE.get(name) or (_first(name[:-3]) if name.endswith("_at") else None)

    def ask(facts: Facts) -> object:
        post = facts.posts.get(step)
        return None if post is None else look(facts, post) if look else name in post.flags  # what happened to it

    return ask


Look = Callable[[Facts, Glimpse], object]

_OF_A_MESSAGE: dict[str, Look] = {
    "id": lambda facts, post: message_id(facts.nonces, post),
    "at": lambda _, post: iso(post.at),
}


def _first(kind: str) -> Look:
    """Return a reader of the instant at which something first happened to a message."""
    return lambda _, post: iso(first[0]) if (first := post.flags.get(kind)) else None


def _enrollment(name: str) -> FactReader:
    look = _OF_A_RUN.get(name)
    return lambda facts: None if look is None or facts.run is None else look(facts, facts.run)


_OF_A_RUN: dict[str, Callable[[Facts, Run], object]] = {
    "tenant": lambda facts, _: facts.header[0],
    "journey": lambda facts, _: facts.header[1],
    "version": lambda facts, _: facts.header[2],
    "customer": lambda facts, _: facts.customer,
    "run": lambda _, run: run.number,
    "key": lambda _, run: run.key or None,
    "entered_at": lambda _, run: iso(run.entered_at),
}

_SOURCES: dict[str, Callable[[str], FactReader]] = {
    "customer": _customer,
    "event": _event,
    "trigger": _trigger,
    "wait": _wait,
    "message": _message,
    "enrollment": _enrollment,
}


@lru_cache(maxsize=65_536)
def _reader(path: str) -> FactReader:
    """Return the reader of a path."""
    if path == NOW:
        return lambda facts: iso(facts.at)
    root, _, rest = path.partition(".")
    source = _SOURCES.get(root) if rest else None
    return source(rest) if source else _bare(path)
