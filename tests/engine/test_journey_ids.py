"""The id of a journey: what is none is refused in the same words by every call that takes one."""

import inspect

import pytest

from journeyflow import Engine, InvalidInput, Send
from tests.samples import START

GIVEN = {"at": START, "instant": START, "before": START, "customer": "c1", "customers": "c1", "step": "s", "steps": {},
         "tenant": "other", "to": "k", "to_version": 1}  # fmt: skip
"""What the calls that name a journey need besides."""

TAKING_WHOLE = {"publish", "deploy"}
"""The calls that take a journey itself."""

NAMING = sorted(
    name
    for name, call in inspect.getmembers(Engine, inspect.isfunction)
    if name[0] != "_" and name not in TAKING_WHOLE and "journey" in inspect.signature(call).parameters
)
"""Every call that takes the id of a journey."""


ODD = (5, True, 1.5, b"j", ["j"], {"j": 1}, ("j",), object, "\ud800")


@pytest.mark.parametrize("name", NAMING)
def test_every_call_refuses_what_is_no_id_of_a_journey_in_the_same_words(host, name):
    """A number, a list or a broken text names no journey: one error, with the name of the argument."""
    host.deploy(Send("s", channel="EMAIL", template="t"))
    needed = inspect.signature(getattr(host.engine, name)).parameters
    given = {each: value for each, value in GIVEN.items() if each in needed}
    for odd in ODD:
        with pytest.raises(InvalidInput) as error:
            getattr(host.engine, name)(**{**given, "journey": odd})
        assert error.value.faults[0].startswith(("journey: must be text, not ", "journey: contains a lone surrogate"))


def test_a_retry_refuses_what_is_no_id_of_a_journey(host):
    """The id stands in a pair here, and is checked like the others."""
    with pytest.raises(InvalidInput, match=r"journey: must be text, not list"):
        host.engine.retry([(["j"], "c1")], at=START)
