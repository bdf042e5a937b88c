"""Why a run went the way it went: every decision, with the values that were compared (R85)."""

import json
from datetime import datetime

from journeyflow.chance import BUCKETS, KEPT_OUT, bucket
from journeyflow.codec import from_dict
from journeyflow.journey import Journey
from journeyflow.moments import to_micros, zone
from journeyflow.records import HOLDOUT, Enrollment, Visit
from journeyflow.rules import Rule, Sample
from journeyflow.rules import explain as explain_rule
from journeyflow.steps import Condition, Split, Wait
from journeyflow.store import Reader


def explain(reader: Reader, enrollment: Enrollment) -> str:
    """Tell a run as text: a line per visit, and under it what was compared."""
    text = reader.rows(
        "SELECT definition FROM versions v JOIN enrollments e ON e.version = v.number WHERE e.serial = ?",
        (enrollment.serial,),
    )[0][0]
    journey = from_dict(json.loads(text))
    seen = _seen(reader, enrollment.serial)
    lines = [
        f"{enrollment.customer} in {enrollment.journey} version {enrollment.version}, run {enrollment.run}"
        + (f", key {enrollment.key!r}: " if enrollment.key else ": ")
        + enrollment.status
        + (f" ({enrollment.reason})" if enrollment.reason else "")
    ]
    entered = seen.get((0, "entry"), {})
    lines.append(
        f"  entered {_at(enrollment.entered_at)}" + _compared(_entry_rule(journey), entered, journey, enrollment)
    )
    for visit in enrollment.visits:
        left = "" if visit.left_at is None or visit.left_at == visit.entered_at else f", left {_at(visit.left_at)}"
        outcome = f" {visit.outcome}" if visit.outcome else ""
        lines.append(f"  {visit.n}. {_at(visit.entered_at)} {visit.step}: {visit.status.lower()}{outcome}{left}")
        values = seen.get((visit.n, "visit"), {})
        lines += [f"       {line}" for line in _decision(journey, visit, values)]
    lines += [
        f"  left by exit {enrollment.reason!r}: {_values(values)}"
        for (_, what), values in seen.items()
        if what == "exit"
    ]
    if enrollment.status == HOLDOUT:
        place = bucket(enrollment.tenant, enrollment.journey, KEPT_OUT, enrollment.customer)
        lines.append(f"  kept out for comparison: bucket {place} of {BUCKETS}, below {journey.holdout:g}%")
    if enrollment.status == "ACTIVE":
        until = f" until {_at(enrollment.due)}" if enrollment.due else ""
        event = f" for event {enrollment.awaits!r}" if enrollment.awaits else ""
        lines.append(f"  now waiting at {enrollment.step}{event}{until}")
    return "\n".join(lines)


def _at(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _seen(reader: Reader, serial: int) -> dict[tuple[int, str], dict[str, object]]:
    """Give what was read, by visit number and by what it was read for."""
    found: dict[tuple[int, str], dict[str, object]] = {}
    for visit, text in reader.rows("SELECT visit, seen FROM moves WHERE enrollment = ? ORDER BY visit", (serial,)):
        for place, values in (json.loads(text) if text else {}).items():
            if place.isdigit():
                found[max(visit, 1) + int(place), "visit"] = values
            else:
                found[visit, place] = values
    return found


def _entry_rule(journey: Journey) -> Rule | None:
    return journey.trigger.where


def _compared(rule: Rule | None, values: dict[str, object], journey: Journey, enrollment: Enrollment) -> str:
    if rule is None or not values:
        return ""
    sample = Sample(values, to_micros(enrollment.entered_at), zone(journey.timezone))
    return ": " + explain_rule(rule, sample)


def _decision(journey: Journey, visit: Visit, values: dict[str, object]) -> list[str]:
    """Say what decided a visit, asked again as of its instant."""
    step, outcome = journey.step(visit.step), visit.outcome
    if isinstance(step, Condition) and values:
        decided, sample = [], Sample(values, to_micros(visit.entered_at), zone(journey.timezone))
        for each in step.branches:
            decided.append(f"{each.label}: {explain_rule(each.when, sample)}")  # type: ignore[arg-type]  # validated
            if each.label == outcome:
                break
        return decided
    if isinstance(step, Split):
        share = next((arm.percentage for arm in step.arms if arm.label == outcome), None)
        return [f"arm {outcome}, {share:g}% of people"] if share is not None else []
    if isinstance(step, Wait) and values:
        return [_values(values)]
    return []


def _values(values: dict[str, object]) -> str:
    return ", ".join(f"{path} = {value!r}" for path, value in values.items())
