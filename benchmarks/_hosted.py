"""What a host writes around another library to live through the mixed month: all that the library has no word for.

That is the inbox, who may enter a journey, exits, goals, the outbox with claim and ack, and, where a library knows no
time or only that on the wall, who waits until when. It answers the calls of `mixed.Host`, as an engine does. Its rows,
where there is a file, are those that it could not go on without: customers, runs and messages; a message is committed
by the step that sends it, the rest once a cycle.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, NamedTuple

import mixed
from _common import durable
from _journeys import DONE, EPOCH, JOURNEYS, SENDS, Plan, Run, micros
from _lived import Ended, Lived, lived
from mixed import Sent

from journeyflow import Event

TABLES = {
    "customers": "id TEXT PRIMARY KEY, attributes TEXT",
    "runs": "serial INTEGER PRIMARY KEY, customer TEXT, journey TEXT, run INTEGER, status TEXT, entered INTEGER,"
    " converted INTEGER, total INTEGER, step TEXT, due INTEGER, opened TEXT",
    "messages": "id TEXT PRIMARY KEY, run INTEGER, step TEXT, channel TEXT, template TEXT, data TEXT, at INTEGER,"
    " status TEXT",
}
INSTANT = timedelta(microseconds=1)


class Message:
    """A message; what a worker gets is the message itself."""

    def __init__(self, run: Run, step: str, data: dict[str, object], at: datetime) -> None:
        """Queue it."""
        run.sent += 1
        self.id, self.run, self.step, self.data, self.at = f"{run.serial}-{run.sent}", run, step, data, at
        self.status = "QUEUED"

    @property
    def customer(self) -> str:
        """Who gets it."""
        return self.run.customer


class Told(NamedTuple):
    """An input: the type "" is a put of attributes."""

    at: datetime
    seq: int
    type: str
    customer: str
    data: dict[str, Any]


class Cycle:
    """What came of a cycle: the messages that it handed out."""

    messages: Sequence[Message] = ()


class Hosted:
    """A host, which goes through the journeys itself; a peer replaces what it does for a run.

    It keeps its rows in a folder, or, without one, in memory alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Begin with nobody there."""
        self.folder = folder
        self.now, self.woken_by = EPOCH, ""
        self.people: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Run]] = {journey: {} for journey in JOURNEYS}
        self.by_serial: dict[int, Run] = {}
        self.messages: dict[str, Message] = {}
        self.inbox: list[Told] = []
        self.outbox: list[Message] = []
        self.timers: list[tuple[datetime, int, Run]] = []
        self.seq = 0
        self.acts = {"send": self._send, "choice": self._choose, "tag": self._tag}
        self.changed: dict[str, dict[Any, tuple[Any, ...]]] = {table: {} for table in TABLES}
        self.connection = None
        if folder is not None:
            self.connection = durable(folder / "host.db", shared=True)
            for name, columns in TABLES.items():
                self.connection.execute(f"CREATE TABLE {name} ({columns})")

    # what a peer does

    def begin(self, run: Run) -> None:
        """Bring a run to its first wait."""
        self.walk(run, self.plan(run).first)

    def resume(self, run: Run) -> None:
        """Bring a run from its wait to the next, or to the end."""
        self.walk(run, self.after(run))

    def stop(self, run: Run) -> None:
        """End a run that waits."""

    def wake_at(self, run: Run, due: datetime) -> None:
        """Have a run resumed at an instant; where a peer knows no time, a heap does."""
        heappush(self.timers, (due, run.serial, run))

    def fire(self, until: datetime) -> None:
        """Resume each run whose instant has come."""
        while self.timers and self.timers[0][0] <= until:
            due, _, run = heappop(self.timers)
            if run.due == due:
                self.wake(run, due)

    # what a peer calls

    def plan(self, run: Run) -> Plan:
        """Return the journey of a run."""
        return JOURNEYS[run.journey]

    def after(self, run: Run) -> str:
        """Return the step that follows the wait of a run."""
        [then] = self.plan(run).steps[run.step].ways.values()
        return then

    def act(self, run: Run, name: str) -> str:
        """Do a step that does not wait; return its outcome."""
        step = self.plan(run).steps[name]
        return self.acts[step.kind](run, name, step.work(run))

    def arrive(self, run: Run, name: str) -> None:
        """Let a run wait at a step, or end."""
        run.step = name
        if name == DONE:
            run.status = "COMPLETED"
        else:
            run.due = self.plan(run).steps[name].work(run, self.now)
            self.wake_at(run, run.due)
        self.row_of(run)

    def walk(self, run: Run, name: str) -> None:
        """Go from a step to the next wait or the end, for a peer that has no picture of a journey."""
        steps = self.plan(run).steps
        while name != DONE and steps[name].kind != "wait":
            name = steps[name].ways[self.act(run, name)]
        self.arrive(run, name)

    def wake(self, run: Run, at: datetime, event: str = "") -> None:
        """Resume a run that waits, because its time has come or an event has."""
        self.now, run.due, self.woken_by = at, None, event
        self.resume(run)

    # what the host of the month calls

    def put_customer(self, customer: str, attributes: dict[str, Any], *, at: datetime) -> None:
        """Keep what is known of a customer for the next tick."""
        self._tell(at, "", customer, attributes)

    def feed(self, events: Iterable[Event]) -> None:
        """Keep events for the next tick."""
        for event in events:
            assert event.at is not None
            self._tell(event.at, event.type, event.customer, dict(event.data))

    def tick(self, now: datetime) -> None:
        """Handle what is due, by own instants, inputs before timers."""
        self.inbox.sort()
        due = [each for each in self.inbox if each.at <= now]
        del self.inbox[: len(due)]
        for told in due:
            if told.type in HEARD:
                self.fire(told.at - INSTANT)
                self.now = told.at
                self._handle(told)
        self.fire(now)

    @contextmanager
    def cycle(self, now: datetime, *, worker: str, limit: int) -> Iterator[Cycle]:
        """Do what the block says, what is due, and a claim."""
        done = Cycle()
        yield done
        self.tick(now)
        done.messages = self.claim(worker, at=now, limit=limit)

    def claim(self, _: str, *, at: datetime, limit: int) -> Sequence[Message]:  # noqa: ARG002 as an engine is called
        """Hand out queued messages, oldest first."""
        queued = sorted((each for each in self.outbox if each.status == "QUEUED"), key=lambda each: each.at)
        taken, self.outbox = queued[:limit], queued[limit:]
        for message in taken:
            message.status = "SENDING"
            self._row_of_message(message)
        self._commit()
        return taken

    def ack(self, given: Sequence[Message], *, at: datetime) -> None:  # noqa: ARG002 as an engine is called
        """Note that messages went out."""
        for message in given:
            message.status = "SENT"
            self._row_of_message(message)
        self._commit()

    def live(self, told: list[mixed.Told]) -> Lived:
        """Live through the month."""
        spent = lived(self, told)
        self.close()
        return spent.of(self._sent(), self._ended())

    def close(self) -> None:
        """Close the file."""
        if self.connection is not None:
            self.connection.close()

    # what came of it

    def _sent(self) -> Sent:
        some = self.messages.values()
        return sorted((m.customer, m.run.journey, m.run.number, m.step, micros(m.at) or 0) for m in some)

    def _ended(self) -> Ended:
        return Counter((run.journey, run.status, run.converted is not None) for run in self.by_serial.values())

    # inputs

    def _tell(self, at: datetime, kind: str, customer: str, data: dict[str, Any]) -> None:
        self.seq += 1
        self.inbox.append(Told(at, self.seq, kind, customer, data))

    def _handle(self, told: Told) -> None:
        if not told.type:
            self.people.setdefault(told.customer, {"tags": []}).update(told.data)
            self._row_of_customer(told.customer)
        elif "message" in told.data:
            self._hear_of(self.messages[told.data["message"]], told)
        else:
            for journey, plan in JOURNEYS.items():
                self._judge(journey, plan, self.runs[journey].get(told.customer), told)

    def _hear_of(self, message: Message, told: Told) -> None:
        run = message.run
        if told.type == "message.opened":
            run.opened.add(message.step)
            self.row_of(run)
        wait = self.plan(run).steps.get(run.step)
        if run.due is not None and wait is not None and wait.event == told.type:
            self.wake(run, told.at, told.type)

    def _judge(self, journey: str, plan: Plan, last: Run | None, told: Told) -> None:
        if last is not None:
            if plan.goal == told.type and last.converted is None and told.at <= last.entered + plan.within:
                last.converted = told.at
                self.row_of(last)
            if plan.exit == told.type or (plan.restart and plan.trigger == told.type):
                self._exit(last)
        if plan.trigger == told.type and plan.admits(last, told.at):
            self._enter(journey, last, told)

    def _enter(self, journey: str, last: Run | None, told: Told) -> None:
        number = 1 if last is None else last.number + 1
        run = Run(len(self.by_serial) + 1, told.customer, self.people[told.customer], journey, number)
        run.entered, run.total = told.at, told.data.get("total", 0)
        self.runs[journey][told.customer] = self.by_serial[run.serial] = run
        self.row_of(run)
        self.begin(run)

    def _exit(self, run: Run) -> None:
        if run.status != "ACTIVE":
            return
        self.stop(run)
        run.status, run.due = "EXITED", None
        self.row_of(run)
        for message in self.outbox:
            if message.run is run and message.status == "QUEUED":
                message.status = "CANCELED"
                self._row_of_message(message)

    # steps

    def _send(self, run: Run, name: str, data: dict[str, object]) -> str:
        message = Message(run, name, data, self.now)
        self.messages[message.id] = message
        self.outbox.append(message)
        self._row_of_message(message)
        self._commit()
        return "queued"

    def _choose(self, _: Run, __: str, outcome: str) -> str:
        return outcome

    def _tag(self, run: Run, _: str, tag: str) -> str:
        run.person["tags"].append(tag)
        self._row_of_customer(run.customer)
        return "tagged"

    # rows

    def row_of(self, run: Run) -> None:
        """Write the row of a run at the end of the cycle."""
        if self.connection is not None:
            self.changed["runs"][run.serial] = (
                run.serial, run.customer, run.journey, run.number, run.status, micros(run.entered),
                micros(run.converted), run.total, run.step, micros(run.due), json.dumps(sorted(run.opened)),
            )  # fmt: skip

    def _row_of_customer(self, customer: str) -> None:
        if self.connection is not None:
            self.changed["customers"][customer] = customer, json.dumps(self.people[customer])

    def _row_of_message(self, message: Message) -> None:
        if self.connection is not None:
            self.changed["messages"][message.id] = (
                message.id, message.run.serial, message.step, *SENDS[message.step], json.dumps(message.data),
                micros(message.at), message.status,
            )  # fmt: skip

    def _commit(self) -> None:
        if self.connection is None or not any(self.changed.values()):
            return
        self.connection.execute("BEGIN IMMEDIATE")
        for name, rows in self.changed.items():
            if rows:
                places = ", ".join("?" * len(next(iter(rows.values()))))
                self.connection.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({places})", list(rows.values()))
                rows.clear()
        self.connection.execute("COMMIT")


HEARD = frozenset({"", "message.opened", "message.clicked"}) | {
    kind for plan in JOURNEYS.values() for kind in (plan.trigger, plan.exit, plan.goal)
}
"""The events that somebody listens to; the others are not kept."""
