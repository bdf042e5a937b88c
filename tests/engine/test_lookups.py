"""What hosts that number things find by number: journeys, enrollments; and where a customer is inside."""

from contextlib import closing

import pytest

from journeyflow import Engine, InvalidInput, Journey, NotFound, Send, Trigger, Wait
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START

ENGINE = {"grace": None}


def deploy(engine: Engine, name: str, event: str = "go"):
    """Deploy a journey in which people rest."""
    engine.deploy(
        Journey(
            id=name,
            trigger=Trigger(event),
            reentry="always",
            steps=[Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day")],
        ),
        at=START,
    )


def test_a_message_is_found_by_its_whole_id_alone(host):
    """R70: under another nonce the same numbers name nothing; nor does what is not an id."""
    deploy(host.engine, "j")
    host.say("go")
    assert host.engine.message("memory-1-1").customer == "c1"
    for name in ("other-1-1", "memory-1-2", "memory-2-1", "memory", ""):
        assert host.engine.find_message(name) is None


@pytest.mark.rows(2)
def test_a_journey_has_a_number_that_no_other_ever_gets(host):
    """F2, R15: over all tenants, also when a journey is deleted and another made under its id."""
    engine, other = host.engine, host.engine.tenant("other")
    deploy(engine, "b")
    deploy(other, "a")
    deploy(engine, "a")
    numbers = {each.id: each.number for each in engine.journeys()}
    assert len({*numbers.values(), other.journey("a").number}) == 3
    assert engine.journey(number=numbers["a"]) == engine.journey("a")
    engine.remove("a", at=START)
    deploy(engine, "a")
    assert engine.journey("a").number not in numbers.values()
    with pytest.raises(NotFound, match=f"no journey {numbers['a']}"):
        engine.journey(number=numbers["a"])


def test_the_number_of_another_tenants_journey_is_not_found(host):
    """R91."""
    deploy(host.engine.tenant("other"), "a")
    number = host.engine.tenant("other").journey("a").number
    with pytest.raises(NotFound) as caught:
        host.engine.journey(number=number)
    assert (caught.value.kind, caught.value.name) == ("journey", number)


def test_a_journey_is_named_by_its_id_or_its_number(host):
    """One of both; anything but a whole number is told."""
    deploy(host.engine, "a")
    for named in ({}, {"journey": "a", "number": 1}):
        with pytest.raises(TypeError, match="name a journey by its id, or by number="):
            host.engine.journey(**named)
    with pytest.raises(InvalidInput, match="number: must be a whole number, not str '1'"):
        host.engine.journey(number="1")


@pytest.mark.rows(135)
def test_an_enrollment_is_found_by_its_serial(host):
    """F135: with its visits, whatever the run; not another tenant's, and not by what is not a number."""
    engine = host.engine
    deploy(engine, "a")
    host.say("go", START, "ann")
    host.say("go", "25 hours", "ann")
    first, second = engine.enrollments("a").items
    assert engine.enrollment(serial=first.serial) == engine.enrollment("a", "ann", run=1)
    assert engine.enrollment(serial=second.serial).visits
    assert engine.find_enrollment(serial=99) is None
    assert engine.tenant("other").find_enrollment(serial=first.serial) is None
    assert engine.find_enrollment("b", serial=first.serial) is None
    with pytest.raises(NotFound, match="no enrollment 99"):
        engine.enrollment(serial=99)
    with pytest.raises(InvalidInput) as caught:
        engine.enrollment(serial="1", run=True)
    assert [(each.path, each.code) for each in caught.value.problems] == [("run", "invalid"), ("serial", "invalid")]
    with pytest.raises(InvalidInput) as caught:
        engine.enrollment("a")
    assert [(each.path, each.code) for each in caught.value.problems] == [("customer", "missing")]


@pytest.mark.rows(134)
def test_the_journeys_of_a_customer_are_those_that_the_customer_is_inside(host):
    """F134: each once, in any order that journeys have; not those that are over, nor another tenant's."""
    engine = host.engine
    for name in ("c", "a", "b"):
        deploy(engine, name)
    deploy(engine.tenant("other"), "d")
    engine.enroll("a", ["ann", "bob"], at=START)
    engine.enroll("c", "ann", at=START)
    engine.enroll("b", "ann", at=START)
    engine.tenant("other").enroll("d", "ann", at=START)
    engine.exit("b", "ann", at=START)
    host.tick("0 hours")
    assert [each.id for each in engine.journeys(customer="ann")] == ["a", "c"]
    assert [each.id for each in engine.journeys(customer="ann", order="created")] == ["c", "a"]
    assert engine.journeys(customer="ann", take=1).total == 2
    assert not engine.journeys(customer="nobody")
    with pytest.raises(InvalidInput, match="customer: must be text"):
        engine.journeys(customer=7)


def test_one_journey_is_found_by_an_index_and_not_counted(tmp_path):
    """R84: by its id and by its number, however many journeys there are; only a page of a list counts the list."""
    with closing(SQLiteStore(tmp_path / "x.db")) as store, Engine(store, grace=None) as engine:
        deploy(engine, "a")
        number = engine.journey("a").number
        asked: list[str] = []
        assert store.connection is not None
        store.connection.set_trace_callback(asked.append)
        engine.journey("a")
        engine.journey(number=number)
        store.connection.set_trace_callback(None)
        found = [each for each in asked if "FROM journeys" in each]
        assert len(found) == 2
        assert not [each for each in found if "count(*)" in each]
        with store.reader() as reader:
            plans = [{row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {each}")} for each in found]
        searches = [next(step for step in plan if step.startswith("SEARCH j ")) for plan in plans]
        assert [search.partition("(")[2] for search in searches] == ["tenant=? AND id=?)", "rowid=?)"]
