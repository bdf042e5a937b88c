"""What happens while a batch is worked on, as values: events on their way, orders to other runs, totals."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from attrs import frozen

from journeyflow.basics.words import CHANGED_BY
from journeyflow.machine.facts import Data
from journeyflow.records.rows import Post
from journeyflow.stores.batch import CustomerInHand


def changed_attribute(kind: str, data: Data) -> str:
    """Name the attribute, at the top level, whose change an event tells of; nothing for other events (R50).

    >>> changed_attribute("tag.added", {"tag": "vip"}), changed_attribute("field.changed", {"field": "plan.ends"})
    ('tags', 'plan')
    """
    if kind == "field.changed":
        return str(data["field"]).partition(".")[0]
    return CHANGED_BY.get(kind, "")


Cause = tuple[int, str]
"""A journey's number and the key of its run that brought an event about (R53)."""

NOBODY: frozenset[Cause] = frozenset()
"""Causes of what comes from outside."""


class Happening(NamedTuple):
    """An event on its way through the stages of R9.

    `own` is its own instant, `at` the effective one. `causes` are the journeys, each with the key of its run,
    that brought it about, however indirectly (R53). `post` is the message it is about. `changed` names the attribute of
    the customer that changed, at the top level; it is empty when none did.
    """

    type: str
    data: Data
    own: int
    at: int
    person: CustomerInHand
    causes: frozenset[Cause] = frozenset()
    post: Post | None = None
    changed: str = ""
    text: str | None = None


make_happening: Callable[[tuple[object, ...]], Happening] = partial(tuple.__new__, Happening)
"""Make an event of all its fields in order: what `Happening(...)` does, in a third of the time."""


class OrderGiven(NamedTuple):
    """What an Update says to other runs: in which journey, "" for none in particular, and the reason of what it ends.

    `giver` is the journey whose run says so, `at` the instant of its move; `causes` as of an event.
    """

    action: str
    journey: str
    reason: str
    at: int
    person: CustomerInHand
    giver: int
    causes: frozenset[Cause]


@frozen
class Tally:
    """What a batch did, in numbers."""

    inputs: int = 0
    entered: int = 0
    moves: int = 0
    messages: int = 0
    refused: int = 0
    late: int = 0
    unmatched: int = 0
    deferred: int = 0
    cut: bool = False
    """Whether the batch ended before its last item."""
    items: int = 0
    """How many items were handled, those that the batch itself caused too."""
    forgotten: int = 0
