"""The values that rules and templates look at, by the names of R59."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

from journeyflow.changes import read_path
from journeyflow.moments import iso
from journeyflow.records import Glimpse, Run
from journeyflow.values import loads

Data = Mapping[str, object]
NOTHING: Data = {}


def message_id(nonces: Sequence[str], post: Glimpse) -> str:
    """Write the id of a message: the nonce of the database that it was made under, its enrollment, its visit (R70).

    >>> from journeyflow.records import Post
    >>> message_id(["k3", "k4"], Post(17, 2, "hi", "EMAIL", "hi", None, 0, None, True, nonce=1))
    'k4-17-2'
    """
    return f"{nonces[post.nonce]}-{post.serial}-{post.n}"


class Facts:
    """What is known at one instant about one customer, one event and one run; notes in `seen` what was asked."""

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

    def __init__(
        self,
        customer: str,
        attributes: dict[str, object],
        at: int,
        zone: ZoneInfo,
        *,
        event: Data | None = None,
        run: Run | None = None,
        header: tuple[str, str, int] = ("", "", 0),
        posts: Mapping[str, Glimpse] | None = None,
        nonces: Sequence[str] = ("",),
    ) -> None:
        """Take a customer's id and attributes, the instant and zone of the question, and what else is at hand.

        `header` is (tenant, journey, version) of the run; `posts` its newest message of each step, `nonces` those of
        the database.
        """
        self.customer, self.attributes, self.at, self.zone = customer, attributes, at, zone
        self.event, self.run, self.header, self.posts, self.nonces = event, run, header, posts or {}, nonces
        self.memory = run.memory if run is not None else None
        self.seen: dict[str, object] = {}
        self._trigger: Data | None = None

    def turn_to(self, customer: str, attributes: dict[str, object], at: int, event: Data | None) -> None:
        """Look at another customer and event, at another instant: nothing is left of what was known of the last."""
        self.customer, self.attributes, self.at, self.event = customer, attributes, at, event
        self.seen, self._trigger = {}, None

    def value(self, path: str) -> object:
        """Give the value at a path, None where it is missing, and note that it was asked for."""
        source, rest = _source(path)
        value = source(self, rest)
        self.seen[path] = value
        return value

    def trigger(self) -> Data:
        """Read the data of the event that started the run, once."""
        if self._trigger is None:
            if self.run is None:
                self._trigger = self.event or NOTHING
            else:
                self._trigger = loads(self.run.trigger) if self.run.trigger else NOTHING
        return self._trigger


def _bare(facts: Facts, path: str) -> object:
    """Look a bare name up in the data of the event at hand, else in the customer's attributes."""
    if facts.event:
        value = read_path(facts.event, path)
        if value is not None:
            return value
    return read_path(facts.attributes, path)


def _customer(facts: Facts, path: str) -> object:
    return facts.customer if path == "id" else read_path(facts.attributes, path)


def _event(facts: Facts, path: str) -> object:
    return read_path(facts.event, path) if facts.event else None


def _trigger(facts: Facts, path: str) -> object:
    return read_path(facts.trigger(), path)


def _wait(facts: Facts, path: str) -> object:
    memory = facts.memory
    step, _, rest = path.partition(".")
    data = memory.get("wait", NOTHING).get(step) if memory else None
    return read_path(data, rest) if data else None


def _message(facts: Facts, path: str) -> object:
    step, _, name = path.partition(".")
    post = facts.posts.get(step)
    if post is None:
        return None
    if name == "id":
        return message_id(facts.nonces, post)
    if name == "at":
        return iso(post.at)
    if name.endswith("_at"):
        first = post.flags.get(name[:-3])
        return iso(first[0]) if first else None
    return name in post.flags


def _enrollment(facts: Facts, name: str) -> object:
    run = facts.run
    if run is None:
        return None
    tenant, journey, version = facts.header
    return {
        "tenant": tenant,
        "journey": journey,
        "version": version,
        "customer": facts.customer,
        "run": run.number,
        "key": run.key or None,
        "entered_at": iso(run.entered_at),
    }.get(name)


_SOURCES: dict[str, Callable[[Facts, str], object]] = {
    "customer": _customer,
    "event": _event,
    "trigger": _trigger,
    "wait": _wait,
    "message": _message,
    "enrollment": _enrollment,
}


@lru_cache(maxsize=65_536)
def _source(path: str) -> tuple[Callable[[Facts, str], object], str]:
    """Split a path into where it looks and what it looks for."""
    root, _, rest = path.partition(".")
    source = _SOURCES.get(root) if rest else None
    return (source, rest) if source else (_bare, path)
