"""Lives, journeys and their parts as Python, to be pasted into a test."""

import ast
import builtins
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from keyword import iskeyword
from typing import Any, get_args

from attrs import has

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Until, Window
from journeyflow.definition.options import options_given
from journeyflow.definition.policies import QuietHours
from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FieldRule, NotRule
from journeyflow.definition.rules.operators import OPERATORS
from journeyflow.records.public import Event
from journeyflow.testing.host_calls import START, Call, Life

KIT = {"START", "Life", "run", *(each.__name__ for each in get_args(Call) if each is not Event)}
"""The names in code that are those of `journeyflow.testing`."""


def as_code(value: object) -> str:
    """Return Python that evaluates to an equal value: of a life, a call, a journey, policies, or a part of them.

    The names used are those of `journeyflow`, of `journeyflow.testing`, and `timedelta`; `imports` writes the lines
    that they need. Instants are written as lengths of time after `START`, texts in double quotes.

    >>> from journeyflow import field
    >>> print(as_code(Event("go", customer="ann", at=START + timedelta(hours=6), data={"n": [1, None]})))
    Event("go", customer="ann", at=START + timedelta(seconds=21600), data={"n": [1, None]})
    >>> print(as_code(field("n").gte(3) & ~field("plan").is_null()))
    all_of(field("n").gte(3), not_(field("plan").is_null()))
    """
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    return _call(value) if has(type(value)) else repr(value)


def imports(code: str) -> str:
    """Return the import statements that code needs whose names are those of `as_code`, and `run`.

    >>> print(imports('run([], Life([Event("go", customer="ann", at=START)], START + timedelta(days=1)))'))
    from datetime import timedelta
    <BLANKLINE>
    from journeyflow import Event
    from journeyflow.testing import START, Life, run
    """
    called = {node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)}
    used = {each.id for each in called if isinstance(each, ast.Name)}
    kit = [*(["START"] if "START" in code else []), *sorted(used & KIT - {"run"}), *sorted(used & {"run"})]
    ours = sorted(used - KIT - {"timedelta", *vars(builtins)})
    lines = ["from datetime import timedelta", ""] if "timedelta" in used else []
    lines += [f"from journeyflow import {', '.join(ours)}"] if ours else []
    lines += [f"from journeyflow.testing import {', '.join(kit)}"] if kit else []
    return "\n".join(lines)


# --- values -----------------------------------------------------------------------------------------------------------


def _text(value: str) -> str:
    return f'"{value}"' if value.isprintable() and not set(value) & set('"\\') else repr(value)


def _mapping(value: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{as_code(name)}: {as_code(inner)}" for name, inner in value.items()) + "}"


def _list(value: Iterable[object]) -> str:
    return f"[{', '.join(map(as_code, value))}]"


def _instant(at: datetime) -> str:
    since = at - START
    return f"START + {_length(since)}" if since else "START"


def _length(length: timedelta) -> str:
    parts = {"days": length.days, "seconds": length.seconds, "microseconds": length.microseconds}
    return f"timedelta({', '.join(f'{name}={part}' for name, part in parts.items() if part)})"


# --- calls ------------------------------------------------------------------------------------------------------------

_NAMES = {"Branch": "branch", "Arm": "arm"}
"""The functions that make what hosts do not make by its class."""

_SPREAD = {"arms", "changes"}
"""The options whose parts are separate arguments."""


def _call(made: Any) -> str:  # noqa: ANN401 any value made by attrs
    """Return the call that makes a value: positional options up to the last given, then the named ones given."""
    positional, named = options_given(made)
    parts = [as_code(part) for name, value in positional for part in (value if name in _SPREAD else (value,))]
    parts += [f"{name}={as_code(value)}" for name, value in named]
    name = type(made).__name__
    return f"{_NAMES.get(name, name)}({', '.join(parts)})"


def _comparison(rule: FieldRule) -> str:
    method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in rule.op)
    operand = [f"field({_text(rule.value_of)})"] if rule.value_of is not None else [as_code(rule.value)]
    if OPERATORS[rule.op].alone:
        operand = []
    elif rule.op == "between" and isinstance(rule.value, tuple):
        operand = [as_code(each) for each in rule.value]
    return f"field({_text(rule.field)}).{method}{'_' if iskeyword(method) else ''}({', '.join(operand)})"


def _count(rule: CountRule) -> str:
    where = [] if rule.where is None else [as_code(rule.where)]
    bounds = {"at_least": rule.at_least, "at_most": rule.at_most}
    said = [*where, *(f"{name}={number}" for name, number in bounds.items() if number is not None)]
    return f"field({_text(rule.field)}).count({', '.join(said)})"


def _life(life: Life) -> str:
    calls = "".join(f"        {as_code(call)},\n" for call in life.calls)
    return f"Life(\n    [\n{calls}    ],\n    {as_code(life.end)},\n)"


_WRITERS: list[tuple[type | tuple[type, ...], Callable[[Any], str]]] = [
    (Life, _life),
    (str, _text),
    (Mapping, _mapping),
    (datetime, _instant),
    (timedelta, _length),
    ((Duration, Until), lambda value: _text(str(value))),
    (FieldRule, _comparison),
    (AllOf, lambda rule: f"all_of({', '.join(map(as_code, rule.rules))})"),
    (AnyOf, lambda rule: f"any_of({', '.join(map(as_code, rule.rules))})"),
    (CountRule, _count),
    (NotRule, lambda rule: f"not_({as_code(rule.rule)})"),
    ((QuietHours, Window), repr),
    ((list, tuple), _list),
]
"""How values are written, the first fitting kind first; anything else is the call that makes it, or its repr."""
