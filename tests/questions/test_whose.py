"""Every question is about its own tenant, journey, customer and version, whatever else is in the file (R84, R91)."""

from datetime import date

import pytest

from journeyflow import (
    Condition,
    End,
    Event,
    Exit,
    Goal,
    Limits,
    NotFound,
    Send,
    Trigger,
    Wait,
    field,
)
from journeyflow.questions.numbers.statistics import last_counted
from tests.samples import START, Host, after

HELLO = Send("hello", channel="EMAIL", template="t")


def other(host):
    """Return the same host as another tenant of the same file."""
    return Host(host.engine.tenant("other"))


def test_what_named_no_message_is_listed_for_its_tenant(host):
    """R52, R91: events as events and answers as answers, in order; nothing of another tenant."""
    host.put(START, plan="paid")
    host.feed("message.opened", "1 hour", message="gone-1-1")
    host.engine.ack("gone-1-2", at=after("2 hours"))
    other(host).feed("message.clicked", "1 hour", message="gone-2-2")
    host.tick("3 hours")
    event, answer = host.engine.unmatched()
    assert event == Event("message.opened", customer="c1", at=after("1 hour"), data={"message": "gone-1-1"})
    assert (answer.type, answer.message, answer.at) == ("ack", "gone-1-2", after("2 hours"))
    assert [each.type for each in other(host).engine.unmatched()] == ["message.clicked"]
    assert host.engine.tenant("third").unmatched().total == 0


def test_who_waits_for_a_slot_is_listed_by_journey_and_customer(host):
    """R23: of one journey, of one customer, or of all; nobody of another tenant."""
    for name in ("a", "b"):
        host.deploy(HELLO, id=name, limits=Limits(per_day=1))
    other(host).deploy(HELLO, id="a", limits=Limits(per_day=1))
    for n in range(3):
        host.feed("go", "1 hour", f"c{n}")
        other(host).feed("go", "1 hour", f"o{n}")
    host.tick("1 hour")

    def waiting(**asked):
        return [(each.journey, each.customer) for each in host.engine.deferred(**asked)]

    assert waiting() == [("a", "c1"), ("a", "c2"), ("b", "c1"), ("b", "c2")]
    assert waiting(journey="a") == [("a", "c1"), ("a", "c2")]
    assert waiting(customer="c2") == [("a", "c2"), ("b", "c2")]
    assert waiting(journey="b", customer="c1") == [("b", "c1")]
    assert waiting(customer="o1") == []


def test_the_newest_instant_counted_is_that_of_the_tenant(host):
    """R82: what the shell takes for today is not moved by other tenants."""
    for each, hour in ((host, "1 hour"), (other(host), "5 hours")):
        each.deploy(HELLO)
        each.feed("go", hour)
    host.tick("6 hours")
    with host.engine._core.store.reader() as reader:
        found = [last_counted(reader, tenant) for tenant in ("default", "other", "third")]
    assert found == [after("1 hour"), after("5 hours"), None]


def test_jobs_of_exports_are_found_by_number_in_their_tenant(host):
    """F197: another number and another tenant's job are not found."""
    host.deploy(HELLO)
    mine, theirs = host.engine.submit_export(at=START), other(host).engine.submit_export(at=START)
    assert mine.id != theirs.id
    assert host.engine.export_job(mine.id) == mine
    for engine, number in ((host.engine, theirs.id), (other(host).engine, mine.id), (host.engine, 99)):
        with pytest.raises(NotFound):
            engine.export_job(number)


def test_the_dossier_names_each_run_by_its_own_journey_version_and_step(host):
    """R86: what is kept of one customer, whoever and whatever else there is."""
    host.deploy(HELLO, Wait("rest", "1 day"), id="a")
    host.deploy(Wait("first", "1 day"), id="b")
    host.deploy(Wait("pause", "2 days"), id="b", when="1 hour")
    for customer in ("c1", "c2"):
        host.feed("go", "2 hours", customer)
    host.tick("2 hours")
    runs = host.engine.export_customer("c2")["enrollments"]
    assert isinstance(runs, list)
    assert [(each["journey"], each["version"], each["step"]) for each in runs] == [("a", 1, "rest"), ("b", 2, "pause")]


