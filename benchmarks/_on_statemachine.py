"""Journeys on python-statemachine: each run is a chart of its own, of the class of its journey."""

from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from _common import LATER
from _hosted import Hosted
from _journeys import DONE, JOURNEYS, Run
from _peers import Outbox, names
from statemachine import State, StateChart, StateMachine
from statemachine.io import create_machine_class_from_definition


class Welcome(StateMachine):
    """One customer's welcome."""

    new = State(initial=True)
    waiting = State()
    done = State(final=True)
    sign_up = new.to(waiting)
    elapse = waiting.to(done, cond="opened", on="send_tips") | waiting.to(done, unless="opened", on="send_nudge")

    def __init__(self, name: str, outbox: Outbox) -> None:
        """Begin with nothing sent."""
        self.name, self.outbox, self.opened, self.tags = name, outbox, False, list[str]()
        super().__init__()

    def on_sign_up(self) -> None:
        """Send the first message."""
        self.outbox.send(self.name, "hello")

    def send_tips(self) -> None:
        """Send the second message to those who opened the first."""
        self.outbox.send(self.name, "tips")

    def send_nudge(self) -> None:
        """Send the second message to the others."""
        self.outbox.send(self.name, "nudge")

    def on_enter_done(self) -> None:
        """Tag the customer."""
        self.tags.append("onboarded")


def welcome(_: Path, count: int) -> int:
    """Run the welcome."""
    outbox = Outbox()
    heap: list[tuple[Any, int, Any]] = []
    for number, name in enumerate(names(count)):
        machine: Any = Welcome(name, outbox)
        machine.sign_up()
        heappush(heap, (LATER, number, machine))
    while heap:
        heappop(heap)[2].elapse()
    return outbox.count()


class Model:
    """What a chart knows of its run: `outcome` is what its last step came to."""

    def __init__(self, host: "Month", run: Run) -> None:
        """Begin before the first step."""
        self.state: Any = None
        self.host, self.run, self.outcome = host, run, ""

    def do(self, target: State) -> None:
        """Do the step that is entered."""
        self.outcome = self.host.act(self.run, target.id)

    def wait(self, target: State) -> None:
        """Wait at the step that is entered, or end there."""
        self.host.arrive(self.run, target.id)


class Month(Hosted):
    """The month: steps are states, those that do not wait are left by transitions without an event."""

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 as each peer is called
        """Make the classes."""
        super().__init__()
        self.charts = {journey: _chart(journey) for journey in JOURNEYS}

    def begin(self, run: Run) -> None:
        """Make the chart of a run, which goes to its first wait at once."""
        run.handle = self.charts[run.journey](Model(self, run))

    def resume(self, run: Run) -> None:
        """Send the event that leaves the wait."""
        run.handle.send("elapse")

    def stop(self, run: Run) -> None:
        """Forget the chart."""
        run.handle = None


def _chart(journey: str) -> type[StateChart]:
    """Return the class of a journey."""
    states: dict[str, Any] = {DONE: {"final": True, "enter": "wait"}}
    for name, step in JOURNEYS[journey].steps.items():
        if step.kind == "wait":
            ways = {"on": {"elapse": [{"target": then} for then in step.ways.values()]}}
        else:
            ways = {"transitions": [{"target": then, "cond": _came_to(outcome)} for outcome, then in step.ways.items()]}
        states[name] = {"enter": "wait" if step.kind == "wait" else "do", **ways}
    states[JOURNEYS[journey].first]["initial"] = True
    return create_machine_class_from_definition(journey, states)


def _came_to(outcome: str) -> Any:  # noqa: ANN401 a condition as the library takes it
    def asked(model: Model) -> bool:
        return model.outcome == outcome

    return asked
