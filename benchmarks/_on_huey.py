"""Journeys on huey, whose queue and schedule are kept in SQLite."""

from datetime import datetime
from pathlib import Path
from typing import Any

from _common import LATER, START
from _hosted import Hosted
from _journeys import Run
from _peers import Outbox, names
from huey import SqliteHuey


def queue_in(folder: Path) -> Any:  # noqa: ANN401 of the library
    """Return a new queue, every commit synced."""
    return SqliteHuey("journeys", filename=str(folder / "huey.db"), fsync=True, results=False)


def naive(at: datetime) -> datetime:
    """Return an instant as the library has it."""
    return at.replace(tzinfo=None)


def work(huey: Any, now: datetime) -> None:  # noqa: ANN401 of the library
    """Do the tasks that are queued, as its consumer does."""
    while (task := huey.dequeue()) is not None:
        huey.execute(task, now)


def work_due(huey: Any, now: datetime) -> None:  # noqa: ANN401 of the library
    """Queue the tasks that are due, as the scheduler of its consumer does, and do them."""
    while due := huey.read_schedule(now):
        for task in due:
            huey.enqueue(task)
        work(huey, now)


def welcome(folder: Path, count: int) -> int:
    """Run the welcome: a task now and a task in three days."""
    outbox, huey = Outbox(folder / "outbox.db"), queue_in(folder)

    @huey.task()  # type: ignore[untyped-decorator]  # not checked
    def hello(name: str) -> None:
        outbox.send(name, "hello")
        later.schedule((name,), eta=naive(LATER))

    @huey.task()  # type: ignore[untyped-decorator]  # not checked
    def later(name: str) -> None:
        outbox.send(name, "nudge")

    for name in names(count):
        hello(name)
    work(huey, naive(START))
    work_due(huey, naive(LATER))
    return outbox.count()


class Month(Hosted):
    """The month: what follows a trigger or a wait is a task, scheduled at its instant; it is revoked where none may."""

    def __init__(self, folder: Path) -> None:
        """Make the queue."""
        super().__init__(folder)
        self.huey = queue_in(folder)

        @self.huey.task()  # type: ignore[untyped-decorator]  # not checked
        def go(serial: int, name: str) -> None:
            run = self.by_serial[serial]
            if run.due is not None:
                self.now, run.due = run.due, None
            self.walk(run, name)

        self.go = go

    def begin(self, run: Run) -> None:
        """Queue a task, and do it."""
        self.go(run.serial, self.plan(run).first)
        work(self.huey, naive(self.now))

    def wake_at(self, run: Run, due: datetime) -> None:
        """Schedule the task that follows the wait."""
        run.handle = self.go.s(run.serial, self.after(run), eta=naive(due))
        self.huey.enqueue(run.handle)

    def fire(self, until: datetime) -> None:
        """Do the tasks that are due, by their instants."""
        work_due(self.huey, naive(until))

    def resume(self, run: Run) -> None:
        """Revoke the task for the end of the wait, and queue one for now."""
        self.stop(run)
        self.go(run.serial, self.after(run))
        work(self.huey, naive(self.now))

    def stop(self, run: Run) -> None:
        """Revoke the task that is scheduled."""
        self.huey.revoke(run.handle)