def moved(host):
    """Have two runs go through two versions, the first of which asks for a plan and the second for a country."""

    def asking(name, value):
        return (
            Wait("rest", "1 day"),
            Condition("ask", field(name).eq(value)),
            Wait("long", "9 days"),
            Wait("on", "1 day"),
        )

    host.deploy(*asking("plan", "paid"))
    host.put(START, "c1", plan="free", country="ZA")
    for customer in ("c0", "c1"):
        host.feed("go", "1 hour", customer)
    host.tick("2 days")
    host.deploy(*asking("country", "FR"), when="2 days")
    host.engine.migrate("j", 2, at=after("3 days"))
    host.tick("20 days")


def test_visits_before_a_migration_are_explained_by_the_version_that_made_them(host):
    """R14, R85: each visit with the rule that it was decided by; the one that was moved says so, and no other does."""
    moved(host)
    told = {each.step: each.compared for each in host.engine.explain("j", "c1").visits if each.status != "EXITED"}
    assert "plan 'free'" in str(told["ask"])
    assert "country" not in str(told["ask"])
    away = [each for each in host.engine.explain("j", "c1").visits if each.status == "EXITED"]
    assert [(each.step, each.compared) for each in away] == [("long", ("moved on by a migration",))]
    assert "migration" not in str(told["long"])


def test_a_run_that_was_moved_stood_in_the_version_of_that_time(host):
    """R14, R85: before the migration in the old version, from it on in the new one."""
    moved(host)
    stood = [host.engine.at("j", "c1", instant=after(when)) for when in ("2 days", "3 days", "4 days")]
    assert [(each.version, each.step, each.step_number) for each in stood] == [
        (1, "long", 3),
        (2, "long", 3),
        (2, "long", 3),
    ]


def test_why_not_names_the_exit_that_would_end_the_run_at_once(host):
    """R21: an exit with an event is none of those that a customer can meet at the entry."""
    host.deploy(
        Wait("rest", "1 day"),
        exits=[
            Exit("asked", event="bye"),
            Exit("vip", when=field("plan").eq("vip")),
            Exit("old", when=field("n").gt(5)),
        ],
    )
    host.put(START, plan="vip", n=3)
    host.say("go", "1 hour")
    found = host.engine.why_not("j", "c1")
    assert (found.reason, found.told) == ("exit rule", "'vip', plan 'vip' = 'vip'")


def test_why_not_of_a_journey_that_pulls_tries_a_pull(host):
    """R27, R85: nobody was told of is unknown; whoever is known waits for a pull, and a pull is what is tried."""
    host.deploy(HELLO, trigger=Trigger.every("1 day", list="news", where=field("plan").eq("paid")))
    assert host.engine.why_not("j", "nobody").reason == "unknown customer"
    host.put(START, lists=["news"], plan="free")
    host.tick("3 days")
    found = host.engine.why_not("j", "c1")
    assert (found.reason, found.at, found.tried) == ("not pulled", None, "a pull")
    assert found.told.startswith("no pull has brought this customer in; each gets ")
    assert (found.would_enter, found.against) == (False, "trigger criteria")


@pytest.mark.parametrize("twice", [1, 2])
def test_every_message_opened_and_clicked_is_a_rate_of_all(host, twice):
    """R83: where as many were opened as clicked and delivered, the host reports them: the rates are not gaps."""
    host.deploy(HELLO, goal=Goal("bought"))
    for n in range(2):
        host.feed("go", START, f"c{n}")
    host.tick(START)
    for message in host.claim(START):
        host.engine.ack(message, at=START)
        for kind in ("delivered", "opened", "clicked") * twice:
            host.feed(f"message.{kind}", "1 hour", message.customer, message=message.id)
    host.tick("1 hour")
    day = date.fromisoformat(str(START.date()))
    rates = host.engine.stats("j", since=day, until=day, at=after("2 hours")).messages.rates
    assert {name: rates[f"{name}"] for name in ("delivery", "open", "click", "click_to_open")} == dict.fromkeys(
        ("delivery", "open", "click", "click_to_open"), 1.0
    )


def test_the_newest_moments_are_kept_where_a_timeline_is_cut(host):
    """R84: of a long life the last moments, in order."""
    host.deploy(HELLO, Wait("one", "1 day"), Wait("two", "1 day"), End("done"))
    host.say("go", "1 hour")
    host.tick("9 days")
    whole = host.engine.timeline("c1", take=100)
    cut = host.engine.timeline("c1", take=3)
    assert [*cut.moments] == [*whole.moments][-3:]
    assert [each.at for each in whole.moments] == sorted(each.at for each in whole.moments)


