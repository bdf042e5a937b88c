"""Bad input at every door: ids, names, values and files, through Python and the command line, on both stores.

Whatever comes in is taken as it is, or refused with what is wrong with it; never changed, never a crash (B2 to B5).
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from journeyflow import Engine, Enrollment, Event, InvalidInput, InvalidJourney, JourneyflowError, Message, Send, Wait
from journeyflow.answers import SetAside
from journeyflow.cli import main
from journeyflow.formats.native import dumps_journey, to_dict
from journeyflow.formats.native_reading import from_dict, loads_journey
from journeyflow.reporting import dot, mermaid
from tests.samples import START, STORES, Host, open_engine

TEXTS = (
    *("", " ", "a" * 200, "a" * 201, "x" * 1_000_000, "a\x00b", "\ud800", "a\x1fb", "a\nb", "é", "💥", "\u202egnp"),
    *("'; DROP TABLE customers; --", '"', "{{ x }}", "{{", "<script>", "=cmd()", "a.b", "..", "../../etc/passwd", "%s"),
    *("null", "true", "NaN", "0", "--help"),
)
"""Texts that somebody has been hurt by."""

OTHERS: tuple[object, ...] = (
    None,
    True,
    0,
    1,
    -1,
    2**63,
    10**5_000,
    1.5,
    float("nan"),
    float("inf"),
    b"x",
    [],
    [1],
    {},
    {"a": 1},
    object(),
)
"""What is not text, and must never be taken for some."""

ODD = (*TEXTS, *OTHERS)

MESSAGE = Message(
    "memory-1-1", "default", "j", "c1", 1, 1, "hello", "EMAIL", "t", {}, START, "CLAIMED", 1, "memory-1-1-1", START
)
RUN = Enrollment("default", "j", 1, "c1", 1, 1, "FAILED", "too many visits", START, START, None, None, None, None, None)
ASIDE = SetAside(1, "default", "event", "go", "c1", START)
"""Records that an engine gave, and a host gives back: it may have changed them, or made them itself."""

CALLS: dict[str, Callable[[Engine, Any], object]] = {
    "put a customer": lambda engine, odd: engine.put_customer(odd, {}, at=START),
    "put a name": lambda engine, odd: engine.put_customer("c1", {odd: 1}, at=START),
    "put a value": lambda engine, odd: engine.put_customer("c1", {"a": odd}, at=START),
    "put a value inside": lambda engine, odd: engine.put_customer("c1", {"a": {"b": [odd]}}, at=START),
    "put tags": lambda engine, odd: engine.put_customer("c1", {"tags": odd}, at=START),
    "put a tag": lambda engine, odd: engine.put_customer("c1", {"tags": [odd]}, at=START),
    "put consent": lambda engine, odd: engine.put_customer("c1", {"consent": {"EMAIL": odd}}, at=START),
    "put attributes": lambda engine, odd: engine.put_customer("c1", odd, at=START),
    "put at": lambda engine, odd: engine.put_customer("c1", {}, at=odd),
    "put many": lambda engine, odd: engine.put_customers(odd, at=START),
    "put a pair": lambda engine, odd: engine.put_customers([odd], at=START),
    "feed": lambda engine, odd: engine.feed(odd),
    "feed many": lambda engine, odd: engine.feed([odd]),
    "feed a type": lambda engine, odd: engine.feed(Event(odd, customer="c1", at=START)),
    "feed a customer": lambda engine, odd: engine.feed(Event("x", customer=odd, at=START)),
    "feed at": lambda engine, odd: engine.feed(Event("x", customer="c1", at=odd)),
    "feed an id": lambda engine, odd: engine.feed(Event("x", customer="c1", at=START, id=odd)),
    "feed data": lambda engine, odd: engine.feed(Event("x", customer="c1", at=START, data=odd)),
    "feed a value": lambda engine, odd: engine.feed(Event("x", customer="c1", at=START, data={"a": odd})),
    "feed a tag": lambda engine, odd: engine.feed(Event("tag.added", customer="c1", at=START, data={"tag": odd})),
    "feed a message": lambda engine, odd: engine.feed(
        Event("message.opened", customer="c1", at=START, data={"message": odd})
    ),
    "enroll in": lambda engine, odd: engine.enroll(odd, "c1", at=START),
    "enroll": lambda engine, odd: engine.enroll("j", odd, at=START),
    "enroll many": lambda engine, odd: engine.enroll("j", [odd], at=START),
    "exit from": lambda engine, odd: engine.exit(odd, "c1", at=START),
    "exit": lambda engine, odd: engine.exit("j", odd, at=START),
    "exit why": lambda engine, odd: engine.exit("j", "c9", at=START, reason=odd),
    "tenant": lambda engine, odd: bool(engine.tenant(odd)),
    "publish": lambda engine, odd: engine.publish(odd, at=START),
    "deploy": lambda engine, odd: engine.deploy(odd, at=START),
    "activate": lambda engine, odd: engine.activate(odd, at=START),
    "pause": lambda engine, odd: engine.pause(odd, at=START),
    "resume": lambda engine, odd: engine.resume(odd, at=START),
    "archive": lambda engine, odd: engine.archive(odd, at=START),
    "tick": lambda engine, odd: engine.tick(odd),
    "tick a few": lambda engine, odd: engine.tick(START, limit=odd),
    "claim as": lambda engine, odd: engine.claim(odd, at=START),
    "claim of": lambda engine, odd: engine.claim("w", at=START, channels=odd),
    "claim of many": lambda engine, odd: engine.claim("w", at=START, channels=[odd]),
    "claim for": lambda engine, odd: engine.claim("w", at=START, lease=odd),
    "claim a few": lambda engine, odd: engine.claim("w", at=START, limit=odd),
    "ack": lambda engine, odd: engine.ack(odd, at=START),
    "ack many": lambda engine, odd: engine.ack([odd], at=START),
    "nack": lambda engine, odd: engine.nack([odd], at=START),
    "journeys in": lambda engine, odd: engine.journeys(status=odd),
    "journeys on": lambda engine, odd: engine.journeys(trigger=odd),
    "journey": lambda engine, odd: engine.journey(odd),
    "definition": lambda engine, odd: engine.definition(odd),
    "version": lambda engine, odd: engine.definition("j", version=odd),
    "customer": lambda engine, odd: engine.find_customer(odd),
    "customer soon": lambda engine, odd: engine.find_customer(odd, pending=True),
    "enrollments of a journey": lambda engine, odd: engine.enrollments(odd),
    "enrollments in": lambda engine, odd: engine.enrollments(status=odd),
    "enrollments of": lambda engine, odd: engine.enrollments(customer=odd),
    "enrollments at": lambda engine, odd: engine.enrollments(step=odd),
    "enrollments of a version": lambda engine, odd: engine.enrollments(version=odd),
    "enrollments under": lambda engine, odd: engine.enrollments(key=odd),
    "enrollments by": lambda engine, odd: engine.enrollments(order=odd),
    "enrollments from": lambda engine, odd: engine.enrollments(skip=odd),
    "enrollments many": lambda engine, odd: engine.enrollments(take=odd),
    "enrollments after": lambda engine, odd: engine.enrollments(after=odd),
    "enrollments after a place": lambda engine, odd: engine.enrollments(order="customer", after=odd),
    "enrollments with": lambda engine, odd: engine.enrollments(fields=[odd]),
    "enrollment in": lambda engine, odd: engine.find_enrollment(odd, "c1"),
    "enrollment": lambda engine, odd: engine.find_enrollment("j", odd),
    "enrollment run": lambda engine, odd: engine.find_enrollment("j", "c1", run=odd),
    "enrollment at": lambda engine, odd: engine.at("j", "c1", instant=odd),
    "explain": lambda engine, odd: engine.explain("j", odd),
    "why not": lambda engine, odd: engine.why_not("j", odd),
    "timeline": lambda engine, odd: engine.timeline(odd),
    "people": lambda engine, odd: engine.people("j", odd),
    "people by": lambda engine, odd: engine.people("j", "hello", order=odd),
    "people who did": lambda engine, odd: engine.people("j", "hello", did=odd),
    "people with": lambda engine, odd: engine.people("j", "hello", fields=[odd]),
    "messages of a journey": lambda engine, odd: engine.messages(odd),
    "messages of": lambda engine, odd: engine.messages(customer=odd),
    "messages in": lambda engine, odd: engine.messages(status=odd),
    "messages through": lambda engine, odd: engine.messages(channel=odd),
    "messages after": lambda engine, odd: engine.messages(after=odd),
    "message": lambda engine, odd: engine.find_message(odd),
    "deferred in": lambda engine, odd: engine.deferred(odd),
    "deferred of": lambda engine, odd: engine.deferred(customer=odd),
    "deferred after": lambda engine, odd: engine.deferred(after=odd),
    "unmatched after": lambda engine, odd: engine.unmatched(after=odd),
    "unmatched from": lambda engine, odd: engine.unmatched(skip=odd),
    "retry": lambda engine, odd: engine.retry(odd, at=START),
    "retry many": lambda engine, odd: engine.retry([odd], at=START),
    "retry a run": lambda engine, odd: engine.retry(evolve(RUN, run=odd), at=START),
    "retry a run of": lambda engine, odd: engine.retry(evolve(RUN, customer=odd), at=START),
    "retry an input": lambda engine, odd: engine.retry(evolve(ASIDE, number=odd), at=START),
    "ack a message": lambda engine, odd: engine.ack(evolve(MESSAGE, id=odd), at=START),
    "ack under a token": lambda engine, odd: engine.ack(evolve(MESSAGE, token=odd), at=START),
    "nack a message": lambda engine, odd: engine.nack(evolve(MESSAGE, id=odd), at=START),
    "nack under a token": lambda engine, odd: engine.nack(evolve(MESSAGE, token=odd), at=START),
    "release a message": lambda engine, odd: engine.release(evolve(MESSAGE, id=odd)),
    "release under a token": lambda engine, odd: engine.release(evolve(MESSAGE, token=odd)),
    "requeue a message": lambda engine, odd: engine.requeue(evolve(MESSAGE, id=odd, status="FAILED"), at=START),
    "policies at": lambda engine, odd: engine.policies(at=odd),
    "set policies": lambda engine, odd: engine.set_policies(odd, at=START),
    "stats": lambda engine, odd: engine.stats(odd, at=START),
    "stats at": lambda engine, odd: engine.stats("j", at=odd),
    "stats since": lambda engine, odd: engine.stats("j", at=START, since=odd),
    "stats of a step": lambda engine, odd: engine.stats("j", at=START, step=odd),
    "stats of a domain": lambda engine, odd: engine.stats("j", at=START, domain=odd),
    "benchmark until": lambda engine, odd: engine.benchmark(at=START, until=odd),
    "results": lambda engine, odd: engine.results(odd),
    "results so sure": lambda engine, odd: engine.results("j", confidence=odd),
    "messages from": lambda engine, odd: engine.messages(skip=odd),
}


def host_on(store: str) -> Host:
    """Return a host on whose journey somebody is."""
    host = Host(open_engine(store))
    host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("w", "1 day"))
    host.say("go")
    return host


def answer(call: Callable[[Engine, Any], object], engine: Engine, odd: object) -> str:
    """Make a call, and show what it gives or what it says is wrong; anything but these errors fails the test."""
    try:
        return repr(call(engine, odd))
    except (JourneyflowError, TypeError, ValueError) as error:
        found = error
    told = f"{type(found).__name__}: {found}"
    assert not isinstance(found, UnicodeError), told
    assert len(told) < 1_000, "an error is a sentence"
    assert not any(word in told for word in ("NoneType", "not iterable", "unpack", "attribute '", "digits")), told
    return told


@pytest.mark.unmeasured
@pytest.mark.parametrize("what", CALLS)
def test_every_door_takes_or_refuses_and_both_stores_agree(what):
    """Each call with each odd value: an answer or a refusal, the same in memory and on SQLite (B3, R10, R90)."""
    hosts = {store: host_on(store) for store in STORES}
    for odd in ODD:
        answers = [answer(CALLS[what], host.engine, odd) for host in hosts.values()]
        assert len(set(answers)) == 1, f"{what}: {str(odd)[:50]!r}"
    for host in hosts.values():
        host.tick("1 hour")
        assert host.engine.audit() == []
    tables = [
        host.rows("SELECT tenant, customer, kind, type, at, id, data, outcome FROM inputs") for host in hosts.values()
    ]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("what", [name for name in CALLS if not name.startswith(("put", "feed", "tick"))])
def test_numbers_are_no_names(what):
    """5 finds no customer "5", and True is no 1: what is asked for is never taken for something else (B2)."""
    host = host_on("sqlite")
    host.engine.put_customers({"0": {}, "1": {}, "True": {}}, at=START)
    host.engine.enroll("j", ["0", "1", "True"], at=START)
    host.tick()
    for number in (0, 1, True):
        text = answer(CALLS[what], host.engine, number)
        if number is True:
            assert "Error" in text or text.startswith(("Invalid", "NotFound")), text
        assert f"customer={str(number)!r}" not in text or "items=" in text


@pytest.mark.parametrize("store", STORES)
def test_what_is_taken_comes_back_as_it_was(store):
    """Texts that are allowed are kept to the byte: ids, names, values, data, rendered messages (B3)."""
    host = Host(open_engine(store))
    host.deploy(
        Send("s", channel="EMAIL", template="t", data={"a": "{{ trigger.a }}", "b": ["{{ a }}"]}), reentry="always"
    )
    good = [text for text in TEXTS if text.strip() and len(text) <= 200 and not set(text) & {"\x00", "\x1f", "\ud800"}]
    for text in good:
        host.engine.put_customer(text, {"a": text, text: {text: [text]}}, at=START)
        host.engine.feed(Event("go", customer=text, at=START, id=text, data={"a": text, text: text}))
    host.tick()
    for text in good:
        assert host.attributes(text) == {"a": text, text: {text: [text]}}
        assert host.engine.enrollments(customer=text).total == 1
        (message,) = host.engine.messages(customer=text).items
        assert message.data == {"a": text, "b": [text]}
    assert host.engine.audit() == []
    assert {each.customer for each in host.engine.messages(take=100).items} == set(good)


# --- journeys ---------------------------------------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "format": 1, "id": "j", "name": "n", "description": "d", "notes": "o", "tenant": "t", "timezone": "Europe/Paris",
    "customer_timezone": True, "consent": "required", "max_visits": 100, "reentry": {"after": "90 days"},
    "trigger": {"event": "go", "where": {"field": "a", "op": "eq", "value": 1}},
    "run_criteria": {"all": [{"field": "b", "op": "in", "value": ["x"]}, {"not": {"field": "c", "op": "isNull"}}]},
    "exits": [{"name": "e", "event": "bye", "where": {"field": "d", "op": "eq", "value_of": "trigger.a"}}],
    "goal": {"event": "buy", "within": "7 days", "exit": True},
    "steps": [
        {"kind": "send", "id": "s", "channel": "EMAIL", "template": "t", "data": {"x": "{{ a }}"}, "expires": "1 day",
         "window": {"weekdays": ["MON"], "start": "09:00", "end": "17:00"}, "name": "n", "notes": "o"},
        {"kind": "wait", "id": "w", "event": "open", "timeout": "2 days", "on_timeout": "p"},
        {"kind": "split", "id": "p", "arms": [{"percentage": 50, "label": "A", "next": "c"},
                                               {"percentage": 50, "label": "B", "next": "u"}]},
        {"kind": "condition", "id": "c", "branches": [{"when": {"field": "message.s.opened", "op": "eq", "value": True},
                                                         "next": "u", "label": "yes"}], "else": "u"},
        {"kind": "update", "id": "u", "changes": [{"field": "tags", "action": "add", "value": "x"}]},
        {"kind": "wait", "id": "v", "until": {"time": "09:00", "weekdays": ["FRI"]}},
        {"kind": "wait", "id": "d", "field": "birthday", "offset": "-3 days", "every": "year", "on_missing": "z"},
        {"kind": "end", "id": "z", "outcome": "done"},
    ],
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the places of everything in a file that has no parts, and of its keys."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in places(inner, (*path, key))]
    if isinstance(value, list):
        return [found for key, inner in enumerate(value) for found in places(inner, (*path, key))]
    return [path]


def changed(value: Any, path: tuple[Any, ...], odd: object) -> Any:
    """Copy a file with another value at a place."""
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], odd)
    return copy


JSON = [*TEXTS, *(each for each in OTHERS if not isinstance(each, bytes) and type(each) is not object)]


HALVES = (
    {**WHOLE, "steps": WHOLE["steps"][:1]},
    {"format": 1, "id": "j", "trigger": {"event": "go"}, "steps": WHOLE["steps"]},
)
"""What stands above the steps, with one of them, and all steps: a place is looked at in the half that it stands in."""


@pytest.mark.unmeasured
@pytest.mark.parametrize("path", places(WHOLE), ids=lambda path: ".".join(map(str, path)))
def test_every_place_of_a_journey_file_takes_or_refuses(path):
    """An odd value makes another journey that can be drawn and kept, or is refused with its place (B2, B3)."""
    half = HALVES[path[0] == "steps"]
    assert to_dict(from_dict(half))["id"] == "j"
    refused = []
    for odd in JSON:
        try:
            journey = from_dict(changed(half, path, odd))
        except InvalidJourney as error:
            refused.append(error)
        else:
            assert loads_journey(dumps_journey(journey)) == journey
            assert "<script>" not in mermaid(journey)
            assert dot(journey).count("\n") > 1
    assert all(problem.message and len(str(problem)) < 1_500 for error in refused for problem in error.problems)
    assert all(str(error).encode() for error in refused)


def test_no_value_of_a_file_is_taken_for_another():
    """True is no 1, "3" no 3, 1 no true: every place refuses the near miss of its type (B2)."""
    for path, wrong in (
        (("max_visits",), "100"), (("max_visits",), True), (("max_visits",), 100.0),
        (("customer_timezone",), 1), (("customer_timezone",), "true"), (("goal", "exit"), 1),
        (("steps", 2, "arms", 0, "percentage"), "50"), (("steps", 2, "arms", 0, "percentage"), True),
        (("format",), "1"), (("format",), 1.0), (("format",), True), (("id",), 1), (("steps", 0, "template"), 7),
        (("steps", 1, "timeout"), 2), (("steps", 0, "window", "start"), 9), (("trigger", "event"), 1),
    ):  # fmt: skip
        with pytest.raises(InvalidJourney) as caught:
            from_dict(changed(WHOLE, path, wrong))
        name = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
        assert any(problem.path.startswith(name) for problem in caught.value.problems), name


# --- files and the command line ---------------------------------------------------------------------------------------


def call(*arguments: object):
    """Run the command line; whatever comes in, there is no stack trace."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


