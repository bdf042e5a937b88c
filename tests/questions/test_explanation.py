"""Why a run went the way it went (R85)."""

import pytest

from journeyflow import (
    Condition,
    End,
    Exit,
    Journey,
    NotFound,
    Reentry,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    branch,
    field,
    tag,
)
from tests.samples import START, after

RICH = {
    "trigger": Trigger("go", where=field("amount").gte(10) & field("tier").in_(["Gold", "Platinum"])),
    "run_criteria": field("plan").ne("none"),
    "reentry": "always",
    "exits": [Exit("paid", when=field("plan").eq("paid"))],
}

STEPS = (
    Send("hello", channel="EMAIL", template="t", data={"hi": "{{ name }}"}),
    Wait("breathe", "1 day"),
    Condition(
        "size",
        branches=[
            branch(field("trigger.amount").gte(1_000), [Send("big", channel="EMAIL", template="t")], "huge"),
            branch(field("trigger.amount").gte(100) & field("plan").is_null(), [Update("mark", tag.add("mid"))], "mid"),
        ],
        otherwise=[End("small")],
    ),
    Split(
        "test", arm(100, [Wait("reply", event="order", where=field("sku").starts_with("a"), timeout="2 days")]), arm(0)
    ),
    Send("sms", channel="SMS", template="t"),
    Wait("soon", field="renews", offset="-1 day"),
    Wait("more", event="never", timeout="9 days"),
)


def test_only_what_was_asked_is_told(host):
    """No trigger rule of somebody enrolled by hand, and no branch after the one that was taken (R85)."""
    host.deploy(
        Condition(
            "size",
            branches=[branch(field("size").gte(size), [End(f"from{size}")], f"from {size}") for size in (9, 5, 1)],
            otherwise=[End("none")],
        ),
        trigger=Trigger("go", where=field("amount").gte(10)),
    )
    host.put(START, size=7)
    host.engine.enroll("j", "c1", at=START)
    host.tick()
    assert str(host.engine.explain("j", "c1")).splitlines()[1:] == [
        "  entered 2026-01-05 08:00:00",
        "  1. 2026-01-05 08:00:00 size: completed from 5",
        "       from 9: size 7 not >= 9",
        "       from 5: size 7 >= 5",
        "  2. 2026-01-05 08:00:00 from5: completed",
    ]
    host.deploy(End("done"), id="k", reentry=Reentry("always", key="event.order"))
    host.say("go", START, order="a1")
    assert str(host.engine.explain("k", "c1")).startswith("c1 in k version 1, run 1, key 'a1': COMPLETED\n")


def test_a_wait_for_a_condition_tells_what_ended_it(host):
    """With the values of the instant at which it was left (R32, R85)."""
    host.deploy(
        Wait("rich", when=field("plan").eq("gold"), timeout="9 days"), End("done"), run_criteria=field("plan").ne("no")
    )
    host.put(START, plan="free")
    host.say("go")
    found = host.engine.explain("j", "c1")
    assert (found.entry.compared, found.entry.seen) == ((), {"plan": "free"})
    assert found.visits[0].compared == ("plan 'free' is not 'gold'",)
    host.put("1 day", plan="gold")
    host.tick("1 day")
    assert host.engine.explain("j", "c1").visits[0].compared == ("plan 'gold' = 'gold'",)
    host.deploy(Wait("soon", when=field("ends").within_next("2 days"), timeout="9 days"), id="k", when="1 day")
    host.put("1 day", ends="2026-01-10")
    host.say("go", "1 day")
    host.tick("4 days")
    assert host.engine.explain("k", "c1").visits[0].compared == ("ends '2026-01-10' within the next '2 days'",)


