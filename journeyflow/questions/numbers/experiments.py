"""Experiments read from the log: the arms of Splits against each other, and those let in against the holdout (R87).

Customers are counted once, by their first entry into the journey: an arm holds those whose first run came through it,
the first time that it did. A customer has converted who reached the goal in that run, or in a later one within the
goal's time from the first entry: a restart hands the goal on to the run that takes its place, and with a key any run
may have it. The holdout is followed up in the same way.

Only what was split at the same point, in the same proportions, and is counted from the same instant is compared.
"""

from collections.abc import Iterator, Mapping

from attrs import frozen

from journeyflow.basics.chance import KEPT_OUT
from journeyflow.basics.durations import add
from journeyflow.basics.moments import UTC_ZONE
from journeyflow.basics.values import dumps
from journeyflow.basics.words import COMPLETED, HOLDOUT
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.steps import Arm, Split, Update
from journeyflow.errors import InvalidInput
from journeyflow.machine.program import Program
from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.questions.numbers.intervals import Group
from journeyflow.questions.numbers.results import Results, SplitResults
from journeyflow.questions.numbers.strata import Design, Stratum, group_comparisons, sizes_test, stratified, totals
from journeyflow.stores.contract import SqlReader

LET_IN = "let in"
"""The labels of the two groups that a holdout makes."""

WHOLE = 100

Counts = dict[tuple[int, str], tuple[int, int]]
"""People and how many of them converted, by the number of a version and the label of a group."""


def results(reader: SqlReader, record: JourneyRecord, confidence: float = CONFIDENCE) -> Results:
    """Return the results of a journey's Splits and holdout; walks through its history.

    Raises InvalidInput for a journey that never had a goal: no customer can have converted.
    """
    programs = {program.number: program for _, program in reversed(record.versions)}  # the newest first
    if all(program.journey.goal is None for program in programs.values()):
        raise InvalidInput([f"journey {record.id!r} has no goal: give it one, for example goal=Goal('order.placed')"])
    entries = _entries(reader, record, programs, confidence)
    strata = entries.strata
    return Results(
        record.tenant,
        record.id,
        entries.total(LET_IN),
        entries.total(KEPT_OUT) if _held(programs) else None,
        next(iter(group_comparisons(strata)), None),
        sizes_test(strata) if strata else None,
        {each.step: each for each in _splits(reader, record, entries)},
        strata,
        entries.declined,
    )


# --- entries: those let in and the holdout ----------------------------------------------------------------------------


@frozen
class _Entries:
    """The first entries into a journey, counted by the version that was entered."""

    programs: Mapping[int, Program]
    """The versions by number, the newest first."""
    asked: Mapping[str, object]
    counts: Counts
    unfair: Mapping[int, str]
    """The versions with a holdout whose people cannot be compared with it, with the reason."""
    confidence: float

    @property
    def fair(self) -> list[int]:
        """The versions with a holdout that can be compared with it."""
        return [number for number in _held(self.programs) if number not in self.unfair]

    @property
    def declined(self) -> str:
        """Which versions are not compared with their holdout, and why."""
        left = [
            (why, [str(self.programs[number].version) for number in sorted(self.unfair) if self.unfair[number] == why])
            for why in dict.fromkeys(self.unfair.values())
        ]
        return "; ".join(
            f"who entered version {', '.join(versions)} is not compared with the holdout: {why}"
            for why, versions in left
        )

    def count(self, number: int, label: str) -> tuple[int, int]:
        """Return how many people of a group entered a version, and how many of them converted."""
        return self.counts.get((number, label), (0, 0))

    def total(self, label: str) -> Group:
        """Return the sum of a group over all versions with a goal."""
        found = [self.count(number, label) for number, each in self.programs.items() if each.journey.goal is not None]
        return Group(label, *map(sum, zip(*found, strict=True)), confidence=self.confidence)

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The holdout and those let in, where they can be compared."""
        shares = {number: self.programs[number].journey.holdout for number in self.fair}
        designs = [
            _design(number, self.programs, {KEPT_OUT: share, LET_IN: WHOLE - share}) for number, share in shares.items()
        ]
        return _numbered(stratified(designs, self.counts, self.confidence), self.programs)


def _entries(reader: SqlReader, record: JourneyRecord, programs: Mapping[int, Program], confidence: float) -> _Entries:
    """Read the first entries into a journey."""
    asked = {"journey": record.number, "holdout": HOLDOUT, "terms": _terms(programs)}
    held, counts = _held(programs), Counts()
    unfair = {number: LIMITED for number in held if programs[number].limits}
    for entered, now, kept_out, n, converted in reader.rows(_FIRST_ENTRIES, asked):
        _count(counts, entered, KEPT_OUT if kept_out else LET_IN, n, converted)
        if entered in held and programs[entered].journey.goal != programs[now].journey.goal:
            unfair[entered] = MOVED
    return _Entries(programs, asked, counts, unfair, confidence)


def _held(programs: Mapping[int, Program]) -> list[int]:
    """Return the versions that keep people out; each has a goal (R25)."""
    return [number for number, program in programs.items() if program.holdout]


def _count(counts: Counts, number: int, label: str, n: int, converted: int) -> None:
    before = counts.get((number, label), (0, 0))
    counts[number, label] = before[0] + n, before[1] + converted


LIMITED = "with entry limits people are counted from their slot, the holdout from its trigger"

MOVED = "some were moved to a version with another goal"


def _design(number: int, programs: Mapping[int, Program], shares: Mapping[str, float]) -> Design:
    return Design(number, programs[number].journey.goal, shares)


def _numbered(strata: tuple[Stratum, ...], programs: Mapping[int, Program]) -> tuple[Stratum, ...]:
    """Return strata with the versions of the journey in place of their numbers in the store."""
    return tuple(
        Stratum(tuple(sorted(programs[number].version for number in each.versions)), each.shares, each.groups)
        for each in strata
    )


def _terms(programs: Mapping[int, Program]) -> str:
    """Return for each version for how many microseconds from the first entry a later run counts, as JSON."""
    return dumps([[number, _within(program.journey)] for number, program in programs.items()])


def _within(journey: Journey) -> int:
    """Return the goal's time in microseconds, a day being 24 hours.

    For a goal without a time, later runs count only if re-entry is by restart.
    """
    goal = journey.goal
    if goal is not None and goal.within is not None:
        return add(0, goal.within, UTC_ZONE)
    return FOR_EVER if goal is not None and journey.reentry.policy == "restart" else NEVER


FOR_EVER, NEVER = 1 << 62, -1
"""More microseconds than any journey lasts, and none."""

_FIRST = """
WITH terms AS (
    SELECT CAST(value ->> 0 AS INTEGER) AS number, CAST(value ->> 1 AS INTEGER) AS within FROM json_each(:terms)),
