"""Questions about the versions of a journey and their steps (R12, R17), in SQL that every store answers."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import from_micros
from journeyflow.basics.soundness import sound
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.steps import Send, Step, kind
from journeyflow.errors import brief
from journeyflow.stores.contract import SqlReader


@frozen
class VersionInfo(Rows):
    """A version of a journey: when it was first and last published, in UTC, and who is in it (R12).

    `newest` is whether new enrollments enter this version. `active` counts the runs that are in it now, `enrolled` the
    enrollments that are kept, without those that were pruned (R86); `holdout` is counted apart (R81).
    """

    version: int
    created_at: datetime
    published_at: datetime
    newest: bool
    active: int
    enrolled: int
    holdout: int


_VERSIONS = """
SELECT v.version, min(p.at), max(p.at), v.number = :newest,
       (SELECT count(*) FROM enrollments e WHERE e.version = v.number AND e.status = 'ACTIVE'),
       (SELECT count(*) FROM enrollments e WHERE e.version = v.number AND e.status <> 'HOLDOUT'),
       (SELECT count(*) FROM enrollments e WHERE e.version = v.number AND e.status = 'HOLDOUT')
FROM versions v JOIN publications p ON p.version = v.number
WHERE v.journey = :journey GROUP BY v.number, v.version ORDER BY v.version
"""


def versions(reader: SqlReader, journey: int, newest: int) -> tuple[VersionInfo, ...]:
    """Return the versions of a journey by version, given the numbers of the journey and of its newest version."""
    rows = reader.rows(_VERSIONS, {"journey": journey, "newest": newest})
    return tuple(
        sound(VersionInfo(version, from_micros(first), from_micros(last), bool(is_newest), *people))
        for version, first, last, is_newest, *people in rows
    )


def inhabited_versions(reader: SqlReader, tenant: str, journey: str) -> frozenset[int]:
    """Return the numbers of the versions of a journey that hold active runs."""
    rows = reader.rows(
        "SELECT DISTINCT e.version FROM enrollments e JOIN journeys j ON j.number = e.journey"
        " WHERE j.tenant = ? AND j.id = ? AND e.status = 'ACTIVE'",
        (tenant, journey),
    )
    return frozenset(number for (number,) in rows)


@frozen
class StepInfo(Rows):
    """A step of a version (F50 to F57).

    `number` is its place in the order of the definition, from 1. `published` is its flag: an unpublished step is passed
    through. `definition` is the step itself.
    """

    number: int
    id: str
    kind: str
    name: str = field(repr=brief)
    notes: str = field(repr=brief)
    published: bool
    definition: Step = field(repr=False)


def steps_of(steps: Iterable[Step], unpublished: frozenset[str]) -> tuple[StepInfo, ...]:
    """Return the steps of a version, in the order of its definition."""
    return tuple(
        StepInfo(number, step.id, kind(step), step.name, step.notes, step.id not in unpublished, step)
        for number, step in enumerate(steps, 1)
    )


@frozen
class SendInfo(Rows):
    """A Send of a journey, as a list over all journeys shows it (F112 to F114).

    `status` is that of the journey, `number` the Send's place in the order of the definition, from 1.
    """

    journey: str
    journey_name: str
    status: str
    number: int
    step: str
    name: str
    channel: str
    template: str
    data: Mapping[str, object]
    published: bool


def sends_of(records: Iterable[JourneyRecord], *, disabled: bool, unpublished: bool) -> tuple[SendInfo, ...]:
    """Return the Sends of the newest versions, journeys by id, steps in order (F112, F113)."""
    return tuple(
        SendInfo(
            record.id,
            record.newest.journey.name,
            record.newest_state,
            number,
            step.id,
            step.name,
            step.channel,
            step.template,
            step.data,
            step.id not in record.newest_unpublished,
        )
        for record in sorted(records, key=lambda each: each.id)
        if disabled or record.newest_state == "ACTIVE"
        for number, step in enumerate(record.newest.journey.steps, 1)
        if isinstance(step, Send) and (unpublished or step.id not in record.newest_unpublished)
    )
