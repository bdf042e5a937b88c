"""Experiments read from the log: the arms of Splits against each other, and those let in against those kept out (R25).

Customers are counted once, by their first entry into the journey: an arm holds those whose first run came through it. A
customer has converted who reached the goal in that run, or in a later one within the goal's time from the first entry:
a restart hands the goal on to the run that takes its place, and with a key any run may have it. Those kept out are
followed up in the same way.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.moments import add
from journeyflow.basics.values import dumps
from journeyflow.basics.words import COMPLETED, HOLDOUT
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import Split
from journeyflow.errors import InvalidInput
from journeyflow.questions.numbers.intervals import (
    CONFIDENCE,
    Comparison,
    Group,
    SampleRatio,
    against,
    comparisons,
    sample_ratio,
)
from journeyflow.stores.contract import SqlReader

KEPT_OUT = "holdout"

LET_IN = "let in"
"""The labels of the two groups that a holdout makes."""

MAX_PERCENT = 100


@frozen
class SplitResults:
    """The results of a Split: its arms in order, the test of their sizes, and each arm compared with the first one.

    `against_holdout` compares the arms with those who were kept out. That is fair only if everybody who was let in has
    reached the Split; after a Condition or a Wait, the arms are a selection of people.
    """

    step: str
    arms: tuple[Group, ...]
    ratio: SampleRatio
    comparisons: tuple[Comparison, ...]
    against_holdout: tuple[Comparison, ...]


@frozen
class Results:
    """The results of a journey, measured by its goal: those let in, those kept out, and the arms of each Split.

    `holdout`, `comparison` (how much more those let in convert) and `ratio` (the test of the two sizes) are None
    without a holdout. `splits` has the results of each Split by the id of its step, those of the newest version first.
    """

    tenant: str
    journey: str
    let_in: Group
    holdout: Group | None
    comparison: Comparison | None
    ratio: SampleRatio | None
    splits: Mapping[str, SplitResults] = field(repr=False)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The conclusions that the numbers support, each after the name of the journey or the Split it is about."""
        found = [] if self.comparison is None else [self.comparison.sentence]
        found += [] if self.ratio is None else [self.ratio.sentence]
        lines = [f"{self.journey}: {sentence}" for sentence in found]
        for split in self.splits.values():
            said = [each.sentence for each in (*split.comparisons, *split.against_holdout)]
            lines += [f"{split.step}: {sentence}" for sentence in (split.ratio.sentence, *said)]
        return tuple(lines)


def results(reader: SqlReader, record: JourneyRecord, confidence: float = CONFIDENCE) -> Results:
    """Return what came of a journey's Splits and holdout; walks through its history.

    Raises InvalidInput for a journey that never had a goal: nobody can have converted.
    """
    journeys = {program.number: program.journey for _, program in record.versions}
    if all(journey.goal is None for journey in journeys.values()):
        raise InvalidInput([f"journey {record.id!r} has no goal: give it one, for example goal=Goal('order.placed')"])
    sizes: dict[str, list[int]] = {KEPT_OUT: [0, 0], LET_IN: [0, 0]}
    shares = dict.fromkeys(sizes, 0.0)
    asked = {"journey": record.number, "holdout": HOLDOUT, "terms": _terms(journeys)}
    for version, kept_out, n, converted in reader.rows(_FIRST_ENTRIES, asked):
        size = sizes[KEPT_OUT if kept_out else LET_IN]
        size[0] += n
        size[1] += converted
        percentage = journeys[version].holdout
        shares[KEPT_OUT] += n * percentage
        shares[LET_IN] += n * (MAX_PERCENT - percentage)
    let_in, holdout = (Group(label, *sizes[label], confidence=confidence) for label in (LET_IN, KEPT_OUT))
    is_held = holdout.n > 0 or any(journey.holdout for journey in journeys.values())
    base = holdout if is_held else None
    return Results(
        record.tenant,
        record.id,
        let_in,
        base,
        Comparison(holdout, let_in) if is_held else None,
        sample_ratio({label: size for label, (size, _) in sizes.items()}, shares) if is_held else None,
        {each.step: each for each in _splits(reader, record, base, confidence)},
    )


def _terms(journeys: Mapping[int, Journey]) -> str:
    """Return for each version for how many microseconds from the first entry a later run counts, as JSON."""
    return dumps([[number, _within(journey)] for number, journey in journeys.items()])


