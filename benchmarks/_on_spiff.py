"""Journeys on SpiffWorkflow: a process of BPMN for each journey, each run a workflow of it."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, ClassVar, Self
from unittest.mock import patch

from _hosted import INSTANT, Hosted
from _journeys import DONE, EPOCH, JOURNEYS, Plan, Run, Step
from _peers import Outbox, names
from lxml import etree
from SpiffWorkflow import TaskState, Workflow
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.specs.event_definitions import MessageEventDefinition, timer
from SpiffWorkflow.operators import Attrib, Equal
from SpiffWorkflow.specs import ExclusiveChoice, Simple, WorkflowSpec

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def welcome(_: Path, count: int) -> int:
    """Run the welcome, in the workflows that need no BPMN; the host completes the wait."""
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


class Clock(datetime):
    """The clock that timer events read instead of the one on the wall."""

    shows: ClassVar[datetime] = EPOCH

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return what it shows."""
        return cls.fromtimestamp(cls.shows.timestamp(), tz)


class Month(Hosted):
    """The month: waits are timer events, or a gateway behind which a timer or a message comes first."""

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 as each peer is called
        """Parse the processes."""
        super().__init__()
        parser = BpmnParser()
        for journey, plan in JOURNEYS.items():
            parser.add_bpmn_xml(process(journey, plan), filename=f"{journey}.bpmn")
        self.specs = {journey: parser.get_spec(journey) for journey in JOURNEYS}
        self.scripts = PythonScriptEngine(TaskDataEnvironment({"act": self._act, "until": self._until}))
        self.clock = patch.object(timer, "datetime", Clock)
        self.clock.start()

    def begin(self, run: Run) -> None:
        """Start a workflow."""
        run.handle = BpmnWorkflow(self.specs[run.journey], script_engine=self.scripts)
        run.handle.task_tree.set_data(serial=run.serial)
        self._go(run)

    def resume(self, run: Run) -> None:
        """Let the timer see that it is time, or catch the message."""
        if self.woken_by:
            run.handle.send_event(BpmnEvent(MessageEventDefinition(self.woken_by), {}))
        self._go(run)

    def stop(self, run: Run) -> None:
        """Cancel the workflow."""
        run.handle.cancel()

    def close(self) -> None:
        """Give the clock back."""
        self.clock.stop()
        super().close()

    def _go(self, run: Run) -> None:
        Clock.shows = self.now + INSTANT  # a timer fires after its instant
        run.handle.refresh_timers()
        run.handle.do_engine_steps()
        waiting = [task.task_spec.name for task in run.handle.get_tasks(state=TaskState.WAITING)]
        self.arrive(run, waiting[0] if waiting else DONE)

    def _act(self, serial: int, name: str) -> str:
        return self.act(self.by_serial[serial], name)

    def _until(self, serial: int, name: str) -> str:
        run = self.by_serial[serial]
        due: datetime = self.plan(run).steps[name].work(run, self.now)
        return due.isoformat()


def process(journey: str, plan: Plan) -> Any:  # noqa: ANN401 a tree of lxml
    """Return a journey as BPMN."""
    flows = [("begin", plan.first, "")]
    body = '<startEvent id="begin"/>' + f'<endEvent id="{DONE}"/>'
    for name, step in plan.steps.items():
        nodes, ways = NODES[step.kind](name, step)
        body += nodes
        flows += ways
    for number, (source, target, asks) in enumerate(flows):
        condition = f"<conditionExpression>{asks}</conditionExpression>" if asks else ""
        body += f'<sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>'
    messages = "".join(f'<message id="{e}" name="{e}"/>' for e in {s.event for s in plan.steps.values() if s.event})
    return etree.fromstring(
        f'<definitions xmlns="{BPMN}" id="{journey}-definitions" targetNamespace="journeys">{messages}'
        f'<process id="{journey}" isExecutable="true">{body}</process></definitions>'
    )


Flows = list[tuple[str, str, str]]
"""From where, to where, on what condition."""


def _task(name: str, step: Step) -> tuple[str, Flows]:
    """Return a script task."""
    [then] = step.ways.values()
    return f'<scriptTask id="{name}"><script>act(serial, "{name}")</script></scriptTask>', [(name, then, "")]


def _choice(name: str, step: Step) -> tuple[str, Flows]:
    """Return a script task that asks, and a gateway that goes by the outcome."""
    way = f"{name}-way"
    nodes = (
        f'<scriptTask id="{name}"><script>outcome = act(serial, "{name}")</script></scriptTask>'
        f'<exclusiveGateway id="{way}"/>'
    )
    return nodes, [(name, way, ""), *((way, then, f"outcome == '{outcome}'") for outcome, then in step.ways.items())]


def _wait(name: str, step: Step) -> tuple[str, Flows]:
    """Return a timer event; with an event that ends the wait as well, a gateway before both."""
    [then] = step.ways.values()
    by_time = (
        '<intermediateCatchEvent id="{}" name="{}"><timerEventDefinition>'
        f'<timeDate>until(serial, "{name}")</timeDate></timerEventDefinition></intermediateCatchEvent>'
    )
    if not step.event:
        return by_time.format(name, name), [(name, then, "")]
    first, second = f"{name}-timer", f"{name}-message"
    nodes = (
        f'<eventBasedGateway id="{name}"/>{by_time.format(first, name)}<intermediateCatchEvent id="{second}">'
        f'<messageEventDefinition messageRef="{step.event}"/></intermediateCatchEvent>'
    )
    return nodes, [(name, first, ""), (name, second, ""), (first, then, ""), (second, then, "")]


NODES = {"send": _task, "tag": _task, "choice": _choice, "wait": _wait}
