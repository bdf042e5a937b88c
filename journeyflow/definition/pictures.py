"""Diagrams of journeys, as Mermaid or DOT text, both drawn from the same nodes and edges."""

from collections.abc import Callable, Iterator

from attrs import frozen

from journeyflow.basics.expecting import expect_with
from journeyflow.basics.moments import iso, to_micros
from journeyflow.definition.shape import Definition
from journeyflow.definition.steps import Condition, End, Send, Split, Step, Update, Wait

MAX_LABEL = 60
"""How many characters a line of a box may have; longer texts are cut."""

MAX_LINES = 500
"""How many lines a diagram in a notebook may have: Mermaid draws at most that many edges."""

MAX_PICTURE = 50_000
"""How many characters a diagram in a notebook may have: Mermaid reads no longer text."""


@frozen
class Edge:
    """An edge from one step to another: the outcome that follows it ("" for any), and its label in diagrams."""

    start: str
    end: str
    outcome: str
    label: str


def edges(journey: Definition) -> Iterator[Edge]:
    """Yield the edges of a journey in the order written, labeled with their outcomes.

    >>> from journeyflow import Journey, arm
    >>> [str(edge.label) for edge in edges(Journey(id="j", steps=[Split("s", arm(40), arm(60))]))]
    ['A 40%', 'B 60%']
    """
    for step in journey.steps:
        for target, outcome, label in _WAYS[type(step)](step):
            if target is not None:
                yield Edge(step.id, target, outcome, label)


Ways = Iterator[tuple[str | None, str, str]]


def _plain(step: Send | Update) -> Ways:
    yield step.next, "", ""


def _wait(step: Wait) -> Ways:
    if not step.has_event:
        yield step.next, "", ""
    else:
        yield step.on_event or step.next, "event", "event"  # type: ignore[misc]  # flattened: an id
        if step.timeout is not None:
            yield step.on_timeout or step.next, "timeout", f"timeout {step.timeout}"  # type: ignore[misc]  # flattened
    for name in ("missing", "past"):
        yield getattr(step, f"on_{name}"), name, name


def _condition(step: Condition) -> Ways:
    for each in step.branches:
        yield each.next, each.label, each.label  # type: ignore[misc]  # flattened: an id
    yield step.otherwise, step.else_label, step.else_label  # type: ignore[misc]  # flattened: an id


def _split(step: Split) -> Ways:
    for each in step.arms:
        yield each.next, each.label, f"{each.label} {each.percentage:g}%"  # type: ignore[misc]  # flattened: an id


def _end(_: End) -> Ways:
    return iter(())


_WAYS: dict[type[Step], Callable[..., Ways]] = {
    Send: _plain,
    Wait: _wait,
    Condition: _condition,
    Split: _split,
    Update: _plain,
    End: _end,
}


def summary(step: Step) -> str:
    """Return in one line what a step does.

    >>> summary(Send("hi", channel="EMAIL", template="welcome")), summary(Wait("w", "3 days"))
    ('EMAIL welcome', 'wait 3 days')
    """
    return _SUMMARIES[type(step)](step)


def _wait_summary(step: Wait) -> str:
    if step.event is not None:
        return f"wait for {step.event}"
    if step.when is not None:
        return f"wait until {step.when}"
    again = f", every {step.every}" if step.every and step.every != "year" else ""
    if step.field is not None:
        return f"wait for {step.field}" + (f" {step.offset}" if step.offset else "") + again
    if step.at is not None:
        return f"wait until {iso(to_micros(step.at))[:16]}Z{again}"
    if again:
        return f"wait{again}"
    return f"wait until {step.until}" if step.until is not None else f"wait {step.duration}"


_SUMMARIES: dict[type[Step], Callable[..., str]] = {
    Send: lambda step: f"{step.channel} {step.template}",
    Wait: _wait_summary,
    Condition: lambda step: "; ".join(f"{each.label}: {each.when}" for each in step.branches),
    Split: lambda _: "split by chance",
    Update: lambda step: ", ".join(map(str, step.changes)),
    End: lambda step: f"end {step.outcome}".strip(),
}


