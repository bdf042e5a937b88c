"""What another version of a journey changes: for whom, which steps and branches, and how long it takes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from journeyflow.analysis.analysis import analyze
from journeyflow.analysis.ways import Passage, chart_of
from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.chance import BUCKETS
from journeyflow.basics.expecting import expect
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import Arm, Branch, Split, Step, kind
from journeyflow.errors import shortened

LEADS = frozenset({"id", "next", "on_event", "on_timeout", "on_missing", "on_past", "otherwise"})
"""Options that say where a step leads: they are compared as passages."""

TEXTS = frozenset({"name", "description", "notes", "meta"})
"""What is there for people and hosts to read, and changes nothing for customers."""


@frozen
class ChangedOption:
    """An option that has another value: of which step, None for the journey itself; both values in words."""

    step: str | None
    option: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return what changed."""
        return f"{self.step or 'journey'}: {self.option} was {self.before}, is {self.after}"


@frozen
class Redirected:
    """An outcome of a step that leads elsewhere; None is where the outcome does not exist, or the run ends."""

    step: str
    outcome: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """Return where people went, and where they go."""
        whom = str(Passage(self.step, self.outcome, None))
        return f"{whom}: led to {self.before or 'nothing'}, leads to {self.after or 'nothing'}"


@frozen(repr=False)
class JourneyDifference(Rows):
    """What a version changes: `added` and `removed` steps, `changed` options, and outcomes that lead elsewhere.

    `other_arm` is the share of customers, by step, whom a Split sends into another arm. `figures` are paths, durations
    and messages before and after.
    """

    before: Journey
    after: Journey
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ChangedOption, ...]
    redirected: tuple[Redirected, ...]
    other_arm: Mapping[str, float]
    figures: Mapping[str, tuple[str, str]]

    @property
    def same(self) -> bool:
        """Whether nothing changes for any customer."""
        return not (self.added or self.removed or self.changed or self.redirected)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The difference in sentences: first for whom, then steps, then branches, then times."""
        if self.same:
            return ("nothing changes for any customer",)
        lines = ["who enters from now on takes the new version; who is inside stays in the old one unless migrated"]
        if self.removed:
            lines.append(f"who rests at {', '.join(self.removed)} needs another step in a migration")
        if held_out := self.after.holdout - self.before.holdout:
            lines.append(
                f"{abs(held_out):.4g}% of customers are {'now' if held_out > 0 else 'no longer'} in the holdout"
            )
        lines += [f"{share:.4g}% of customers get another arm of {step!r}" for step, share in self.other_arm.items()]
        lines += [f"added: {kind(self.after.step(each))} {each}" for each in self.added]
        lines += [f"removed: {kind(self.before.step(each))} {each}" for each in self.removed]
        lines += [*map(str, self.changed), *map(str, self.redirected)]
        lines += [f"{name}: {was} before, {now} after" for name, (was, now) in self.figures.items() if was != now]
        return tuple(lines)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return every change as a plain row: what it is of, where, and the values before and after."""
        rows: list[dict[str, object]] = []

        def row(what: str, step: str | None, name: str, before: object, after: object) -> None:
            rows.append({"change": what, "step": step, "name": name, "before": before, "after": after})

        for each in self.added:
            row("added", each, "", None, kind(self.after.step(each)))
        for each in self.removed:
            row("removed", each, "", kind(self.before.step(each)), None)
        for option in self.changed:
            row("option", option.step, option.option, option.before, option.after)
        for way in self.redirected:
            row("leads", way.step, way.outcome, way.before, way.after)
        for name, (was, now) in self.figures.items():
            row("figure", None, name, was, now)
        return rows

    def __str__(self) -> str:
        """Return the sentences, one per line."""
        return "\n".join(self.sentences)

    def __repr__(self) -> str:
        """Return how many changes there are."""
        counts = (len(self.added), len(self.removed), len(self.changed), len(self.redirected))
        return "<JourneyDifference: {} added, {} removed, {} options, {} redirected>".format(*counts)


