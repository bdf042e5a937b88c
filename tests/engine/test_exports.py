"""The CSV export of statistics as a job: submit, work, ask, fetch (F190 to F197)."""

import csv
from datetime import date, timedelta

import pytest

from journeyflow import Conflict, Engine, Event, InvalidInput, Journey, NotFound, Send, Wait
from journeyflow.engine.exports import COLUMNS
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Export
from journeyflow.stores.inquiries import ExportsRequest
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, Host, after, open_engine

UNTIL = START.date() + timedelta(days=2)


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store, with an active journey that sent two messages, a paused and a draft one."""
    with open_engine(request.param, grace=None, max_jump=None) as engine:
        told = Host(engine)
        told.deploy(Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day"), name="=Welcome, all")
        told.deploy(Wait("rest", "1 day"), id="paused")
        engine.pause("paused", at=START)
        for customer in ("ann", "bob"):
            told.feed("go", START, customer)
        told.tick()
        for message in told.claim("1 minute"):
            engine.ack(message, at=after("1 minute"))
            paid = {"message": message.id, "amount": 500}
            engine.feed(Event("revenue", customer=message.customer, at=after("2 minutes"), data=paid))
        of_ann = {"message": "memory-1-1"}
        engine.feed(Event("message.opened", customer="ann", at=after("2 minutes"), data=of_ann))
        told.tick("1 hour")
        yield told


def lines(text):
    """Read a CSV as mappings."""
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.rows(190, 192, 193, 195)
def test_a_job_goes_from_pending_to_completed(host):
    """It is submitted, worked off and fetched; each instant is the caller's (F190, F192, F193, F195)."""
    engine = host.engine
    job = engine.submit_export(at=after("2 days"), since=START.date(), until=str(UNTIL))
    assert (job.id, job.module, job.status, job.size, job.error) == (1, "journeys", "PENDING", None, "")
    assert dict(job.options) == {"since": "2026-01-05", "until": "2026-01-07", "status": None, "include_steps": False,
                                 "channel": None}  # fmt: skip
    assert (job.submitted_at, job.started_at, job.finished_at) == (after("2 days"), None, None)
    with pytest.raises(Conflict, match="export '1' is PENDING and cannot become a file; work_exports makes it one"):
        engine.download_export(1)
    assert engine.work_exports(at=after("3 days")) == 1
    done = engine.export_job(1)
    assert (done.status, done.started_at, done.updated_at, done.finished_at) == ("COMPLETED", *[after("3 days")] * 3)
    text = engine.download_export(1)
    assert done.size == len(text.encode())
    assert engine.work_exports(at=after("3 days")) == 0


def test_the_file_says_what_the_statistics_say(host):
    """A line per journey by id; people of all time, messages of the window; what is unknown is empty (R83)."""
    host.engine.submit_export(at=after("2 days"))
    host.engine.work_exports(at=after("2 days"))
    text = host.engine.download_export(1)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    welcome, paused = lines(text)
    stats = host.engine.stats("j", at=after("2 days"))
    assert (welcome["journey"], welcome["name"], welcome["state"]) == ("j", "'=Welcome, all", "ACTIVE")
    assert (welcome["since"], welcome["until"]) == (str(stats.since), str(stats.until))
    assert [welcome[name] for name in ("enrolled", "completed", "sent", "opened_unique", "revenue", "open_rate")] == [
        *("2", "0", "2", "1", "1000", "0.5000")
    ]
    assert [paused[name] for name in ("journey", "state", "sent", "open_rate", "step")] == [
        *("paused", "PAUSED", "0", "", "")
    ]


@pytest.mark.rows(191)
def test_sends_have_lines_of_their_own_when_asked_for(host):
    """One line for each Send under its journey (F191)."""
    host.engine.submit_export(at=after("2 days"), include_steps=True, status="ACTIVE")
    host.engine.work_exports(at=after("2 days"))
    rows = lines(host.engine.download_export(1))
    assert [(row["journey"], row["step"], row["sent"]) for row in rows] == [("j", "", "2"), ("j", "hello", "2")]


@pytest.mark.rows(190)
def test_journeys_of_one_status(host):
    """Only those that are in it now (F190)."""
    host.engine.submit_export(at=after("2 days"), status="PAUSED")
    host.engine.submit_export(at=after("2 days"), status="DRAFT")
    host.engine.work_exports(at=after("2 days"))
    assert [row["journey"] for row in lines(host.engine.download_export(1))] == ["paused"]
    assert lines(host.engine.download_export(2)) == []
    host.engine.publish(Journey(id="draft", steps=[]), at=START)
    for status, names in (("Enabled", ["j"]), ("Disabled", ["draft", "paused"])):
        job = host.engine.submit_export(at=after("2 days"), status=status)
        host.engine.work_exports(at=after("2 days"))
        assert [row["journey"] for row in lines(host.engine.download_export(job.id))] == names


def test_an_unknown_channel_fails_the_job(host):
    """Which channels there are is known when the file is made (F193)."""
    job = host.engine.submit_export(at=START, channel="email")
    host.engine.work_exports(at=START)
    failed = host.engine.export_job(job.id)
    assert (failed.status, failed.error) == ("FAILED", "no channel 'email' (did you mean 'EMAIL'?)")