FILES: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "no JSON": b"{",
    "no object": b"[]",
    "a number": b"1",
    "twice": b'{"format": 1, "format": 1}',
    "not finite": b'{"format": 1, "id": "j", "trigger": {"manual": true}, "steps": [], "max_visits": NaN}',
    "infinite": b'{"format": 1, "id": "j", "trigger": {"manual": true}, "steps": [], "max_visits": 1e999}',
    "many digits": b'{"format": 1, "max_visits": ' + b"9" * 5_000 + b"}",
    "deep": b'{"format": ' + b"[" * 100_000,
    "closed and deep": b'{"format": 1, "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "a surrogate": b'{"format": 1, "id": "\\ud800", "trigger": {"manual": true}, "steps": []}',
    "a NUL": b'{"format": 1, "id": "a\\u0000b", "trigger": {"manual": true}, "steps": []}',
    "latin": '{"format": 1, "id": "é"}'.encode("latin-1"),
    "UTF-16": '{"format": 1}'.encode("utf-16"),
    "a path": b'{"format": 1, "id": "j", "timezone": "../../etc/passwd", "trigger": {"manual": true}, "steps": []}',
    "a database": b"SQLite format 3\x00" + b"\x00" * 100,
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_journeys_are_told_in_a_sentence(name, tmp_path):
    """Exit status 1, the file's name and the reason, from every command that reads one (B2)."""
    path = tmp_path / "j.json"
    path.write_bytes(FILES[name])
    (tmp_path / "events.csv").write_text("at,type,customer\n")
    for command in (
        ("check", path),
        ("show", path),
        ("deploy", tmp_path / "x.db", path),
        ("backtest", path, "--events", tmp_path / "events.csv"),
    ):
        result = call(*command)
        assert result.exit_code == 1, command
        assert "j.json" in result.output
        assert len(result.output) < 5_000
    assert not (tmp_path / "x.db").exists()


