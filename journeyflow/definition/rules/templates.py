"""Templates in values: `{{ path }}`, and `{{{one|another}}}` for one of several texts; nothing else (R39).

A text that is a single path keeps the type of its value; inside a longer text, the value is written as text; a missing
value is "". Which of several texts is taken is chosen by a hash of the visit, so that rendering again gives the same
text. There is no logic, no filter and no escaping: what a channel does with the text is up to the channel.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, cast

from journeyflow.basics.values import MAX_DEPTH, dumps, thaw
from journeyflow.definition.rules.conditions import path_fault
from journeyflow.errors import ERROR, Problem

_TOKEN = re.compile(r"\{\{\{([^{}|]*\|[^{}]*)\}\}\}|\{\{([^{}]*)\}\}")
"""A template: either the first group matches, alternatives, or the second, a path."""


class TemplateValues(Protocol):
    """The facts that a template needs: values by path, and a choice."""

    def value(self, path: str) -> object:
        """Return the value at a path; None if it is missing or null."""

    def choose(self, options: Sequence[str]) -> str:
        """Return one of some texts, always the same one for the same texts in the same visit."""


Renderer = Callable[[TemplateValues], object]


def compile_template(value: object) -> Renderer | None:
    """Return a value with templates as a function of the facts; None if it contains no template.

    >>> from journeyflow.definition.rules.conditions import Sample
    >>> render = compile_template({"hi": "Hello {{ name }}!", "n": "{{ n }}", "x": ["{{ gone }}"]})
    >>> render(Sample({"name": "Ann", "n": 3}))
    {'hi': 'Hello Ann!', 'n': 3, 'x': ['']}
    >>> compile_template("plain") is None, compile_template("{{{Hey|Hi}}} {{ name }}!")(Sample({"name": "Ann"}))
    (True, 'Hey Ann!')
    """
    if not any(_TOKEN.search(text) for text in _texts(value)):
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
    before, *pieces = _TOKEN.split(text)  # plain; alternatives, path, plain; alternatives, path, plain; ...
    if not before and pieces[0] is None and pieces[2:] == [""]:
        path = pieces[1].strip()
        return lambda facts: "" if (value := facts.value(path)) is None else thaw(value)
    tokens = list(map(_compile_token, pieces[0::3], pieces[1::3], pieces[2::3]))
    return lambda facts: before + "".join(token(facts) + after for token, after in tokens)


def _compile_token(alternatives: str | None, path: str, after: str) -> tuple[Callable[[TemplateValues], str], str]:
    """Return a token as a function of the facts, together with the plain text after it."""
    if alternatives is not None:
        options = alternatives.split("|")
        return (lambda facts: facts.choose(options)), after
    name = path.strip()
    return (lambda facts: _text(facts.value(name))), after


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(thaw(value))


def template_reads(value: object) -> frozenset[str]:
    """Return every path that the templates in a value read.

    >>> sorted(template_reads({"a": "{{ x }} {{ event.y }}", "b": 1}))
    ['event.y', 'x']
    """
    return frozenset(path for text in _texts(value) for path in _paths(text))


def _paths(text: str) -> list[str]:
    return [match[2].strip() for match in _TOKEN.finditer(text) if match[2] is not None]


def template_problems(value: object, where: str) -> Iterator[Problem]:
    """Yield a problem for every `{{ }}` in a value that holds no valid path (R13).

    >>> for problem in template_problems(["{{ a..b }}", "{{ name|upper }}"], "data"):
    ...     print(problem.message)
    {{ a..b }}: the path 'a..b' has an empty name between dots
    {{ name|upper }}: there are no filters; write a path alone
    """
    for text in _texts(value):
        for path in _paths(text):
            if fault := _path_fault(path):
                yield Problem("template", ERROR, where, f"{{{{ {path[:60]} }}}}: {fault}")


def _path_fault(path: str) -> str | None:
    """Return why a token is no path, or None; text after a bar would be read as part of the name, and be missing."""
    if "|" in path:
        return "there are no filters; write a path alone"
    return f"the {fault}" if (fault := path_fault(path)) else None


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value, down to the deepest valid level: an unvalidated value may contain itself."""
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
