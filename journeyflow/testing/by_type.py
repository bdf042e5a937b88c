"""The strategies that Hypothesis uses for the types of journeyflow, in the vocabulary of random journeys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from journeyflow.definition.journey import DEFAULT_TENANT, Journey
from journeyflow.definition.policies import Policies
from journeyflow.records.public import Customer, Event
from journeyflow.testing.definitions import journeys, policies
from journeyflow.testing.host_calls import START, Life
from journeyflow.testing.telling import lives

_CUSTOMERS = st.sampled_from(("c1", "c2"))
_ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(0, 3),
        "plan": st.sampled_from(("free", "paid")),
        "tags": st.lists(st.sampled_from(("vip", "new")), unique=True),
    },
)


def _lives() -> st.SearchStrategy[Life]:
    return journeys().flatmap(lives)


def _events() -> st.SearchStrategy[Event]:
    return st.builds(
        Event,
        st.sampled_from(("go", "buy", "view")),
        customer=_CUSTOMERS,
        at=st.integers(0, 240).map(lambda hours: START + timedelta(hours=hours)),
        id=st.none() | st.sampled_from(("e1", "e2")),
        data=_ATTRIBUTES,
    )


def _customers() -> st.SearchStrategy[Customer]:
    return st.builds(Customer, st.just(DEFAULT_TENANT), _CUSTOMERS, _ATTRIBUTES)


STRATEGIES: dict[type, Callable[[], st.SearchStrategy[Any]]] = {
    Journey: journeys,
    Policies: policies,
    Life: _lives,
    Event: _events,
    Customer: _customers,
}
