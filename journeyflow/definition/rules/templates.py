"""Templates in values: `{{ path }}`, `{{ path | default }}` and `{{{one|another}}}`; nothing else (R39).

A text that is a single path keeps the type of its value; inside a longer text, the value is written as text; a missing
value is "". The text after a bar stands for a value that is missing or empty. `{{{one|another}}}` is one of several
texts. Which of several texts is taken is chosen by a hash of the visit, so that rendering again gives the same
text. There is no logic, no filter and no escaping: what a channel does with the text is up to the channel.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, cast

from journeyflow.basics.values import MAX_DEPTH, dumps, thaw
from journeyflow.definition.rules.value_paths import path_fault
from journeyflow.errors import ERROR, WARNING, Problem, quoted

_TOKEN = re.compile(r"\{\{\{([^{}|]*\|[^{}]*)\}\}\}|\{\{([^{}]*)\}\}")
"""A template: either the first group matches, alternatives, or the second, a path with or without a default."""

_FILTER = re.compile(
    r"(upper|lower|upcase|downcase|title|capitalize|trim|strip|escape|safe|raw|default|date|join|length|round|replace"
    r"|truncate|money)\s*([(:].*)?",
    re.DOTALL,
)
"""What looks like a filter of other template languages: printed as it stands, it would surprise."""

_LOOSE = re.compile(r"\{\{|\{\0|\}\}|\0\}")
"""Braces beside the templates of a text, which stand as \\0: they would be printed as they are."""

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
"""A default in quotes, as other template languages have it: the quotes would be printed."""


class TemplateValues(Protocol):
    """The facts that a template needs: values by path, and a choice."""

    def value(self, path: str) -> object:
        """Return the value at a path; None if it is missing or null."""

    def choose(self, options: Sequence[str]) -> str:
        """Return one of some texts, always the same one for the same texts in the same visit."""


Renderer = Callable[[TemplateValues], object]


def compile_template(value: object) -> Renderer | None:
    """Return a value with templates as a function of the facts; None if it contains no template.

    >>> from journeyflow.definition.rules.evaluation import Sample
    >>> render = compile_template({"hi": "Hello {{ name }}!", "n": "{{ n }}", "x": ["{{ gone }}"]})
    >>> render(Sample({"name": "Ann", "n": 3}))
    {'hi': 'Hello Ann!', 'n': 3, 'x': ['']}
    >>> compile_template("plain") is None, compile_template("{{{Hey|Hi}}} {{ name | there }}!")(Sample({"name": ""}))
    (True, 'Hey there!')
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
        path, default = _split(pieces[1])
        return lambda facts: default if (value := facts.value(path)) is None or value == "" else thaw(value)
    tokens = list(map(_compile_token, pieces[0::3], pieces[1::3], pieces[2::3]))
    return lambda facts: before + "".join(token(facts) + after for token, after in tokens)


def _compile_token(alternatives: str | None, path: str, after: str) -> tuple[Callable[[TemplateValues], str], str]:
    """Return a token as a function of the facts, together with the plain text after it."""
    if alternatives is not None:
        options = alternatives.split("|")
        return (lambda facts: facts.choose(options)), after
    name, default = _split(path)
    return (lambda facts: _text(facts.value(name)) or default), after


def _split(token: str) -> tuple[str, str]:
    """Return the path in a token, and the text that stands for a missing value."""
    path, _, default = token.partition("|")
    return path.strip(), default.strip()


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(thaw(value))


def template_reads(value: object) -> frozenset[str]:
    """Return every path that the templates in a value read.

    >>> sorted(template_reads({"a": "{{ x }} {{ event.y }}", "b": 1}))
    ['event.y', 'x']
    """
    return frozenset(_split(token)[0] for text in _texts(value) for token in _tokens(text))


def with_paths(value: object, change: Callable[[str], str]) -> object:
    """Return a value in whose templates every path is changed by a function.

    >>> with_paths({"a": ["{{ x | there }} {{{x|y}}} {{z}}", 1]}, str.upper)
    {'a': ['{{ X | there }} {{{x|y}}} {{Z}}', 1]}
    """
    if isinstance(value, str):
        return _TOKEN.sub(lambda match: match[0] if match[2] is None else _changed(match, change), value)
    if isinstance(value, Mapping):
        return {name: with_paths(inner, change) for name, inner in value.items()}
    return [with_paths(inner, change) for inner in value] if isinstance(value, list | tuple) else value


def _changed(match: re.Match[str], change: Callable[[str], str]) -> str:
    path = _split(match[2])[0]
    return match[0].replace(path, change(path), 1)


def _tokens(text: str) -> list[str]:
    return [match[2].strip() for match in _TOKEN.finditer(text) if match[2] is not None]


def template_problems(value: object, where: str) -> Iterator[Problem]:
    """Yield a problem for every `{{ }}` in a value that holds no valid path (R13).

    >>> for problem in template_problems(["{{ a..b }}", "{{ name|upper }}"], "data"):
    ...     print(problem.message)
    {{ a..b }}: the path 'a..b' has an empty name between dots
    {{ name|upper }}: there are no filters; after the bar stands the text for a missing value
    """
    for text in _texts(value):
        for token in _tokens(text):
            if fault := _token_fault(*_split(token)):
                yield Problem("template", ERROR, where, f"{{{{ {token[:60]} }}}}: {fault}")


def _token_fault(path: str, default: str) -> str | None:
    """Return what is wrong with a path and its default, or None."""
    if fault := path_fault(path):
        return f"the {fault}"
    if "|" in default:
        return "there is one text for a missing value, so one bar"
    if _FILTER.fullmatch(default):
        return "there are no filters; after the bar stands the text for a missing value"
    return None


def template_warnings(value: object, where: str) -> Iterator[Problem]:
    """Yield a warning for every text in a value whose braces look like a template and are none (R39).

    Closing braces are loose only where more close than open: JSON inside a text ends in several of them.

    >>> for problem in template_warnings(["Dear {{ name }", "{{ name | '' }}", '{"a": {"b": {{ n }}}}'], "data"):
    ...     print(problem.message)
    'Dear {{ name }': the braces of a template do not match, and go out as they stand
    {{ name | '' }}: the quotes go out too; the text after the bar stands without them
    """
    for text in _texts(value):
        if _has_loose_braces(_TOKEN.sub("\0", text)):
            sentence = "the braces of a template do not match, and go out as they stand"
            yield Problem("template", WARNING, where, f"{quoted(text)}: {sentence}")
        for token in _tokens(text):
            if _QUOTED.fullmatch(_split(token)[1]):
                sentence = "the quotes go out too; the text after the bar stands without them"
                yield Problem("template", WARNING, where, f"{{{{ {token[:60]} }}}}: {sentence}")


def _has_loose_braces(rest: str) -> bool:
    found = set(_LOOSE.findall(rest))
    return not found.isdisjoint({"{{", "{\0"}) or (bool(found) and rest.count("}") > rest.count("{"))


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