first AS (
    SELECT e.serial, e.version, e.status = :holdout AS kept_out, e.memory,
           ifnull(CAST(e.memory ->> '$.versions[0][1]' AS INTEGER), e.version) AS entered,
           CASE WHEN e.converted_at IS NOT NULL OR EXISTS (
               SELECT 1 FROM enrollments l WHERE l.customer = e.customer AND l.journey = e.journey AND l.run > 1
               AND l.converted_at <= e.entered_at + t.within) THEN 1 ELSE 0 END AS reached
    FROM enrollments e JOIN terms t ON t.number = e.version WHERE e.journey = :journey AND e.run = 1)
"""
"""The customers by their first run: the version it entered and the one it has now (R14), and whether the customer has
reached the goal: in the first run, or in a later one within its time from the first entry."""

_FIRST_ENTRIES = f"{_FIRST} SELECT entered, version, kept_out, count(*), sum(reached) FROM first GROUP BY 1, 2, 3"

_ARMS = f"""
{_FIRST}, passed AS (
    SELECT CAST(value ->> 0 AS INTEGER) AS path, CAST(value ->> 1 AS INTEGER) AS version, value ->> 2 AS step,
           value ->> 3 AS arm
    FROM json_each(:paths)),
pass AS (
    SELECT f.serial, m.visit AS n, p.version, p.step, p.arm
    FROM first f JOIN moves m ON m.enrollment = f.serial JOIN passed p ON p.path = m.path
    UNION ALL
    SELECT f.serial, m.visit,
           ifnull((SELECT CAST(v.value ->> 1 AS INTEGER) FROM json_each(f.memory, '$.versions') v
                   WHERE CAST(v.value ->> 0 AS INTEGER) <= max(m.visit, 1) + CAST(s.key AS INTEGER)
                   ORDER BY CAST(v.key AS INTEGER) DESC LIMIT 1), f.version),
           s.value ->> 0, s.value ->> 2
    FROM first f JOIN moves m ON m.enrollment = f.serial JOIN json_each(m.steps) s ON TRUE
    WHERE s.value ->> 1 = :completed
    UNION ALL
    SELECT f.serial, a.version, a.version, a.step, a.label FROM first f JOIN arms a ON a.enrollment = f.serial),
earliest AS (
    SELECT serial, version, step, arm, row_number() OVER (PARTITION BY serial, step ORDER BY n) AS place FROM pass
    WHERE (version, step) IN (SELECT CAST(value ->> 0 AS INTEGER), value ->> 1 FROM json_each(:splits)))