LINES = {
    "": None, "{": "not JSON", "[]": "expected an object", "5": "expected an object", "null": "expected an object",
    '{"at": 1, "type": "x", "customer": "c"}': "at: must be", '{"type": "x", "customer": "c"}': "key 'at' is missing",
    '{"at": "2026-01-01T00:00:00", "type": "x", "customer": "c"}': "has no offset",
    '{"at": "2026-01-01T24:00:00Z", "type": "x", "customer": "c"}': "is not an ISO 8601 instant",
    '{"at": "2026-01-01T00:00:00Z", "type": 1, "customer": "c"}': "must be text",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": true}': "must be text",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": ""}': "must not be empty",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "a\\u0000b"}': "NUL",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "\\ud800"}': "surrogate",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "c", "id": 5}': "must be text",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "c", "n": NaN}': "NaN",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "c", "n": 1e999}': "finite",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "c", "n": 9223372036854775808}': "64 bits",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "c", "n": 1, "n": 2}': "stands twice",
    '{"at": "2026-01-01T00:00:00Z", "type": "x", "customer": "c", "n": ' + "[" * 70 + "]" * 70 + "}": "nested deeper",
    "[" * 100_000: "not JSON",
}  # fmt: skip
GOOD = '{"at": "2026-01-01T00:00:00Z", "type": "go", "customer": "c1"}'


