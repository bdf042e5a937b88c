"""The welcome journey with peers that survive the death of their process, each as its documentation proposes.

The first line of each function says, behind what it does, what the peer cannot do; docs/performance.md shows it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from typing import Any, ClassVar, NamedTuple, TypedDict

from _common import LATER, START, durable
from _peers import Outbox, names


class Row(NamedTuple):
    """Somebody who waits in the table of the loop below."""

    customer: str
    opened: int


def by_table_and_cron(folder: Path, count: int) -> int:
    """Ask a table each minute who is due, as the program of a day does. Each journey is a program of its own."""
    connection = durable(folder / "cron.db")
    connection.execute("CREATE TABLE runs (customer TEXT PRIMARY KEY, step TEXT, due INTEGER, opened INTEGER)")
    connection.execute("CREATE INDEX due ON runs (due) WHERE due IS NOT NULL")
    connection.execute("CREATE TABLE history (customer TEXT, step TEXT, outcome TEXT, at INTEGER)")
    connection.execute("CREATE TABLE outbox (customer TEXT, step TEXT, status TEXT, PRIMARY KEY (customer, step))")
    connection.execute("CREATE TABLE tags (customer TEXT, tag TEXT, PRIMARY KEY (customer, tag))")
    batch = 5_000

    def sign_up(people: list[str], now: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO runs VALUES (?, 'breathe', ?, 0)", [(who, now + 259_200) for who in people])
        connection.executemany("INSERT INTO history VALUES (?, 'hello', 'queued', ?)", [(who, now) for who in people])
        connection.executemany("INSERT INTO outbox VALUES (?, 'hello', 'QUEUED')", [(who,) for who in people])
        connection.execute("COMMIT")

    def cron(now: int) -> None:
        asks = "SELECT customer, opened FROM runs WHERE due <= ? ORDER BY due LIMIT ?"
        while rows := [Row(*row) for row in connection.execute(asks, (now, batch))]:
            history, sent = [], []
            for name, opened in rows:
                step = "tips" if opened else "nudge"
                history += [
                    (name, "breathe", "elapsed", now), (name, "opened", "yes" if opened else "no", now),
                    (name, step, "queued", now), (name, "onboarded", "", now), (name, "done", "", now),
                ]  # fmt: skip
                sent.append((name, step))
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO history VALUES (?, ?, ?, ?)", history)
            connection.executemany("INSERT INTO outbox VALUES (?, ?, 'QUEUED')", sent)
            who = [row[:1] for row in rows]
            connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, 'onboarded')", who)
            connection.executemany("UPDATE runs SET step = 'done', due = NULL WHERE customer = ?", who)
            connection.execute("COMMIT")

    people = names(count)
    for begin in range(0, count, batch):
        sign_up(people[begin : begin + batch], 0)
    cron(259_200)
    found: int = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
    connection.close()
    return found


def with_dbos(folder: Path, count: int) -> int:
    """Run a durable workflow for each customer. It sleeps by the clock on the wall, in a thread that waits as long."""
    from dbos import DBOS, SetWorkflowID  # noqa: PLC0415 only the peer that is measured is imported

    outbox = Outbox(folder / "outbox.db")
    DBOS(config={"name": "welcome", "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}", "log_level": "ERROR"})

    @DBOS.step()  # type: ignore[untyped-decorator]  # not checked
    def send(customer: str, step: str) -> None:
        outbox.send(customer, step)

    @DBOS.workflow()  # type: ignore[untyped-decorator]  # not checked
    def welcome(customer: str) -> None:
        send(customer, "hello")
        opened = DBOS.recv("three days", timeout_seconds=600)
        send(customer, "tips" if opened else "nudge")

    DBOS.launch()
    try:
        # in portions, because each workflow that waits keeps a thread
        some = 25
        people = names(count)
        for begin in range(0, count, some):
            handles = []
            for name in people[begin : begin + some]:
                with SetWorkflowID(name):
                    handles.append(DBOS.start_workflow(welcome, name))
            for name in people[begin : begin + some]:
                DBOS.send(name, False, topic="three days")
            for handle in handles:
                handle.get_result()
    finally:
        DBOS.destroy()
    return outbox.count()


def with_burr(folder: Path, count: int) -> int:
    """Run an application for each customer, kept after each action. Its host knows whom to take up, and when."""
    from burr.core import ApplicationBuilder, State, action, default, when  # noqa: PLC0415 only the measured peer
    from burr.core.persistence import SQLitePersister  # noqa: PLC0415 likewise

    outbox = Outbox(folder / "outbox.db")
    persister = SQLitePersister(db_path=str(folder / "burr.db"), table_name="burr_state")
    persister.initialize()

    def sends(step: str) -> Any:  # noqa: ANN401 an action of the library
        @action(reads=["name"], writes=["last"])  # type: ignore[untyped-decorator]  # not checked
        def send(state: State) -> State:
            outbox.send(state["name"], step)
            return state.update(last=step)

        return send

    @action(reads=[], writes=["opened"])  # type: ignore[untyped-decorator]  # not checked
    def breathe(state: State) -> State:
        return state.update(opened=False)

    def application(name: str) -> Any:  # noqa: ANN401 of the library
        return (
            ApplicationBuilder()
            .with_actions(hello=sends("hello"), breathe=breathe, tips=sends("tips"), nudge=sends("nudge"))
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


def with_langgraph(folder: Path, count: int) -> int:
    """Run a thread of a graph for each customer, interrupted at the wait. Its host knows whom to take up, and when."""
    from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: PLC0415 only the peer that is measured is imported
    from langgraph.graph import END, StateGraph  # noqa: PLC0415 likewise
    from langgraph.graph import START as BEGIN  # noqa: PLC0415 likewise

    outbox = Outbox(folder / "outbox.db")

    class Customer(TypedDict):
        """What is known of a customer."""

        name: str
        opened: bool

    def sends(step: str) -> Callable[[Customer], dict[str, object]]:
        def send(state: Customer) -> dict[str, object]:
            outbox.send(state["name"], step)
            return {}

        return send

    graph: Any = StateGraph(Customer)
    for step in ("hello", "tips", "nudge"):
        graph.add_node(step, sends(step))
    graph.add_node("breathe", lambda _: {})
    graph.add_edge(BEGIN, "hello")
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


def with_huey(folder: Path, count: int) -> int:
    """Queue a task now and a task in three days. A task cannot be asked who waits where, nor changed once scheduled."""
    from huey import SqliteHuey  # noqa: PLC0415 only the peer that is measured is imported

    outbox = Outbox(folder / "outbox.db")
    huey: Any = SqliteHuey("welcome", filename=str(folder / "huey.db"), fsync=True, results=False)

    @huey.task()  # type: ignore[untyped-decorator]  # not checked
    def hello(name: str) -> None:
        outbox.send(name, "hello")
        later.schedule((name,), eta=later_on)

    @huey.task()  # type: ignore[untyped-decorator]  # not checked
    def later(name: str) -> None:
        outbox.send(name, "nudge")

    def work(now: datetime) -> None:
        while (task := huey.dequeue()) is not None:
            huey.execute(task, now)

    for name in names(count):
        hello(name)
    now, later_on = START.replace(tzinfo=None), LATER.replace(tzinfo=None)
    work(now)
    while due := huey.read_schedule(later_on):
        for task in due:
            huey.enqueue(task)
        work(later_on)
    return outbox.count()


def with_apscheduler(folder: Path, count: int) -> int:
    """Add a job now and a job later. It knows the clock on the wall only, so here the three days have no length."""
    from apscheduler.executors.pool import ThreadPoolExecutor  # noqa: PLC0415 only the measured peer is imported
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # noqa: PLC0415 likewise
    from apscheduler.schedulers.background import BackgroundScheduler  # noqa: PLC0415 likewise

    Jobs.outbox, Jobs.left, Jobs.done = Outbox(folder / "outbox.db"), count, Flag()
    stores = {"default": SQLAlchemyJobStore(url=f"sqlite:///{folder / 'jobs.db'}")}
    scheduler = BackgroundScheduler(jobstores=stores, executors={"default": ThreadPoolExecutor(1)}, timezone=UTC)
    scheduler.configure(job_defaults={"misfire_grace_time": None})
    Jobs.scheduler = scheduler
    scheduler.start(paused=True)
    for name in names(count):
        scheduler.add_job(hello_job, "date", run_date=datetime.now(UTC), args=[name])
    scheduler.resume()
    Jobs.done.wait()
    scheduler.shutdown()
    return Jobs.outbox.count()


class Jobs:
    """What the jobs of APScheduler share: they are kept by name, so they are functions of a module."""

    outbox: ClassVar[Outbox]
    scheduler: ClassVar[Any]
    left: ClassVar[int]
    done: ClassVar[Flag]


def hello_job(name: str) -> None:
    """Send the first message and schedule the second."""
    Jobs.outbox.send(name, "hello")
    Jobs.scheduler.add_job(nudge_job, "date", run_date=datetime.now(UTC), args=[name])


def nudge_job(name: str) -> None:
    """Send the second message."""
    Jobs.outbox.send(name, "nudge")
    Jobs.left -= 1
    if not Jobs.left:
        Jobs.done.set()


DURABLE: dict[str, Callable[[Path, int], int]] = {
    "table and cron": by_table_and_cron,
    "dbos": with_dbos,
    "apache-burr": with_burr,
    "langgraph": with_langgraph,
    "huey": with_huey,
    "APScheduler": with_apscheduler,
}