SELECT f.entered, x.version, x.step, x.arm, count(*), sum(f.reached)
FROM earliest x JOIN first f ON f.serial = x.serial WHERE x.place = 1 GROUP BY 1, 2, 3, 4
"""
"""Customers by the arm that their first run took first: from interned paths, from paths spelled out, and from pruned
runs, of which only the version of each arm is known."""


# --- arms -------------------------------------------------------------------------------------------------------------


def _splits(reader: SqlReader, record: JourneyRecord, entries: _Entries) -> Iterator[SplitResults]:
    """Yield the results of every Split of every version, those of the newest version first, in order."""
    splits = {
        (number, step.id): step
        for number, program in entries.programs.items()
        if program.journey.goal is not None
        for step in program.journey.steps
        if isinstance(step, Split)
    }
    asked = {**entries.asked, "completed": COMPLETED, "splits": dumps(list(map(list, splits)))}
    counts = dict[str, Counts]()
    at_entry = dict[str, Counts]()
    for entered, version, step, arm, n, converted in reader.rows(
        _ARMS, {**asked, "paths": dumps(_paths(reader, record, splits))}
    ):
        _count(counts.setdefault(step, {}), version, arm, n, converted)
        if entered == version:
            _count(at_entry.setdefault(step, {}), version, arm, n, converted)
    for step in dict.fromkeys(step for _, step in splits):
        versions = {number: split for (number, each), split in splits.items() if each == step}
        yield _split(step, versions, counts.get(step, {}), at_entry.get(step, {}), entries)


def _split(
    step: str, versions: Mapping[int, Split], counts: Counts, at_entry: Counts, entries: _Entries
) -> SplitResults:
    """Return the results of one Split, from its definition in each version, the newest first."""
    labels, programs = _labels(versions), entries.programs
    shares = {
        number: {labels[number][each.label]: each.percentage for each in split.arms}
        for number, split in versions.items()
    }
    designs = [_design(number, programs, shares[number]) for number in versions]
    strata = stratified(designs, _relabelled(counts, labels), entries.confidence)
    beside, designs = _relabelled(at_entry, labels), []
    held = [number for number in entries.fair if number in versions]
    for number in held:
        let_in, _ = entries.count(number, LET_IN)
        came = sum(n for (version, _), (n, _) in at_entry.items() if version == number)
        if came == let_in and not _before(programs[number].journey, step):
            holdout, beside[number, KEPT_OUT] = programs[number].journey.holdout, entries.count(number, KEPT_OUT)
            inside = {label: share * (WHOLE - holdout) / WHOLE for label, share in shares[number].items()}
            designs.append(_design(number, programs, {KEPT_OUT: holdout, **inside}))
    return SplitResults(
        step,
        totals(strata),
        sizes_test(strata),
        group_comparisons(strata),
        group_comparisons(stratified(designs, beside, entries.confidence)),
        _numbered(strata, programs),
        "" if designs or not held else _declined(step, programs[held[0]].journey),
    )


def _labels(versions: Mapping[int, Split]) -> Mapping[int, Mapping[str, str]]:
    """Return under which label each arm of each version is counted.

    An arm is the same one in two versions if its label and the step it leads to are the same. The newest arm of a label
    keeps it; an older one that led elsewhere has the step in its label too.
    """
    newest = dict[str, str | None]()
    for split in versions.values():
        for each in split.arms:
            if each.percentage:  # nobody can have taken another one
                newest.setdefault(each.label, _target(each))
    return {
        number: {
            each.label: f"{each.label} to {_target(each)}"
            if each.percentage and _target(each) != newest[each.label]
            else each.label
            for each in split.arms
        }
        for number, split in versions.items()
    }


def _target(arm: Arm) -> str | None:
    """Return the step that an arm leads to: nested lists are flattened by then."""
    return arm.next if isinstance(arm.next, str) else None


def _relabelled(counts: Counts, labels: Mapping[int, Mapping[str, str]]) -> Counts:
    return {(number, labels[number].get(label, label)): found for (number, label), found in counts.items()}


def _before(journey: Journey, step: str) -> str:
    """Return the first step before a Split at which people may stay, leave or part; "" if they reach it at the entry.

    >>> from journeyflow.definition.steps import Wait
    >>> test = Split("test", Arm(50, "x"), Arm(50, "x"))
    >>> _before(Journey(id="j", steps=[Wait("day", "1 day"), test, Wait("x", "1 day")]), "test")
    'day'
    """
    here = journey.steps[0]
    while (
        isinstance(here, Update) and here.next is not None and not any(isinstance(each, Chain) for each in here.changes)
    ):
        here = journey.step(here.next)
    return "" if here.id == step else here.id


def _declined(step: str, newest: Journey) -> str:
    """Return why the arms of a Split are not compared with the holdout, from the newest version that has both."""
    before = _before(newest, step)
    if before:
        why = f"those are split after {before!r}, the holdout at the entry"
    else:
        why = "not every customer who was let in while there was a holdout came through this Split at the entry"
    return f"the arms are not compared with the holdout: {why}"


def _paths(
    reader: SqlReader, record: JourneyRecord, splits: Mapping[tuple[int, str], Split]
) -> list[tuple[int, int, str, str]]:
    """Return the interned paths that lead through a Split: number, version, Split, arm."""
    rows = reader.rows(
        "SELECT p.number, p.version, s.value ->> 0, s.value ->> 2"
        " FROM paths p JOIN versions v ON v.number = p.version JOIN json_each(p.steps) s ON TRUE"
        " WHERE v.journey = ? AND s.value ->> 1 = ?",
        (record.number, COMPLETED),
    )
    return [(path, version, step, arm) for path, version, step, arm in rows if (version, step) in splits]