def test_a_run_is_explained_by_its_own_messages(host):
    """R71, R85: what became of the message of another run is not told."""
    host.deploy(HELLO, Wait("rest", "1 day"))
    for customer in ("c0", "c1"):
        host.feed("go", START, customer)
    host.tick(START)
    first, _ = host.claim(START)
    host.engine.nack(first, at=START, error="no route", permanent=True)
    host.tick(START)
    assert "message FAILED after 1 attempt, last error 'no route'" in str(host.engine.explain("j", first.customer))
    others = {"c0", "c1"} - {first.customer}
    assert "no route" not in str(host.engine.explain("j", others.pop()))


def test_explain_says_what_holds_a_run_now(host):
    """R25, R37, R85: a holdout by its bucket, a wait for a condition by what it waits for."""
    held = {"goal": Goal("bought", within="1 day"), "holdout": 100}
    host.deploy(Wait("ready", when=field("plan").eq("paid")), id="asks")
    host.deploy(Wait("rest", "1 day"), id="kept", **held)
    host.say("go", "1 hour")
    assert "in the holdout: bucket " in str(host.engine.explain("kept", "c1"))
    assert "plan" in str(host.engine.explain("asks", "c1")).splitlines()[-1]


def test_the_dossier_has_the_lists_and_the_ends_of_its_customer(host):
    """R86: lists of this customer in this tenant; an instant where a run ended, and none where it goes on."""
    other(host).put(START, "c1", lists=["theirs"])
    host.put(START, "c1", lists=["mine"])
    host.put(START, "c2", lists=["others"])
    host.deploy(Wait("rest", "1 day"), id="goes-on")
    host.deploy(End("done"), id="ended")
    host.say("go", "1 hour")
    kept = host.engine.export_customer("c1")
    assert kept["lists"] == ["mine"]
    runs = kept["enrollments"]
    assert isinstance(runs, list)
    assert {each["journey"]: each["ended_at"] for each in runs} == {
        "ended": "2026-01-05T09:00:00.000000Z",
        "goes-on": None,
    }


def test_versions_count_their_own_runs(host):
    """R12: whoever entered before a publication stays in the version of then."""
    host.deploy(Wait("rest", "9 days"))
    host.feed("go", "1 hour", "c0")
    host.tick("1 hour")
    host.deploy(Wait("pause", "9 days"), when="2 hours")
    for customer in ("c1", "c2"):
        host.feed("go", "3 hours", customer)
    host.tick("3 hours")
    assert {each.version: each.active for each in host.engine.versions("j")} == {1: 1, 2: 2}


def test_a_timeline_that_just_fits_is_whole(host):
    """R84: only what is left out makes it more."""
    host.deploy(HELLO, Wait("one", "1 day"), End("done"))
    host.say("go", "1 hour")
    host.tick("9 days")
    whole = host.engine.timeline("c1", take=100)
    assert host.engine.timeline("c1", take=len(whole.moments)) == whole
    assert not whole.more
    assert host.engine.timeline("c1", take=len(whole.moments) - 1).more


def test_the_dossier_holds_what_was_sent_compared_and_awaited_by_its_customer_alone(host):
    """R86: messages by their own journey, values by their own run, places in the queue of this customer."""
    asks = Condition("ask", field("plan").eq("paid"), yes=[End("yes")])
    for name in ("a", "b"):
        host.deploy(HELLO, asks, id=name)
    host.deploy(End("done"), id="few", limits=Limits(per_hour=1), trigger=Trigger("few"), reentry="always")
    host.deploy(End("done"), id="rare", limits=Limits(per_hour=1), trigger=Trigger("rare"), reentry="always")
    for customer in ("c1", "c2", "c3"):
        host.put(START, customer, plan=customer)
        host.feed("go", START, customer)
        host.feed("rare" if customer == "c3" else "few", START, customer)
    host.feed("rare", START, "c2")
    host.tick()
    kept = host.engine.export_customer("c2")
    named = {name: [each["journey"] for each in kept[name]] for name in ("messages", "waiting")}
    assert named == {"messages": ["a", "b"], "waiting": ["few", "rare"]}
    runs = {run["journey"]: [each["values"] for each in run["compared"]] for run in kept["enrollments"]}
    assert runs["a"] == runs["b"] == [{"1": {"plan": "c2"}}]


def test_who_has_no_inputs_left_is_known_all_the_same(host):
    """R86: attributes stay when what was told of a customer long ago is pruned."""
    host.put(START, "c1", plan="paid")
    host.tick()
    assert host.engine.prune(after("400 days")).inputs == 1
    kept = host.engine.export_customer("c1")
    assert (kept["attributes"], kept["told"]) == ({"plan": "paid"}, [])
