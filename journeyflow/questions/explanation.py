"""Why a run went the way it went: every decision, with the values that were compared (R85)."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow import formats
from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.chance import BUCKETS, KEPT_OUT, bucket
from journeyflow.basics.moments import from_micros, to_micros, zone, zone_or
from journeyflow.basics.showing import shown_at
from journeyflow.basics.words import ACTIVE, EXITED, HOLDOUT, QUEUED
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.rules.evaluation import Sample, explain_rule
from journeyflow.definition.steps import Condition, Split, Wait
from journeyflow.errors import brief
from journeyflow.machine.gates import CAP, QUIET, SENT_BEFORE, WINDOW
from journeyflow.questions.messages import became
from journeyflow.records.public import Enrollment, Visit
from journeyflow.stores.contract import SqlReader

PRUNED = "its visits were pruned; their sums are in the statistics"
"""The text for a run whose history has been replaced by opening balances (R86)."""


@frozen
class Decision(Rows):
    """What happened at one visit, or at the entry (`n` is 0), and what decided it.

    `compared` is one line of text for each rule that was asked, or for what became of the message, and `seen` the
    values that were read. `outcome` is that of the visit. Instants are in UTC; `left_at` is None while the visit lasts.
    """

    n: int
    step: str
    status: str
    outcome: str
    at: datetime
    left_at: datetime | None
    compared: tuple[str, ...] = field(repr=brief)
    seen: Mapping[str, object] = field(repr=brief)

    def __str__(self) -> str:
        """Return the visit as a line, and below it what was compared."""
        left = "" if self.left_at is None or self.left_at == self.at else f", left {shown_at(self.left_at)}"
        outcome = f" {self.outcome}" if self.outcome else ""
        head = f"  {self.n}. {shown_at(self.at)} {self.step}: {self.status.lower()}{outcome}{left}"
        return "\n".join([head, *(f"       {line}" for line in self.compared)])


@frozen
class Explanation(Rows):
    """Every decision of a run, as values and printable as text (R85).

    `entry` is the decision to let the customer in, `visits` are the later ones in order. `exit` has the values by which
    an exit ended the run, and is empty otherwise. `now` says what a run that goes on waits for, and since when a pause
    of the journey holds it, or how it came into the holdout.
    """

    enrollment: Enrollment
    entry: Decision
    visits: tuple[Decision, ...] = field(repr=lambda visits: f"<{len(visits)} visits>")
    exit: Mapping[str, object] = field(repr=brief)
    now: str = field(repr=brief)

    def _rows(self) -> Iterator[object]:
        return iter((self.entry, *self.visits))

    def __str__(self) -> str:
        """Return the run as text: a line per visit, and below it what was compared."""
        found = self.enrollment
        lines = [
            f"{found.customer} in {found.journey} version {found.version}, run {found.run}"
            + (f", key {found.key!r}" if found.key else "")
            + f": {found.status}"
            + (f" ({found.reason})" if found.reason else ""),
            ": ".join([f"  entered {shown_at(found.entered_at)}", *self.entry.compared]),
            *map(str, self.visits),
        ]
        if self.exit:
            lines.append(f"  left by exit {found.reason!r}: {_values(self.exit)}")
        return "\n".join([*lines, f"  {self.now}"] if self.now else lines)


_RUN = """
SELECT v.definition, c.attributes, t.state, t.at
FROM enrollments e JOIN versions v ON v.number = e.version JOIN customers c ON c.number = e.customer
LEFT JOIN transitions t ON t.journey = e.journey
WHERE e.serial = ? ORDER BY t.n DESC LIMIT 1
"""


def explain(reader: SqlReader, enrollment: Enrollment) -> Explanation:
    """Return the explanation of a run that is given with its visits."""
    text, attributes, state, since = reader.rows(_RUN, (enrollment.serial,))[0]
    journey = formats.from_dict(json.loads(text))
    where = _zone(journey, json.loads(attributes))
    sent = _sent(reader, enrollment.serial)
    seen, by_visit = _seen(reader, enrollment.serial), _definitions(reader, enrollment.serial)
    last = enrollment.visits[-1].n if enrollment.visits else 0
    return Explanation(
        enrollment,
        _entry(journey, enrollment, seen.get((0, "entry"), {}), where),
        tuple(
            _visit(
                next((each for first, each in by_visit if first <= visit.n), journey),
                visit,
                seen.get((visit.n, "visit"), {}),
                where,
                sent.get(visit.n, ()),
                migrated=visit.status == EXITED and visit.n < last,
            )
            for visit in enrollment.visits
        ),
        next((values for (_, what), values in seen.items() if what == "exit"), {}),
        _now(journey, enrollment) + (_held(since) if enrollment.status == ACTIVE and state == "PAUSED" else ""),
    )


def _sent(reader: SqlReader, serial: int) -> dict[int, tuple[str, ...]]:
    """Return what became of the messages of a run, as a line for each visit; one that was never claimed has none."""
    rows = reader.rows("SELECT n, status, attempts, error FROM messages WHERE enrollment = ?", (serial,))
    return {n: (f"message {became(*now)}",) for n, *now in rows if now[:2] != [QUEUED, 0]}


def _zone(journey: Journey, attributes: Mapping[str, object]) -> ZoneInfo:
    """Return the zone of local dates; a customer's own as it is today, because past ones are not kept (R33)."""
    own = zone(journey.timezone)
    return zone_or(attributes.get("timezone"), own) if journey.customer_timezone else own


