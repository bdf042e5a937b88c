"""Pseudonyms: personal values are replaced, equal values by equal ones, and what rules read is kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any

from attrs import Factory, frozen

from journeyflow.basics.chance import KEPT_OUT, bucket
from journeyflow.basics.words import CONSENT, MEMBERS
from journeyflow.definition.dates import TIMEZONE
from journeyflow.definition.entry import KEY_ROOT
from journeyflow.definition.journey import DEFAULT_TENANT, Journey
from journeyflow.definition.options import hundredths
from journeyflow.definition.references import rule_places
from journeyflow.definition.steps import Split
from journeyflow.errors import InvalidInput

MAX_NAMES = 10_000
"""How many ids are tried to find one that falls into the same arms: enough for a dozen Splits in halves."""

STRUCTURE = frozenset({*MEMBERS, CONSENT, TIMEZONE})
"""The attributes that the engine itself reads; they hold words of the host's, and nothing personal."""


def kept_paths(journeys: Iterable[Journey]) -> frozenset[str]:
    """Return the paths of values that rules of journeys read, from the root of attributes or of the data of events.

    >>> from journeyflow.definition.rules.conditions import field
    >>> from journeyflow.definition.entry import Trigger
    >>> sorted(
    ...     kept_paths([Journey("j", trigger=Trigger("go", where=field("event.cart.size").gt(1)), steps=[])])
    ...     - STRUCTURE
    ... )
    ['cart.size']
    """
    read = {path for each in journeys for path in _paths(each)}
    return frozenset({*STRUCTURE, *(_from_root(path) for path in read)})


def _paths(journey: Journey) -> Iterator[str]:
    yield from (path for place, paths, _, _ in rule_places(journey) if not place.endswith(".data") for path in paths)
    if journey.reentry.key is not None:
        yield f"{KEY_ROOT}{journey.reentry.key.removeprefix(KEY_ROOT)}"


def _from_root(path: str) -> str:
    root, _, rest = path.partition(".")
    if root == "wait":
        return rest.partition(".")[2]
    return rest if root in {"event", "trigger", "customer"} and rest else path


def namesake(tenant: str, journeys: Sequence[Journey], customer: str, enrollments: Sequence[Mapping[str, Any]]) -> str:
    """Return another id that falls into the same arms as a customer, as far as its enrollments have come to them.

    Raise InvalidInput if there is none among many.
    """
    visited = {(each["journey"], visit["step"]) for each in enrollments for visit in each["visits"]}
    wanted = list(_places(journeys, visited, tenant, customer))
    names = (f"c{n}" for n in islice(count(1), MAX_NAMES))
    found = next(
        (
            name
            for name in names
            if name != customer and list(_places(journeys, visited, DEFAULT_TENANT, name)) == wanted
        ),
        None,
    )
    if found is None:
        raise InvalidInput([f"customer {customer!r}: none of {MAX_NAMES:,} other ids falls into the same arms"])
    return found


def _places(
    journeys: Sequence[Journey], visited: Iterable[tuple[str, str]], tenant: str, customer: str
) -> Iterator[object]:
    """Yield where chance puts a customer: into a holdout or not, and into which arm of each Split visited."""
    for journey in journeys:
        held = hundredths(journey.holdout) or 0
        yield bucket(tenant, journey.id, KEPT_OUT, customer) < held
        for step in journey.steps:
            if isinstance(step, Split) and (journey.id, step.id) in set(visited):
                number, end = bucket(tenant, journey.id, step.id, customer), 0
                for arm in step.arms:
                    end += arm.buckets or 0
                    if number < end:
                        yield arm.label
                        break


@frozen
class Pseudonyms:
    """What stands for the id and the texts of a customer; `kept` are the paths of what is not replaced."""

    original: str
    customer: str
    kept: frozenset[str]
    known: dict[str, str] = Factory(dict)

    def text(self, text: str) -> str:
        """Return what stands for a text: the same for the same, an address for an address.

        >>> names = Pseudonyms("ann", "c1", frozenset())
        >>> names.text("Ann Lee"), names.text("ann@lee.example"), names.text("Ann Lee"), names.text("ann")
        ('text-1', 'person-2@example.com', 'text-1', 'c1')
        """
        if text == self.original:
            return self.customer
        number = len(self.known) + 1
        return self.known.setdefault(text, f"person-{number}@example.com" if "@" in text else f"text-{number}")

    def data(self, data: Mapping[str, Any], *, changed: object = None) -> dict[str, Any]:
        """Return attributes, or the data of an event, without personal texts; `changed` is the field that it is about.

        >>> Pseudonyms("ann", "c1", frozenset({"plan"})).data({"name": "Ann", "plan": "paid", "n": 1, "more": ["x"]})
        {'name': 'text-1', 'plan': 'paid', 'n': 1, 'more': ['text-2']}
        """
        fixed = {"old", "new"} if isinstance(changed, str) and self._is_kept(changed) else set()
        return {name: value if name in fixed else self._hidden(value, name) for name, value in data.items()}

    def _hidden(self, value: Any, path: str) -> Any:  # noqa: ANN401 a JSON value
        if self._is_kept(path):
            return value
        if isinstance(value, Mapping):
            return {name: self._hidden(inner, f"{path}.{name}") for name, inner in value.items()}
        if isinstance(value, list):
            return [self._hidden(inner, f"{path}.{n}") for n, inner in enumerate(value)]
        return self.text(value) if isinstance(value, str) and value else value

    def _is_kept(self, path: str) -> bool:
        names = path.split(".")
        return any(".".join(names[:n]) in self.kept for n in range(1, len(names) + 1))
