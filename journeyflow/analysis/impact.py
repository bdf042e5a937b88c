"""What a change does to each of the same people: the answer of a comparison, and how it is counted."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from math import sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.html_tables import PlainTable
from journeyflow.basics.moments import MINUTE
from journeyflow.basics.showing import counted
from journeyflow.basics.words import HOLDOUT
from journeyflow.drawing.charts import Diagram, IntervalRow, intervals
from journeyflow.questions.numbers.intervals import Interval
from journeyflow.questions.numbers.totals import Totals
from journeyflow.questions.numbers.trails import Trail
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.backtest import Backtest
from journeyflow.simulation.bands import Band, band
from journeyflow.simulation.outcome import Outcome
from journeyflow.simulation.page import BAND

NOTHING: Final = Trail([], [], [])
"""The trail of a customer who took no part."""


class PairedFigure(NamedTuple):
    """A figure with and without a change: `before` and `after` in all, and `change`, their difference.

    `difference` is that of one customer, on average, and `interval` the interval of it over customers; None for one
    customer alone. `label` is the channel of messages, empty for all of them, or the journey.
    """

    figure: str
    label: str
    before: Band
    after: Band
    change: Band
    difference: float
    interval: Interval | None


class StepImpact(NamedTuple):
    """What becomes of the messages of a step: `both` are sent with and without the change, to the same customer.

    Of those, `other` differ in channel or template, and `later` is by how many minutes they come later on average,
    with its interval over messages; None where there are none.
    """

    journey: str
    step: str
    both: Band
    only_before: Band
    only_after: Band
    other: Band
    later: float | None
    interval: Interval | None


class BranchImpact(NamedTuple):
    """How many customers leave a step by one outcome without the change and by another one with it.

    An outcome is that of a customer's first visit: a branch, an arm, how a wait ended, why nothing was sent; empty for
    those who do not come there.
    """

    journey: str
    step: str
    before: str
    after: str
    customers: Band


@frozen(repr=False)
class Impact(Rows):
    """What a change does: the same people with and without it, one by one.

    `before` and `after` are the outcomes of the simulations, or of the back-tests. All figures are bands over
    replications; intervals are over all customers of all replications, at `confidence`. `changed` are the ids of those
    for whom anything is different: a message, its time, a branch, a status. `tallies` is everything that was counted.
    """

    before: Outcome | Backtest
    after: Outcome | Backtest
    changed: tuple[str, ...]
    confidence: float
    tallies: tuple[Totals, ...] = field(repr=False)

    @property
    def customers(self) -> Band:
        """How many took part."""
        return self._band("customers")

    @property
    def share_changed(self) -> float:
        """The share of customers for whom anything is different."""
        return len(self.changed) / self._sum("customers")

    @property
    def figures(self) -> tuple[PairedFigure, ...]:
        """Messages in all and by channel, and by journey how many entered, are in the holdout, and converted.

        The holdout has neither entered nor converted (R81); a journey without a holdout has no such figure.
        """
        return tuple(
            self._figure(figure, label)
            for figure, label in self._keys("before", "after")
            if figure != "held out" or self._sum("before", figure, label) or self._sum("after", figure, label)
        )

    def _figure(self, figure: str, label: str) -> PairedFigure:
        key, n = (figure, label), self._sum("customers")
        more = self._sum("after", *key) - self._sum("before", *key)
        return PairedFigure(
            figure,
            label,
            self._band("before", *key),
            self._band("after", *key),
            band(tally["after", *key] - tally["before", *key] for tally in self.tallies),
            more / n,
            mean_interval(n, more, self._sum("squares", *key), self.confidence),
        )

    @property
    def steps(self) -> tuple[StepImpact, ...]:
        """What becomes of the messages of each step, by journey and step."""
        return tuple(self._step(journey, step) for journey, step in self._keys("both"))

    def _step(self, journey: str, step: str) -> StepImpact:
        both, first, second, other = (self._band(name, journey, step) for name in _OF_MESSAGES)
        n, total, squares = (self._sum(name, journey, step) for name in ("both", "later", "later squared"))
        found = mean_interval(n, total, squares, self.confidence)
        interval = None if found is None else Interval(found.low / MINUTE, found.high / MINUTE)
        return StepImpact(journey, step, both, first, second, other, total / n / MINUTE if n else None, interval)

    @property
    def branches(self) -> tuple[BranchImpact, ...]:
        """How many customers leave each step by which outcome, without the change and with it."""
        return tuple(
            BranchImpact(journey, step, before, after, self._band("outcome", journey, step, before, after))
            for journey, step, before, after in self._keys("outcome")
        )

    def _keys(self, *names: str) -> list[tuple[str, ...]]:
        found = {key[1:] for tally in self.tallies for key in tally if key[0] in names}
        return sorted(tuple(map(str, key)) for key in found)

    def _band(self, *key: Hashable) -> Band:
        return band(tally[key] for tally in self.tallies)

    def _sum(self, *key: Hashable) -> int:
        return sum(tally[key] for tally in self.tallies)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return every figure, step and branch as a plain row; `what` says which of them it is."""
        groups = (("figure", self.figures), ("messages", self.steps), ("branch", self.branches))
        return [{"what": what, **_plain(row)} for what, rows in groups for row in rows]

    def __repr__(self) -> str:
        """Return how many customers get something else, and how many more messages there are."""
        return f"Impact({counted(self.customers, 'customer')}, {self.share_changed:.1%} changed; {self._messages()})"

    def _messages(self) -> str:
        found = next((each for each in self.figures if each[:2] == ("messages", "")), None)
        return "no messages" if found is None else f"messages {found.change}"

    def __str__(self) -> str:
        """Return the comparison as text for people."""
        return "\n".join(self._lines())

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the comparison, and `to_html()` writes it as one page of HTML.

        The page has the average difference of one customer with its interval for each figure, what becomes of the
        messages of each step, and who leaves a step by another branch.
        """
        return ReportPage(self._title, [*self._lead()], [*self._sections()], str(self))

    @property
    def _title(self) -> str:
        names = [*(row.journey for row in self.steps), *(row.journey for row in self.branches)]
        return f"Comparison of {', '.join(dict.fromkeys(names)) or 'two versions'}"

    def _lead(self) -> Iterator[str]:
        yield (
            f"The same {counted(f'{self.customers.median:,g}', 'customer')} without and with the change:"
            f" {self.share_changed:.1%} of them get something else."
        )
        if len(self.tallies) > 1:
            yield f"Over {len(self.tallies)} seeds: {BAND}"

    def chart(self) -> Diagram:
        """Return the difference of one customer on average for each figure, with its interval, as a forest plot."""
        return intervals(
            f"Difference of one customer on average, with {self.confidence:.0%} intervals",
            ("figure", "difference"),
            [_interval_row(each) for each in self.figures if each.interval is not None],
        )

    def _pictures(self) -> Iterator[Diagram]:
        chart = self.chart()
        return iter([chart] if chart.rows else [])

    def _sections(self) -> Iterator[Section]:
        rows = [(_named(each), str(each.before), str(each.after), str(each.change)) for each in self.figures]
        figures = PlainTable(("figure", "before", "after", "change"), rows)
        yield Section("Figures", (), [*self._pictures(), figures])
        if self.steps:
            header = ("step", *_OF_MESSAGES[:3], "with other content", "hours later")
            messages = [(_at(each), *map(str, each[2:6]), _hours_later(each.later)) for each in self.steps]
            yield Section(
                "Messages", ["To the same customer, with and without the change."], [PlainTable(header, messages)]
            )
        moved = [each for each in self.branches if each.before != each.after]
        if moved:
            ways = [(_at(each), each.before or ABSENT, each.after or ABSENT, str(each.customers)) for each in moved]
            yield Section("Other branches", (), [PlainTable(("step", "before", "after", "customers"), ways)])

    def _lines(self) -> Iterator[str]:
        seeds = "" if len(self.tallies) == 1 else f", {len(self.tallies)} seeds"
        yield f"{counted(self.customers, 'customer')}{seeds}: {self.share_changed:.1%} of them get something else"
        for each in self.figures:
            yield f"  {_named(each)}: {each.before} -> {each.after}, {_paired(each)}"
        for step in self.steps:
            later = "" if not step.later else f", {_hours(step.later, step.interval)}"
            parts = {"both": step.both, "only before": step.only_before, "only after": step.only_after}
            parts |= {"with other content": step.other} if step.other.high else {}
            told = ", ".join(f"{name} {found}" for name, found in parts.items())
            yield f"  messages of {step.journey}/{step.step}: {told}{later}"
        for branch in self.branches:
            if branch.before != branch.after:
                ways = f"{branch.before or ABSENT} -> {branch.after or ABSENT}"
                yield f"  {branch.journey}/{branch.step}: {ways}, customers {branch.customers}"


ABSENT: Final = "(not there)"
"""What is said of a customer who does not come to a step."""


def _named(figure: PairedFigure) -> str:
    return " ".join(filter(None, figure[:2]))


def _at(row: StepImpact | BranchImpact) -> str:
    return f"{row.journey}/{row.step}"


def _hours_later(minutes: float | None) -> str:
    return "" if minutes is None else f"{minutes / 60:+.1f}"


def _interval_row(figure: PairedFigure) -> IntervalRow:
    low, high = (figure.interval.low, figure.interval.high) if figure.interval is not None else (0.0, 0.0)
    return IntervalRow(
        _named(figure), low, figure.difference, high, f"{figure.difference:+.3f} ({low:+.3f} to {high:+.3f})"
    )


_OF_MESSAGES = ("both", "only before", "only after", "other")


def _plain(row: PairedFigure | StepImpact | BranchImpact) -> dict[str, object]:
    """Return a row with a key for each end of a band and of an interval."""
    found: dict[str, object] = {}
    for name, value in row._asdict().items():
        if isinstance(value, Band):
            found |= {name: value.median, f"{name}_low": value.low, f"{name}_high": value.high}
        elif name == "interval":
            found |= {"low": None if value is None else value.low, "high": None if value is None else value.high}
        else:
            found[name] = value
    return found


def _paired(figure: PairedFigure) -> str:
    if figure.interval == Interval(0, 0):
        return "the same"
    interval = "" if figure.interval is None else f", {figure.interval.low:+.3f} to {figure.interval.high:+.3f}"
    return f"{figure.change.median:+g} ({figure.difference:+.3f} a customer{interval})"


def _hours(minutes: float, interval: Interval | None) -> str:
    word = "later" if minutes > 0 else "earlier"
    ends = "" if interval is None else f" ({abs(interval.low) / 60:.1f} to {abs(interval.high) / 60:.1f})"
    return f"{abs(minutes) / 60:.1f} hours {word} on average{ends}"


def mean_interval(n: int, total: float, squares: float, confidence: float) -> Interval | None:
    """Return the interval of a mean, from the sum and the sum of squares; by the normal distribution. None for one.

    >>> found = mean_interval(100, 50, 50, 0.95)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4015, 0.5985)
    """
    if n < 2:  # noqa: PLR2004 one value has no spread
        return None
    mean = total / n
    spread = sqrt(max(0.0, squares - total * mean) / (n - 1) / n)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * spread
    return Interval(mean - reach, mean + reach)


# --- counting ---------------------------------------------------------------------------------------------------------


def paired(before: Mapping[str, Trail], after: Mapping[str, Trail]) -> tuple[Totals, list[str]]:
    """Return what is counted of the same people without a change and with it, and for whom anything is different."""
    found: Totals = Counter()
    changed = []
    for customer in sorted(before.keys() | after.keys()):
        one, two = before.get(customer, NOTHING), after.get(customer, NOTHING)
        found["customers",] += 1
        changed += [customer] if one != two else []
        for count in (_count_figures, _count_messages, _count_branches):
            count(found, one, two)
    return found, changed


def _count_figures(found: Totals, before: Trail, after: Trail) -> None:
    """Count the figures of one customer on both sides, and the square of their difference."""
    one, two = _figures(before), _figures(after)
    for key in one.keys() | two.keys():
        found["before", *key] += one[key]
        found["after", *key] += two[key]
        found["squares", *key] += (two[key] - one[key]) ** 2


def _figures(trail: Trail) -> Counter[tuple[str, str]]:
    """Return how often a customer gets a message, enters a journey or its holdout, and reaches its goal (R25, R81)."""
    found = Counter[tuple[str, str]]()
    for _, _, channel, _, _ in trail.messages:
        found["messages", ""] += 1
        found["messages", channel] += 1
    for journey, _, status, _, _, _, converted in trail.enrollments:
        held_out = status == HOLDOUT
        found["held out", journey] += held_out
        found["entered", journey] += not held_out
        found["converted", journey] += converted and not held_out
    return found


def _count_messages(found: Totals, before: Trail, after: Trail) -> None:
    """Count the messages of one customer by step: the first on one side belongs to the first on the other."""
    one, two = _grouped(before), _grouped(after)
    for key in one.keys() | two.keys():
        first, second = one.get(key, []), two.get(key, [])
        both = min(len(first), len(second))
        found["both", *key] += both
        found["only before", *key] += len(first) - both
        found["only after", *key] += len(second) - both
        for (*what, at), (*other, then) in zip(first, second, strict=False):
            found["other", *key] += what != other
            found["later", *key] += then - at
            found["later squared", *key] += (then - at) ** 2


def _grouped(trail: Trail) -> dict[tuple[str, str], list[tuple[str, str, int]]]:
    found: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for journey, step, channel, template, at in trail.messages:
        found.setdefault((journey, step), []).append((channel, template, at))
    return found


def _count_branches(found: Totals, before: Trail, after: Trail) -> None:
    """Count the first outcome of each step on both sides."""
    one, two = _first_outcomes(before), _first_outcomes(after)
    for key in one.keys() | two.keys():
        found["outcome", *key, one.get(key, ""), two.get(key, "")] += 1


def _first_outcomes(trail: Trail) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for journey, step, outcome, _ in trail.outcomes:
        found.setdefault((journey, step), outcome)
    return found
