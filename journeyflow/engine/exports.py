"""Export jobs: statistics as a CSV file, made by a job that a host submits, has processed and downloads (F190 to F197).

Jobs are processed first in, first out. A worker takes the first one, which is then PROCESSING and ends COMPLETED or
FAILED. A job that has been PROCESSING for an hour was left behind by a worker that died, and is taken again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import DAY, HOUR, UTC_ZONE, bounded, from_micros
from journeyflow.basics.values import describe, dumps
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.engine.core import Core
from journeyflow.errors import Conflict, InvalidInput, JourneyflowError, brief
from journeyflow.formats.cells import csv_text
from journeyflow.questions.exports import find_export
from journeyflow.questions.journeys import JOURNEY_STATES, STATES_BY_NAME
from journeyflow.questions.numbers.figures import JourneyStats, MessageStats
from journeyflow.questions.numbers.statistics import all_stats
from journeyflow.questions.numbers.window import Asked, window
from journeyflow.questions.paging import required
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Export
from journeyflow.stores.inquiries import ExportsRequest

MODULE: Final = "journeys"
"""What is exported; jobs of other modules are not found (F197)."""

PENDING, PROCESSING, COMPLETED, FAILED = "PENDING", "PROCESSING", "COMPLETED", "FAILED"

KEPT: Final = 7 * DAY
"""How long a host may count on a file; nothing is deleted automatically (F196)."""

LEFT_BEHIND: Final = HOUR
"""How long a job may be PROCESSING before it is taken again: a file takes seconds to make."""

COLUMNS: Final = (
    *("tenant", "journey", "name", "state", "step", "channel", "since", "until", "timezone"),
    *("enrolled", "active", "completed", "exited", "failed", "customers", "converted"),
    *("sent", "delivered", "opened", "opened_unique", "clicked", "clicked_unique", "message_conversions"),
    *("browser_viewed", "forwarded", "unsubscribed", "bounced", "complained", "revenue"),
    *("open_rate", "click_rate", "click_to_open_rate", "bounce_rate", "unsubscribe_rate", "complaint_rate"),
)
"""The header of the file. People are counted over all time, messages within the window; an empty cell is an unknown
figure. An empty channel is all channels; a Send has a line for each channel that it has had."""

MESSAGES: Final = ("browser_viewed", "forwarded", "unsubscribed", "bounced", "complained")

RATES: Final = COLUMNS[-6:]


@frozen
class ExportJob(Rows):
    """A job as it stands (F192, F193).

    `status` is PENDING, PROCESSING, COMPLETED or FAILED; `error` says why it failed, and is empty otherwise. `options`
    are those it was submitted with. `size` is the size of the file in bytes, None until there is one. `expires_at` is
    until when the file is meant to be kept. Instants are in UTC.
    """

    tenant: str
    id: int
    module: str
    status: str
    options: Mapping[str, object] = field(repr=brief)
    submitted_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    size: int | None
    error: str = field(repr=brief)


def submit(core: Core, tenant: str, at: int, options: Mapping[str, object]) -> ExportJob:
    """Put a job at the end of the queue and return it; raises InvalidInput with every fault (F190, F191)."""
    _refuse(at, options)
    with core.store.transaction(tenant=tenant) as transaction:
        number = transaction.ask(ExportsRequest())[1]
        job = Export(number, tenant, MODULE, PENDING, dumps(options), at, None, at, None, bounded(at + KEPT), "", None)
        transaction.commit(Changes(exports=(job,)))
    return _shown(job)


def _refuse(at: int, options: Mapping[str, object]) -> None:
    found = list[str]()
    try:
        window(_asked(at, options), UTC_ZONE)
    except InvalidInput as error:
        found += error.faults
    if options["status"] is not None and options["status"] not in JOURNEY_STATES:
        known = ", ".join(JOURNEY_STATES)
        found.append(f"status: must be one of {known}, or None for all, not {describe(options['status'])}")
    if not isinstance(options["include_steps"], bool):
        found.append(f"include_steps: must be True or False, not {describe(options['include_steps'])}")
    if found:
        raise InvalidInput(found)


def work(core: Core, at: int, limit: int) -> int:
    """Process jobs of all tenants, the first submitted first; return how many (F193, F194)."""
    done = 0
    while done < limit and (job := _taken(core, at)) is not None:
        try:
            content, status, error = _content(core, job), COMPLETED, ""
        except JourneyflowError as fault:
            content, status, error = None, FAILED, str(fault)
        ended = job._replace(status=status, updated_at=at, finished_at=at, error=error, content=content)
        with core.store.transaction(tenant=job.tenant) as transaction:
            transaction.commit(Changes(exports=(ended,)))
        done += 1
    return done


def _taken(core: Core, at: int) -> Export | None:
    """Take the first job that no worker has and return it; None if there is none."""
    with core.store.transaction() as transaction:
        for job in transaction.ask(ExportsRequest())[0]:
            if job.status == PENDING or job.updated_at + LEFT_BEHIND <= at:
                taken = job._replace(status=PROCESSING, started_at=at, updated_at=at)
                transaction.commit(Changes(exports=(taken,)))
                return taken
    return None


def _content(core: Core, job: Export) -> str:
    """Return the file of a job, its window as of the instant at which the job was submitted."""
    with core.store.transaction(write=False) as transaction:
        catalog = core.refresh(transaction)
        options = json.loads(job.options)  # in the block, which knows damage
        asked, status, steps = _asked(job.submitted_at, options), options["status"], options["include_steps"]
    records = sorted(
        (record for record in catalog.journeys.values() if record.tenant == job.tenant), key=lambda each: each.id
    )
    states = STATES_BY_NAME.get(status, (status,))
    chosen = [record for record in records if status is None or record.newest_state in states]
    with core.store.reader() as reader:
        found = all_stats(reader, chosen, asked)
    each = zip(chosen, found, strict=True)
    return csv_text(COLUMNS, (line for one in each for line in lines(*one, steps=steps)))


def _asked(at: int, options: Mapping[str, Any]) -> Asked:
    return Asked(at, options["since"], options["until"], channel=options.get("channel"))


def lines(record: JourneyRecord, stats: JourneyStats, *, steps: bool) -> Iterator[list[object]]:
    """Yield the line of a journey, and with `steps` one for each of its Sends and channels (F191)."""
    name, state = record.newest.journey.name, record.newest_state
    head, days = (stats.tenant, stats.journey, name, state), (stats.since, stats.until, stats.timezone)
    people, counts = stats.people, list[int | None]([None] * 7)
    if people is not None:
        counts = [people.total, people.active, people.completed, people.exited, people.failed]
        counts += [people.lifetime, people.converted]
    yield [*head, "", stats.channel or "", *days, *counts, *_of_messages(stats.window)]
    for step in stats.by_step.values() if steps else ():
        for channel, messages in (step.by_channel or {}).items():
            visits = (step.visited, step.active, *[None] * 5)
            yield [*head, step.step, channel, *days, *visits, *_of_messages(messages)]


def _of_messages(told: MessageStats | None) -> Sequence[object]:
    """Return the cells of message figures; rates have four decimals (F186)."""
    found = told or MessageStats()
    counts = (
        *(found.sent.total, found.delivered.total, found.opened.total, found.opened.unique),
        *(found.clicked.total, found.clicked.unique, found.converted.total),
        *(getattr(found, name).total for name in MESSAGES),
    )
    return [*counts, found.revenue, *_rounded(getattr(found, name) for name in RATES)]


def _rounded(rates: Iterable[float | None]) -> list[str | None]:
    return [None if rate is None else f"{rate:.4f}" for rate in rates]


# --- asking about jobs ------------------------------------------------------------------------------------------------


def find_job(core: Core, tenant: str, number: int) -> Export:
    """Return a job of a tenant; raises NotFound for one of another tenant or module (F197)."""
    with core.store.reader() as reader:
        return required(find_export(reader, tenant, MODULE, number), "export", number)


def job_of(core: Core, tenant: str, number: int) -> ExportJob:
    """Return a job as it stands; raises NotFound (F192)."""
    return _shown(find_job(core, tenant, number))


def download(core: Core, tenant: str, number: int) -> str:
    """Return the file of a job; raises NotFound, and Conflict for a job that is not COMPLETED (F195)."""
    job = find_job(core, tenant, number)
    if job.content is None:
        raise Conflict(str(number), job.status, "a file", job.error or "work_exports makes it one", kind="export")
    return job.content


def _shown(job: Export) -> ExportJob:
    return ExportJob(
        tenant=job.tenant,
        id=job.number,
        module=job.module,
        status=job.status,
        options=json.loads(job.options),
        submitted_at=from_micros(job.submitted_at),
        started_at=_when(job.started_at),
        updated_at=from_micros(job.updated_at),
        finished_at=_when(job.finished_at),
        expires_at=from_micros(job.expires_at),
        size=None if job.content is None else len(job.content.encode()),
        error=job.error,
    )


def _when(instant: int | None) -> datetime | None:
    return None if instant is None else from_micros(instant)
