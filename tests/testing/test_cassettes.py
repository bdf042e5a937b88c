"""Cassettes: an enrollment of a live store, under pseudonyms, plays as it went there."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from journeyflow import (
    Cap,
    End,
    Engine,
    Event,
    InvalidInput,
    Journey,
    MemoryStore,
    NotFound,
    Policies,
    Send,
    Split,
    Trigger,
    Wait,
    arm,
    field,
)
from journeyflow.cli import main
from journeyflow.testing import Ack, Cassette, Lifecycle, Put, SetPolicies, journeys, lives, record
from tests.played import played

BEGAN = datetime(2025, 11, 3, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = "ann@lee.example"

TRIAL = Journey(
    "trial",
    trigger=Trigger("trial.started", where=field("event.plan").eq("pro")),
    reentry="always",
    holdout=0,
    steps=[
        Send("hi", channel="EMAIL", template="welcome", data={"name": "{{ name }}"}),
        Wait("read", event="message.clicked", timeout="2 days", on_timeout=[End("unread")]),
        Split("test", arm(50, [Send("a", channel="EMAIL", template="a")]), arm(50, [])),
        Wait("paid", event="paid", where=field("event.cart").eq(field("trigger.cart")), timeout="5 days"),
        Send("thanks", channel="EMAIL", template="thanks"),
    ],
)


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    """Make a live store in which a customer is in the middle of a second run."""
    with Engine(MemoryStore() if request.param == "memory" else tmp_path / "live.db", grace=None) as live:
        live.deploy(TRIAL, at=BEGAN)
        live.set_policies(Policies(caps=[Cap(5, per="day")], timezone="UTC"), at=BEGAN)
        live.put_customer(ANN, {"name": "Ann Lee", "plan": "free", "address": {"city": "Ghent"}}, at=BEGAN + HOUR)
        live.put_customer("bob", {"name": "Bob"}, at=BEGAN + HOUR)
        for customer in ("bob", ANN):
            started = {"plan": "pro", "cart": "cart-77", "note": "call Ann Lee"}
            live.feed(Event("trial.started", customer=customer, at=BEGAN + 2 * HOUR, id=f"e-{customer}", data=started))
        live.tick(BEGAN + 3 * HOUR)
        mine = next(each for each in live.claim("w", at=BEGAN + 3 * HOUR) if each.customer == ANN)
        live.ack(mine, at=BEGAN + 3 * HOUR)
        live.feed(
            Event("message.clicked", customer=ANN, at=BEGAN + 4 * HOUR, data={"message": mine.id, "ip": "10.1.1.9"})
        )
        live.tick(BEGAN + 4 * HOUR)
        live.pause("trial", at=BEGAN + 5 * HOUR)
        live.resume("trial", at=BEGAN + 6 * HOUR)
        live.feed(Event("paid", customer=ANN, at=BEGAN + 20 * HOUR, data={"cart": "cart-77"}))
        live.enroll("trial", ANN, at=BEGAN + 40 * HOUR)
        live.tick(BEGAN + 41 * HOUR)
        yield live


def test_an_enrollment_plays_as_it_went(engine, tmp_path):
    """Every visit, message and instant of the first run, and the second as far as it has come; also from a file."""
    for number, status, visits in ((1, "COMPLETED", 6), (2, "ACTIVE", 2)):
        cassette = record(engine, "trial", ANN, run=number)
        cassette.save(tmp_path / "ann.json")
        loaded = Cassette.load(tmp_path / "ann.json")
        assert loaded.outcome(loaded.play()) == loaded.recorded == cassette.recorded
        assert loaded.recorded["status"] == status
        assert len(loaded.recorded["visits"]) in {visits, visits + 1}
        assert loaded.life == cassette.life
    newest = record(engine, "trial", ANN)
    assert repr(newest) == f"Cassette('trial' #2, {len(newest.life.calls)} calls, ACTIVE)"
    kinds = [type(call) for call in record(engine, "trial", ANN, run=1).life.calls]
    assert {SetPolicies, Put, Event, Ack, Lifecycle} == {*kinds}


def test_nothing_personal_is_in_the_file(engine):
    """Ids, addresses and texts that no rule reads are replaced, the same by the same; what rules read is kept."""
    text = record(engine, "trial", ANN, run=1).dumps()
    for personal in (ANN, "Ann", "Ghent", "10.1.1.9", "call Ann", f"e-{ANN}"):
        assert personal not in text
    assert "cart-77" in text
    assert '"plan": "pro"' in text


def test_only_what_the_engine_names_keeps_its_name(engine):
    """Tags, fields and messages do in the engine's own events, and nothing of the kind in those of hosts."""
    at = BEGAN + 50 * HOUR
    told = {
        "tag.added": {"tag": "vip", "by": "Ann Lee"},
        "field.changed": {"field": "name", "new": "Ann Lee-Day"},
        "revenue": {"amount": 5, "message": "memory-9-9"},
        "asked": {"message": "When do you open?", "tag": "Ann Lee", "more": [{"text": "please"}, 7]},
    }
    for kind, data in told.items():
        engine.feed(Event(kind, customer=ANN, at=at, data=data))
    engine.tick(BEGAN + 300 * HOUR)
    calls = [call for call in record(engine, "trial", ANN).life.calls if isinstance(call, Event) and call.at == at]
    assert [dict(call.data) for call in calls] == [
        {"tag": "vip", "by": "text-1"},
        {"field": "name", "new": "text-9"},
        {"amount": 5, "message": "unknown"},
        {"message": "text-11", "tag": "text-1", "more": ({"text": "text-12"}, 7)},
    ]


