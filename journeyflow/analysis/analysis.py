"""What can be known of a journey before it runs."""

from attrs import field, frozen

from journeyflow.analysis import proofs
from journeyflow.analysis.paths import AllPaths
from journeyflow.analysis.proofs import Proof
from journeyflow.analysis.reads import EarlyRead, early_reads, reads_in_time
from journeyflow.analysis.spans import Span
from journeyflow.analysis.ways import Chart, DeadEnd, chart_of
from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.showing import counted
from journeyflow.basics.values import describe
from journeyflow.definition.journey import Journey
from journeyflow.errors import InvalidInput, NotFound


@frozen(repr=False, eq=False)
class Analysis(Rows):
    """What can be known of a journey from its definition alone: its paths, and what holds on all of them.

    Each claim answers with a `Proof`: it holds, it fails with a life that shows it, or it is unknown, with the reason.
    """

    journey: Journey
    chart: Chart = field(repr=False)

    @property
    def paths(self) -> AllPaths:
        """All paths, with their durations."""
        return AllPaths(self.chart)

    @property
    def duration(self) -> Span:
        """From the shortest to the longest time of a run that comes to its end."""
        return self.paths.duration

    @property
    def most_messages(self) -> int | None:
        """How many messages one run sends at most; None where a loop sends messages."""
        return proofs.most_messages(self.chart)

    @property
    def dead(self) -> tuple[DeadEnd, ...]:
        """The branches and arms that no run takes, in the order written."""
        return tuple(self.chart.dead)

    @property
    def unreached(self) -> tuple[str, ...]:
        """The ids of the steps that no run comes to, in the order written."""
        return tuple(step.id for step in self.journey.steps if step.id not in self.chart.group)

    def ends(self) -> Proof:
        """Return whether every run comes to an end by itself, sooner or later."""
        return proofs.ends(self.chart)

    def at_most(self, messages: int, *, within: object = None) -> Proof:
        """Return whether no run sends more messages than these, altogether or `within` a length of time.

        A window of that length does not hold both its ends: messages exactly so far apart are in two windows. Months
        count 31 days. Raise InvalidInput for a number below 0, and for no length of time.
        """
        if type(messages) is not int or messages < 0:
            raise InvalidInput([f"messages must be a whole number from 0 up, not {describe(messages)}"])
        try:
            return proofs.at_most(self.chart, messages, within)
        except ValueError as error:
            raise InvalidInput([f"within: {error}"]) from error

    def no_template_twice(self) -> Proof:
        """Return whether no run sends the same template twice."""
        return proofs.no_template_twice(self.chart)

    def never_after(self, step: str) -> Proof:
        """Return whether no run sends a message once it has left a step. Raise NotFound for an unknown step."""
        if step not in self.journey.index:
            raise NotFound("step", step, journey=self.journey.id)  # noqa: EM101 a kind of thing
        return proofs.never_after(self.chart, step)

    @property
    def early_reads(self) -> tuple[EarlyRead, ...]:
        """The places that read a value of a message, a wait or the trigger that may be missing there."""
        return tuple(early_reads(self.chart))

    def reads_in_time(self) -> Proof:
        """Return whether no step reads a message, an awaited event or trigger data before it can be there."""
        return reads_in_time(self.chart)

    def proofs(self) -> tuple[Proof, ...]:
        """Return the proofs that need no number: every path ends, no template twice, nothing read too early."""
        return self.ends(), self.no_template_twice(), self.reads_in_time()

    def to_dicts(self) -> list[dict[str, object]]:
        """Return the proofs as plain rows: see `Proof.to_dict`."""
        return [proof.to_dict() for proof in self.proofs()]

    def __repr__(self) -> str:
        """Return how many paths there are, how long they take, and how many messages they send."""
        paths, most = self.paths, self.most_messages
        messages = "messages in a loop" if most is None else f"at most {counted(most, 'message')}"
        return f"<Analysis of {self.journey.id!r}: {counted(f'{paths.count:,}', 'path')}, {paths.duration}, {messages}>"


def analyze(journey: Journey) -> Analysis:
    """Return what can be known of a journey from its definition alone; nothing is run but counter-examples, in memory.

    Raise InvalidInput for a journey without steps.

    >>> from journeyflow import Send, Trigger, Wait
    >>> hello = Journey(
    ...     "hello", trigger=Trigger("joined"), steps=[Send("hi", channel="EMAIL", template="t"), Wait("rest", "1 day")]
    ... )
    >>> analyze(hello)
    <Analysis of 'hello': 1 path, 1 day, at most 1 message>
    >>> analyze(hello).at_most(1)
    <Proof at most 1 message: holds: no path has more than 1 message>
    """
    if not isinstance(journey, Journey):
        raise InvalidInput([f"journey must be a Journey, not {describe(journey)}"])
    if not journey.steps:
        raise InvalidInput([f"journey {journey.id!r} has no steps to analyze; add one"])
    return Analysis(journey, chart_of(journey))