def trigger_summary(journey: Definition) -> str:
    """Return in one line what lets customers enter a journey."""
    trigger = journey.trigger
    begins = "by hand" if trigger.manual else f"{trigger.event or trigger.pull}"
    return begins + (f" where {trigger.where}" if trigger.where is not None else "")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


_SHAPES: dict[type[Step], tuple[str, str, str]] = {
    Send: ("[/", "/]", "parallelogram"),
    Wait: ("([", "])", "oval"),
    Condition: ("{", "}", "diamond"),
    Split: ("{{", "}}", "hexagon"),
    Update: ("[", "]", "box"),
    End: ("((", "))", "doublecircle"),
}
"""What stands around the text of each kind of step in Mermaid, and the name of its shape in Graphviz."""


def mermaid(journey: Definition) -> str:
    """Return a journey as a Mermaid flowchart; every text of the journey is escaped.

    >>> from journeyflow import Journey
    >>> print(mermaid(Journey(id="j", steps=[Wait("w", "1 day")])))
    flowchart TD
        start(["by hand"]) --> n0
        n0(["w<br/>wait 1 day"])
        n1(("end<br/>end"))
        n0 --> n1
    """
    expect_with("steps", "a Journey", journey=journey)
    number = {step.id: f"n{position}" for position, step in enumerate(journey.steps)}
    lines = [
        "flowchart TD",
        f'    start(["{_mermaid_text(trigger_summary(journey))}"])' + (" --> n0" if number else ""),
    ]
    for step in journey.steps:
        opening, closing, _ = _SHAPES[type(step)]
        text = f"{_mermaid_text(step.name or step.id)}<br/>{_mermaid_text(summary(step))}"
        lines.append(f'    {number[step.id]}{opening}"{text}"{closing}')
    for edge in edges(journey):
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        lines.append(f"    {number[edge.start]} -->{label} {number[edge.end]}")
    return "\n".join(lines)


def markdown(journey: Definition) -> str | None:
    """Return a journey as a Mermaid block for Markdown; None if it is too large for Mermaid to draw."""
    picture = mermaid(journey)
    small = len(picture) <= MAX_PICTURE and picture.count("\n") < MAX_LINES
    return f"```mermaid\n{picture}\n```" if small else None


def _mermaid_text(text: str) -> str:
    """Return a text escaped for Mermaid, so that nothing in it is read as markup."""
    return "".join(
        character if character.isalnum() or character in " .,:;_-=/%…" else f"#{ord(character)};"
        for character in _cut(text)
    )


def dot(journey: Definition) -> str:
    r"""Return a journey as a DOT digraph for Graphviz; every text of the journey is quoted.

    >>> from journeyflow import Journey
    >>> print(dot(Journey(id="j", steps=[End("done")])))
    digraph journey {
        start [label="by hand", shape=plaintext];
        start -> n0;
        n0 [label="done\nend", shape=doublecircle];
    }
    """
    expect_with("steps", "a Journey", journey=journey)
    number = {step.id: f"n{position}" for position, step in enumerate(journey.steps)}
    lines = ["digraph journey {", f"    start [label={_dot_text(trigger_summary(journey))}, shape=plaintext];"]
    lines += ["    start -> n0;"] if number else []
    for step in journey.steps:
        label = _dot_text(step.name or step.id, summary(step))
        lines.append(f"    {number[step.id]} [label={label}, shape={_SHAPES[type(step)][2]}];")
    for edge in edges(journey):
        label = f" [label={_dot_text(edge.label)}]" if edge.label else ""
        lines.append(f"    {number[edge.start]} -> {number[edge.end]}{label};")
    return "\n".join([*lines, "}"])


_CONTROLS = (*range(32), *range(127, 160), 0x2028, 0x2029)

_DOT_ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"', ord("&"): "&amp;", **dict.fromkeys(_CONTROLS, " ")}
"""What Graphviz would read as an escape, an end or an entity, and what no picture may hold: control characters."""


def _dot_text(*texts: str) -> str:
    """Return lines of text quoted for DOT, so that nothing in them is read as markup."""
    return '"' + "\\n".join(_cut(text).translate(_DOT_ESCAPES) for text in texts) + '"'
