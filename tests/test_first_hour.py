"""Mistakes of somebody's first hour: each is refused in a sentence that names what, where and the remedy (R13)."""

import json
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from typing import Any

import pytest
from click.testing import CliRunner

import journeyflow
from journeyflow import (
    Condition,
    Conflict,
    Engine,
    Event,
    InvalidInput,
    InvalidJourney,
    Journey,
    MemoryStore,
    Send,
    Trigger,
    Wait,
    field,
)
from journeyflow.cli import main
from journeyflow.errors import CorruptDatabase
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.native_reading import loads_journey
from journeyflow.formats.policies import loads_policies
from tests.samples import START, STORES, Host, after, open_engine

HELLO = Send("hello", channel="EMAIL", template="hello")


@pytest.fixture(params=STORES)
def host(request):
    """Return a host on each store, with one person inside."""
    with open_engine(request.param) as engine:
        host = Host(engine)
        host.deploy(HELLO, Wait("rest", "3 days"))
        host.say("go")
        yield host


def call(*words: object):
    """Run a command."""
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_version_is_asked_of_the_module():
    """As of any other package; a name that is none is refused as by any other module."""
    assert journeyflow.__version__ == version("journeyflow")
    assert not hasattr(journeyflow, "__versions__")
    with pytest.raises(AttributeError, match="module 'journeyflow' has no attribute 'engines'"):
        _ = journeyflow.engines  # type: ignore[attr-defined]  # which a type checker tells too


# --- rules ----------------------------------------------------------------------------------------------------------

RULES = (
    field("a").eq(1),
    field("a").eq(1) & field("b").eq(2),
    field("a").eq(1) | field("b").eq(2),
    ~field("a").eq(1),
)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rules_are_not_joined_with_words_of_python(rule):
    """`and`, `or` and `not` would drop a rule without a word: they are refused, with what to write (R59)."""
    for join in (lambda: rule and RULES[0], lambda: rule or RULES[0], lambda: not rule):
        with pytest.raises(TypeError, match=r"join rules with & and \|, turn one round with ~"):
            join()


def test_a_comparison_written_as_in_python_is_told():
    """`field("a") == 5` is False, and no rule."""
    age: Any = field("age")
    mistakes: dict[str, Any] = {
        r"bool False; compare with \.eq\(\.\.\.\), not with ==": age == 5,
        r"str 'age = 5' \[rule\]": "age = 5",
    }
    for told, given in mistakes.items():
        with pytest.raises(InvalidJourney, match=rf"expected a rule such as field\('age'\)\.gte\(18\), not {told}"):
            Journey("j", steps=[Condition("c", given, yes=[HELLO])])


@pytest.mark.parametrize("name", ["in_", "not_in", "starts_with", "eq"])
def test_a_comparison_with_too_many_values_is_named(name):
    """The error says which comparison it was, not what makes them."""
    with pytest.raises(TypeError, match=rf"^Field\.{name}\(\) takes 2 positional arguments but 3 were given"):
        getattr(field("tier"), name)("Gold", "Platinum")


@pytest.mark.parametrize("text", ["9am", "9", "0900"])
def test_a_time_of_day_that_is_none_is_not_taken_for_a_weekday(text):
    """What begins with a digit was meant as a time."""
    with pytest.raises(InvalidJourney, match=f"'{text}' is not an opening such as '09:00'"):
        Journey("j", steps=[Wait("morning", until=text)])


def test_a_comparison_shows_what_was_said():
    """Like every other part of a journey it leaves out what was not given."""
    other = field("a").gt(field("b"))
    assert repr(Trigger("go", where=field("a").eq(0))) == "Trigger('go', where=FieldRule(field='a', op='eq', value=0))"
    assert repr(other) == "FieldRule(field='a', op='gt', value_of='b')"
    assert repr(field("a").is_null()) == "FieldRule(field='a', op='isNull')"


# --- calls ----------------------------------------------------------------------------------------------------------


