"""What Hypothesis knows of journeyflow: a strategy for each type, and failing examples that are printed as code.

Hypothesis loads this module at the end of its own import, so importing it must not import Hypothesis: whoever imported
this module first would find it half loaded.
"""

from typing import TYPE_CHECKING, Any, get_args

from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.records.public import Customer, Event
from journeyflow.testing.as_python import as_code
from journeyflow.testing.host_calls import Call, Life

if TYPE_CHECKING:
    from hypothesis import strategies as st
    from hypothesis.vendor import pretty

KINDS = (Journey, Policies, Life, Event, Customer)
"""The types that have a strategy."""


def register() -> None:
    """Register strategies for journeys, policies, lives, events and customers, and printers for what they hold.

    Hypothesis calls this when it is imported, by its entry point; more often than once does no harm.

    >>> from hypothesis import find, strategies as st
    >>> register()
    >>> find(st.from_type(Event), lambda event: event.type == "buy").customer
    'c1'
    """
    from hypothesis import strategies as st  # noqa: PLC0415 see the head of the module
    from hypothesis.vendor import pretty  # noqa: PLC0415 likewise

    for kind in KINDS:
        st.register_type_strategy(kind, _strategy)
    for kind in (*KINDS, *get_args(Call)):
        pretty.for_type_by_name(kind.__module__, kind.__name__, _print)


def _strategy(kind: type) -> "st.SearchStrategy[Any]":
    from journeyflow.testing.by_type import STRATEGIES  # noqa: PLC0415 only if it is needed

    return STRATEGIES[kind]()


def _print(value: object, printer: "pretty.RepresentationPrinter", _: bool) -> None:
    """Print a value as code, its lines indented as their surroundings are."""
    first, *rest = as_code(value).split("\n")
    printer.text(first)
    for line in rest:
        printer.break_()
        printer.text(line)
