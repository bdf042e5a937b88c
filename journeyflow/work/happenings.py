"""What happens while a batch is handled, as values: queued events, orders to other runs, totals."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from journeyflow.basics.words import CHANGED_BY
from journeyflow.machine.facts import Data
from journeyflow.records.public import Unreadable
from journeyflow.records.rows import Post
from journeyflow.stores.batch import CustomerInHand


def changed_attribute(kind: str, data: Data) -> str:
    """Return the top-level attribute whose change an event reports; "" for other events (R50).

    >>> changed_attribute("tag.added", {"tag": "vip"}), changed_attribute("field.changed", {"field": "plan.ends"})
    ('tags', 'plan')
    """
    if kind == "field.changed":
        return str(data["field"]).partition(".")[0]
    return CHANGED_BY.get(kind, "")


Cause = tuple[int, str]
"""A journey's number and the key of its run that caused an event (R53)."""

NO_CAUSES: frozenset[Cause] = frozenset()
"""The causes of an event from outside: none."""


class Happening(NamedTuple):
    """An event on its way through the stages of R9.

    `own` is its own instant, `at` the effective one. `causes` are the journeys, each with the key of its run, that
    caused it, directly or indirectly (R53). `post` is the message it is about. `changed` is the top-level attribute of
    the customer that changed, "" if none did.
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
"""Make an event from a tuple of all its fields in order, in a third of the time of `Happening(...)`."""


class OrderGiven(NamedTuple):
    """An order of an Update to other runs: the journey it is about ("" for none) and the reason of runs it ends.

    `giver` is the journey of the run that gave the order, `at` the instant of its move; `causes` are as in `Happening`.
    """

    action: str
    journey: str
    reason: str
    at: int
    person: CustomerInHand
    giver: int
    causes: frozenset[Cause]


class GivenUp(NamedTuple):
    """A message that is tried no more, after a number of attempts, with what went wrong at the last one (R71)."""

    message: str
    attempts: int
    error: str


class Tally(NamedTuple):
    """The totals of a batch."""

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
    """How many items were handled, including those that the batch itself caused."""
    forgotten: int = 0
    errors: int = 0
    """How many items were set aside, because handling them raised an exception."""
    unreadable: tuple[Unreadable, ...] = ()
    """What should be a date or a time zone and is not, where journeys read one."""
    given_up: tuple[GivenUp, ...] = ()
    """The messages that are tried no more."""
    duplicates: int = 0
    """How many events had an id that was known already (R26)."""