def test_handlers_are_a_mapping():
    """A list of channels, or a function alone, says for which channel no function is."""
    given: tuple[Any, ...] = (["EMAIL"], print, [])
    for channels in given:
        with pytest.raises(TypeError, match=r"channels: give a function for each channel, such as \{'EMAIL': send\}"):
            Engine(MemoryStore(), channels=channels)
    assert Engine(MemoryStore(), channels={}).next_due() is None


def test_a_message_as_json_is_no_answer(host):
    """The object that `claim --json` prints is not taken for a list of ids, its keys."""
    (message,) = host.claim()
    for answer in (host.engine.ack, host.engine.nack):
        with pytest.raises(InvalidInput, match=r"expected a claimed Message, not dict \{'id': "):
            answer({"id": message.id}, at=START)


def test_a_nack_needs_a_claim(host):
    """A message that was listed has no token, so its nack could never count (R71)."""
    (listed,) = host.engine.messages().items
    with pytest.raises(InvalidInput, match=f"message '{listed.id}' is QUEUED; give the one that claim gave"):
        host.engine.nack(listed, at=START)
    host.engine.ack(listed, at=START)
    host.tick()
    assert host.messages() == ["hello SENT"]


def test_steps_to_publish_are_a_mapping(host):
    """A list of steps does not say what is to be done with them (R17)."""
    with pytest.raises(InvalidInput, match=r"must say of each step whether it is published, not list \['hello'\]"):
        host.engine.set_published("j", ["hello"], at=START)


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        (["activate"], "^journey 'j' is active already$"),
        (["resume"], "^journey 'j' is active already$"),
        (["pause", "pause"], "^journey 'j' is paused already$"),
        (["archive", "archive"], "^journey 'j' is archived already$"),
        (["archive", "resume"], "is ARCHIVED and cannot become ACTIVE; an archived journey is final; use another id"),
    ],
)
def test_a_state_that_is_there_already_is_told(host, calls, told):
    """The remedy stands in every refusal of a transition (R11)."""
    *before, last = calls
    for call in before:
        getattr(host.engine, call)("j", at=START)
    with pytest.raises(Conflict, match=told):
        getattr(host.engine, last)("j", at=START)


def test_words_that_are_like_none_are_answered_with_all_there_are(host):
    """Where no known word is near, the known ones are listed (R84)."""
    with pytest.raises(InvalidInput, match=r"order: there is no 'date'; there are .*entered"):
        host.engine.enrollments(order="date")
    with pytest.raises(InvalidInput, match="status: there is no 'inside'; there are ACTIVE, "):
        host.engine.enrollments(status="inside")


@pytest.mark.parametrize("given", [datetime(2026, 1, 2, tzinfo=UTC), date(2026, 1, 2), time(9)], ids=str)
def test_a_date_in_data_is_told_how_to_be_written(host, given):
    """JSON has none: the remedy stands in the refusal (R20, R50)."""
    with pytest.raises(
        InvalidInput, match=r"data\.x: must be JSON .* not (datetime|date|time) .*; write \.isoformat\(\)"
    ):
        Event("go", customer="c1", at=START, data={"x": given})
    with pytest.raises(InvalidInput, match=r"; write \.isoformat\(\)"):
        host.put(START, x=given)
    with pytest.raises(InvalidInput, match=r"not set \{1\}$"):
        Event("go", customer="c1", at=START, data={"x": {1}})


# --- files ----------------------------------------------------------------------------------------------------------


def test_the_path_of_a_journey_file_is_not_its_text():
    """`loads_journey` takes text, as `json.loads` does."""
    with pytest.raises(InvalidJourney, match=r"this is not JSON: .*; give the text of the file, not its path"):
        loads_journey("journeys/news.json")
    with pytest.raises(InvalidJourney, match=r"this is not JSON: [^;]* \[json\]"):
        loads_journey("news")


def test_a_file_that_is_no_database_may_be_the_wrong_one(tmp_path):
    """The remedy for a file that was never a database is another name."""
    path = tmp_path / "news.json"
    path.write_text(dumps_journey(Journey("j", steps=[HELLO])) * 10)
    with pytest.raises(CorruptDatabase, match="file is not a database; name another file, or restore"):
        Engine(path)


