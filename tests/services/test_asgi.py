"""Both systems over HTTP: who may call, how often and how much, what is logged, and the tick of the process."""

import asyncio
import io
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from journeyflow import Engine, Journey, MemoryStore, Trigger, Wait
from journeyflow.cli import main
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.rate_limits import RateLimit

httpx = pytest.importorskip("httpx", reason="asks the application; python3 dev.py test installs it")
asgi = pytest.importorskip("journeyflow.services.asgi", reason="needs the extra `http`")

from tests.samples import START  # noqa: E402 after what may be missing

ROOT = Path(__file__).resolve().parents[2]

JOURNEY = Journey(id="j1", name="Welcome", trigger=Trigger(manual=True), steps=[Wait("rest", "1 day")])


class Served:
    """An application with two tenants, each with a key, and a clock that tests move."""

    def __init__(self, **options):
        """Make the engine, the directory and the application."""
        self.now, self.seconds = START, 0.0
        self.engine = Engine(MemoryStore())
        self.directory = SQLiteDirectory()
        for number, tenant in ((1, "acme"), (2, "other")):
            self.directory.put_user(number, tenant)
            self.engine.tenant(tenant).deploy(JOURNEY, at=START)
        self.key, self.other = (self.directory.add_secret("key", user=number) for number in (1, 2))
        self.app = asgi.application(
            self.engine, self.directory, clock=lambda: self.now, stopwatch=lambda: self.seconds, **options
        )

    def ask(self, method, path, *, key=None, **options):
        """Make one request."""
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **options.pop("headers", {})}

        async def asked():
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(asked())

    def octeth(self, **parameters):
        """Make one call of Octeth by its command."""
        return self.ask("POST", "/api.php", json={"APIKey": self.key, **parameters})


@pytest.fixture
def served():
    """Serve, and close all at the end."""
    found = Served()
    yield found
    found.directory.close()
    found.engine.close()


def test_both_systems_answer_at_their_paths(served):
    """Octeth's calls by path and by command, the loyalty platform's at /journeys; each sees its own tenant."""
    mine = served.ask("GET", "/journeys", key=served.key, params={"tenantId": "acme"})
    assert mine.status_code == 200
    assert [each["id"] for each in mine.json()["data"]] == ["j1"]
    for reply in (
        served.octeth(Command="journey.list"),
        served.ask("GET", "/api/v1/journeys", params={"APIKey": served.key}),
        served.ask("GET", "/api/v1/journeys", headers={"APIKey": served.key}),
    ):
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("key", [None, "wrong", ""])
def test_who_has_no_key_learns_nothing(served, key):
    """The same answer whether a journey exists or not, in the envelope of each system."""
    there, nowhere = (served.ask("GET", f"/journeys/{name}", key=key) for name in ("j1", "j2"))
    assert there.status_code == nowhere.status_code == 401
    assert there.content == nowhere.content
    assert there.json()["error"]["code"] == "UNAUTHORIZED"
    octeth = served.ask("POST", "/api.php", json={"Command": "journey.get", "JourneyID": 1, "APIKey": key})
    assert octeth.status_code == 401
    assert octeth.json()["Errors"][0]["Code"] == 99998


def test_a_key_of_another_tenant_learns_nothing(served):
    """What belongs to somebody else is not found, as if it were not there."""
    served.engine.tenant("acme").deploy(Journey(id="secret", steps=[Wait("rest", "1 day")]), at=START)
    theirs, nowhere = (served.ask("GET", f"/journeys/{name}", key=served.other) for name in ("secret", "nosuch"))
    assert theirs.status_code == nowhere.status_code == 404
    assert theirs.text.replace("secret", "?") == nowhere.text.replace("nosuch", "?")


@pytest.mark.rows(207)
def test_a_key_calls_a_hundred_times_a_minute(served):
    """The next call is told when to come again, in the envelope of its system; other keys are not concerned."""
    for _ in range(100):
        assert served.octeth(Command="journey.list").status_code == 200
        served.seconds += 0.125
    refused = served.octeth(Command="journey.list")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "48"  # 47.5 seconds are not over after 47
    assert refused.json()["Errors"][0]["Code"] == 429
    assert served.ask("GET", "/journeys", key=served.key, params={"tenantId": "acme"}).json()["error"]["code"] == (
        "TOO_MANY_REQUESTS"
    )
    assert served.ask("GET", "/journeys", key=served.other, params={"tenantId": "other"}).status_code == 200
    served.seconds = 60.05
    assert served.octeth(Command="journey.list").status_code == 200
    assert served.octeth(Command="journey.list").status_code == 429