def test_a_rich_run_tells_every_decision_with_its_values(host):
    """Explain tells entry, each visit, what was compared, and where the run waits now (R85)."""
    host.put(START, tier="Gold", name="Ann", renews="2026-01-09T12:00:00Z", consent={"SMS": False})
    host.deploy(*STEPS, **RICH)
    host.say("go", START, amount=250)
    host.tick("1 day")
    host.say("order", "30 hours", sku="a-1")
    host.tick("4 days")
    assert str(host.engine.explain("j", "c1")) == (
        "c1 in j version 1, run 1: ACTIVE\n"
        "  entered 2026-01-05 08:00:00: amount 250 >= 10 and tier 'Gold' in ['Gold', 'Platinum']\n"
        "  1. 2026-01-05 08:00:00 hello: completed queued\n"
        "  2. 2026-01-05 08:00:00 breathe: completed elapsed, left 2026-01-06 08:00:00\n"
        "  3. 2026-01-06 08:00:00 size: completed mid\n"
        "       huge: trigger.amount 250 not >= 1000\n"
        "       mid: trigger.amount 250 >= 100 and plan is null\n"
        "  4. 2026-01-06 08:00:00 mark: completed\n"
        "  5. 2026-01-06 08:00:00 test: completed A\n"
        "       arm A, 100% of people\n"
        "  6. 2026-01-06 08:00:00 reply: completed event, left 2026-01-06 14:00:00\n"
        "       sku = 'a-1'\n"
        "  7. 2026-01-06 14:00:00 sms: skipped consent\n"
        "       consent.SMS is false\n"
        "  8. 2026-01-06 14:00:00 soon: completed elapsed, left 2026-01-08 12:00:00\n"
        "       renews = '2026-01-09T12:00:00Z'\n"
        "  9. 2026-01-08 12:00:00 more: active\n"
        "  now waiting at more for event 'never' until 2026-01-17 12:00:00"
    )


def test_an_exit_tells_what_it_was_left_by(host):
    """The values of the exit rule are kept with the move (R42, R85)."""
    host.deploy(Wait("rest", "9 days"), exits=[Exit("paid", when=field("plan").eq("paid"))])
    host.say("go")
    host.put("1 day", plan="paid")
    host.tick("1 day")
    assert str(host.engine.explain("j", "c1")) == (
        "c1 in j version 1, run 1: EXITED (paid)\n"
        "  entered 2026-01-05 08:00:00\n"
        "  1. 2026-01-05 08:00:00 rest: exited, left 2026-01-06 08:00:00\n"
        "  left by exit 'paid': plan = 'paid'"
    )


def test_a_wait_without_an_end_says_what_it_waits_for(host):
    """An event without timeout, a wait without event (R85)."""
    host.deploy(Wait("reply", event="order"))
    host.deploy(Wait("rest", "1 day"), id="k")
    host.say("go")
    assert str(host.engine.explain("j", "c1")).endswith("\n  now waiting at reply for event 'order'")
    assert str(host.engine.explain("k", "c1")).endswith("\n  now waiting at rest until 2026-01-06 08:00:00")


def test_the_else_branch_tells_what_failed(host):
    """With none true, every branch is told (R85)."""
    host.deploy(Condition("c", field("a").eq(1), yes=[End("won")], no=[End("lost")]))
    host.say("go")
    assert "       yes: a (missing) is not 1\n" in str(host.engine.explain("j", "c1"))


def test_time_is_asked_as_of_the_instant_of_the_question(host):
    """A rule about time is explained as it was answered: at its instant, in the journey's zone (R60, R85)."""
    host.put(START, seen="2026-01-04", born="2026-01-05T23:30:00")
    rule = field("seen").within_last("2 days") & field("born").before("2026-01-05T22:45:00Z")
    host.deploy(
        Condition("recent", rule, yes=[End("won")], no=[End("lost")]),
        trigger=Trigger("go", where=field("seen").within_last("2 days")),
        timezone="Europe/Paris",
    )
    host.say("go")
    told = str(host.engine.explain("j", "c1"))
    assert host.path() == ["recent yes", "won"]
    assert "entered 2026-01-05 08:00:00: seen '2026-01-04' within the last '2 days'" in told
    assert "yes: seen '2026-01-04' within the last '2 days' and born '2026-01-05T23:30:00' before" in told
    assert "not" not in told


