"""The mixed month as the program that a good developer writes in a day: three journeys hard-coded, nothing else.

People, runs and messages are dictionaries; each call ends with `executemany` of the rows that it changed and one
synced commit, or with nothing where there is no file. It has no definitions, versions, policies, reasons, statistics,
simulation or explanations, one process at a time, and what it does not hold in memory it never reads again. It answers
the calls of `mixed.Host`, so that the same host drives both, and `mixed` compares what both decided.
"""

import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, NamedTuple

from _journeys import RICH, SENDS, arm_of, greeting, later_there, micros, nine_there

from journeyflow import Event

TABLES = {
    "customers": "id TEXT PRIMARY KEY, attributes TEXT",
    "inputs": "seq INTEGER PRIMARY KEY, customer TEXT, type TEXT, at INTEGER, data TEXT, outcome TEXT",
    "enrollments": "serial INTEGER PRIMARY KEY, customer TEXT, journey TEXT, run INTEGER, status TEXT, reason TEXT,"
    " entered INTEGER, ended INTEGER, converted INTEGER, step TEXT, due INTEGER",
    "visits": "enrollment INTEGER, n INTEGER, step TEXT, status TEXT, outcome TEXT, entered INTEGER, left INTEGER,"
    " PRIMARY KEY (enrollment, n)",
    "messages": "id TEXT PRIMARY KEY, enrollment INTEGER, step TEXT, channel TEXT, template TEXT, data TEXT,"
    " at INTEGER, status TEXT, attempts INTEGER, lease INTEGER",
}


class Given(NamedTuple):
    """A message as a worker gets it."""

    id: str
    customer: str


class Run:
    """One customer's way through one journey."""

    __slots__ = (
        "changed", "converted", "customer", "due", "ended", "entered", "journey", "messages", "number", "opened",
        "reason", "serial", "since", "status", "step", "total", "visits",
    )  # fmt: skip

    def __init__(self, serial: int, customer: str, journey: str, number: int, at: datetime) -> None:
        """Begin active."""
        self.serial, self.customer, self.journey, self.number, self.entered = serial, customer, journey, number, at
        self.status, self.reason, self.step = "ACTIVE", "", ""
        self.ended: datetime | None = None
        self.converted: datetime | None = None
        self.due: datetime | None = None
        self.since = at
        self.visits = 0
        self.messages: list[Message] = []
        self.opened: set[str] = set()
        self.total: Any = None
        self.changed = False


class Message:
    """A message, queued until a worker takes it."""

    __slots__ = ("at", "attempts", "channel", "data", "id", "lease", "run", "status", "step", "template")

    def __init__(self, run: Run, step: str, data: dict[str, Any], at: datetime) -> None:
        """Queue it."""
        self.id = f"hand-{run.serial}-{len(run.messages) + 1}"
        self.run, self.step, self.data, self.at = run, step, data, at
        self.channel, self.template = SENDS[step]
        self.status, self.attempts = "QUEUED", 0
        self.lease: datetime | None = None


class Cycle:
    """What came of a cycle: the messages that it handed out."""

    messages: list[Given] = []  # noqa: RUF012 replaced, never changed


