"""What Hypothesis knows of journeyflow: a strategy for each type, and failing examples that are printed as code."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.vendor import pretty

from journeyflow.definition.journey import DEFAULT_TENANT, Journey
from journeyflow.definition.policies import Policies
from journeyflow.records.public import Customer, Event
from journeyflow.testing.calls import START, Call, Life
from journeyflow.testing.writing import as_code


def register() -> None:
    """Register strategies for journeys, policies, lives, events and customers, and printers for what they hold.

    Hypothesis calls this when it is imported, by its entry point; more often than once does no harm.

    >>> from hypothesis import find
    >>> register()
    >>> find(st.from_type(Event), lambda event: event.type == "buy").customer
    'c1'
    """
    for kind, strategy in _STRATEGIES.items():
        st.register_type_strategy(kind, strategy)
    for kind in (*_STRATEGIES, *get_args(Call)):
        pretty.for_type_by_name(kind.__module__, kind.__name__, _print)


def _journeys(_: type = Journey) -> st.SearchStrategy[Journey]:
    from journeyflow.testing.definitions import journeys  # noqa: PLC0415 only if it is needed

    return journeys()


def _policies(_: type) -> st.SearchStrategy[Policies]:
    from journeyflow.testing.definitions import policies  # noqa: PLC0415 likewise

    return policies()


def _lives(_: type) -> st.SearchStrategy[Life]:
    from journeyflow.testing.telling import lives  # noqa: PLC0415 likewise

    return _journeys().flatmap(lives)


_CUSTOMERS = st.sampled_from(("c1", "c2"))
_ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(0, 3),
        "plan": st.sampled_from(("free", "paid")),
        "tags": st.lists(st.sampled_from(("vip", "new")), unique=True),
    },
)
_STRATEGIES: dict[type, st.SearchStrategy[Any] | Callable[[type], st.SearchStrategy[Any]]] = {
    Journey: _journeys,
    Policies: _policies,
    Life: _lives,
    Event: st.builds(
        Event,
        st.sampled_from(("go", "buy", "view")),
        customer=_CUSTOMERS,
        at=st.integers(0, 240).map(lambda hours: START + timedelta(hours=hours)),
        id=st.none() | st.sampled_from(("e1", "e2")),
        data=_ATTRIBUTES,
    ),
    Customer: st.builds(Customer, st.just(DEFAULT_TENANT), _CUSTOMERS, _ATTRIBUTES),
}
"""The strategies of types, in the vocabulary of random journeys."""


def _print(value: object, printer: pretty.RepresentationPrinter, _: bool) -> None:
    """Print a value as code, its lines indented as their surroundings are."""
    first, *rest = as_code(value).split("\n")
    printer.text(first)
    for line in rest:
        printer.break_()
        printer.text(line)
