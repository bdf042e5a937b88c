"""Journeys on LangGraph, whose SQLite saver keeps a checkpoint of each run after each node."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from _hosted import Hosted
from _journeys import DONE, JOURNEYS, Run
from _peers import Outbox, names
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt


class Customer(TypedDict):
    """What a welcome knows of its customer."""

    name: str
    opened: bool


def welcome(folder: Path, count: int) -> int:
    """Run the welcome; the host says when three days are over."""
    outbox = Outbox(folder / "outbox.db")

    def sends(step: str) -> Callable[[Customer], dict[str, object]]:
        def send(state: Customer) -> dict[str, object]:
            outbox.send(state["name"], step)
            return {}

        return send

    graph: Any = StateGraph(Customer)
    for step in ("hello", "tips", "nudge"):
        graph.add_node(step, sends(step))
    graph.add_node("breathe", lambda _: {})
    graph.add_edge(START, "hello")
    graph.add_edge("hello", "breathe")
    graph.add_conditional_edges("breathe", lambda state: "tips" if state["opened"] else "nudge", ["tips", "nudge"])
    graph.add_edge("tips", END)
    graph.add_edge("nudge", END)
    with SqliteSaver.from_conn_string(str(folder / "graph.db")) as saver:
        compiled = graph.compile(checkpointer=saver, interrupt_before=["breathe"])
        for name in names(count):
            compiled.invoke({"name": name, "opened": False}, {"configurable": {"thread_id": name}})
        for name in names(count):
            compiled.invoke(None, {"configurable": {"thread_id": name}})
    return outbox.count()


class Known(TypedDict):
    """What a thread knows of its run."""

    serial: int
    outcome: str


class Month(Hosted):
    """The month: steps are nodes; those that wait interrupt their thread, and a command resumes it."""

    def __init__(self, folder: Path) -> None:
        """Compile the graphs."""
        super().__init__(folder)
        self.keeping = SqliteSaver.from_conn_string(str(folder / "graph.db"))
        saver = self.keeping.__enter__()
        self.graphs = {journey: self._graph(journey).compile(checkpointer=saver) for journey in JOURNEYS}

    def _graph(self, journey: str) -> Any:  # noqa: ANN401 of the library
        graph: Any = StateGraph(Known)
        graph.add_edge(START, JOURNEYS[journey].first)
        for name, step in JOURNEYS[journey].steps.items():
            graph.add_node(name, self._waits(name) if step.kind == "wait" else self._acts(name))
            ways = {outcome: END if then == DONE else then for outcome, then in step.ways.items()}
            if len(ways) > 1:
                graph.add_conditional_edges(name, lambda state: state["outcome"], ways)
            else:
                graph.add_edge(name, *ways.values())
        return graph

    def _acts(self, name: str) -> Callable[[Known], dict[str, str]]:
        def act(state: Known) -> dict[str, str]:
            return {"outcome": self.act(self.by_serial[state["serial"]], name)}

        return act

    def _waits(self, name: str) -> Callable[[Known], dict[str, str]]:
        def wait(_: Known) -> dict[str, str]:
            return {"outcome": interrupt(name)}

        return wait

    def begin(self, run: Run) -> None:
        """Start a thread."""
        self._go(run, {"serial": run.serial, "outcome": ""})

    def resume(self, run: Run) -> None:
        """Resume the thread."""
        self._go(run, Command(resume="elapsed"))

    def _go(self, run: Run, given: object) -> None:
        config = {"configurable": {"thread_id": str(run.serial)}}
        found = self.graphs[run.journey].invoke(given, config)
        self.arrive(run, found["__interrupt__"][0].value if "__interrupt__" in found else DONE)

    def close(self) -> None:
        """Close the files."""
        self.keeping.__exit__(None, None, None)
        super().close()
