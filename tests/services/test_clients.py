"""Small clients of both systems, written without this library, have their whole day against `journeyflow serve`."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from journeyflow.services.directory import SQLiteDirectory

pytest.importorskip("journeyflow.services.asgi", reason="needs the extra `http`")

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = Path(__file__).parent / "clients"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Serve a new database; give the address and the key of a user."""
    folder = tmp_path_factory.mktemp("served")
    with SQLiteDirectory(folder / "people.db") as directory:
        directory.put_user(1, "acme")
        directory.put_resource("list", 26, "acme", "Newsletter")
        directory.put_resource("email", 95, "acme", "Welcome")
        directory.put_resource("domain", 1, "acme", "example.com")
        directory.put_subscriber(26, 1, "acme", "ann@example.com")
        key = directory.add_secret("key", user=1)
    command = [sys.executable, "-m", "journeyflow", "serve", "run.db", "--directory", "people.db", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(  # noqa: S603 our own
            [*command, "--tick", "1s"], cwd=folder, env=environment, stderr=log
        ) as process,
    ):
        try:
            while not (found := re.search(r"running on (http://\S+)", (folder / "log").read_text())):
                assert process.poll() is None, (folder / "log").read_text()
            yield found[1], key
        finally:
            process.send_signal(signal.SIGTERM)


def day(*command):
    """Run a client; return what it printed, as JSON."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 our own
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_client_of_octeth_in_python(served):
    """Create, build, enable, trigger, look, export: by command and by path, as form and as JSON."""
    address, key = served
    seen = day(sys.executable, str(CLIENTS / "octeth_day.py"), address, key, "26", "1")
    assert [each["Action"] for each in seen["shown"]["Actions"]] == ["SendEmail", "Wait"]
    assert seen["inside"]
    assert seen["job"]["Status"] == "Completed"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js here")
def test_a_client_of_the_loyalty_platform_in_node(served):
    """Create, build step by step, activate, enroll, look, pause, resume, exit, archive."""
    address, key = served
    seen = day("node", str(CLIENTS / "loyalty_day.mjs"), address, key, "acme")
    assert [each["type"] for each in seen["shown"]["steps"]][:2] == ["SEND", "WAIT"]
    assert seen["shown"]["steps"][1]["config"] == {"duration": "2 days"}
    assert [each["customerId"] for each in seen["listed"]["data"]] == ["customer_1"]
    assert seen["detail"]["status"] == "ACTIVE"