class ByHand:
    """The program; `path` is its file, None keeps everything in memory alone."""

    def __init__(self, path: Path | None = None) -> None:
        """Begin with nobody there."""
        self.people: dict[str, dict[str, Any]] = {}
        self.inbox: list[tuple[datetime, int, Event | None, str, dict[str, Any]]] = []
        self.runs: dict[str, dict[str, Run]] = {"welcome": {}, "cart": {}, "win-back": {}}
        self.timers: list[tuple[datetime, int, Run]] = []
        self.outbox: deque[Message] = deque()
        self.messages: dict[str, Message] = {}
        self.seq = self.serial = 0
        self.rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self.touched: list[Run] = []
        self.grouped = False
        self.connection: sqlite3.Connection | None = None
        if path is not None:
            self.connection = sqlite3.connect(path, isolation_level=None)
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
            for name, columns in TABLES.items():
                self.connection.execute(f"CREATE TABLE {name} ({columns})")

    # what the host calls

    def put_customer(self, customer: str, attributes: dict[str, Any], *, at: datetime) -> None:
        """Keep what is known of a customer; it counts from the next tick."""
        self._keep(at, None, customer, attributes)
        self._commit()

    def feed(self, events: Iterable[Event]) -> None:
        """Keep events for the next tick."""
        for event in events:
            assert event.at is not None
            self._keep(event.at, event, event.customer, dict(event.data))
        self._commit()

    def tick(self, now: datetime) -> None:
        """Handle what is due, by own instants, inputs before timers."""
        self.inbox.sort(key=lambda each: each[:2])
        position, timers, inbox = 0, self.timers, self.inbox
        while True:
            told = inbox[position] if position < len(inbox) and inbox[position][0] <= now else None
            if timers and timers[0][0] <= now and (told is None or timers[0][0] < told[0]):
                at, _, run = heappop(timers)
                if run.status == "ACTIVE" and run.due == at:
                    run.due = None
                    STEPS[run.step](self, run, at, "timeout" if run.step == "click" else "elapsed")
            elif told is not None:
                position += 1
                self._handle(*told)
            else:
                break
        del inbox[:position]
        self._commit()

    @contextmanager
    def cycle(self, now: datetime, *, worker: str, limit: int) -> Iterator["Cycle"]:
        """Do what the block says, what is due, and a claim, all in one commit."""
        done, self.grouped = Cycle(), True
        yield done
        self.tick(now)
        done.messages = self.claim(worker, at=now, limit=limit)
        self.grouped = False
        self._commit()

    def claim(self, _: str, *, at: datetime, limit: int) -> list[Given]:
        """Hand out queued messages, oldest first."""
        taken: list[Given] = []
        while self.outbox and len(taken) < limit:
            message = self.outbox.popleft()
            if message.status == "QUEUED":
                message.status, message.attempts, message.lease = "SENDING", 1, at + timedelta(minutes=5)
                self._row_of(message)
                taken.append(Given(message.id, message.run.customer))
        self._commit()
        return taken

    def ack(self, given: Sequence[Given], *, at: datetime) -> None:  # noqa: ARG002 as an engine is called
        """Note that messages went out."""
        for each in given:
            message = self.messages[each.id]
            message.status, message.lease = "SENT", None
            self._row_of(message)
        self._commit()

    def close(self) -> None:
        """Close the file."""
        if self.connection is not None:
            self.connection.close()

    # inputs

    def _keep(self, at: datetime, event: Event | None, customer: str, data: dict[str, Any]) -> None:
        self.seq += 1
        self.inbox.append((at, self.seq, event, customer, data))
        if self.connection is not None:
            kind = event.type if event else "put"
            self.rows["inputs"].append((self.seq, customer, kind, micros(at), json.dumps(data), None))

    def _handle(self, at: datetime, seq: int, event: Event | None, customer: str, data: dict[str, Any]) -> None:
        if event is None:
            self.people.setdefault(customer, {"tags": []}).update(data)
            self._row_of_customer(customer)
        elif event.type in ON:
            ON[event.type](self, customer, data, at)
        if self.connection is not None:
            kind = event.type if event else "put"
            self.rows["inputs"].append((seq, customer, kind, micros(at), json.dumps(data), "handled"))

    def on_signup(self, customer: str, _: dict[str, Any], at: datetime) -> None:
        """Begin the welcome, once in a life."""
        if customer not in self.runs["welcome"]:
            run = self._enter("welcome", customer, at)
            person = self.people[customer]
            self._send(run, "hello", {"text": greeting(customer, run.number, person.get("firstName", ""))}, at)
            self._wait(run, "breathe", self._local(customer, at, timedelta(days=2)), at)

    def on_cart(self, customer: str, data: dict[str, Any], at: datetime) -> None:
        """Begin an abandoned cart, at most once a day and not twice at once."""
        old = self.runs["cart"].get(customer)
        if old is None or (old.status != "ACTIVE" and at >= old.entered + timedelta(days=1)):
            run = self._enter("cart", customer, at)
            run.total = data.get("total")
            self._wait(run, "hour", at + timedelta(hours=1), at)

    def on_purchase(self, customer: str, _: dict[str, Any], at: datetime) -> None:
        """Convert and end the cart, and begin the win-back anew."""
        cart = self.runs["cart"].get(customer)
        if cart is not None:
            if cart.converted is None and at <= cart.entered + timedelta(days=3):
                cart.converted = at
                self._touch(cart)
            self._exit(cart, "bought", at)
        if (old := self.runs["win-back"].get(customer)) is not None:
            self._exit(old, "restarted", at)
        self._wait(self._enter("win-back", customer, at), "quiet", self._local(customer, at, timedelta(days=9)), at)

    def on_opened(self, _: str, data: dict[str, Any], __: datetime) -> None:
        """Remember that a message was opened."""
        message = self.messages[data["message"]]
        message.run.opened.add(message.step)

    def on_clicked(self, _: str, data: dict[str, Any], at: datetime) -> None:
        """Wake the cart that waits for a click on this message."""
        run = self.messages[data["message"]].run
        if run.status == "ACTIVE" and run.step == "click":
            run.due = None
            self.after_click(run, at, "event")

    # steps

    def after_breathe(self, run: Run, at: datetime, outcome: str) -> None:
        """Go on with the welcome, two days later."""
        self._visit(run, "breathe", outcome, at)
        opened = "hello" in run.opened
        self._visit(run, "read", "yes" if opened else "no", at)
        if opened:
            arm = arm_of(run.customer)
            self._visit(run, "test", arm, at)
            name = self.people[run.customer].get("firstName", "")
            self._send(run, arm, {"name": name} if arm == "tips" else {}, at)
        else:
            self._send(run, "nudge", {}, at)
        tags = self.people[run.customer]["tags"]
        if "onboarded" not in tags:
            tags.append("onboarded")
            self._row_of_customer(run.customer)
        self._visit(run, "onboarded", "", at)
        self._end(run, at)

    def after_hour(self, run: Run, at: datetime, outcome: str) -> None:
        """Remind of the cart, and wait for a click."""
        self._visit(run, "hour", outcome, at)
        self._send(run, "reminder", {"total": run.total}, at)
        self._wait(run, "click", at + timedelta(days=1), at)

    def after_click(self, run: Run, at: datetime, outcome: str) -> None:
        """Call those with a rich cart."""
        self._visit(run, "click", outcome, at)
        rich = run.total is not None and run.total > RICH
        self._visit(run, "rich", "yes" if rich else "no", at)
        if rich:
            self._send(run, "call", {}, at)
        self._end(run, at)

    def after_quiet(self, run: Run, at: datetime, outcome: str) -> None:
        """Wait for nine in the morning where the customer is."""
        self._visit(run, "quiet", outcome, at)
        due = nine_there(at, self.people[run.customer]["timezone"])
        if due == at:
            self.after_morning(run, at, outcome)
        else:
            self._wait(run, "morning", due, at)

    def after_morning(self, run: Run, at: datetime, outcome: str) -> None:
        """Say that the customer is missed."""
        self._visit(run, "morning", outcome, at)
        name = self.people[run.customer].get("firstName", "")
        self._send(run, "miss", {"name": name}, at)
        self._end(run, at)

    # runs

    def _local(self, customer: str, at: datetime, span: timedelta) -> datetime:
        return later_there(at, self.people[customer]["timezone"], span)

    def _enter(self, journey: str, customer: str, at: datetime) -> Run:
        self.serial += 1
        runs = self.runs[journey]
        number = runs[customer].number + 1 if customer in runs else 1
        run = runs[customer] = Run(self.serial, customer, journey, number, at)
        self._touch(run)
        return run

    def _wait(self, run: Run, step: str, due: datetime, at: datetime) -> None:
        run.step, run.due, run.since = step, due, at
        heappush(self.timers, (due, run.serial, run))
        self._touch(run)

    def _send(self, run: Run, step: str, data: dict[str, Any], at: datetime) -> None:
        message = Message(run, step, data, at)
        run.messages.append(message)
        self.messages[message.id] = message
        self.outbox.append(message)
        self._row_of(message)
        self._visit(run, step, "queued", at)

    def _end(self, run: Run, at: datetime) -> None:
        run.status, run.step, run.ended = "COMPLETED", "done", at
        self._visit(run, "done", "", at)

    def _exit(self, run: Run, reason: str, at: datetime) -> None:
        if run.status == "ACTIVE":
            run.status, run.reason, run.ended, run.due = "EXITED", reason, at, None
            self._visit(run, run.step, reason, at, "SKIPPED")
            for message in run.messages:
                if message.status == "QUEUED":
                    message.status = "CANCELLED"
                    self._row_of(message)

    # rows

    def _touch(self, run: Run) -> None:
        if not run.changed:
            run.changed = True
            self.touched.append(run)

    def _visit(self, run: Run, step: str, outcome: str, at: datetime, status: str = "COMPLETED") -> None:
        run.visits += 1
        self._touch(run)
        if self.connection is not None:
            row = (run.serial, run.visits, step, status, outcome, micros(run.since), micros(at))
            self.rows["visits"].append(row)
        run.since = at

    def _row_of(self, message: Message) -> None:
        if self.connection is not None:
            self.rows["messages"].append((
                message.id, message.run.serial, message.step, message.channel, message.template,
                json.dumps(message.data), micros(message.at), message.status, message.attempts, micros(message.lease),
            ))  # fmt: skip

    def _row_of_customer(self, customer: str) -> None:
        if self.connection is not None:
            self.rows["customers"].append((customer, json.dumps(self.people[customer])))

    def _commit(self) -> None:
        if self.grouped:
            return
        for run in self.touched:
            run.changed = False
            if self.connection is not None:
                self.rows["enrollments"].append((
                    run.serial, run.customer, run.journey, run.number, run.status, run.reason, micros(run.entered),
                    micros(run.ended), micros(run.converted), run.step, micros(run.due),
                ))  # fmt: skip
        self.touched.clear()
        if self.connection is None or not any(self.rows.values()):
            return
        self.connection.execute("BEGIN IMMEDIATE")
        for name, rows in self.rows.items():
            if rows:
                places = ", ".join("?" * len(rows[0]))
                self.connection.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({places})", rows)
                rows.clear()
        self.connection.execute("COMMIT")


ON: dict[str, Callable[[ByHand, str, dict[str, Any], datetime], None]] = {
    "signup": ByHand.on_signup,
    "cart.updated": ByHand.on_cart,
    "purchase": ByHand.on_purchase,
    "message.opened": ByHand.on_opened,
    "message.clicked": ByHand.on_clicked,
}
STEPS: dict[str, Callable[[ByHand, Run, datetime, str], None]] = {
    "breathe": ByHand.after_breathe,
    "hour": ByHand.after_hour,
    "click": ByHand.after_click,
    "quiet": ByHand.after_quiet,
    "morning": ByHand.after_morning,
}
