"""The plan of an experiment: its groups, its power, how long it takes and what it costs (R87)."""

from math import ceil, fsum
from typing import Final

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.html_tables import PlainTable
from journeyflow.basics.moments import DAY
from journeyflow.basics.showing import counted
from journeyflow.reporting.html import ReportPage, Section

_NONE: Final = 0.0005
"""The power, half a tenth of a percent, below which a difference counts as never shown."""


@frozen
class PlannedGroup:
    """A group of an experiment: its percentage, its people, the rate it is expected to have.

    `power` is the probability that the group is found to differ from the first one, as it does; None for the first
    group itself, and for one that is not expected to differ.
    """

    label: str
    percentage: float
    people: int
    rate: float
    power: float | None


@frozen
class ExperimentPlan(Rows):
    """An experiment before it begins: its groups, and what follows from them.

    `per_day` is how many people come a day, None if that is not known. `within` is how long the last one has to reach
    the goal, in microseconds.
    """

    groups: tuple[PlannedGroup, ...]
    confidence: float
    per_day: float | None = None
    within: int = 0

    @property
    def people(self) -> int:
        """How many people take part."""
        return sum(group.people for group in self.groups)

    @property
    def power(self) -> float:
        """The probability of finding the difference; of several groups, that of the one that is hardest to find."""
        return min(group.power for group in self.groups if group.power is not None)

    @property
    def days(self) -> int | None:
        """How many days it takes until the last one has come and has had time to reach the goal; None if unknown."""
        return None if self.per_day is None else ceil(self.people / self.per_day + self.within / DAY)

    @property
    def lost(self) -> float:
        """How many conversions the experiment costs, compared with everybody in the best group.

        For a holdout, these are the conversions that are lost because some people get nothing.
        """
        best = max(group.rate for group in self.groups)
        return fsum(group.people * (best - group.rate) for group in self.groups)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return a plain row for each group."""
        return [
            {
                "group": each.label,
                "percentage": each.percentage,
                "people": each.people,
                "rate": each.rate,
                "power": each.power,
            }
            for each in self.groups
        ]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What follows from the plan: with which power it shows the difference, how long it takes, what it costs."""
        rest = f", {self.within / DAY:.3g} of them for the last one to reach the goal" if self.within else ""
        takes = "" if self.days is None else f"it takes {self.days:,} days at {self.per_day:g} people a day{rest}"
        people = counted(f"{self.people:,}", "person", "people")
        shows = f"{people} show the difference with power {_in_percent(self.power)}"
        if self.power < _NONE:
            shows = f"{people} {'is' if self.people == 1 else 'are'} too few to show the difference"
        costs = f"it costs {self.lost:,.1f} conversions, compared with everybody in the best group"
        return tuple(filter(None, (f"{shows}, at a confidence of {100 * self.confidence:.4g}%", takes, costs)))

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the plan, and `to_html()` writes it as one page of HTML."""
        rows = [
            (each.label, f"{each.percentage:g}%", each.people, f"{each.rate:.2%}", _in_percent(each.power))
            for each in self.groups
        ]
        lead = [f"{sentence[0].upper()}{sentence[1:]}." for sentence in self.sentences]
        groups = Section("Groups", [_POWER], [PlainTable(("group", "share", "people", "rate", "power"), rows)])
        return ReportPage("Plan of an experiment", lead, [groups], str(self))

    def __str__(self) -> str:
        """Return the plan as text for people."""
        groups = (
            f"{each.label}: {each.percentage:g}%, {each.people:,} people, {each.rate:.2%} convert"
            + ("" if each.power is None else f", found with power {_in_percent(each.power)}")
            for each in self.groups
        )
        return "\n".join((*groups, *self.sentences))


_POWER = (
    "The rate is the share of a group that converts, the power how probably its difference from the first is found."
)


def _in_percent(power: float | None) -> str:
    """Return a power in percent, a dash for the group that the others are compared with."""
    return "\N{EN DASH}" if power is None else f"{power:.1%}"