def test_keys_that_are_not_used_are_forgotten():
    """What a limit keeps does not grow with the keys that were ever seen."""
    now = [0.0]
    limit = RateLimit(1, 60, clock=lambda: now[0])
    for n in range(5_000):
        now[0] += 1
        assert limit.count(f"k{n}") == 0
    assert len(limit._calls) < 2_000


@pytest.mark.parametrize("told", [True, False])
def test_a_large_body_is_refused(served, told):
    """Whether its length is told or it comes in parts; what is left of it is read first, so that the answer arrives."""
    body = b"x" * 1_000_001

    async def parts():
        yield body[:500_000]
        yield body[500_000:]

    for path, code in (("/journeys", "TOO_LARGE"), ("/api.php", 413)):
        reply = served.ask("POST", path, key=served.key, content=body if told else parts())
        assert reply.status_code == 413
        assert "1,000,000 bytes" in reply.text
        error = reply.json()["error"] if path == "/journeys" else reply.json()["Errors"][0]
        assert error.get("code", error.get("Code")) == code


@pytest.mark.parametrize("path", ["/journeys", "/api/v1/journeys"])
def test_a_client_that_is_gone_is_no_error_of_the_server(served, path, caplog):
    """Whose body breaks off gets 400 in the envelope of the system, if anybody still listens; nothing failed here."""
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    with caplog.at_level(logging.ERROR):
        asyncio.run(served.app(scope, receive, send))
    assert sent[0]["status"] == 400
    assert not caplog.records


@pytest.mark.parametrize("told", [True, False])
def test_a_body_without_end_is_not_read_to_its_end(told):
    """Ten times as much as is allowed is the most that is read and dropped, nothing if so much is announced."""
    read = iter(range(1_000))
    headers = {"content-length": "20000000"} if told else {}

    async def receive():
        next(read)
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": True}

    with pytest.raises(asgi.RequestRefused, match="more than 1,000,000 bytes"):
        asyncio.run(asgi._body(headers, receive))
    assert next(read) == (0 if told else 101)


@pytest.mark.parametrize(("path", "code"), [("/journeys", "TIMEOUT"), ("/api.php", 408)])
def test_a_body_that_does_not_come_is_not_waited_for(served, monkeypatch, path, code):
    """Nobody keeps a request, or a server that is to stop, by sending half of one."""
    monkeypatch.setattr(asgi, "BODY_PATIENCE", 0.01)

    async def never():
        yield b"{"
        await asyncio.sleep(60)

    reply = served.ask("POST", path, key=served.key, content=never())
    assert (reply.status_code, reply.headers["connection"]) == (408, "close")
    error = reply.json()["error"] if path == "/journeys" else reply.json()["Errors"][0]
    assert error.get("code", error.get("Code")) == code


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[1]", b'{"a": NaN}'])
def test_a_faulty_body_is_told_in_the_envelope_of_the_system(served, body):
    """It is a fault of the request, not of the server."""
    headers = {"content-type": "application/json", "APIKey": served.key}
    loyalty = served.ask("POST", "/journeys", key=served.key, content=body, headers=headers)
    assert loyalty.status_code in {400, 422}
    assert "error" in loyalty.json()
    octeth = served.ask("POST", "/api.php", content=body, headers=headers)
    assert octeth.status_code in {400, 404}
    assert "Errors" in octeth.json()


def test_an_error_that_nobody_expected_is_logged_and_says_nothing(served, monkeypatch, caplog):
    """The reply names the request, by which the log can be searched."""
    monkeypatch.setattr("journeyflow.services.octeth.service.Octeth._given", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR, "journeyflow.http"):
        reply = served.ask("POST", "/api.php", headers={"X-Request-ID": "abc-1"})
    assert reply.status_code == 500
    assert "division" not in reply.text
    assert "request abc-1" in reply.text
    assert "ZeroDivisionError" in caplog.text


