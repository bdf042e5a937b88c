"""Every public name as a typed host would use it: checked by mypy, never run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dateutil.relativedelta import relativedelta

import journeyflow as jf
from journeyflow import (
    Chain,
    Condition,
    End,
    Engine,
    Event,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    answers,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.definition.rules.conditions import Rule
from journeyflow.errors import (
    CorruptDatabase,
    ForeignDatabase,
    MissingExtra,
    NewerSchema,
    ReadOnlyDatabase,
    Undeliverable,
)
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.native_reading import loads_journey
from journeyflow.simulation import Backtest, backtest
from journeyflow.stores.contract import Store
from journeyflow.testing import Life, Played, run

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)


# --- definitions ------------------------------------------------------------------------------------------------------


def rules() -> list[Rule]:
    """Write rules in all ways there are."""
    name = field("customer.address.city")
    return [
        name.eq("Durban") & name.ne(None) | ~name.is_null(),
        jf.all_of(field("n").gt(1), field("n").gte(1), field("n").lt(9), field("n").lte(9), field("n").between(1, 9)),
        jf.any_of(field("tier").in_(["Gold"]), field("tier").not_in(("Basic",)), name.is_not_null()),
        jf.not_(name.contains("x") & name.not_contains("y") & name.starts_with("a") & name.ends_with("z")),
        field("born").before("2008-01-01") & field("born").after(NOW) & field("lastEmailOpenAt").within_last("30 days"),
        name.matches("^D") | name.not_matches("^D"),
        field("event.cart").eq(field("trigger.cart")),
    ]


def changes() -> list[jf.Change | jf.Chain]:
    """Write changes in all ways there are."""
    return [
        tag.add("vip"),
        tag.remove("trial"),
        Chain.enroll("second-order"),
        Chain.exit("trial", "winback"),
        Chain.exit_this(),
        Chain.exit_others(),
        Chain.exit_all(),
        Chain.forget(),
        field("plan").set("{{ trigger.plan }}"),
        field("plan").unset(),
        field("visits").increment(),
        field("visits").increment(2.5),
        field("seen").append({"at": "{{ enrollment.entered_at }}"}),
    ]


def entries() -> list[Journey]:
    """Write in all ways who enters, who may come again, and how many."""
    triggers = [
        Trigger.list_subscribed("news"),
        Trigger.list_unsubscribed(),
        Trigger.tag_added("vip", where=field("plan").eq("paid")),
        Trigger.tag_removed(),
        Trigger.field_changed("plan"),
        Trigger.message("opened", template="t", channel="EMAIL"),
        Trigger.website("pageView", where=field("event.url").contains("/cart")),
        Trigger.revenue(5_000),
        Trigger.journey_completed("welcome"),
        Trigger.every("1 day", list="news", size=(50, 100), window=jf.Window("MON"), times=2, within="30 days"),
        Trigger(pull=jf.Pull("1 hour")),
    ]
    policies = [
        jf.Reentry.never(),
        jf.Reentry.always(key="event.cart"),
        jf.Reentry.after("1 day"),
        jf.Reentry.restart(key="event.cart"),
    ]
    limits = jf.Limits(per_hour=100, per_day=1_000, over="drop")
    return [
        Journey(
            "j", trigger=trigger, reentry=policy, limits=limits, holdout=10, goal=jf.Goal("x", within="1 day"), steps=[]
        )
        for trigger in triggers
        for policy in policies
    ]


def steps() -> list[jf.Send | jf.Wait | jf.Condition | jf.Split | jf.Update | jf.End]:
    """Write every kind of step."""
    return [
        Send("hello", channel="EMAIL", template="t", data={"n": 1}, window=jf.Window("MON-FRI", "09:00", "17:00")),
        Send("code", channel="SMS", template="t", transactional=True, cancel_on_exit=False, expires="1 hour"),
        Wait("a", "3 days"),
        Wait("b", timedelta(hours=1), window=jf.Window(None, "22:00", "06:00")),
        Wait("c", jf.Duration.parse("P3D"), name="Breathe", notes="not too long"),
        Wait("d", relativedelta(months=1)),
        Wait("e", until="MON-FRI 09:00"),
        Wait("f", until=jf.Until("09:00", ["SAT", "SUN"])),
        Wait("g", at=NOW),
        Wait("h", field="birthday", offset="-3 days", every="year", on_missing=[End("no birthday")], on_past="done"),
        Wait("i", event="order.placed", where=rules()[0], timeout="2 days", on_event="done", on_timeout=[End("late")]),
        Wait("j", event="message.opened", any_message=True),
        Condition("k", rules()[0], yes=[Wait("l", "1 day")], no="done"),
        Condition("m", branches=[branch(rules()[0], "done", "first"), jf.branch(rules()[1])], otherwise="done"),
        Split("n", arm(50, [Wait("o", "1 day")], "A"), jf.arm(49.5, "done"), arm(0.5)),
        Update("p", *changes(), next="done"),
        End("done", "finished"),
    ]


def changed(engine: Engine, journey: Journey) -> answers.Bulk:
    """Change what runs in all ways there are."""
    engine.publish(journey, at=NOW, rollback=True)
    info = engine.edit("j", at=NOW, name="Jay", description="first", notes="!")
    versions: tuple[answers.VersionInfo, ...] = engine.versions(info.id)
    steps: tuple[answers.StepInfo, ...] = engine.set_published("j", {"hello": False}, at=NOW)
    sends: tuple[answers.SendInfo, ...] = engine.sends("j", disabled=True, unpublished=True)
    assert versions[0].active or steps == engine.steps("j", version=1) or sends[0].published or info.enabled
    engine.enable("j", at=NOW)
    engine.disable("j", at=NOW)
    engine.clone("j", "k", at=NOW, name="Kay")
    copied: answers.Copied = engine.copy_to("acme", "j", at=NOW, to="l", templates=lambda name: f"new {name}")
    engine.copy_to("acme", "j", at=NOW, to="m", data=lambda place, _: "gateway" if place == "gateway" else None)
    lost: tuple[answers.Reset, ...] = copied.reset
    assert lost[0].path or copied.templates
    engine.resume("j", at=NOW, overdue="shift", allow_jump=True)
    done: answers.Migration = engine.migrate("j", 2, {"hello": "greeting", "rest": None}, at=NOW, dry_run=True)
    moved: tuple[answers.Moved, ...] = done.moves
    assert moved[0].people <= done.people
    assert jf.CannotMigrate("j", 2, {"hello": ["ann"]}).people["hello"]
    engine.delete("k")
    engine.purge("j")
    engine.remove("j", at=NOW, allow_jump=True)
    return engine.bulk("clone", ["a", "b"], at=NOW, suffix=" 2", to={"a": "c"}.__getitem__)


def edited(journey: Journey) -> Journey:
    """Edit a journey in all ways there are."""
    journey = jf.add_step(journey, Wait("more", "1 day"), after="hello")
    journey = jf.add_step(jf.add_step(journey, End("x"), after="n", way="A"), Wait("y", "1 day"), before="hello")
    journey = jf.update_step(journey, "more", duration="2 days", name="More")
    journey = jf.remove_step(jf.replace_step(journey, Wait("more", until="09:00")), "more", to="done")
    journey = jf.reorder_steps(journey, [step.id for step in journey.steps])
    journey = jf.update_journey(journey, name="More", trigger=jf.Trigger("go"))
    journey = jf.rename_step(journey, "done", "over")
    lists: tuple[tuple[answers.OutlineStep, ...], ...] = jf.outline(journey)
    assert lists[0][0].number == 1
    return jf.replace_steps(journey, steps())


def journey() -> Journey:
    """Write a journey with every option."""
    return Journey(
        id="j",
        steps=steps(),
        trigger=Trigger("member.created", where=rules()[0]),
        name="n",
        description="d",
        notes="n",
        tenant="acme",
        timezone="Europe/Paris",
        customer_timezone=True,
        run_criteria=rules()[1],
        reentry=jf.Reentry.after("90 days"),
        exits=[jf.Exit("bought", event="order.placed", where=rules()[0]), jf.Exit("paid", when=rules()[1])],
        goal=jf.Goal("order.placed", where=rules()[0], within="7 days", exit=True, any_message=False),
        consent="required",
        max_visits=100,
    )


def other_journeys() -> list[Journey]:
    """Write the short forms."""
    return [
        Journey(id="a", steps=[]),
        Journey(id="b", steps=[End("done")], trigger=Trigger(manual=True), reentry="always"),
        loads_journey(dumps_journey(journey(), indent=None)),
    ]


def what_is_wrong(definition: Journey) -> list[tuple[str, str, str, str]]:
    """Ask for problems."""
    found: tuple[jf.Problem, ...] = jf.problems(definition)
    return [(each.code, each.severity, each.path, each.message) for each in found]


def policies() -> jf.Policies:
    """Write caps and quiet hours."""
    caps = [
        jf.Cap(3, per="day", channel="EMAIL", over="defer"),
        jf.Cap(5, within="7 days"),
        jf.Cap(None, within=timedelta(hours=3)),
    ]
    quiet = [jf.QuietHours("22:00", "08:00"), jf.QuietHours("00:00", "24:00", weekdays="SUN", channel="SMS")]
    return jf.Policies(
        caps=caps, quiet=quiet, timezone="Europe/Paris", retries={"EMAIL": jf.Retry(["1 minute", "1 hour"])}
    )


def set_them(engine: jf.Engine) -> list[jf.Policies]:
    """Set policies, and ask for them."""
    engine.set_policies(policies(), at=NOW)
    return [engine.policies(), engine.policies(at=NOW)]


# --- the engine -------------------------------------------------------------------------------------------------------


def deliver(message: jf.Message) -> None:
    """Deliver a message."""
    data: Mapping[str, object] = message.data
    print(message.id, message.channel, message.template, data, message.attempts, message.token)  # noqa: T201 never run
    if not data:
        raise Undeliverable(message.id)


def opening(store: Store) -> list[Engine]:
    """Open an engine in all ways there are."""
    return [
        Engine("journeys.db", channels={"EMAIL": deliver}, grace="10 minutes", max_jump=timedelta(days=30)),
        Engine(Path("journeys.db"), grace=None, max_jump=None, batch_size=500, dedup_days=30),
        Engine(jf.MemoryStore(nonce="n")).tenant("acme"),
        Engine(store),
    ]


def closing(engine: Engine) -> None:
    """Close an engine in both ways."""
    with engine as same:
        same.close()


def lifecycle(engine: Engine) -> list[str]:
    """Take a journey through its states."""
    version: int = engine.publish(journey(), at=NOW, rollback=True) + engine.deploy(journey(), at=NOW)
    deployed: answers.PublishedVersion = engine.deploy(journey(), at=NOW, rollback=not version)
    ended: int = engine.archive("j", at=NOW) + deployed.newest
    states = [engine.activate("j", at=NOW), engine.pause("j", at=NOW), engine.resume("j", at=NOW, overdue="run")]
    definition: Journey = engine.definition("j", version=version + ended)
    every: dict[str, Journey] = engine.definitions()
    return [each.status for each in states] + [definition.id, *every]


def inputs(engine: Engine) -> None:
    """Give the engine every kind of input."""
    with engine.settle(NOW, allow_jump=True) as settled:
        engine.exit("j", "ann", at=NOW)
    handled: tuple[answers.Handled, ...] = settled.outcomes
    assert isinstance(settled, answers.Settling)
    with engine.cycle(NOW, worker="w", channels=["EMAIL"], limit=9, lease="1 hour", allow_jump=True) as cycle:
        engine.feed(jf.Event("e", customer="c", at=NOW))
    cycled: jf.TickResult = cycle.result
    claimed: answers.RowTuple[jf.Message] = cycle.messages
    assert isinstance(cycle, answers.Cycling)
    assert cycled.inputs == len(claimed)
    assert [each.refusal for each in handled], [each.serial for each in (*settled.entered, *settled.ended)]
    with engine.batch():
        engine.put_customer("c1", {"email": "a@example.com", "consent": {"EMAIL": True}}, at=NOW, replace=True)
        engine.put_customers([("c1", {}), ("c2", {})], at=NOW)
        engine.put_customers({"c1": {}}, at=NOW)
        engine.feed(Event("order.placed", customer="c1", at=NOW, id="e1", data={"amount": 5}))
        engine.feed(Event("x", customer=str(n), at=NOW) for n in range(9))
    engine.enroll("j", "c1", at=NOW, force=True)
    engine.enroll("j", ["c1", "c2"], at=NOW, key="cart-7")
    waiting: jf.Page[answers.DeferredEntry] = engine.deferred("j", customer="c1", skip=0, take=9, after=None)
    waiting.items[0].at.isoformat()
    engine.exit("j", "c1", at=NOW, reason="asked to")
    engine.retry(engine.enrollments(status="FAILED").items, at=NOW)
    engine.retry(("welcome", "c1"), at=NOW)
    message: jf.Message | None = engine.find_message("k3-1-1")
    opened: dict[str, int] = {kind: each.total for kind, each in engine.message("k3-1-1").engagement.items()}
    aside: tuple[answers.SetAside, ...] = engine.set_aside(take=10, after=None).items
    engine.retry(aside, at=NOW)
    odd: jf.Page[answers.Unreadable] = engine.unreadable(skip=0, take=9, after=None)
    stray: tuple[jf.Event | answers.Answer, ...] = engine.unmatched(take=10, after=None).items
    assert message, (opened, stray, odd[0].value)


def ticking(engine: Engine) -> tuple[int, datetime | None, datetime | None]:
    """Tick and deliver."""
    result: jf.TickResult = engine.tick(NOW, limit=100, allow_jump=True)
    messages: tuple[jf.Message, ...] = engine.claim("w", at=NOW, channels=["EMAIL"], limit=10, lease="5 minutes")
    engine.ack(messages, at=NOW)
    engine.ack(messages[0], at=NOW)
    engine.ack("db-1-1", at=NOW)
    engine.nack(messages, at=NOW, error="no such address", permanent=True)
    taken: int = engine.requeue(channel="EMAIL", error="no such", at=NOW) + engine.requeue(messages, at=NOW)
    given_back: int = engine.release(messages)
    engine.hold_channel("EMAIL", at=NOW)
    engine.release_channel("EMAIL", at=NOW)
    since: Mapping[str, datetime] = engine.held_channels(at=NOW)
    counts = (
        taken
        + given_back
        + len(engine.messages(error="no such")[0].error)
        + len(since)
        + result.inputs
        + result.entered
        + result.moves
        + result.messages
        + result.refused
        + result.late
    )
    return counts + result.delivered + result.failed + result.more, result.next_due, engine.next_due()


def questions(engine: Engine) -> list[object]:
    """Ask everything that can be asked."""
    info: answers.JourneyInfo = engine.journey("j")
    found: jf.Enrollment | None = engine.find_enrollment("j", "c1", run=1)
    page: jf.Page[jf.Enrollment] = engine.enrollments("j", status="ACTIVE", customer="c1", skip=0, take=9, after=3)
    engine.enrollments(status=["ACTIVE"], step="s", version=1, order="due", descending=True, fields=["email"])
    people: jf.Page[answers.Person] = engine.people(
        "j", "hello", now=True, did="opened", did_not=["clicked"], match="any"
    )
    engine.people("j", "hello", order="email", descending=True, skip=1, take=2, after=people.cursor, fields=["email"])
    first: dict[str, answers.Engagement] = dict(people.items[0].did)
    customer: jf.Customer | None = engine.find_customer("c1", pending=True)
    visits: tuple[jf.Visit, ...] = engine.enrollment("j", "c1").visits
    told: answers.Explanation = engine.explain("j", "c1", run=2, key="k")
    text = str(engine.explain(told.enrollment))
    decisions: list[answers.Decision] = [told.entry, *told.visits]
    refused: answers.WhyNot = engine.why_not("j", "c1", at=NOW)
    verdict: bool = refused.would_enter and engine.why_not(told.enrollment).would_enter
    then: jf.Enrollment = engine.at("j", "c1", instant=NOW, run=1, key="k")
    life: answers.Timeline = engine.timeline(engine.at(then, instant=NOW).customer, since=NOW, until=NOW, take=9)
    moment: answers.Moment = life.moments[0]
    ended: int = engine.forget("c1", at=NOW)
    ended += engine.forget(["c1"], at=NOW, scrub=False, allow_jump=True)
    ended += engine.prune(NOW, journey="j", dry_run=True, progress=lambda _done, _of: None).enrollments
    pruned: answers.PruneResult = engine.prune(NOW, all_tenants=True)
    ended += pruned.inputs
    engine.vacuum()
    drawn: str = engine.renew_nonce()
    engine.renew_nonce(f"{drawn}-2")
    job: answers.ExportJob = engine.submit_export(at=NOW, since="2026-01-01", status="ACTIVE", include_steps=True)
    worked: int = engine.work_exports(at=NOW, limit=job.id)
    engine.download_export(engine.export_job(worked).id).splitlines()
    engine.export_customer("c1").keys()
    wrong: list[str] = engine.audit()
    infos: jf.Page[answers.JourneyInfo] = engine.journeys(status="ACTIVE", trigger="member.created", descending=True)
    some: jf.Page[answers.JourneyInfo] = engine.journeys(order="name", skip=1, take=10)
    engine.journeys(take=10, after=some.cursor)
    names: list[str] = [some[0].id, *(each.id for each in some if some.more and len(some) > 1)]
    engine.enrollments(take=None), engine.messages(names[0], take=None), engine.timeline("c1", take=None)
    counts: tuple[answers.RefusalCount, ...] = engine.refusals("j")
    barred: jf.Page[answers.RefusedEntry] = engine.refused("j", reason=counts[0].reason, customer="c1", take=None)
    engine.refused(after=barred.cursor)
    newest: answers.Latest[jf.Enrollment] = engine.latest_enrollments("j", step="a", take=5, after=None)
    lost: answers.Latest[jf.Message] = engine.latest_messages("j", failed=True, after=newest.cursor)
    [each.customer for each in newest] + [each.customer for each in lost]
    trail: answers.Latest[answers.AuditEntry] = engine.audit_trail("j", take=5)
    [entry.text for entry in trail if entry.kind == "state"]
    engine.customer_ids("a", take=len(trail))[0].upper()
    sent: jf.Page[jf.Message] = engine.messages("j", customer="c1", status="SENT", skip=1, take=2)
    engine.messages(run=1, step="hello", channel="EMAIL", status=["SENT", "QUEUED"])
    return [
        info,
        found,
        page,
        first,
        moment,
        decisions,
        verdict,
        customer,
        visits,
        text,
        wrong,
        infos,
        sent,
        engine.customer("c1"),
        engine.store,
    ]


def numbers(engine: Engine) -> list[object]:
    """Ask for figures of every kind."""
    stats: answers.JourneyStats = engine.stats(
        "j", at=NOW, since="2026-01-01", until=NOW.date(), step="s", domain="a.org"
    )
    people: answers.PeopleStats | None = stats.people
    messages: answers.MessageStats | None = stats.messages
    step: answers.StepStats = stats.by_step["s"]
    days: tuple[answers.DayStats, ...] = (*stats.daily, *step.daily)
    opened: answers.Count | None = None if messages is None else messages.opened
    rate: float | None = None if messages is None else messages.open_rate
    last: datetime | None = engine.last_counted()
    every: tuple[answers.JourneyStats, ...] = engine.all_stats(at=last or NOW, channel="EMAIL")
    domains = [each.sent.unique for each in engine.domain_stats("j", at=NOW).values()]
    benchmark: answers.Benchmark = engine.benchmark(at=NOW)
    results: answers.Results = engine.results("j", confidence=0.9)
    taken: answers.TimeToEnd = engine.time_to_end("j")
    lengths: tuple[answers.EndedWithin, ...] = taken.lengths
    rows: answers.RowTuple[answers.JourneyStats] = engine.all_stats(at=NOW)
    drawn: tuple[str, ...] = (results.chart().svg, taken.chart().svg, stats.funnel().svg)
    page: str = engine.report("j", at=NOW, since="2026-01-01", until=None).to_html() + str(engine.report(at=NOW))
    assert lengths, (drawn, page, rows.to_dicts())
    split: answers.SplitResults = results.splits["test"]
    groups: tuple[answers.Group, ...] = split.arms
    comparison: answers.Comparison = split.comparisons[0]
    interval: answers.Interval | None = comparison.interval
    ratio: answers.SampleRatio = split.ratio
    strata: tuple[answers.Stratum, ...] = (*results.strata, *split.strata)
    return [people, days, opened, rate, every, domains, benchmark, groups, interval, ratio.sentence, strata]


def errors(engine: Engine) -> list[str]:  # noqa: PLR0911 one for each family of errors
    """Meet every error."""
    try:
        engine.tick(NOW)
    except jf.InvalidJourney as error:
        return [problem.message for problem in error.problems]
    except jf.InvalidInput as error:
        return [*error.faults, str(error.accepted)]
    except (jf.Conflict, jf.Forbidden) as error:
        return [error.journey, error.state]
    except jf.NotFound as error:
        return [error.kind]
    except (CorruptDatabase, ForeignDatabase, NewerSchema, ReadOnlyDatabase) as error:
        return [error.path]
    except (jf.ClockJump, MissingExtra, jf.StorageError, jf.JourneyflowError) as error:
        return [str(error)]
    return []


# --- around it --------------------------------------------------------------------------------------------------------


def the_past(folder: Path) -> Backtest:
    """Run journeys on the events of the past."""
    return backtest(
        [journey()],
        events=folder / "events.csv",
        customers="customers.csv",
        until=NOW,
        db=folder / "run.db",
        export="out",
        progress=lambda phase, done, of: f"{phase}: {done} of {of}",
    )


def a_life(life: Life) -> list[str]:
    """Play a life."""
    played: Played = run([journey()], life, grace=None, batch_size=10)
    return [message.template for message in played.messages(template="t", channel="EMAIL", customer="c")]
