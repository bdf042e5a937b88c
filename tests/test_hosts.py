"""The example hosts, run as people run them: sign-ups, SIGTERM in a slow tick, a restart, and each mail once (R71)."""

import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journeyflow import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
HOSTS = ROOT / "examples" / "hosts"
PEOPLE, SLOW = 12, 5
CUSTOMERS = [f"c{n:02}" for n in range(PEOPLE)]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

SLOWLY = """
import os, sys, worker
from journeyflow import Engine
tick, close = Engine.tick, Engine.close
def fail_once(*arguments, **options):
    Engine.tick = tick
    raise OSError("the disk is away for a moment")
Engine.tick = fail_once
def close_aloud(engine):
    os.write(1, b"closing\\n")
    close(engine)
Engine.close = close_aloud
def send_email(message):
    print(message.customer, flush=True)
    if message.customer == SLOW:
        sys.stdin.read()  # until the test lets it go on
worker.send_email = send_email
"""
"""The first tick fails. Mail is sent by printing the customer, and one mail takes until standard input ends."""

FASTAPI = """
import socket, uvicorn, with_fastapi
with_fastapi.SECONDS = 0.05
listening = socket.socket(fileno=int(sys.argv[1]))
uvicorn.Server(uvicorn.Config(with_fastapi.app, access_log=False)).run(sockets=[listening])
"""

WORKER = """
from datetime import UTC, datetime
from journeyflow import Engine, Event
with Engine("journeys.db", channels={"EMAIL": send_email}) as engine:
    for n in range(PEOPLE):
        engine.feed(Event("signed.up", customer=f"c{n:02}", at=datetime.now(UTC), id=f"signup-c{n:02}"))
    worker.run_until_stopped(engine, 0.05)
"""

FLASK = """
import functools, with_flask
client = with_flask.app.test_client()
assert [client.post(f"/signups/c{n:02}").status_code for n in range(PEOPLE)] == [202] * PEOPLE
with_flask.run_until_stopped = functools.partial(worker.run_until_stopped, seconds=0.05)
from flask.cli import ScriptInfo
with_flask.app.cli.main(args=["work"], obj=ScriptInfo(create_app=lambda: with_flask.app))
"""

DJANGO = """
import functools, pathlib
import django
from django.conf import settings
settings.configure(
    BASE_DIR=pathlib.Path.cwd(),
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "mailings"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
)
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from mailings.management.commands import work
call_command("migrate", verbosity=0)
if not User.objects.exists():
    for n in range(PEOPLE):
        User.objects.create(username=f"c{n:02}", email=f"c{n:02}@example.com")
    try:
        with transaction.atomic():
            User.objects.create(username="never", email="never@example.com")
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
work.send_mail = lambda subject, text, sender, to: send_email(type("Mail", (), {"customer": to[0].partition("@")[0]}))
work.run_until_stopped = functools.partial(worker.run_until_stopped, seconds=0.05)
call_command("work")
"""


def needs(*packages: str) -> pytest.MarkDecorator:
    """Pass a test over where a package is missing, and say so."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@contextmanager
def running(
    script: str, folder: Path, *arguments: str, slow: str = "", **options: object
) -> "Iterator[subprocess.Popen[str]]":
    """Run a script beside the examples, in a folder; kill it at the end if it still runs."""
    code = f"SLOW, PEOPLE = {slow!r}, {PEOPLE}\n{SLOWLY}{script}"
    path = os.pathsep.join(map(str, (ROOT, HOSTS, HOSTS / "with_django")))
    with (
        (folder / "log").open("a") as log,
        subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 our own code
            [sys.executable, "-c", code, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            **options,
        ) as process,
    ):
        too_long = threading.Timer(60, process.kill)  # else a host that does not stop would stop the tests
        too_long.start()
        try:
            yield process
        finally:
            too_long.cancel()
            process.kill()


def mails(process: "subprocess.Popen[str]", count: int) -> list[str]:
    """Return the next mails that a host sends."""
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def stop(process: "subprocess.Popen[str]") -> list[str]:
    """Have a host close its engine while a mail is being sent, let the mail go on; return what was sent after it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.send_signal(signal.SIGTERM)
    sent = list[str]()
    for line in process.stdout:
        if line == "closing\n":
            process.stdin.close()
        else:
            sent.append(line.strip())
    return sent


def stopped_and_started(script: str, folder: Path) -> list[str]:
    """Run a host that is stopped in the middle of a slow mail, then once more; return who was mailed."""
    with running(script, folder, slow=CUSTOMERS[SLOW]) as process:
        mailed = mails(process, SLOW + 1) + stop(process)
    with running(script, folder) as process:
        return mailed + mails(process, PEOPLE - len(mailed)) + stop(process)


def check(folder: Path, mailed: list[str]) -> None:
    """See that each customer got one mail, and that the engine knows."""
    log = (folder / "log").read_text()
    assert Counter(mailed) == Counter(CUSTOMERS), log
    assert log.count("OSError: the disk is away for a moment") == log.count("the tick failed; ") == 2
    with Engine(folder / "journeys.db") as engine:
        engine.tick(datetime.now(UTC) + timedelta(minutes=1))
        sent = [(message.status, message.attempts) for message in engine.messages().items]
        assert sent == [("SENT", 1)] * PEOPLE
        assert engine.audit() == []


def deploy(folder: Path) -> None:
    """Make the file of a host, with its journey."""
    spec = importlib.util.spec_from_file_location("worker", HOSTS / "worker.py")
    assert spec is not None
    assert spec.loader is not None
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    with Engine(folder / "journeys.db") as engine:
        engine.deploy(worker.hello, at=datetime.now(UTC))


@pytest.mark.parametrize(
    "script", [pytest.param(WORKER, id="worker"), pytest.param(FLASK, id="flask", marks=needs("flask"))]
)
def test_a_worker_that_is_stopped_mails_nobody_twice(tmp_path, script):
    """A process of its own, and a Flask application with its command; both times, everybody signs up (R26)."""
    deploy(tmp_path)
    check(tmp_path, stopped_and_started(script, tmp_path))


@needs("django")
def test_a_django_application_that_is_stopped_mails_nobody_twice(tmp_path):
    """The engine hears of new users when they are committed; the command is stopped in a slow mail (R10)."""
    deploy(tmp_path)
    check(tmp_path, stopped_and_started(DJANGO, tmp_path))


def posted(port: int, customer: str) -> int:
    """Sign a customer up over HTTP and return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", f"/signups/{customer}")
    status = connection.getresponse().status
    connection.close()
    return status


@needs("fastapi", "uvicorn")
def test_a_fastapi_application_that_is_stopped_mails_nobody_twice(tmp_path):
    """Sign-ups, SIGTERM while a tick in its thread delivers slowly, a restart with more sign-ups: each mail once."""
    mailed = list[str]()
    for slow, customers in ((CUSTOMERS[SLOW], CUSTOMERS[:-2]), ("", CUSTOMERS[-4:])):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port, number = listening.getsockname()[1], listening.fileno()
            with running(FASTAPI, tmp_path, str(number), slow=slow, pass_fds=[number]) as process:
                assert [posted(port, customer) for customer in customers] == [202] * len(customers)
                mailed += mails(process, SLOW + 1 if slow else PEOPLE - len(mailed))
                mailed += stop(process)
    check(tmp_path, mailed)