def test_bad_lines_are_named_counted_and_hurt_no_other(tmp_path):
    """Every bad line by its number and its reason, and the good ones between them are all taken (B2, B3)."""
    lines = [line for bad in LINES for line in (bad, GOOD)]
    (tmp_path / "events.ndjson").write_text("\n".join([GOOD, *lines]), encoding="utf-8")
    (tmp_path / "j.json").write_text(dumps_journey(from_dict({**WHOLE, "tenant": "default"})))
    db = tmp_path / "j.db"
    call("deploy", db, tmp_path / "j.json", "--at", "2025-12-31T00:00:00Z")
    result = call("feed", db, tmp_path / "events.ndjson", "--json")
    told = [(line, reason) for line, reason in zip(range(2, 1_000, 2), LINES.values(), strict=False) if reason]
    figures = json.loads(result.stdout)
    lines = figures.pop("lines")
    assert figures == {"taken": len(LINES) + 1, "bad": len(told), "duplicate": 0}
    assert [(line["number"], reason in line["reason"]) for line, (_, reason) in zip(lines, told, strict=True)] == [
        (number, True) for number, _ in told
    ]
    shown = result.stderr.splitlines()
    assert len(shown) == len(told)
    for (number, reason), text in zip(told, shown, strict=True):
        assert f"line {number}: " in text
        assert reason in text
        assert len(text) < 500


