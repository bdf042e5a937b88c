"""Templates in values: `{{ path }}` and nothing else (R39).

A text that is one token keeps the type of what it names; inside a longer text the value is written as text; missing
values are written as "". There is no logic, no filter and no escape: what a channel does with the text is its affair.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, cast

from journeyflow.errors import ERROR, Problem
from journeyflow.rules import path_fault
from journeyflow.values import MAX_DEPTH, dumps, thaw

_TOKEN = re.compile(r"\{\{([^{}]*)\}\}")


class Lookup(Protocol):
    """What a template needs: values by path."""

    def value(self, path: str) -> object:
        """Give the value at a path; None where it is missing or null."""


Renderer = Callable[[Lookup], object]


def compile_template(value: object) -> Renderer | None:
    """Turn a value with templates into a function of the facts; None where it holds no template.

    >>> from journeyflow.rules import Sample
    >>> render = compile_template({"hi": "Hello {{ name }}!", "n": "{{ n }}", "x": ["{{ gone }}"]})
    >>> render(Sample({"name": "Ann", "n": 3}))
    {'hi': 'Hello Ann!', 'n': 3, 'x': ['']}
    >>> compile_template("plain") is None
    True
    """
    if not template_reads(value):
        return None
    if isinstance(value, str):
        return _compile_text(value)
    if isinstance(value, Mapping):
        parts = {key: compile_template(inner) or _constant(inner) for key, inner in value.items()}
        return lambda facts: {key: part(facts) for key, part in parts.items()}
    members = [compile_template(inner) or _constant(inner) for inner in cast("Sequence[object]", value)]
    return lambda facts: [member(facts) for member in members]


def _constant(value: object) -> Renderer:
    plain = thaw(value)
    return lambda _: plain


def _compile_text(text: str) -> Renderer:
    pieces = _TOKEN.split(text)  # plain, path, plain, path, ... plain
    pieces[1::2] = [path.strip() for path in pieces[1::2]]
    before, path, *after = pieces
    if not before and after == [""]:
        return lambda facts: "" if (value := facts.value(path)) is None else thaw(value)

    def render(facts: Lookup) -> str:
        return "".join(_text(facts.value(piece)) if n % 2 else piece for n, piece in enumerate(pieces))

    return render


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(thaw(value))


def template_reads(value: object) -> frozenset[str]:
    """Name every path that the templates in a value read.

    >>> sorted(template_reads({"a": "{{ x }} {{ event.y }}", "b": 1}))
    ['event.y', 'x']
    """
    return frozenset(path.strip() for text in _texts(value) for path in _TOKEN.findall(text))


def template_problems(value: object, where: str) -> Iterator[Problem]:
    """Yield a problem for every token that is no path (R13).

    >>> [problem.code for problem in template_problems("{{ a..b }}", "data")]
    ['template']
    """
    for text in _texts(value):
        for token in _TOKEN.findall(text):
            if fault := path_fault(token.strip()):
                yield Problem("template", ERROR, where, f"{{{{ {token.strip()[:60]} }}}}: the {fault}")


def _texts(value: object) -> Iterator[str]:
    """Yield every text inside a value, as deep as values may be: what is not validated yet may contain itself."""
    stack = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        inner: list[object] = []
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            inner = list(item.values())
        elif isinstance(item, list | tuple):
            inner = list(item)
        stack.extend((each, depth + 1) for each in reversed(inner) if depth < MAX_DEPTH)
