"""The outcome of a simulation: its figures, as text for people and as a page of HTML."""

from collections.abc import Iterator

from attrs import frozen

from journeyflow.basics.showing import counted
from journeyflow.drawing.charts import Diagram
from journeyflow.reporting.html import ReportPage
from journeyflow.simulation.page import messages_by_day, outcome_page, step_funnel
from journeyflow.simulation.tallied import Tallied
from journeyflow.simulation.wording import outcome_text


@frozen(repr=False)
class Outcome(Tallied):
    """The outcome of simulated journeys; all figures are counted over all replications (`Band`). Printed as text.

    `start` and `until` are in UTC, and days are those of UTC. `seeds` are those of the replications. `customers` is how
    many took part, `journeys` the definitions by id. `tallies` is everything that was counted, one `Counter` per
    replication; the methods and `to_dicts` read it.
    """

    def __repr__(self) -> str:
        """Return who took part, and for each journey how many entered, ended and converted."""
        seeds = f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"{len(self.seeds)} seeds"
        each = "; ".join(f"{name}: {self.entered(name)} entered" for name in self.journeys)
        people = counted(self.customers, "customer")
        return f"Outcome({people}, {self.start:%Y-%m-%d} to {self.until:%Y-%m-%d}, {seeds}; {each})"

    def __str__(self) -> str:
        """Return the outcome as text for people."""
        return outcome_text(self)

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the outcome, and `to_html()` writes it as one page of HTML.

        The page has each journey with its picture, its funnel, the flow between its steps and how long runs took, and
        messages by day: medians, with bands over several seeds.
        """
        return outcome_page(self)

    def _pictures(self) -> Iterator[Diagram]:
        yield from (step_funnel(self, name) for name in self.journeys)
        yield from messages_by_day(self)