@pytest.mark.rows(190, 189)
def test_what_cannot_be_exported_is_refused_at_once(host):
    """Dates are strict, and all faults are told together (F189, F190)."""
    with pytest.raises(InvalidInput) as error:
        host.engine.submit_export(
            at=START, since="2026-02-30", until="x", status="enabled", include_steps="false", channel=5
        )
    assert error.value.faults[0].startswith("since: ")
    assert error.value.faults[1:] == (
        "until: str 'x' is not a date such as '2026-01-31'",
        "channel: int 5 is not a channel such as 'EMAIL'",
        "status: must be one of DRAFT, ACTIVE, PAUSED, ARCHIVED, Enabled, Disabled, or None for all, not str 'enabled'",
        "include_steps: must be True or False, not str 'false'",
    )
    with pytest.raises(InvalidInput):
        host.engine.submit_export(at=START, since=date(2026, 2, 1), until=date(2026, 1, 1))
    with pytest.raises(NotFound):
        host.engine.export_job(1)


@pytest.mark.rows(194)
def test_jobs_are_taken_in_the_order_in_which_they_were_submitted(host):
    """First in, first out, also over tenants and whatever their instants (F194)."""
    other = host.engine.tenant("other")
    host.engine.submit_export(at=after("9 days"))
    other.submit_export(at=after("1 day"))
    host.engine.submit_export(at=after("2 days"))
    states = []
    for _ in range(3):
        assert host.engine.work_exports(at=after("9 days"), limit=1) == 1
        states.append([host.engine.export_job(1).status, other.export_job(2).status, host.engine.export_job(3).status])
    assert states == [
        ["COMPLETED", "PENDING", "PENDING"],
        ["COMPLETED", "COMPLETED", "PENDING"],
        ["COMPLETED", "COMPLETED", "COMPLETED"],
    ]
    with pytest.raises(ValueError, match="limit must be 1 or more"):
        host.engine.work_exports(at=after("9 days"), limit=0)


@pytest.mark.rows(196)
def test_the_expiry_is_advice(host):
    """A file is promised for seven days after it was asked for, and not removed by itself (F196)."""
    host.engine.submit_export(at=START)
    host.engine.work_exports(at=START)
    assert host.engine.export_job(1).expires_at == after("7 days")
    host.engine.work_exports(at=after("400 days"))
    assert host.engine.download_export(1)


@pytest.mark.rows(197)
def test_jobs_of_others_are_not_found(host):
    """A job of another tenant or of another module looks like one that never was (F197, R91)."""
    host.engine.submit_export(at=START)
    foreign = Export(2, "default", "people", "PENDING", "{}", 0, None, 0, 5, 0, "", "x")
    with host.engine.store.transaction() as transaction:
        transaction.commit(Changes(exports=(foreign,)))
    for engine, number in ((host.engine.tenant("other"), 1), (host.engine, 2), (host.engine, 3)):
        with pytest.raises(NotFound, match=f"export {number}"):
            engine.export_job(number)
        with pytest.raises(NotFound):
            engine.download_export(number)


@pytest.mark.rows(193)
def test_a_job_that_cannot_be_done_has_failed(host):
    """It says why, and the next one is taken (F193)."""
    odd = '{"since":"2026-13-01","until":null,"status":null,"include_steps":false}'
    broken = Export(1, "default", "journeys", "PENDING", odd, 0, None, 0, None, 0, "", None)
    with host.engine.store.transaction() as transaction:
        transaction.commit(Changes(exports=(broken,)))
    host.engine.submit_export(at=START)
    assert host.engine.work_exports(at=START) == 2
    failed = host.engine.export_job(1)
    assert (failed.status, failed.finished_at, failed.size) == ("FAILED", START, None)
    assert "2026-13-01" in failed.error
    with pytest.raises(Conflict, match=r"is FAILED and cannot become a file; .*2026-13-01"):
        host.engine.download_export(1)
    assert host.engine.export_job(2).status == "COMPLETED"


@pytest.mark.rows(194)
def test_a_job_is_taken_by_one_and_not_lost_with_a_worker(host):
    """What another worker has is left alone; after an hour that worker is taken for dead (F194)."""
    job = host.engine.submit_export(at=START)
    with host.engine.store.transaction() as transaction:
        (taken,) = transaction.ask(ExportsRequest())[0]
        transaction.commit(Changes(exports=(taken._replace(status="PROCESSING", started_at=taken.submitted_at),)))
    assert host.engine.export_job(job.id).status == "PROCESSING"
    assert host.engine.work_exports(at=after("59 minutes")) == 0
    assert host.engine.work_exports(at=after("1 hour")) == 1


def test_jobs_stay_in_the_file(tmp_path):
    """Whoever opens the file later can ask, work and fetch."""
    with Engine(SQLiteStore(tmp_path / "journeys.db", nonce="n"), grace=None) as engine:
        Host(engine).deploy(Wait("rest", "1 day"))
        engine.submit_export(at=START)
    with Engine(tmp_path / "journeys.db") as engine:
        assert engine.work_exports(at=START) == 1
        assert [row["journey"] for row in lines(engine.download_export(1))] == ["j"]
        assert engine.submit_export(at=START).id == 2