def test_tick_takes_its_instant_under_the_name_of_all_other_commands(tmp_path):
    """`--at` is `--now`."""
    path = str(tmp_path / "j.db")
    with Engine(path) as engine:
        Host(engine).deploy(HELLO, Wait("rest", "3 days"))
        Host(engine).feed("go")
    for option, entered in (("--at", "entered        1"), ("--now", "entered        0")):
        done = CliRunner().invoke(main, ["tick", path, option, after("1 minute").isoformat()])
        assert entered in done.stdout


def test_a_file_of_another_format_has_that_fault_alone(tmp_path):
    """What its keys mean is not known here: none of them is a fault."""
    path = tmp_path / "j.json"
    path.write_text('{"format": 2, "id": "j", "start": [], "steps": {}}')
    done = call("check", path)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "files: 1, errors: 1, warnings: 0"
    assert "format: expected 1, not int 2; a newer journeyflow may read it" in done.output
    with pytest.raises(InvalidJourney, match=r"2 problems:(?s:.*)format: expected 1, not str '1'"):
        loads_journey('{"format": "1", "id": "j", "trigger": {"manual": true}}')
    with pytest.raises(
        InvalidInput, match=r"^invalid input: format: expected 1, not int 2; a newer journeyflow may read it$"
    ):
        loads_policies('{"format": 2, "cap": [], "quiet": 5}')


# --- commands ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def db(tmp_path):
    """Return a file with one person inside a journey."""
    path = tmp_path / "j.db"
    with Engine(path) as engine:
        host = Host(engine)
        host.deploy(HELLO, Wait("rest", "3 days"))
        host.say("go")
    return path


def test_a_step_is_published_or_unpublished(db):
    """Of two words for one step none wins: it is refused, and nothing is changed (R17)."""
    done = call("steps", db, "j", *("--publish", "rest", "--publish", "hello", "--unpublish", "hello"))
    assert done.exit_code == 2
    assert "--publish and --unpublish name the same: 'hello'; give one of the two" in done.stderr
    assert [step["published"] for step in json.loads(call("steps", db, "j", "--json").stdout)] == [True, True, True]


def test_what_is_only_noted_is_not_told_as_done(db):
    """Whether somebody is inside, or failed, is decided by the tick (R24, R43)."""
    at = ("--at", START.isoformat())
    assert call("exit", db, "j", "nobody", *at).stdout == (
        "noted for 1 customer; the next tick takes out who is inside then\n"
    )
    assert call("retry", db, "j", "nobody", "c1", *at).stdout == (
        "noted for 2 customers; the next tick puts back whose newest run has failed\n"
    )
    assert call("enroll", db, "j", "c1", *at).stdout == "noted for 1 customer; the next tick decides who enters\n"


@pytest.mark.parametrize(
    ("command", "header", "good"),
    [("feed", "at,type,customer", "2026-01-01T00:00:00Z,go,c2"), ("put-customers", "customer,name", "c2,Bo")],
)
def test_a_file_of_which_nothing_could_be_taken_is_a_failure(db, command, header, good, tmp_path):
    """Not one line of many: status 1; one line, or an empty file: status 0. All of them are in the JSON."""
    path = tmp_path / "rows.csv"
    bad = "a,b,c,d\n" * 30
    for lines, status, said in (
        (bad, 1, "0 {}s taken, 30 lines skipped\n"),
        (bad + good, 0, "1 {} taken, 30 lines skipped\n"),
        ("", 0, "0 {}s taken, 0 lines skipped\n"),
    ):
        path.write_text(f"{header}\n{lines}")
        done = call(command, db, path)
        assert done.exit_code == status
        assert done.stdout == said.format("event" if command == "feed" else "customer")
        assert done.stderr.count("line ") == 20 * ("a,b" in lines)
        assert ("skipped: 10 more lines" in done.stderr) == ("a,b" in lines)
        told = json.loads(call(command, db, path, "--json").stdout)
        assert [line["number"] for line in told["lines"]] == list(range(2, 32)) * ("a,b" in lines)