def _definitions(reader: SqlReader, serial: int) -> list[tuple[int, Journey]]:
    """Return the versions that a migrated run went through, the newest first, each with its first visit (R14)."""
    rows = reader.rows(
        "SELECT CAST(h.value ->> 0 AS INTEGER), v.definition FROM enrollments e"
        " JOIN json_each(e.memory, '$.versions') h ON TRUE"
        " JOIN versions v ON v.number = CAST(h.value ->> 1 AS INTEGER) WHERE e.serial = ? ORDER BY 1 DESC",
        (serial,),
    )
    return [(first, formats.from_dict(json.loads(text))) for first, text in rows]


def _entry(journey: Journey, enrollment: Enrollment, seen: Mapping[str, object], where: ZoneInfo) -> Decision:
    compared, at = _compared(journey.trigger.where, seen, where, enrollment), enrollment.entered_at
    return Decision(0, "", enrollment.status, "", at, at, compared, seen)


def _visit(
    journey: Journey,
    visit: Visit,
    seen: Mapping[str, object],
    where: ZoneInfo,
    sent: tuple[str, ...],
    *,
    migrated: bool,
) -> Decision:
    """Explain a visit; one that was exited while the run went on was moved to another version (R14)."""
    compared = ("moved on by a migration",) if migrated else (*_decision(journey, visit, seen, where), *sent)
    return Decision(visit.n, visit.step, visit.status, visit.outcome, visit.entered_at, visit.left_at, compared, seen)


def _now(journey: Journey, enrollment: Enrollment) -> str:
    """Return what a run waits for, or how it came into the holdout; for one that ended, whether it was pruned."""
    if enrollment.status == HOLDOUT:
        place = bucket(enrollment.tenant, enrollment.journey, KEPT_OUT, enrollment.customer)
        return f"in the holdout: bucket {place} of {BUCKETS}, below {journey.holdout:g}%"
    if enrollment.status != ACTIVE:
        return "" if enrollment.visits else PRUNED
    until = f" until {shown_at(enrollment.due)}" if enrollment.due else ""
    step = journey.step(enrollment.step) if enrollment.step else None
    if isinstance(step, Wait) and step.when is not None:
        return f"now waiting at {enrollment.step} for {step.when}{until}"
    event = f" for event {enrollment.awaits!r}" if enrollment.awaits else ""
    return f"now waiting at {enrollment.step}{event}{until}"


def _held(since: int) -> str:
    return f"; held: the journey is paused since {shown_at(from_micros(since))}"


def _seen(reader: SqlReader, serial: int) -> dict[tuple[int, str], dict[str, object]]:
    """Return the values that were read, by number of the visit and by what they were read for."""
    found: dict[tuple[int, str], dict[str, object]] = {}
    for visit, text in reader.rows("SELECT visit, seen FROM moves WHERE enrollment = ? ORDER BY visit", (serial,)):
        for place, values in (json.loads(text) if text else {}).items():
            if place.isdigit():  # a Send may be held by one gate and then skipped by another
                found.setdefault((max(visit, 1) + int(place), "visit"), {}).update(values)
            else:
                found[visit, place] = values
    return found


def _compared(
    rule: Rule | None, values: Mapping[str, object], where: ZoneInfo, enrollment: Enrollment
) -> tuple[str, ...]:
    if rule is None or not values:
        return ()
    return (explain_rule(rule, Sample(dict(values), to_micros(enrollment.entered_at), where)),)


def _decision(journey: Journey, visit: Visit, values: Mapping[str, object], where: ZoneInfo) -> list[str]:
    """Return what decided a visit, as lines of text: its rules are asked again as of its instant."""
    step, outcome = journey.step(visit.step), visit.outcome
    if isinstance(step, Condition) and values:
        decided, sample = [], Sample(dict(values), to_micros(visit.entered_at), where)
        for each in step.branches:
            decided.append(f"{each.label}: {explain_rule(each.when, sample)}")  # type: ignore[arg-type]  # validated
            if each.label == outcome:
                break
        return decided
    if isinstance(step, Split):
        share = next((arm.percentage for arm in step.arms if arm.label == outcome), None)
        return [f"arm {outcome}, {share:g}% of people"] if share is not None else []
    if isinstance(step, Wait) and step.when is not None and values:
        asked = to_micros(visit.left_at or visit.entered_at)
        return [explain_rule(step.when, Sample(dict(values), asked, where))]
    if isinstance(step, Wait) and values:
        return [_values(values)]
    return list(_gates(values))  # which only a Send has


_GATES = {
    WINDOW: "outside its window, {}",
    QUIET: "in the quiet hours {}",
    CAP: "the cap of {} was reached: {sent} sent",
    SENT_BEFORE: "",
}


def _gates(values: Mapping[str, object]) -> Iterator[str]:
    """Yield what closed the gates of a Send, as lines of text: which hours, which consent, which cap (R31)."""
    for name, value in values.items():
        if name not in _GATES:
            yield f"{name} is false" if value is False else f"{name} is missing, and the journey requires it"
        elif text := _GATES[name]:
            yield text.format(value, sent=values.get(SENT_BEFORE))


def _values(values: Mapping[str, object]) -> str:
    return ", ".join(f"{path} = {value!r}" for path, value in values.items())
