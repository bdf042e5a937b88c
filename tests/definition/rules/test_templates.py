"""Templates: `{{ path }}` and nothing else (R39)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.values import MAX_DEPTH
from journeyflow.definition.rules.evaluation import Sample
from journeyflow.definition.rules.templates import (
    compile_template,
    template_problems,
    template_reads,
    template_warnings,
)
from journeyflow.errors import WARNING

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | texts
    | st.sampled_from(["{{ a }}", "x{{b}}", "{{ c.d }} y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


def rendered(value, **facts):
    """Render a value that holds a template."""
    render = compile_template(value)
    assert render is not None
    return render(Sample(facts))


class Recorder:
    """Facts that note what they are asked for."""

    def __init__(self):
        self.asked = set()

    def value(self, path):
        """Note the path; nothing is known."""
        self.asked.add(path)

    def choose(self, options):
        """Take the last."""
        return options[-1]


@pytest.mark.parametrize("value", [7, 2.5, True, False, "text", ["a", 1], {"b": {"c": [None]}}])
def test_a_text_that_is_one_token_keeps_the_type(value):
    """R39: a number stays a number, a list a list; what is kept is plain JSON."""
    for text in ("{{ x }}", "{{x}}", "{{\n\tx  }}"):
        result = rendered(text, x=value)
        assert result == value
        assert type(result) is type(value)
    assert rendered("{{ x }}", x=("a", ("b",))) == ["a", ["b"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ann", "Ann"),
        (7, "7"),
        (2.5, "2.5"),
        (True, "true"),
        (None, ""),
        ([1, "ö"], '[1,"ö"]'),
        ({"a": None}, '{"a":null}'),
        ((1, 2), "[1,2]"),
    ],
)
def test_inside_a_longer_text_a_value_is_written_as_text(value, text):
    """R39: text as it is, all else as JSON, missing as nothing."""
    assert rendered("<{{ x }}>", x=value) == f"<{text}>"
    assert rendered("{{ x }}{{ x }}", x=value) == text + text


def test_missing_is_an_empty_text():
    """R39: also for a whole token."""
    assert rendered("{{ gone }}") == ""
    assert rendered({"a": ["{{ gone }}", "b{{ gone }}"]}) == {"a": ["", "b"]}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ a }} }}", "1 }}"),
        ("{{ {{ a }}", "{{ 1"),
        ("{{{ a }}}", "{1}"),
        ("{{ a }}\n", "1\n"),
        (" {{ a }}", " 1"),
        ("{ a } {{ a }} {{ b", "{ a } 1 {{ b"),
        ("{{ a }}-{{ b }}-{{a}}", "1-2-1"),
    ],
)
def test_what_is_around_a_token_stays(text, result):
    """R39: no character of the text is lost, whatever braces it holds."""
    assert rendered(text, a=1, b=2) == result


def test_a_value_is_not_rendered_twice():
    """R39: what a customer typed is not a template."""
    assert rendered("{{ a }}", a="{{ b }}", b="secret") == "{{ b }}"
    assert rendered("-{{ a }}", a="{{ b }}", b="secret") == "-{{ b }}"


@pytest.mark.parametrize(
    "value", ["plain", "{ a }", "{{ a }", "{% a %}", "", 7, None, True, [], {}, {"{{ a }}": 1}, [["x"]]]
)
def test_a_value_without_a_token_is_no_template(value):
    """R39: keys hold no templates; nothing is compiled for plain data."""
    assert compile_template(value) is None
    assert template_reads(value) == frozenset()


def test_templates_are_found_at_every_level_and_plain_parts_stay():
    """R39: in lists and objects; tuples are lists."""
    value = {"a": ("{{ x }}", {"b": "{{ y.z }}!", "c": (1, None)}), "d": "plain", "e": [True]}
    result = rendered(value, x=1, **{"y.z": "two"})
    assert result == {"a": [1, {"b": "two!", "c": [1, None]}], "d": "plain", "e": [True]}


@given(values)
def test_a_template_reads_what_it_says(value):
    """R85: `template_reads` names exactly the paths that rendering asks for."""
    recorder, render = Recorder(), compile_template(value)
    if render is not None:
        render(recorder)
    assert recorder.asked == template_reads(value)
    assert (render is None) == (not recorder.asked)


@given(values)
def test_rendering_keeps_the_shape(value):
    """R39: with every token standing for its own path, the texts are those of the value with paths put in."""

    def expected(part):
        if isinstance(part, str):
            for token, path in (("{{ a }}", "a"), ("{{b}}", "b"), ("{{ c.d }}", "c.d")):
                part = part.replace(token, path)
            return part
        if isinstance(part, list):
            return [expected(inner) for inner in part]
        return {key: expected(inner) for key, inner in part.items()} if isinstance(part, dict) else part

    render = compile_template(value)
    result = render(Sample({"a": "a", "b": "b", "c.d": "c.d"})) if render else value
    assert result == expected(value)


def test_deep_and_long_values_compile_at_once():
    """B5: time grows with the size, not with powers of the depth or of the number of braces."""
    value: object = "{{ a }}"
    expected: object = 1
    for _ in range(MAX_DEPTH // 2):
        value, expected = {"k": (value,)}, {"k": [expected]}
    assert rendered(value, a=1) == expected
    assert compile_template("{{ " * 100_000) is None
    assert compile_template("{{" + " " * 100_000) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{ }}", "{{  }}: the path must not be empty"),
        ("{{}}", "{{  }}: the path must not be empty"),
        ("x {{ a..b }}", "{{ a..b }}: the path 'a..b' has an empty name between dots"),
        (
            "Dear {{ name|upper }}",
            "{{ name|upper }}: there are no filters; after the bar stands the text for a missing value",
        ),
        (
            '{{ name | default("you") }}',
            '{{ name | default("you") }}: there are no filters; after the bar stands the text for a missing value',
        ),
        ("{{ a..b | you }}", "{{ a..b | you }}: the path 'a..b' has an empty name between dots"),
        ("{{ a | b | c }}", "{{ a | b | c }}: there is one text for a missing value, so one bar"),
        (["{{ .a }}"], "{{ .a }}: the path '.a' has an empty name between dots"),
    ],
)
def test_a_token_that_is_no_path_is_a_problem(value, message):
    """R13: told with its place and text."""
    (problem,) = template_problems(value, "steps[0].data")
    assert (problem.code, problem.severity, problem.path, problem.message) == (
        "template",
        "error",
        "steps[0].data",
        message,
    )


def test_a_value_that_contains_itself_is_looked_through_as_deep_as_values_may_be():
    """R13: what is not validated yet is asked for its templates too; the circle itself is told by `faults`."""
    circle: list[object] = ["{{ a }}", "{{ b..c }}"]
    circle.append(circle)
    assert template_reads(circle) == {"a", "b..c"}
    assert {problem.code for problem in template_problems(circle, "data")} == {"template"}


def test_every_bad_token_is_told_in_order():
    """R13: all at once, in the order in which they are written."""
    value = {"a": "{{ .x }} {{ fine }} {{ y. }}", "b": [{"c": "{{ z..z }}"}], "d": 7}
    assert [problem.message[:8] for problem in template_problems(value, "data")] == ["{{ .x }}", "{{ y. }}", "{{ z..z "]


@pytest.mark.rows(71)
@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("{{{Hey|Hi}}}", "Hey"),
        ("{{{ Hey |Hi}}}!", " Hey !"),
        ("{{{|Hi}}}", ""),
        ("{{{Hey|Hi|Hello}}} {{ name }}, {{{a|b}}}", "Hey Ann, a"),
        ("{{{name}}}", "{Ann}"),
        ({"subject": ["{{{x|y}}}"]}, {"subject": ["x"]}),
    ],
)
def test_one_of_several_texts(value, result):
    """R39: written between three braces, with "|" between them; a single name between three is a path in braces."""
    assert rendered(value, name="Ann") == result


def test_alternatives_read_nothing_and_are_no_problem():
    """R13: only paths are names."""
    assert template_reads("{{{a|b}}} {{ c }}") == {"c"}
    assert list(template_problems("{{{a..|b}}} {{{|}}}", "data")) == []
    assert compile_template("{{{" + "|" * 100_000) is None
    assert compile_template("{{{" * 30_000 + "a|b") is None


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("Hello {{ firstName | there }}!", {}, "Hello there!"),
        ("Hello {{ firstName | there }}!", {"firstName": ""}, "Hello there!"),
        ("Hello {{ firstName | there }}!", {"firstName": "Ann"}, "Hello Ann!"),
        ("{{firstName|dear customer}}", {}, "dear customer"),
        ("{{ n | none }}", {"n": 0}, 0),
        ("{{ n | none }} left", {"n": 0}, "0 left"),
        ("{{ n | none }}", {"n": False}, False),
        ("{{ n | }}", {}, ""),
        ("{{ now }}", {}, "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_a_default_stands_for_what_is_missing_or_empty(text, values, expected):
    """R39: after a bar; other values keep their type where the text is a single path."""
    render = compile_template(text)
    assert render is not None
    assert render(Sample(values)) == expected
    assert template_reads(text) <= {"firstName", "n", "now"}
    assert not list(template_problems(text, "data"))


LOOSE = [
    "{{ unclosed",
    "{{ firstName }",
    "{{ firstName | there",
    "{{{A|B}}",
    "{{A|B}}}",
    "{{{ name }}}",
    "{ name }}",
    "Hi {{ name }} and {{ name",
    "{{ a {b} }}",
]


@pytest.mark.parametrize("text", LOOSE)
def test_braces_that_match_no_template_are_a_warning(text):
    """R39: they would go out as they stand; what is warned of is not an error, and names its place and the text."""
    assert list(template_problems(text, "data")) == []
    (problem,) = template_warnings({"x": [text]}, "data")
    assert (problem.code, problem.severity, problem.path) == ("template", WARNING, "data")
    assert text in problem.message


@pytest.mark.parametrize(
    "text",
    ["{}", "a { b", "{{ a }}", "{{{A|B}}} {{ a | b }}", '{"a":{"b":{{ n }}}}', '{"a":{"b":1}}', "a{b{c:1}}"],
)
def test_braces_that_are_no_template_are_no_warning(text):
    """R39: JSON and the like inside a text are plain text."""
    assert list(template_warnings(text, "data")) == []


@pytest.mark.parametrize("token", ["{{ x | '' }}", '{{ x | "there" }}'])
def test_a_default_in_quotes_is_a_warning(token):
    """R39: the quotes are part of the text."""
    (problem,) = template_warnings(f"a {token}", "data")
    assert problem.message == f"{token}: the quotes go out too; the text after the bar stands without them"
    assert list(template_warnings("{{ x | 5' }} {{ x | it's }}", "data")) == []