def test_a_visit_that_failed_tells_no_arm(host):
    """A Split that the visit limit stopped has no arm (R41, R85)."""
    host.deploy(Update("u", tag.add("x")), Split("test", arm(100)), max_visits=1)
    host.say("go")
    assert str(host.engine.explain("j", "c1")) == (
        "c1 in j version 1, run 1: FAILED (visit limit)\n"
        "  entered 2026-01-05 08:00:00\n"
        "  1. 2026-01-05 08:00:00 u: completed\n"
        "  2. 2026-01-05 08:00:00 test: failed"
    )


def test_a_condition_that_reads_nothing_has_nothing_to_tell(host):
    """`seen` is absent when nothing was read (R85)."""
    from journeyflow import all_of  # noqa: PLC0415 used here alone

    host.deploy(Condition("always", all_of()))
    host.say("go")
    assert str(host.engine.explain("j", "c1")).splitlines()[2] == "  1. 2026-01-05 08:00:00 always: completed yes"
    assert host.engine.explain("j", "c1").visits[0].compared == ()


def test_each_run_and_version_is_told_by_itself(host):
    """The newest run, or run= (R84, R85), by the version it went through."""
    host.deploy(End("one"), reentry="always")
    host.say("go")
    host.deploy(End("two"), reentry="always", when="1 hour")
    host.say("go", "1 hour")
    assert str(host.engine.explain("j", "c1")).startswith("c1 in j version 2, run 2: COMPLETED")
    assert "one: completed" in str(host.engine.explain("j", "c1", run=1))


@pytest.mark.parametrize(("journey", "customer", "run"), [("j", "c2", None), ("k", "c1", None), ("j", "c1", 2)])
def test_there_is_nothing_to_explain_for_nobody(host, journey, customer, run):
    """Raises NotFound (R84), also from another tenant (R91)."""
    host.deploy(End("one"))
    host.say("go")
    with pytest.raises(NotFound):
        host.engine.explain(journey, customer, run=run)
    with pytest.raises(NotFound):
        host.engine.tenant("other").explain("j", "c1")


def test_explaining_needs_the_stored_definition_only(host):
    """The definition is read from the store: another engine on it tells the same (R85)."""
    from journeyflow import Engine  # noqa: PLC0415 used here alone

    host.deploy(*STEPS, **RICH)
    host.put(START, "c1", tier="Gold")
    host.say("go", START, amount=50)
    host.tick("1 day")
    assert Engine(host.engine.store).explain("j", "c1") == host.engine.explain("j", "c1")
    assert isinstance(host.engine.definition("j"), Journey)
    assert host.left("size") == after("1 day")


def test_an_explanation_is_a_value_too(host):
    """What was decided and compared, visit by visit, for programs; an enrollment can be given as it is (R85)."""
    host.put(START, tier="Gold", plan="none yet")
    host.deploy(*STEPS, **RICH)
    host.say("go", START, amount=50)
    host.tick("1 day")
    found = host.engine.explain(host.engine.enrollment("j", "c1"))
    assert found == host.engine.explain("j", "c1")
    assert (found.entry.n, found.entry.seen) == (0, {"amount": 50, "tier": "Gold", "plan": "none yet"})
    assert found.entry.compared == ("amount 50 >= 10 and tier 'Gold' in ['Gold', 'Platinum']",)
    assert [(each.n, each.step, each.outcome) for each in found.visits][1:] == [
        (2, "breathe", "elapsed"), (3, "size", "else"), (4, "small", "")
    ]  # fmt: skip
    size = found.visits[2]
    assert size.seen == {"trigger.amount": 50, "plan": "none yet"}
    assert size.compared == (
        "huge: trigger.amount 50 not >= 1000",
        "mid: trigger.amount 50 not >= 100; plan is not null",
    )
    assert (found.exit, found.now, found.enrollment.status) == ({}, "", "COMPLETED")


