"""The results of experiments: the groups, what is concluded from them, and their differences as a forest plot."""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.drawing.charts import Diagram, IntervalRow, intervals
from journeyflow.questions.numbers.intervals import Comparison, Group, SampleRatio
from journeyflow.questions.numbers.strata import Stratum


@frozen
class SplitResults(Rows):
    """The results of a Split: its arms, the test of their sizes, and each arm compared with the first of its version.

    `arms` are sums over all versions, those of the newest version first. Where percentages changed, the sums must not
    be compared: `strata` has the arms of versions with equal percentages, and `comparisons` compares within those. An
    arm of an older version whose label now leads to another step is an arm of its own: "A to tips".

    `against_holdout` compares the arms with the holdout. It is empty unless every customer who is let in comes to the
    Split at the entry; `declined` says so if there is a holdout.
    """

    step: str
    arms: tuple[Group, ...]
    ratio: SampleRatio
    comparisons: tuple[Comparison, ...]
    against_holdout: tuple[Comparison, ...]
    strata: tuple[Stratum, ...] = field(repr=False)
    declined: str = ""


@frozen
class Results(Rows):
    """The results of a journey, measured by its goal: those let in, the holdout, and the arms of each Split.

    `holdout`, `comparison` (how much more those let in convert) and `ratio` (the test of the two sizes) are None
    without a holdout. `let_in` and `holdout` are sums over all versions with a goal; only versions with a holdout are
    compared, those with equal percentages in one of the `strata`. `declined` says which versions with a holdout are
    left out, and why; else it is empty. `splits` has the results of each Split by the id of its step, those of the
    newest version first.
    """

    tenant: str
    journey: str
    let_in: Group
    holdout: Group | None
    comparison: Comparison | None
    ratio: SampleRatio | None
    splits: Mapping[str, SplitResults] = field(repr=False)
    strata: tuple[Stratum, ...] = field(default=(), repr=False)
    declined: str = ""

    def _rows(self) -> Iterator[object]:
        """Yield a row for each group: those let in, the holdout, and the arms of each Split by step."""
        groups: list[tuple[str | None, Group | None]] = [(None, self.let_in), (None, self.holdout)]
        groups += [(split.step, each) for split in self.splits.values() for each in split.arms]
        for split, each in groups:
            if each is not None:
                counts = {"group": each.label, "n": each.n, "converted": each.converted}
                yield {"split": split, **counts, "rate": each.rate, "interval": each.interval}

    @property
    def sentences(self) -> tuple[str, ...]:
        """The conclusions that the numbers support, each after the name of the journey or the Split it is about.

        Nothing is concluded from groups that do not have the sizes that they should have. No line is there twice.
        """
        trusted = self.ratio is None or not self.ratio.suspicious
        found = [self.comparison.sentence] if self.comparison is not None and trusted else []
        found += [] if self.ratio is None else [self.ratio.sentence]
        found += [self.declined] if self.declined else []
        lines = [f"{self.journey}: {sentence}" for sentence in found]
        for split in self.splits.values():
            said = [split.ratio.sentence]
            if not split.ratio.suspicious:
                said += [each.sentence for each in (*split.comparisons, *(split.against_holdout if trusted else ()))]
            said += [split.declined] if split.declined else []
            lines += [f"{split.step}: {sentence}" for sentence in said]
        return tuple(dict.fromkeys(lines))

    def chart(self) -> Diagram:
        """Return the differences of arms and holdout as a forest plot; groups of the wrong sizes are marked."""
        rows = list(_interval("let in against holdout", self.comparison, self.ratio))
        doubts = _doubts("the holdout", self.ratio)
        for name, split in self.splits.items():
            doubts += _doubts(name, split.ratio)
            for each in split.comparisons:
                rows += _interval(_against(name, each), each, split.ratio)
            for each in split.against_holdout:
                rows += _interval(_against(name, each), each, split.ratio, self.ratio)
        return intervals(TITLE, ("groups", "difference"), rows, " ".join(doubts))

    def _caption(self) -> str:
        return f"Results of journey {self.journey}"

    def _remarks(self) -> Iterator[str]:
        return iter(self.sentences)

    def _pictures(self) -> Iterator[Diagram]:
        chart = self.chart()
        if chart.rows:
            yield chart


TITLE = "Differences of the goal's rate, in points, with their intervals"


def _against(split: str, comparison: Comparison) -> str:
    return f"{split}: {comparison.other.label} against {comparison.base.label}"


def _doubts(name: str, ratio: SampleRatio | None) -> list[str]:
    suspicious = ratio is not None and ratio.suspicious
    return [f"Sample ratio mismatch of {name}: its groups must not be compared."] if suspicious else []


def _interval(label: str, comparison: Comparison | None, *ratios: SampleRatio | None) -> Iterator[IntervalRow]:
    if comparison is None or comparison.difference is None or comparison.interval is None:
        return
    low, middle, high = (
        100 * each for each in (comparison.interval.low, comparison.difference, comparison.interval.high)
    )
    doubtful = any(each is not None and each.suspicious for each in ratios)
    said = f"{middle:+.1f} points ({low:.1f} to {high:.1f})"
    yield IntervalRow(label, low, middle, high, said, doubtful)