def diff(before: Journey, after: Journey) -> JourneyDifference:
    """Return what a version of a journey changes, compared with another one: steps are the same if their ids are.

    >>> from journeyflow import Send, Trigger, Wait
    >>> hello = Send("hi", channel="EMAIL", template="t")
    >>> old = Journey("j", trigger=Trigger("go"), steps=[hello, Wait("rest", "1 day")])
    >>> new = Journey("j", trigger=Trigger("go"), steps=[hello, Wait("rest", "3 days")])
    >>> print(diff(old, new))
    who enters from now on takes the new version; who is inside stays in the old one unless migrated
    rest: duration was 1 day, is 3 days
    duration: 1 day before, 3 days after
    """
    expect(Journey, before=before, after=after)
    old, new = ({step.id: step for step in each.steps} for each in (before, after))
    was, now = chart_of(before), chart_of(after)
    both = [step.id for step in after.steps if step.id in old]
    return JourneyDifference(
        before,
        after,
        added=tuple(step.id for step in after.steps if step.id not in old),
        removed=tuple(step.id for step in before.steps if step.id not in new),
        changed=(
            *_changed(None, before, after),
            *(each for name in both for each in _of_step(name, old[name], new[name])),
        ),
        redirected=tuple(each for name in both for each in _redirected(name, was.ways[name], now.ways[name])),
        other_arm={name: share for name in both if (share := _other_arm(old[name], new[name]))},
        figures=_figures(before, after),
    )


def _of_step(name: str, old: Step, new: Step) -> Iterator[ChangedOption]:
    if kind(old) != kind(new):
        yield ChangedOption(name, "kind", kind(old), kind(new))
    else:
        yield from _changed(name, old, new)


def _changed(step: str | None, old: Any, new: Any) -> Iterator[ChangedOption]:  # noqa: ANN401 two of one class
    for option in attrs.fields_dict(type(new)):
        if option in LEADS | TEXTS | {"steps"}:
            continue
        was, now = _words(getattr(old, option)), _words(getattr(new, option))
        if was != now:
            yield ChangedOption(step, option, was, now)


def _words(value: object) -> str:
    """Return the value of an option in words, without where its parts lead."""
    if isinstance(value, tuple):
        return ", ".join(map(_words, value)) or "nothing"
    if isinstance(value, Branch):
        return f"{value.label} if {value.when}"
    if isinstance(value, Arm):
        return f"{value.label} {value.percentage:g}%"
    if value is None:
        return "nothing"
    return shortened(str(value))


def _redirected(name: str, before: Sequence[Passage], after: Sequence[Passage]) -> Iterator[Redirected]:
    old, new = ({way.outcome: way.to for way in ways} for ways in (before, after))
    for outcome in dict.fromkeys((*old, *new)):
        if old.get(outcome) != new.get(outcome):
            yield Redirected(name, outcome, old.get(outcome), new.get(outcome))


def _other_arm(old: Step, new: Step) -> float:
    """Return the percentage of customers who fall into an arm of another label: the hash stays the same (R38)."""
    if not isinstance(old, Split) or not isinstance(new, Split):
        return 0.0
    return 100 * sum(was != now for was, now in zip(_labels(old), _labels(new), strict=True)) / BUCKETS


def _labels(step: Split) -> list[str]:
    return [arm.label for arm in step.arms for _ in range(arm.buckets or 0)]


def _figures(before: Journey, after: Journey) -> dict[str, tuple[str, str]]:
    found = []
    for journey in (before, after):
        known, most = analyze(journey), analyze(journey).most_messages
        found.append((f"{known.paths.count:,}", str(known.duration), "no bound" if most is None else str(most)))
    return dict(zip(("paths", "duration", "most messages"), zip(*found, strict=True), strict=True))
