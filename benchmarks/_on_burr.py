"""Journeys on burr, whose persister keeps the state of each run in SQLite after each action."""

from pathlib import Path
from typing import Any

from _hosted import Hosted
from _journeys import DONE, JOURNEYS, Run
from _peers import Outbox, names
from burr.core import Action, ApplicationBuilder, State, action, default, when
from burr.core.graph import Graph, GraphBuilder
from burr.core.persistence import SQLitePersister


def persister_in(folder: Path) -> SQLitePersister:
    """Return a new persister."""
    persister = SQLitePersister(db_path=str(folder / "burr.db"), table_name="burr_state")
    persister.initialize()
    return persister


def sends(outbox: Outbox, step: str) -> Any:  # noqa: ANN401 an action of the library
    """Return an action that sends a message of the welcome."""

    @action(reads=["name"], writes=["last"])  # type: ignore[untyped-decorator]  # not checked
    def send(state: State) -> State:
        outbox.send(state["name"], step)
        return state.update(last=step)

    return send


@action(reads=[], writes=["opened"])  # type: ignore[untyped-decorator]  # not checked
def breathe(state: State) -> State:
    """Go on three days later."""
    return state.update(opened=False)


def welcome(folder: Path, count: int) -> int:
    """Run the welcome; the host says when three days are over."""
    outbox, persister = Outbox(folder / "outbox.db"), persister_in(folder)
    hello, tips, nudge = (sends(outbox, step) for step in ("hello", "tips", "nudge"))

    def application(name: str) -> Any:  # noqa: ANN401 of the library
        return (
            ApplicationBuilder()
            .with_actions(hello=hello, breathe=breathe, tips=tips, nudge=nudge)
            .with_transitions(
                ("hello", "breathe"), ("breathe", "tips", when(opened=True)), ("breathe", "nudge", default)
            )
            .initialize_from(
                persister, resume_at_next_action=True, default_state={"name": name}, default_entrypoint="hello"
            )
            .with_state_persister(persister)
            .with_identifiers(app_id=name, partition_key="welcome")
            .build()
        )

    for name in names(count):
        application(name).run(halt_before=["breathe"])
    for name in names(count):
        application(name).run(halt_after=["tips", "nudge"])
    persister.cleanup()
    return outbox.count()


class Act(Action):  # type: ignore[misc]  # not checked
    """A step as an action, which keeps its outcome in the state."""

    def __init__(self, host: "Month", name: str) -> None:
        """Remember the step."""
        super().__init__()
        self.host, self.step = host, name

    @property
    def reads(self) -> list[str]:
        """What it reads."""
        return ["serial"]

    @property
    def writes(self) -> list[str]:
        """What it writes."""
        return ["outcome"]

    def run(self, state: State) -> dict[str, Any]:
        """Do the step."""
        return {"outcome": self.host.go(state["serial"], self.step)}

    def update(self, result: dict[str, Any], state: State) -> State:
        """Keep the outcome."""
        return state.update(**result)


class Month(Hosted):
    """The month: steps are actions; an application halts before each wait, and is built anew to go on."""

    def __init__(self, folder: Path) -> None:
        """Make the graphs."""
        super().__init__(folder)
        self.persister = persister_in(folder)
        self.graphs = {journey: self._graph(journey) for journey in JOURNEYS}

    def _graph(self, journey: str) -> Graph:
        steps = JOURNEYS[journey].steps
        ways = [
            (name, then, when(outcome=outcome))
            for name, step in steps.items()
            for outcome, then in step.ways.items()
        ]  # fmt: skip
        actions = {name: Act(self, name) for name in (*steps, DONE)}
        return GraphBuilder().with_actions(**actions).with_transitions(*ways).build()

    def go(self, serial: int, name: str) -> str:
        """Do a step; that of a wait is done when it is over, and the end is nothing."""
        run = self.by_serial[serial]
        if name == DONE:
            return "done"
        return "elapsed" if self.plan(run).steps[name].kind == "wait" else self.act(run, name)

    def begin(self, run: Run) -> None:
        """Run an application to its first wait; one that begins with a wait has not acted yet."""
        first = self.plan(run).first
        if self.plan(run).steps[first].kind == "wait":
            self.arrive(run, first)
        else:
            self.resume(run)

    def resume(self, run: Run) -> None:
        """Build the application from what is kept, and run it to the next wait or the end."""
        steps = self.plan(run).steps
        application = (
            ApplicationBuilder()
            .with_graph(self.graphs[run.journey])
            .initialize_from(
                self.persister,
                resume_at_next_action=True,
                default_state={"serial": run.serial},
                default_entrypoint=self.plan(run).first,
            )
            .with_state_persister(self.persister)
            .with_identifiers(app_id=str(run.serial), partition_key=run.journey)
            .build()
        )
        halts = [name for name, step in steps.items() if step.kind == "wait"]
        last, *_ = application.run(halt_before=halts, halt_after=[DONE])
        self.arrive(run, last.name)

    def close(self) -> None:
        """Close the files."""
        self.persister.cleanup()
        super().close()
