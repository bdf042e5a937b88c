"""Journeys on APScheduler, whose jobs are kept in SQLite."""

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from threading import Event as Flag
from typing import Any, ClassVar, Self
from unittest.mock import patch

from _hosted import Hosted
from _journeys import EPOCH, Run
from _peers import Outbox, names
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers import base
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

PATIENT = {"misfire_grace_time": None}
"""A job that is late is done all the same."""


def store_in(folder: Path) -> SQLAlchemyJobStore:
    """Return a new store of jobs."""
    return SQLAlchemyJobStore(url=f"sqlite:///{folder / 'jobs.db'}")


class Jobs:
    """What the jobs of the welcome share: they are kept by name, so they are functions of a module."""

    outbox: ClassVar[Outbox]
    scheduler: ClassVar[Any]
    left: ClassVar[int]
    done: ClassVar[Flag]


def hello_job(name: str) -> None:
    """Send the first message and schedule the second."""
    Jobs.outbox.send(name, "hello")
    Jobs.scheduler.add_job(nudge_job, "date", run_date=datetime.now(UTC), args=[name])


def nudge_job(name: str) -> None:
    """Send the second message."""
    Jobs.outbox.send(name, "nudge")
    Jobs.left -= 1
    if not Jobs.left:
        Jobs.done.set()


def welcome(folder: Path, count: int) -> int:
    """Run the welcome: a job now and a job later; the three days have no length, for its clock is that on the wall."""
    Jobs.outbox, Jobs.left, Jobs.done = Outbox(folder / "outbox.db"), count, Flag()
    executors = {"default": ThreadPoolExecutor(1)}
    scheduler = BackgroundScheduler(
        jobstores={"default": store_in(folder)}, executors=executors, job_defaults=PATIENT, timezone=UTC
    )
    Jobs.scheduler = scheduler
    scheduler.start(paused=True)
    for name in names(count):
        scheduler.add_job(hello_job, "date", run_date=datetime.now(UTC), args=[name])
    scheduler.resume()
    Jobs.done.wait()
    scheduler.shutdown()
    return Jobs.outbox.count()


class Clock(datetime):
    """The clock that the scheduler reads instead of the one on the wall."""

    shows: ClassVar[datetime] = EPOCH

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return what it shows."""
        return cls.fromtimestamp(cls.shows.timestamp(), tz)


class Stepped(BaseScheduler):  # type: ignore[misc]  # not checked
    """A scheduler that looks for jobs when it is told to, in the thread of its host."""

    def wakeup(self) -> None:
        """Wait for the host."""

    def shutdown(self, wait: bool = True) -> None:
        """Stop."""
        super().shutdown(wait)

    def look(self, now: datetime) -> None:
        """Do the jobs that are due, and those that become due by them."""
        Clock.shows = now
        while self._process_jobs() == 0:
            pass


class Month(Hosted):
    """The month: the end of each wait is a job at its instant, which is removed where it may not come."""

    host: ClassVar["Month"]

    def __init__(self, folder: Path) -> None:
        """Start the scheduler."""
        super().__init__(folder)
        Month.host = self
        executors = {"default": DebugExecutor()}
        self.scheduler = Stepped(
            jobstores={"default": store_in(folder)}, executors=executors, job_defaults=PATIENT, timezone=UTC
        )
        self.scheduler.start()
        self.clock = patch.object(base, "datetime", Clock)
        self.clock.start()

    def wake_at(self, run: Run, due: datetime) -> None:
        """Add a job, with an id of its own: the one before is removed only after it has added this."""
        run.handle = f"{run.serial} {run.step}"
        self.scheduler.add_job(over, "date", run_date=due, args=[run.serial], id=run.handle)

    def fire(self, until: datetime) -> None:
        """Do the jobs that are due, by their instants."""
        self.scheduler.look(until)

    def resume(self, run: Run) -> None:
        """Go on; where an event has come, the job for the end of the wait is removed."""
        if self.woken_by:
            self.stop(run)
        super().resume(run)

    def stop(self, run: Run) -> None:
        """Remove the job."""
        self.scheduler.remove_job(run.handle)

    def close(self) -> None:
        """Give the clock back, and close the files."""
        self.clock.stop()
        self.scheduler.shutdown()
        super().close()


def over(serial: int) -> None:
    """Resume a run at the end of its wait."""
    run = Month.host.by_serial[serial]
    assert run.due is not None
    Month.host.wake(run, run.due)