def _within(journey: Journey) -> int:
    """Return the goal's time in microseconds, a day being 24 hours.

    For a goal without a time, later runs count only if re-entry is by restart.
    """
    goal = journey.goal
    if goal is not None and goal.within is not None:
        return add(0, goal.within, UTC)
    return FOR_EVER if goal is not None and journey.reentry.policy == "restart" else NEVER


UTC = ZoneInfo("UTC")

FOR_EVER, NEVER = 1 << 62, -1
"""More microseconds than any journey lasts, and none."""

_TERMS = "terms AS (SELECT value ->> 0 AS number, value ->> 1 AS within FROM json_each(:terms))"

_REACHED = """
(e.converted_at IS NOT NULL OR EXISTS (
    SELECT 1 FROM enrollments l WHERE l.customer = e.customer AND l.journey = e.journey AND l.run > 1
    AND l.converted_at <= e.entered_at + t.within))
"""
"""Whether a customer reached the goal: in the first run, or in a later one within its time from the first entry."""

_FIRST_ENTRIES = f"""
WITH {_TERMS}
SELECT e.version, e.status = :holdout, count(*), sum({_REACHED})
FROM enrollments e JOIN terms t ON t.number = e.version WHERE e.journey = :journey AND e.run = 1 GROUP BY 1, 2
"""

_ARMS = f"""
WITH {_TERMS}, passed AS (SELECT value ->> 0 AS path, value ->> 1 AS version, value ->> 2 AS step, value ->> 3 AS arm
    FROM json_each(:paths))
SELECT version, step, arm, count(*), sum(reached) FROM (
    SELECT e.serial, p.version, {_REACHED} AS reached, p.step, p.arm
    FROM enrollments e JOIN terms t ON t.number = e.version
    JOIN moves m ON m.enrollment = e.serial JOIN passed p ON p.path = m.path
    WHERE e.journey = :journey AND e.run = 1
    UNION
    SELECT e.serial, e.version, {_REACHED}, s.value ->> 0, s.value ->> 2
    FROM enrollments e JOIN terms t ON t.number = e.version
    JOIN moves m ON m.enrollment = e.serial JOIN json_each(m.steps) s
    WHERE e.journey = :journey AND e.run = 1 AND s.value ->> 1 = :completed
      AND (e.version, s.value ->> 0) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:splits))
    UNION
    SELECT e.serial, a.version, {_REACHED}, a.step, a.label
    FROM enrollments e JOIN terms t ON t.number = e.version JOIN arms a ON a.enrollment = e.serial
    WHERE e.journey = :journey AND e.run = 1)
GROUP BY version, step, arm
"""
"""Customers by the arm that their first run took: from interned paths, from paths spelled out, and from pruned runs."""


def _splits(
    reader: SqlReader, record: JourneyRecord, holdout: Group | None, confidence: float
) -> Iterator[SplitResults]:
    """Yield the results of every Split of every version, those of the newest version first, in order."""
    splits = {
        (program.number, step.id): step
        for _, program in reversed(record.versions)
        for step in program.journey.steps
        if isinstance(step, Split)
    }
    sizes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    converted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    shares: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (_, step), split in splits.items():
        sizes[step].update({arm.label: 0 for arm in split.arms})
    terms = _terms({program.number: program.journey for _, program in record.versions})
    asked = {"journey": record.number, "completed": COMPLETED, "splits": dumps(list(map(list, splits))), "terms": terms}
    for version, step, arm, n, reached in reader.rows(_ARMS, {**asked, "paths": dumps(_paths(reader, record, splits))}):
        sizes[step][arm] += n
        converted[step][arm] += reached
        for each in splits[version, step].arms:
            shares[step][each.label] += n * (each.buckets or 0)
    for step, found in sizes.items():
        arms = tuple(Group(label, n, converted[step][label], confidence=confidence) for label, n in found.items())
        ratio = sample_ratio(found, {label: shares[step][label] for label in found})
        yield SplitResults(step, arms, ratio, comparisons(arms), against(holdout, arms))


def _paths(
    reader: SqlReader, record: JourneyRecord, splits: Mapping[tuple[int, str], Split]
) -> list[tuple[int, int, str, str]]:
    """Return the interned paths that lead through a Split: number, version, Split, arm."""
    rows = reader.rows(
        "SELECT p.number, p.version, s.value ->> 0, s.value ->> 2"
        " FROM paths p JOIN versions v ON v.number = p.version JOIN json_each(p.steps) s"
        " WHERE v.journey = ? AND s.value ->> 1 = ?",
        (record.number, COMPLETED),
    )
    return [(path, version, step, arm) for path, version, step, arm in rows if (version, step) in splits]