def test_requests_are_logged_without_their_keys(served, caplog):
    """Method, path, status, time and the id of the request, which the reply has too; an odd id is replaced."""
    with caplog.at_level(logging.INFO, "journeyflow.http"):
        reply = served.ask("GET", "/api/v1/journeys", params={"APIKey": served.key}, headers={"X-Request-ID": "a b\tc"})
    assert re.fullmatch(r"[0-9a-f]{16}", reply.headers["x-request-id"])
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == f"GET /api/v1/journeys 200 0.0 ms {reply.headers['x-request-id']}"
    assert served.key not in caplog.text
    assert served.ask("GET", "/x", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"


def test_replies_are_for_the_one_who_asked(served):
    """No cache keeps them, and no browser guesses what they are."""
    for path in ("/journeys", "/health", "/nowhere"):
        reply = served.ask("GET", path, key=served.key)
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("gone", ["engine", "directory"])
def test_health_and_readiness(served, gone):
    """The process lives until it ends; it is ready while the store and the directory answer."""
    assert served.ask("GET", "/health").json() == served.ask("GET", "/ready").json() == {"status": "ok"}
    getattr(served, gone).close()
    assert served.ask("GET", "/health").status_code == 200
    assert served.ask("GET", "/ready").status_code == 503


def test_an_unknown_path_is_not_found(served):
    """It belongs to no system, so the envelope is that of errors in general."""
    reply = served.ask("GET", "/nowhere")
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(("name", "path"), [("octeth", "/api/v1/journey"), ("loyalty", "/journeys/{id}")])
def test_each_system_is_described(served, name, path):
    """As OpenAPI, drawn from the table that drives its calls."""
    document = served.ask("GET", f"/openapi/{name}.json").json()
    assert document["openapi"] == "3.1.0"
    assert path in document["paths"]


def test_there_is_no_site_unless_it_is_asked_for(served):
    """Its paths are unknown then, like any other."""
    for path in ("/", "/site", "/site/"):
        assert served.ask("GET", path, key=served.key).status_code == 404


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], True), (["--no-site"], False), (["--host", "0.0.0.0"], False), (["--host", "::1"], True),  # noqa: S104 refused
        (["--host", "0.0.0.0", "--site"], True), (["--host", "example.org"], False), (["--host", "localhost"], True),  # noqa: S104 asked for
    ],
)  # fmt: skip
def test_the_site_is_shown_on_loopback_alone_unless_it_is_asked_for(monkeypatch, tmp_path, arguments, shown):
    """`--site` and `--no-site` say so for any address."""
    uvicorn = pytest.importorskip("uvicorn", reason="needs the extra `http`")
    asked = []
    monkeypatch.setattr(asgi, "application", lambda *_, **options: asked.append(options["site"]))
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    SQLiteDirectory(tmp_path / "people.db").close()
    command = ["serve", str(tmp_path / "run.db"), "--directory", str(tmp_path / "people.db"), *arguments]
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, asked) == (0, [shown]), done.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "open http://127.0.0.1:8000/site/ in a browser; the name may be any, the password is "),
        (["--host", "::1", "--port", "0"], "open http://[::1]:PORT/site/ in a browser"),
        (["--no-site"], "the key of this run is "),
    ],
)
def test_without_a_directory_a_key_is_drawn_for_this_run(monkeypatch, tmp_path, arguments, told):
    """It is printed, opens the default tenant, and is forgotten when the process stops."""
    uvicorn = pytest.importorskip("uvicorn", reason="needs the extra `http`")
    callers = []
    monkeypatch.setattr(asgi, "application", lambda _, directory, **__: callers.append(directory))
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def runs(*_, **__):
        key = shown.getvalue().split()[-1]
        callers.append(callers[0].caller(key, "key", 0))

    shown = io.StringIO()
    monkeypatch.setattr("journeyflow.cli.serving.echo", lambda text, **_: shown.write(text))
    monkeypatch.setattr(uvicorn, "run", runs)
    done = CliRunner().invoke(main, ["serve", str(tmp_path / "run.db"), *arguments])
    assert done.exit_code == 0, done.output
    assert shown.getvalue().startswith(told)
    assert callers[1].user.tenant == "default"
    assert list(tmp_path.glob("*people*")) == []