def test_local_dates_are_told_in_the_zone_of_the_customer(host):
    """A date is 00:00 in the zone that counted: the customer's, where the journey says so (R33)."""
    rule = field("since").before("2026-01-01T12:00:00Z")
    for name, own in (("theirs", True), ("ours", False)):
        host.deploy(
            Condition("c", rule, yes=[End("yes")], no=[End("no")]), id=name, timezone="UTC", customer_timezone=own
        )
    host.put(START, since="2026-01-02", timezone="Pacific/Kiritimati")
    host.say("go")
    assert "yes: since '2026-01-02' before '2026-01-01T12:00:00Z'" in str(host.engine.explain("theirs", "c1"))
    assert "yes: since '2026-01-02' not before '2026-01-01T12:00:00Z'" in str(host.engine.explain("ours", "c1"))


def test_a_run_that_a_pause_holds_says_since_when(host):
    """R16, R85: until the resume, and only while the run goes on."""
    host.deploy(Wait("rest", "1 day"), exits=[Exit("paid", when=field("plan").eq("paid"))])
    host.say("go")
    host.say("go", START, "ann")
    host.engine.pause("j", at=after("1 hour"))
    now = "now waiting at rest until 2026-01-06 08:00:00"
    held = f"{now}; held: the journey is paused since 2026-01-05 09:00:00"
    assert host.engine.explain("j", "c1").now == held
    host.tick("2 days")
    assert host.engine.explain("j", "c1").now.endswith("; held: the journey is paused since 2026-01-05 09:00:00")
    host.put("2 days", "ann", plan="paid")
    host.tick("2 days")
    assert host.engine.explain("j", "ann").now == ""
    host.engine.resume("j", at=after("3 days"), overdue="shift")
    assert "held" not in host.engine.explain("j", "c1").now


def test_a_migrated_run_is_told_by_the_versions_that_it_went_through(host):
    """What was decided before the migration is explained by the rules of then (R14, R85), whoever else migrated."""
    for plan, version in (("gold", 1), ("silver", 2)):
        steps = Condition("asked", field("plan").eq(plan)), Wait("rest", "9 days")
        host.deploy(*steps, when=f"{version} hours")
        host.put(f"{version} hours", f"c{version}", plan=plan)
        host.say("go", f"{version} hours", f"c{version}")
    host.engine.migrate("j", 2, at=after("3 hours"))
    host.deploy(Condition("asked", field("plan").eq("bronze")), Wait("rest", "9 days"), when="4 hours")
    host.engine.migrate("j", 3, at=after("5 hours"))
    for customer, plan in (("c1", "gold"), ("c2", "silver")):
        assert f"yes: plan {plan!r} = {plan!r}" in str(host.engine.explain("j", customer)).splitlines()[3]


def test_a_run_that_migrated_twice_is_told_by_three_versions(host):
    """Each visit by the version that the run was in (R14, R85)."""
    ask, rest = Condition("asked", field("plan").eq("gold")), Wait("rest", "1 day")
    host.deploy(ask, rest)
    host.put(START, plan="gold")
    host.say("go")
    for version, plan in ((2, "silver"), (3, "bronze")):
        again = Condition("again", field("plan").eq(plan), no=[Wait("more", "1 day", next="again")])
        host.deploy(ask, rest, again, when=f"{version} hours")
        host.engine.migrate("j", version, at=after(f"{23 * version - 30} hours"))
        host.tick(f"{24 * version - 23} hours")
    told = [line for each in host.engine.explain("j", "c1").visits for line in each.compared]
    assert told == [
        *("yes: plan 'gold' = 'gold'", "moved on by a migration", "yes: plan 'gold' is not 'silver'"),
        *("moved on by a migration", "yes: plan 'gold' is not 'bronze'"),
    ]