def test_customers_of_other_tenants_take_the_same_arms():
    """A cassette plays in the default tenant, where ids fall into other arms."""
    with Engine(MemoryStore(), grace=None) as root:
        live = root.tenant("acme")
        live.deploy(TRIAL, at=BEGAN)
        for n in range(8):
            live.feed(Event("trial.started", customer=f"p{n}", at=BEGAN, data={"plan": "pro", "cart": n}))
        live.tick(BEGAN + HOUR)
        for message in live.claim("w", at=BEGAN + HOUR, limit=8):
            live.feed(
                Event("message.clicked", customer=message.customer, at=BEGAN + HOUR, data={"message": message.id})
            )
        live.tick(BEGAN + 2 * HOUR)
        cassettes = [record(live, "trial", f"p{n}") for n in range(8)]
    arms = {visit["outcome"] for each in cassettes for visit in each.recorded["visits"] if visit["step"] == "test"}
    assert arms == {"A", "B"}


def test_a_changed_journey_plays_the_same_life(engine):
    """The cassette says what a change would have made of the run."""
    cassette = record(engine, "trial", ANN, run=1)
    bye = Send("thanks", channel="EMAIL", template="bye")
    steps = [bye if step.id == "thanks" else step for step in TRIAL.steps]
    changed = cassette.outcome(cassette.play(evolve(TRIAL, steps=steps)))
    assert [each["template"] for each in changed["messages"]][-1] == "bye"
    assert changed != cassette.recorded
    assert cassette.outcome(cassette.play(evolve(TRIAL, trigger=Trigger("never")))) == {}


def test_what_cannot_be_played_is_refused(engine):
    """An unknown enrollment, a run that was migrated, a file that is not a cassette."""
    with pytest.raises(NotFound):
        record(engine, "trial", "eve")
    short = engine.publish(evolve(TRIAL, steps=[End("new")]), at=BEGAN + 42 * HOUR)
    engine.migrate("trial", short, {"read": "new"}, at=BEGAN + 42 * HOUR)
    engine.tick(BEGAN + 43 * HOUR)
    with pytest.raises(InvalidInput, match="trial/bob: played, the run does not end as in the store: visits is"):
        record(engine, "trial", "bob")
    for text in ("{}", "no", '{"cassette": 9}', "[]"):
        with pytest.raises(InvalidInput, match="cassette"):
            Cassette.loads(text)


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(journeys(id="j").flatmap(lambda journey: lives(journey, customers=1).map(lambda life: (journey, life))))
def count_what_plays(found, drawn):
    """Play a life, and record what became of its customer."""
    journey, life = drawn
    with played([journey], life) as player:
        for each in player.engine.enrollments(take=2).items:
            try:
                cassette = record(player.engine, each.journey, each.customer, run=each.run)
            except InvalidInput as refused:
                found[str(refused)[:400]] += 1
            else:
                found["played"] += 1
                assert cassette.outcome(cassette.play()) == cassette.recorded


def test_most_random_enrollments_play_as_they_went():
    """Whatever a journey is made of; the others are refused, because something that led them on is not recorded."""
    found: Counter[str] = Counter()
    count_what_plays(found=found)
    assert found["played"] > 0.9 * found.total()


def test_the_end_of_a_run_bounds_its_life(engine):
    """What was said later is not in the cassette."""
    cassette = record(engine, "trial", ANN, run=1)
    assert max(call.at for call in cassette.life.calls) <= cassette.life.end == BEGAN + 20 * HOUR


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_command_writes_the_file(engine, tmp_path):
    """`journeyflow record` says which run it recorded, and refuses what is not there."""
    path, file = tmp_path / "live.db", tmp_path / "ann.json"
    engine.close()
    done = CliRunner().invoke(main, ["record", str(path), "trial", ANN, str(file), "--run", "1"])
    assert (done.exit_code, done.output) == (0, f"{file}: run 1 of trial, 8 calls, COMPLETED\n")
    cassette = Cassette.load(file)
    assert cassette.outcome(cassette.play()) == cassette.recorded
    missing = CliRunner().invoke(main, ["record", str(path), "trial", "eve", str(file)])
    assert missing.exit_code == 1
    assert "eve" in missing.output
