"""Journeys on transitions: a machine of states for each kind of journey, each run a model of it."""

from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from _common import LATER
from _hosted import Hosted
from _journeys import DONE, JOURNEYS, Run
from _peers import Outbox, names
from transitions import Machine


class Customer:
    """One customer's welcome."""

    def __init__(self, name: str, outbox: Outbox) -> None:
        """Begin with nothing sent."""
        self.name, self.outbox, self.opened, self.tags = name, outbox, False, list[str]()

    def is_opened(self) -> bool:
        """Return whether the first message was opened."""
        return self.opened

    def send_hello(self) -> None:
        """Send the first message."""
        self.outbox.send(self.name, "hello")

    def send_tips(self) -> None:
        """Send the second message to those who opened the first."""
        self.outbox.send(self.name, "tips")

    def send_nudge(self) -> None:
        """Send the second message to the others."""
        self.outbox.send(self.name, "nudge")

    def tag(self) -> None:
        """Tag the customer."""
        self.tags.append("onboarded")


def welcome(_: Path, count: int) -> int:
    """Run the welcome."""
    outbox = Outbox()
    machine = Machine(states=["new", "waiting", DONE], initial="new", auto_transitions=False)
    machine.add_transition("sign_up", "new", "waiting", after="send_hello")
    machine.add_transition("elapse", "waiting", DONE, conditions="is_opened", after=["send_tips", "tag"])
    machine.add_transition("elapse", "waiting", DONE, unless="is_opened", after=["send_nudge", "tag"])
    heap: list[tuple[Any, int, Any]] = []
    for number, name in enumerate(names(count)):
        customer: Any = Customer(name, outbox)
        machine.add_model(customer)
        customer.sign_up()
        heappush(heap, (LATER, number, customer))
    while heap:
        heappop(heap)[2].elapse()
    return outbox.count()


class Model:
    """One run: `outcome` is what its last step came to."""

    state: str

    def __init__(self, host: "Month", run: Run) -> None:
        """Begin before the first step."""
        self.host, self.run, self.outcome = host, run, "begun"

    def do(self, _: object) -> None:
        """Do the step that was entered, and go on."""
        self.outcome = self.host.act(self.run, self.state)
        self.go()  # type: ignore[attr-defined]  # the machine adds it

    def wait(self, _: object) -> None:
        """Wait at the step that was entered, or end there."""
        self.outcome = "elapsed"
        self.host.arrive(self.run, self.state)


class Month(Hosted):
    """The month: steps are states, and outcomes are conditions of transitions."""

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 as each peer is called
        """Make the machines."""
        super().__init__()
        self.machines = {journey: self._machine(journey) for journey in JOURNEYS}

    def _machine(self, journey: str) -> Machine:
        plan = JOURNEYS[journey]
        states = [
            "new",
            *({"name": name, "on_enter": "wait" if step.kind == "wait" else "do"} for name, step in plan.steps.items()),
            {"name": DONE, "on_enter": "wait"},
        ]
        machine = Machine(model=None, states=states, initial="new", auto_transitions=False, queued=True,
                          send_event=True)  # fmt: skip
        machine.add_transition("go", "new", plan.first)
        for name, step in plan.steps.items():
            for outcome, then in step.ways.items():
                machine.add_transition("go", name, then, conditions=_came_to(outcome))
        return machine

    def begin(self, run: Run) -> None:
        """Add a model to the machine of its journey."""
        run.handle = Model(self, run)
        self.machines[run.journey].add_model(run.handle)
        run.handle.go()

    def resume(self, run: Run) -> None:
        """Trigger the transition out of the wait."""
        run.handle.go()

    def arrive(self, run: Run, name: str) -> None:
        """Let a run wait, or end; a model that has ended is removed."""
        super().arrive(run, name)
        if name == DONE:
            self.stop(run)

    def stop(self, run: Run) -> None:
        """Remove the model."""
        self.machines[run.journey].remove_model(run.handle)


def _came_to(outcome: str) -> Any:  # noqa: ANN401 a condition as the library takes it
    def asked(event: Any) -> bool:  # noqa: ANN401
        return bool(event.model.outcome == outcome)

    return asked
