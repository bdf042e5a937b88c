"""The welcome journey with peers in memory, and what all peers share. Each does it as its documentation proposes.

The first line of each function says, behind what it does, what the peer cannot do; docs/performance.md shows it.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import memory
from _common import LATER, customers, durable


class Outbox:
    """Where hosts of peers note what is to be sent: a list, or a table with a commit for each message."""

    def __init__(self, path: Path | None = None) -> None:
        """Begin empty."""
        self.sent: list[tuple[str, str]] = []
        self.path = path
        if path is not None:
            connection = durable(path)
            connection.execute("CREATE TABLE outbox (customer TEXT, step TEXT, PRIMARY KEY (customer, step))")
            connection.close()

    def send(self, customer: str, step: str) -> None:
        """Note a message; where a peer tries a step again, it is still one message."""
        if self.path is None:
            self.sent.append((customer, step))
            return
        with contextlib.closing(durable(self.path)) as connection:
            connection.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?)", (customer, step))

    def count(self) -> int:
        """Return how many messages there are."""
        if self.path is None:
            return len(self.sent)
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            found: int = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
            return found


def names(count: int) -> list[str]:
    """Return the ids of the customers."""
    return [name for name, _ in customers(count)]


def with_simpy(_: Path, count: int) -> int:
    """Run processes of SimPy. It has virtual time only: no file, no real clock, no events from outside, no history."""
    memory.run_simpy(count)
    return 2 * count


def with_transitions(_: Path, count: int) -> int:
    """Run a machine of states for each customer. It knows no time: a heap of the host says who waits until when."""
    from transitions import Machine  # noqa: PLC0415 only the peer that is measured is imported

    outbox = Outbox()

    class Customer:
        """One customer's journey."""

        def __init__(self, name: str) -> None:
            self.name, self.opened, self.tags = name, False, list[str]()

        def is_opened(self) -> bool:
            return self.opened

        def send_hello(self) -> None:
            outbox.send(self.name, "hello")

        def send_tips(self) -> None:
            outbox.send(self.name, "tips")

        def send_nudge(self) -> None:
            outbox.send(self.name, "nudge")

        def tag(self) -> None:
            self.tags.append("onboarded")

    machine = Machine(states=["new", "waiting", "done"], initial="new", auto_transitions=False)
    machine.add_transition("sign_up", "new", "waiting", after="send_hello")
    machine.add_transition("elapse", "waiting", "done", conditions="is_opened", after=["send_tips", "tag"])
    machine.add_transition("elapse", "waiting", "done", unless="is_opened", after=["send_nudge", "tag"])
    heap: list[tuple[Any, int, Any]] = []
    for number, name in enumerate(names(count)):
        customer: Any = Customer(name)
        machine.add_model(customer)
        customer.sign_up()
        heappush(heap, (LATER, number, customer))
    while heap:
        heappop(heap)[2].elapse()
    return outbox.count()


def with_statemachine(_: Path, count: int) -> int:
    """Run a machine of states for each customer. It knows no time either, and keeps nothing."""
    from statemachine import State, StateMachine  # noqa: PLC0415 only the peer that is measured is imported

    outbox = Outbox()

    class Welcome(StateMachine):
        """One customer's journey."""

        new = State(initial=True)
        waiting = State()
        done = State(final=True)
        sign_up = new.to(waiting)
        elapse = waiting.to(done, cond="opened", on="send_tips") | waiting.to(done, unless="opened", on="send_nudge")

        def __init__(self, name: str) -> None:
            self.name, self.opened, self.tags = name, False, list[str]()
            super().__init__()

        def on_sign_up(self) -> None:
            outbox.send(self.name, "hello")

        def send_tips(self) -> None:
            outbox.send(self.name, "tips")

        def send_nudge(self) -> None:
            outbox.send(self.name, "nudge")

        def on_enter_done(self) -> None:
            self.tags.append("onboarded")

    heap: list[tuple[Any, int, Any]] = []
    for number, name in enumerate(names(count)):
        machine: Any = Welcome(name)
        machine.sign_up()
        heappush(heap, (LATER, number, machine))
    while heap:
        heappop(heap)[2].elapse()
    return outbox.count()


def with_spiff(_: Path, count: int) -> int:
    """Run a workflow for each customer. Its host completes the wait; to keep one is to serialize the whole of it."""
    from SpiffWorkflow import TaskState, Workflow  # noqa: PLC0415 only the peer that is measured is imported
    from SpiffWorkflow.operators import Attrib, Equal  # noqa: PLC0415 likewise
    from SpiffWorkflow.specs import ExclusiveChoice, Simple, WorkflowSpec  # noqa: PLC0415 likewise

    outbox = Outbox()
    spec = WorkflowSpec(name="welcome", addstart=True)

    def step(name: str, *, manual: bool = False) -> Any:  # noqa: ANN401 a task of the library
        made = Simple(spec, name, manual=manual)
        if name in {"hello", "tips", "nudge"}:
            made.completed_event.connect(lambda workflow, _: outbox.send(workflow.data["name"], name))
        return made

    hello, tips, nudge, done = map(step, ("hello", "tips", "nudge", "done"))
    breathe = step("breathe", manual=True)
    choice = ExclusiveChoice(spec, "opened")
    spec.start.connect(hello)
    hello.connect(breathe)
    breathe.connect(choice)
    choice.connect_if(Equal(Attrib("opened"), True), tips)
    choice.connect(nudge)
    tips.connect(done)
    nudge.connect(done)
    waiting = []
    for name in names(count):
        workflow = Workflow(spec)
        workflow.data["name"] = name
        workflow.run_all()
        waiting.append(workflow)
    for workflow in waiting:
        for task in workflow.get_tasks(state=TaskState.READY, manual=True):
            task.data["opened"] = False
            task.run()
        workflow.run_all()
        assert workflow.is_completed()
    return outbox.count()


IN_MEMORY: dict[str, Callable[[Path, int], int]] = {
    "simpy": with_simpy,
    "transitions": with_transitions,
    "python-statemachine": with_statemachine,
    "SpiffWorkflow": with_spiff,
}
