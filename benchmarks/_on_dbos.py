"""Journeys on DBOS, whose database, SQLite here, keeps each step of each run as it is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from typing import Any

from _hosted import Hosted
from _journeys import DONE, Run
from _peers import Outbox, names
from dbos import DBOS, SetWorkflowID

AT_ONCE = 25
"""So many workflows wait at once in the welcome."""

LONG = 86_400.0
"""The seconds on the wall that nobody waits out: the host of the month says what time it is."""


def settings(folder: Path) -> Any:  # noqa: ANN401 of the library
    """Return where it keeps its rows; in SQLite it looks for messages in turns, here each hundredth of a second."""
    return {
        "name": "journeys",
        "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}",
        "notification_listener_polling_interval_sec": 0.01,
        "log_level": "ERROR",
    }


@contextmanager
def launched() -> Iterator[None]:
    """Run it, with all that was registered before."""
    DBOS.launch()
    try:
        yield
    finally:
        DBOS.destroy()


def welcome(folder: Path, count: int, config: Any = None) -> int:  # noqa: ANN401 of the library
    """Run the welcome, in portions, because each workflow that waits keeps a thread; the host says when to go on."""
    outbox = Outbox(folder / "outbox.db")
    DBOS(config=config or settings(folder))

    @DBOS.step()  # type: ignore[untyped-decorator]  # not checked
    def send(customer: str, step: str) -> None:
        outbox.send(customer, step)

    @DBOS.workflow()  # type: ignore[untyped-decorator]  # not checked
    def welcomed(customer: str) -> None:
        send(customer, "hello")
        opened = DBOS.recv("three days", timeout_seconds=LONG)
        send(customer, "tips" if opened else "nudge")

    people = names(count)
    with launched():
        for begin in range(0, count, AT_ONCE):
            handles = []
            for name in people[begin : begin + AT_ONCE]:
                with SetWorkflowID(name):
                    handles.append(DBOS.start_workflow(welcomed, name))
            for name in people[begin : begin + AT_ONCE]:
                DBOS.send(name, False, topic="three days")
            for handle in handles:
                handle.get_result()
    return outbox.count()


class Month(Hosted):
    """The month: each run is a workflow, each step of it a step, and each wait waits for a message of the host."""

    def __init__(self, folder: Path, config: Any = None) -> None:  # noqa: ANN401 of the library
        """Register the workflow, and launch."""
        super().__init__(folder)
        DBOS(config=config or settings(folder))
        self.settled = Flag()

        @DBOS.step()  # type: ignore[untyped-decorator]  # not checked
        def act(serial: int, name: str) -> str:
            return self.act(self.by_serial[serial], name)

        @DBOS.workflow()  # type: ignore[untyped-decorator]  # not checked
        def journey(serial: int) -> None:
            run = self.by_serial[serial]
            steps, name = self.plan(run).steps, self.plan(run).first
            while name != DONE:
                if steps[name].kind == "wait":
                    self._rest(run, name)
                    outcome = DBOS.recv(timeout_seconds=LONG)
                    if outcome == "stopped":
                        return
                else:
                    outcome = act(serial, name)
                name = steps[name].ways[outcome]
            self._rest(run, DONE)

        self.journey = journey
        DBOS.launch()

    def _rest(self, run: Run, name: str) -> None:
        self.arrive(run, name)
        self.settled.set()

    def begin(self, run: Run) -> None:
        """Start a workflow, and wait until it waits."""
        self.settled.clear()
        with SetWorkflowID(str(run.serial)):
            DBOS.start_workflow(self.journey, run.serial)
        self.settled.wait()

    def resume(self, run: Run) -> None:
        """Send it a message, and wait until it waits again or has ended."""
        self.settled.clear()
        DBOS.send(str(run.serial), "elapsed")
        self.settled.wait()

    def stop(self, run: Run) -> None:
        """Send it a message to end it."""
        DBOS.send(str(run.serial), "stopped")

    def close(self) -> None:
        """End all workflows that wait, for each keeps a thread, and close the files."""
        for run in self.by_serial.values():
            if run.status == "ACTIVE":
                self.stop(run)
        DBOS.destroy(workflow_completion_timeout_sec=60)
        super().close()