def test_a_naive_instant_is_refused_everywhere():
    """Python and the command line say what to write instead (R2)."""
    engine = host_on("memory").engine
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 that is the point
    calls: list[Callable[[], object]] = [
        lambda: engine.tick(naive), lambda: engine.put_customer("c", {}, at=naive),
        lambda: engine.enroll("j", "c", at=naive), lambda: engine.exit("j", "c", at=naive),
        lambda: engine.claim("w", at=naive), lambda: engine.ack("x", at=naive), lambda: engine.pause("j", at=naive),
        lambda: engine.timeline("c1", since=naive), lambda: engine.at("j", "c1", instant=naive),
    ]  # fmt: skip
    for each in calls:
        with pytest.raises(ValueError, match="is the naive datetime"):
            each()
    with pytest.raises(InvalidInput, match="naive"):
        Event("x", customer="c", at=naive)
    assert "has no offset" in call("tick", __file__, "--now", "2026-01-01T00:00:00").output


class Hidden:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise KeyError


REFUSALS: dict[str, tuple[Callable[[Any], object], str]] = {
    "error: must be text, not bytes": (
        lambda engine: engine.nack(engine.claim("w", at=START), at=START, error=b"x"),
        "InvalidInput",
    ),
    "mapping: must say of each step": (
        lambda engine: engine.migrate("j", 1, [1], at=START),
        "InvalidInput",
    ),
    "templates: must be a function": (
        lambda engine: engine.copy_to("t", "j", at=START, templates=5),
        "InvalidInput",
    ),
    "progress: must be a function": (
        lambda engine: engine.prune(START, progress=5),
        "InvalidInput",
    ),
    "force: must be True or False, not Hidden (cannot be shown)": (
        lambda engine: engine.enroll("j", "c1", at=START, force=Hidden()),
        "InvalidInput",
    ),
    "there is no (Hidden that cannot be shown)": (
        lambda engine: engine.enrollments(status=[Hidden()]),
        "InvalidInput",
    ),
    "channel: contains a lone surrogate": (
        lambda engine: engine.submit_export(at=START, channel="\ud800"),
        "InvalidInput",
    ),
}


@pytest.mark.parametrize("words", REFUSALS)
@pytest.mark.parametrize("store", STORES)
def test_what_is_no_text_mapping_or_function_is_refused_before_it_is_used(store, words):
    """In a sentence that names the parameter, whatever the value is."""
    call, kind = REFUSALS[words]
    told = answer(lambda engine, _: call(engine), host_on(store).engine, None)
    assert told.startswith(kind)
    assert words in told
