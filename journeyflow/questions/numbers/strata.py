"""Strata: people who were split in the same proportions, and are compared only with one another (R87). Pure.

Where the percentages of a split change, its groups come from different times in different proportions, and their sums
differ even if the groups do not. Within a stratum only the split decides who is in which group.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.questions.numbers.intervals import Comparison, Group, SampleRatio, compared, sample_ratio
from journeyflow.questions.numbers.intervals import total as sum_of


class Design(NamedTuple):
    """How one version splits people: the percentage of each group, by label, and how it counts conversions."""

    version: int
    counted: Hashable
    shares: Mapping[str, float]


@frozen
class Stratum(Rows):
    """The groups of the versions that split people in the same proportions and count by the same goal.

    `shares` are the percentages of the groups, by label.
    """

    versions: tuple[int, ...]
    shares: Mapping[str, float]
    groups: tuple[Group, ...]

    @property
    def drawn(self) -> Mapping[str, Group]:
        """The groups that people could come into, by label."""
        return {group.label: group for group in self.groups if self.shares[group.label]}


def stratified(
    designs: Sequence[Design], counts: Mapping[tuple[int, str], tuple[int, int]], confidence: float = CONFIDENCE
) -> tuple[Stratum, ...]:
    """Return the strata of some versions, in the order of the designs, which is the newest version first.

    `counts` holds (people, converted) by version and label.

    >>> designs = [Design(n, "goal", {"A": share, "B": 100 - share}) for n, share in ((3, 50), (2, 90), (1, 50))]
    >>> [stratum.versions for stratum in stratified(designs, {})]
    [(1, 3), (2,)]
    """
    alike = dict[Hashable, list[Design]]()
    for design in designs:
        alike.setdefault((design.counted, frozenset(design.shares.items())), []).append(design)
    return tuple(
        Stratum(
            tuple(sorted(each.version for each in same)),
            same[0].shares,
            tuple(
                Group(label, *map(sum, zip(*found, strict=True)), confidence=confidence)
                for label in same[0].shares
                for found in [[counts.get((each.version, label), (0, 0)) for each in same]]
            ),
        )
        for same in alike.values()
    )


def totals(strata: Sequence[Stratum]) -> tuple[Group, ...]:
    """Return the sum of each group over all strata.

    >>> one, two = (Stratum((n,), {"A": 100}, (Group("A", n, 1),)) for n in (1, 2))
    >>> totals([one, two])
    (Group(label='A', n=3, converted=2),)
    """
    found = dict[str, list[Group]]()
    for stratum in strata:
        for group in stratum.groups:
            found.setdefault(group.label, []).append(group)
    return tuple(map(sum_of, found.values()))


def group_comparisons(strata: Sequence[Stratum]) -> tuple[Comparison, ...]:
    """Compare the groups of each stratum with its first one; two groups once, over all strata that have both.

    >>> groups = {label: Group(label, 10, 5) for label in "ABC"}
    >>> new = Stratum((2,), {"A": 50, "C": 50}, (groups["A"], groups["C"]))
    >>> old = Stratum((1,), {"A": 50, "B": 50}, (groups["A"], groups["B"]))
    >>> [(each.base.label, each.other.label) for each in group_comparisons([new, old])]
    [('A', 'C'), ('A', 'B')]
    """
    found = dict[frozenset[str], list[tuple[Group, Group]]]()
    for drawn in (stratum.drawn for stratum in strata):
        for other in list(drawn)[1:]:
            pair = next(iter(drawn)), other
            if frozenset(pair) not in found:
                both = [each.drawn for each in strata if each.drawn.keys() >= {*pair}]
                found[frozenset(pair)] = [(each[pair[0]], each[other]) for each in both]
    return tuple(map(compared, found.values()))


def sizes_test(strata: Sequence[Stratum]) -> SampleRatio:
    """Test the sizes of the groups of all strata against their percentages."""
    return sample_ratio(*(({group.label: group.n for group in each.groups}, each.shares) for each in strata))
