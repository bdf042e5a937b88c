"""Every public object shows what it is: in a terminal, in a log, in a failed assertion."""

import inspect
import re

import pytest

import journeyflow
import journeyflow.analysis
import journeyflow.reporting
import journeyflow.simulation
from journeyflow import (
    Condition,
    Engine,
    Exit,
    Goal,
    Journey,
    MemoryStore,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    answers,
    any_of,
    arm,
    field,
    not_,
    problems,
    tag,
)
from journeyflow.basics.answer_rows import Rows
from journeyflow.testing import START, Life, run
from tests.samples import Host, open_engine

PUBLIC = {name: getattr(module, name) for module in (journeyflow, answers) for name in module.__all__}


@pytest.mark.parametrize("name", [name for name, found in PUBLIC.items() if inspect.isclass(found)])
def test_every_public_class_says_how_it_looks(name):
    """None is left with the words and the address that Python gives by itself."""
    found = PUBLIC[name]
    assert found.__repr__ is not object.__repr__
    assert found.__doc__


ANSWERING = (journeyflow, answers, journeyflow.analysis, journeyflow.simulation, journeyflow.reporting)
KNOWN = {name: getattr(module, name) for module in ANSWERING for name in module.__all__}
CALLS = [
    *(call for name, call in inspect.getmembers(Engine, callable) if not name.startswith("_")),
    *(call for call in KNOWN.values() if inspect.isfunction(call)),
]
NO_ROWS = {
    "Cycling",
    "PublishedVersion",
    "ReportPage",
    "Settling",
    "Behavior",
    "Cycle",
    "Engine",
    "Event",
    "Journey",
    "OutlineStep",
    "Policies",
    "Problem",
}
"""What public calls return beside answers: definitions, what hosts told, faults, handles, and a page."""


def test_every_answer_can_be_read_as_rows_and_looked_at():
    """Whatever a public call returns: dictionaries, a data frame, and HTML for a notebook, or it is named here."""
    words = {
        word for call in CALLS for word in re.findall(r"\w+", str(getattr(call, "__annotations__", {}).get("return")))
    }
    returned = {name: KNOWN[name] for name in words & KNOWN.keys() if inspect.isclass(KNOWN[name])}
    assert len(returned) > 50
    plain = {name for name, kind in returned.items() if not issubclass(kind, Rows | journeyflow.reporting.Diagram)}
    assert plain <= NO_ROWS, plain - NO_ROWS


def test_objects_show_what_they_hold_and_no_address():
    """Definitions as they were written, records with their names, stores and engines with what they are."""
    host = Host(open_engine("memory"))
    made = host.deploy(
        Send("s", channel="EMAIL", template="t"),
        Condition("c", field("message.s.opened").eq(True), yes=[Update("u", tag.add("x"))]),
        Split("p", arm(50), arm(50)),
        Wait("w", "1 day", window=Window("MON", "09:00", "17:00")),
        trigger=Trigger("go", where=field("a").eq(1) & ~field("b").is_null()),
        goal=Goal("buy", within="7 days"),
        exits=[Exit("x", when=any_of(field("a").eq(2), not_(field("b").lt(9))))],
    )
    host.put(START, a=1, b=2)
    result = host.say("go")
    engine = host.engine
    shown = [
        *(made, *made.steps, made.trigger, made.goal, made.reentry, *made.exits, result, engine, engine.store),
        *(engine.customer("c1"), engine.enrollments(), engine.enrollment("j", "c1"), engine.messages()),
        *(engine.journey("j"), engine.timeline("c1"), engine.explain("j", "c1"), engine.why_not("j", "c2")),
        *(engine.people("j", "s"), *problems(Journey("e", steps=[])), run([], Life([], START)), MemoryStore()),
    ]
    for each in shown:
        text = repr(each)
        assert text.startswith(f"{type(each).__name__}("), text
        assert not re.search(r" at 0x[0-9a-f]+|object>", text), text
        assert "\n" not in text
    assert repr(made) == "Journey('j', trigger 'go', 6 steps: s, c, u, p, w, end)"
    assert repr(made.step("s")) == "Send('s', channel='EMAIL', template='t', next='c')"