def test_without_a_directory_nobody_else_is_served(tmp_path):
    """An address that others reach needs keys that somebody gave out."""
    pytest.importorskip("uvicorn", reason="needs the extra `http`")
    done = CliRunner().invoke(main, ["serve", str(tmp_path / "run.db"), "--host", "0.0.0.0"])  # noqa: S104 refused
    assert (done.exit_code, "name a --directory" in done.output) == (2, True)


def test_the_site_is_one_of_the_systems(monkeypatch):
    """Its pages have their own headers, also those of faults; a key calls it as often as the others."""
    served = Served(site=True, most=3)
    key = httpx.BasicAuth("me", served.key)
    assert served.ask("GET", "/site/", auth=key).status_code == 200
    assert served.ask("HEAD", "/site/journey?id=j1", auth=key).status_code == 200
    assert served.ask("GET", "/openapi/site.json").status_code == 404
    refused = served.ask("GET", "/site/")
    assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
    large = served.ask("GET", "/site/", auth=key, content=b"x" * 1_000_001)
    monkeypatch.setattr(Engine, "journeys", lambda *_, **__: 1 / 0)
    broken = served.ask("GET", "/site/", auth=key)
    often = served.ask("GET", "/site/", auth=key)
    assert (large.status_code, broken.status_code, often.status_code) == (413, 500, 429)
    assert broken.headers["x-request-id"] in broken.text
    assert often.headers["retry-after"] == "60"
    for reply in (refused, large, broken, often):
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
    served.directory.close()
    served.engine.close()


def test_the_process_ticks_until_it_stops(monkeypatch):
    """A tick that fails is logged and the next one comes; one that is under way at the end is waited for."""
    served = Served(tick=0.001)
    engine, ticked, tick = served.engine, threading.Event(), served.engine.tick
    engine.tenant("acme").enroll("j1", "ann", at=START)
    calls: list[object] = []

    def slow(now):
        calls.append(now)
        if len(calls) == 1:
            raise OSError
        done = tick(now)
        ticked.set()
        return done

    monkeypatch.setattr(Engine, "tick", lambda _, now: slow(now))

    async def lived():
        async with served.app.lifespan_context(served.app):
            while not ticked.is_set():
                served.now += timedelta(seconds=1)
                await asyncio.sleep(0)

    asyncio.run(lived())
    assert len(calls) >= 2
    assert engine.tenant("acme").enrollment("j1", "ann").step == "rest"
    served.directory.close()
    engine.close()


def test_serve_answers_over_a_socket_and_stops_in_order(tmp_path):
    """As people run it: a key from the directory, a request by curl's own means, SIGTERM, and status 0."""
    pytest.importorskip("uvicorn", reason="needs the extra `http`")
    with SQLiteDirectory(tmp_path / "people.db") as directory:
        directory.put_user(1, "acme")
        key = directory.add_secret("key", user=1)
    command = [sys.executable, "-m", "journeyflow", "serve", "run.db", "--directory", "people.db", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 our own
        [*command, "--tick", "1s"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            address = next(
                found[1] for line in process.stderr if (found := re.search(r"running on (http://\S+)", line))
            )
            listed = httpx.get(f"{address}/journeys", params={"tenantId": "acme"}, headers={"X-API-Key": key})
            assert (listed.status_code, listed.json()) == (200, {"data": []})
            assert httpx.get(f"{address}/journeys").status_code == 401
            assert "server" not in listed.headers
            looked = httpx.get(f"{address}/", auth=("me", key), follow_redirects=True)
            assert (looked.status_code, looked.url.path) == (200, "/site/")
            assert "<h1>Journeys</h1>" in looked.text
        finally:
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
        assert process.wait(timeout=60) == 0, rest
    assert "GET /journeys 200" in rest
    assert key not in rest


@pytest.mark.parametrize("tick", ["0s", "-1s", "1 day", "soon"])
def test_serve_refuses_a_length_that_is_none(tmp_path, tick):
    """At least a second of exact time."""
    (tmp_path / "people.db").touch()
    result = CliRunner().invoke(
        main, ["serve", str(tmp_path / "r.db"), "--directory", str(tmp_path / "people.db"), "--tick", tick]
    )
    assert result.exit_code == 2
    assert "--tick" in result.output
