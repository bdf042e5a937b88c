"""Processes that are interrupted or killed while they deliver: who was mailed is not mailed again (R71)."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from journeyflow import Engine, Event, Journey, Send, Trigger
from tests.samples import START, after

PEOPLE, CALL = 60, 31

SCRIPT = f"""
import signal
import sys
from datetime import datetime
from itertools import count
from journeyflow import Engine

signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it

def send(message):
    print(message.customer, flush=True)
    if message.customer == "c{CALL - 1:02}":
        sys.stdin.read()  # it takes for ever, until somebody loses patience

engine = Engine(sys.argv[1], channels={{"EMAIL": send}}, stopwatch=count().__next__)
engine.tick(datetime.fromisoformat("{START}"))
"""
"""Deliver, and hang in one handler; the stopwatch lets every handler seem slow."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file with people who get a message each."""
    path = tmp_path / "journeys.db"
    steps = [Send("hello", channel="EMAIL", template="t")]
    with Engine(path) as engine:
        engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=steps), at=START)
        engine.feed(Event("go", customer=f"c{n:02}", at=START) for n in range(PEOPLE))
    return path


def stopped(file: Path, by: signal.Signals) -> list[str]:
    """Deliver in a process, stop it within a handler, and return who was mailed."""
    with subprocess.Popen(  # noqa: S603 our own code
        [sys.executable, "-c", SCRIPT, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        text=True,
    ) as process:
        assert process.stdout is not None
        mailed = [process.stdout.readline().strip() for _ in range(CALL)]
        process.send_signal(by)
        rest = process.stdout.read()
    assert rest == ""
    return mailed


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_process_that_is_stopped_mails_nobody_twice(file, by):
    """Only the message whose handler was cut short is handed over again: nobody knows whether it went out (R71)."""
    mailed = Counter(stopped(file, signal.Signals[by]))
    with Engine(file, channels={"EMAIL": lambda message: mailed.update([message.customer])}) as engine:
        for minutes in (0, 10, 11, 12):  # the lease of the one ends, and a minute later it is handed over again
            engine.tick(after(f"{minutes} minutes"))
        messages = engine.messages(take=PEOPLE).items
    assert {customer for customer, times in mailed.items() if times > 1} == {f"c{CALL - 1:02}"}
    assert len(mailed) == PEOPLE
    assert {(message.status, message.attempts) for message in messages} == {("SENT", 1), ("SENT", 2)}
