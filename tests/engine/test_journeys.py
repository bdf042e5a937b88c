"""The calls that change journeys: versions and rollbacks, flags, deleting and purging, copies, many at once."""

from datetime import timedelta

import pytest

from journeyflow import (
    Chain,
    Condition,
    Conflict,
    End,
    Engine,
    Exit,
    Forbidden,
    Goal,
    InvalidInput,
    InvalidJourney,
    Journey,
    Message,
    NotFound,
    Split,
    Trigger,
    Update,
    Wait,
    all_of,
    any_of,
    arm,
    branch,
    field,
    not_,
    tag,
)
from journeyflow.answers import Reset
from journeyflow.errors import JourneyflowError
from tests.samples import START, STORES, Host, after, mail, open_engine

DAY = timedelta(days=1)


ENGINE = {"grace": None}


def journey(*steps, **options):
    """Make a journey "j" that is entered by "go"."""
    return Journey(**{"id": "j", "trigger": Trigger("go"), "steps": steps, **options})


def everything(engine: Engine) -> dict[str, int]:
    """Count the rows of every table."""
    with engine.store.reader() as reader:
        names = [name for (name,) in reader.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: reader.rows(f"SELECT count(*) FROM {name}")[0][0] for name in names}


# --- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.rows(12)
def test_a_journey_is_updated_by_every_change(host):
    """F12: a version, a text, a state, a flag; what changes nothing is no update."""
    host.engine.publish(journey(mail("a"), mail("b")), at=START)
    changes = [
        lambda at: host.engine.enable("j", at=at),
        lambda at: host.engine.set_published("j", {"a": False}, at=at),
        lambda at: host.engine.disable("j", at=at),
        lambda at: host.engine.edit("j", at=at, name="J"),
        lambda at: host.engine.publish(journey(mail("c")), at=at),
    ]
    for number, change in enumerate(changes, 1):
        change(after(f"{number} hours"))
        assert host.engine.journey("j").updated_at == after(f"{number} hours")
    host.engine.edit("j", at=after("9 hours"), name="")
    host.engine.set_published("j", {"a": False}, at=after("9 hours"))
    assert host.engine.journey("j").updated_at == after("5 hours")


@pytest.mark.rows(92)
def test_late_work_sees_the_version_of_its_own_instant_also_around_a_rollback(host):
    """R11, R12: version 2 was the newest between its publication and the rollback to version 1, and stays so."""
    host.deploy(mail("one"))
    host.engine.publish(journey(mail("two")), at=after("1 day"))
    host.engine.publish(journey(mail("one")), at=after("2 days"), rollback=True)
    for number, length in enumerate(["12 hours", "36 hours", "60 hours"]):
        host.feed("go", length, f"c{number}")
    host.tick("3 days")
    assert [each.version for each in host.engine.enrollments("j").items] == [1, 2, 1]
    assert [each.step for each in host.engine.messages("j").items] == ["one", "two", "one"]
    assert host.engine.journey("j").version == 1
    assert host.engine.publish(journey(mail("three")), at=after("4 days")) == 3


@pytest.mark.rows(12, 92)
def test_versions_tell_when_they_were_published_and_who_is_in_them(host):
    """R12: a version that came back has two instants of publication."""
    host.deploy(Wait("rest", "9 days"))
    host.feed("go", START, "ann")
    host.tick()
    host.engine.publish(journey(mail("two")), at=after("1 day"))
    host.feed("go", "1 day", "bob")
    host.tick("1 day")
    host.engine.publish(journey(Wait("rest", "9 days")), at=after("2 days"), rollback=True)
    told = [
        (each.version, each.created_at, each.published_at, each.newest, each.active, each.enrolled)
        for each in host.engine.versions("j")
    ]
    assert told == [(1, START, after("2 days"), True, 1, 1), (2, after("1 day"), after("1 day"), False, 0, 1)]
    with pytest.raises(NotFound, match="no journey 'k'"):
        host.engine.versions("k")


def test_versions_count_those_kept_out_apart(host):
    """R25, R81: each version, as the journey does."""
    for holdout, since in ((50, 0), (20, 1)):
        host.deploy(Wait("rest", "9 days"), goal=Goal("buy", within="1 day"), holdout=holdout, when=f"{since} days")
        for n in range(20):
            host.feed("go", f"{since} days", f"c{since}{n}")
        host.tick(f"{since} days")
    info, versions = host.engine.journey("j"), host.engine.versions("j")
    assert [each.enrolled + each.holdout for each in versions] == [20, 20]
    assert (sum(each.enrolled for each in versions), sum(each.holdout for each in versions)) == (
        info.enrolled,
        info.holdout,
    )
    assert all(each.enrolled == each.active > 0 < each.holdout for each in versions)


@pytest.mark.rows(4, 5, 6, 12, 93)
def test_name_description_and_notes_are_edited_in_place(host):
    """R12: while the journey is ACTIVE too; no version arises, people inside notice nothing."""
    host.deploy(Wait("rest", "9 days"))
    host.feed("go")
    host.tick()
    info = host.engine.edit("j", at=after("1 day"), name="Jay", notes="by hand")
    assert (info.name, info.description, info.notes, info.version) == ("Jay", "", "by hand", 1)
    assert (info.created_at, info.published_at, info.updated_at) == (START, START, after("1 day"))
    info = host.engine.edit("j", at=after("2 days"), description="first", name="")
    assert (info.name, info.description, info.notes) == ("", "first", "by hand")
    assert host.engine.edit("j", at=after("3 days"), description="first").updated_at == after("2 days")
    assert host.engine.definition("j").description == "first"
    assert (
        host.engine.publish(journey(Wait("rest", "9 days"), description="first", notes="by hand"), at=after("4 days"))
        == 1
    )
    assert host.engine.enrollment("j", "c1").status == "ACTIVE"


def test_what_cannot_be_edited(host):
    """R11, R13, R84: texts that are none, an archived journey, an unknown one."""
    host.deploy(mail("one"))
    with pytest.raises(InvalidJourney, match="name: the name must be text"):
        host.engine.edit("j", at=START, name=5)
    with pytest.raises(NotFound):
        host.engine.edit("k", at=START, name="x")
    host.engine.archive("j", at=START)
    with pytest.raises(
        Conflict, match="journey 'j' is ARCHIVED and cannot become edited; an archived journey is final"
    ):
        host.engine.edit("j", at=START, name="x")


@pytest.mark.rows(10, 11, 13, 89)
def test_states_have_instants_and_octeths_names(host):
    """R11: activated_at is the first activation; Enabled is ACTIVE, Disabled is DRAFT or PAUSED."""
    engine = host.engine
    engine.publish(journey(mail("one")), at=START)
    assert not engine.journey("j").enabled
    assert engine.enable("j", at=after("1 hour")).enabled
    assert not engine.disable("j", at=after("2 hours")).enabled
    info = engine.enable("j", at=after("3 hours"))
    assert (info.activated_at, info.paused_at, info.resumed_at, info.archived_at) == (
        after("1 hour"),
        after("2 hours"),
        after("3 hours"),
        None,
    )
    assert [each.id for each in engine.journeys(status="Enabled")] == ["j"]
    assert not engine.journeys(status="Disabled")
    engine.disable("j", at=after("4 hours"))
    engine.publish(journey(id="k"), at=START)
    assert [(each.id, each.status) for each in engine.journeys(status="Disabled")] == [("j", "PAUSED"), ("k", "DRAFT")]
    engine.archive("j", at=after("5 hours"))
    assert engine.journey("j").archived_at == after("5 hours")
    assert not engine.journeys(status="Enabled")


@pytest.mark.rows(97, 98)
def test_what_is_enabled_is_not_enabled_again(host):
    """R11: Octeth's conflict, each naming the state; an archived journey is neither."""
    engine = host.engine
    engine.publish(journey(mail("one")), at=START)
    with pytest.raises(Conflict, match=r"^journey 'j' is disabled already"):
        engine.disable("j", at=START)
    engine.enable("j", at=START)
    with pytest.raises(Conflict, match=r"^journey 'j' is enabled already"):
        engine.enable("j", at=START)
    engine.disable("j", at=START)
    with pytest.raises(Conflict, match=r"^journey 'j' is disabled already"):
        engine.disable("j", at=START)
    engine.archive("j", at=START)
    with pytest.raises(Conflict, match="is ARCHIVED and cannot become enabled"):
        engine.enable("j", at=START)


# --- flags ------------------------------------------------------------------------------------------------------------


@pytest.mark.rows(57, 111, 223)
def test_an_unpublished_step_is_passed_through(host):
    """R17: everybody from its instant on passes it, in every version; it acts again once it is published."""
    host.deploy(Wait("rest", "1 day"), mail("hello"), End("done"))
    host.feed("go", START, "ann")
    host.tick()
    host.engine.publish(journey(mail("hello"), mail("more")), at=after("1 hour"))
    host.engine.set_published("j", {"hello": False}, at=after("2 hours"))
    host.feed("go", "3 hours", "bob")
    host.feed("go", "90 minutes", "early")
    host.tick("2 days")
    assert host.path("ann") == ["rest elapsed", "hello SKIPPED", "done"], "she entered before, and comes there later"
    assert host.path("bob") == ["hello SKIPPED", "more queued", "end"]
    assert host.path("early") == ["hello queued", "more queued", "end"], "the flag acts from its instant on"
    host.engine.set_published("j", {"hello": True}, at=after("2 days"))
    host.feed("go", "2 days", "cid")
    host.tick("2 days")
    assert host.path("cid") == ["hello queued", "more queued", "end"]
    assert host.engine.audit() == []
    assert "hello: skipped" in str(host.engine.explain("j", "bob"))


@pytest.mark.rows(50, 51, 52, 53, 54, 55, 56, 57, 118)
def test_steps_are_listed_with_their_flags(host):
    """F118: by the order of the definition, numbered from 1, the trigger not counted."""
    host.deploy(Wait("rest", "1 day", name="Breathe", notes="not too long"), mail("hello"))
    told = host.engine.set_published("j", {"rest": False, "hello": True}, at=START)
    assert told == host.engine.steps("j")
    assert [(each.number, each.id, each.kind, each.name, each.notes, each.published) for each in told] == [
        (1, "rest", "wait", "Breathe", "not too long", False),
        (2, "hello", "send", "", "", True),
        (3, "end", "end", "", "", True),
    ]
    assert told[0].definition == host.engine.definition("j").steps[0]
    host.engine.publish(journey(mail("other")), at=START)
    assert [each.id for each in host.engine.steps("j")] == ["other", "end"]
    assert [each.id for each in host.engine.steps("j", version=1)] == ["rest", "hello", "end"]
    with pytest.raises(NotFound):
        host.engine.steps("j", version=3)


def test_an_unpublished_choice_is_left_where_its_branches_rejoin(host):
    """R17: nobody goes into a branch."""
    host.deploy(
        Condition("pick", field("vip").eq(True), yes=[mail("yes")], no=[mail("no")]),
        Split("test", arm(50, [mail("a")]), arm(50, [mail("b")])),
        Wait("reply", event="x", timeout="1 day", on_event=[mail("c")], on_timeout=[mail("d")]),
    )
    host.engine.set_published("j", {"pick": False, "test": False, "reply": False}, at=START)
    host.feed("go")
    host.tick()
    assert host.path() == ["pick SKIPPED", "test SKIPPED", "reply SKIPPED", "end"]


def test_who_rests_at_an_unpublished_step_keeps_the_wake_up(host):
    """R17: a wait is waited to its end, for its event too; a Send that was held by its window is passed then."""
    from journeyflow import Window  # noqa: PLC0415 for this test alone

    host.deploy(
        Wait("rest", "1 day"),
        Wait("reply", event="x", timeout="1 day"),
        mail("hello", window=Window("MON-SUN", "09:00", "10:00")),
    )
    host.feed("go")
    host.tick()
    host.engine.set_published("j", {"rest": False}, at=after("1 hour"))
    host.tick("1 day")
    host.engine.set_published("j", {"reply": False}, at=after("25 hours"))
    host.feed("x", "30 hours")
    host.tick("30 hours")
    host.engine.set_published("j", {"hello": False}, at=after("31 hours"))
    assert host.path() == ["rest elapsed", "reply event", "hello ACTIVE"]
    host.tick("3 days")
    assert host.path() == ["rest elapsed", "reply event", "hello SKIPPED", "end"]


@pytest.mark.rows(57)
def test_messages_of_an_unpublished_step_are_kept_back(host):
    """R17, R71: a claim gives them once the step is published again; push delivery is not called for them."""
    host.deploy(mail("hello"), mail("other"))
    host.feed("go")
    host.tick()
    host.engine.set_published("j", {"hello": False}, at=START)
    assert [message.step for message in host.engine.claim("w", at=START)] == ["other"]
    host.engine.set_published("j", {"hello": True}, at=after("1 hour"))
    assert host.engine.claim("w", at=START) == (), "not as of an earlier instant"
    assert [message.step for message in host.engine.claim("w", at=after("1 hour"))] == ["hello"]


@pytest.mark.parametrize("store", STORES)
def test_nothing_is_pushed_from_an_unpublished_step(store):
    """R17, R73: the engine does not wake its host for such a message."""
    sent: list[Message] = []
    with open_engine(store, channels={"EMAIL": sent.append}) as engine:
        engine.deploy(journey(mail("hello")), at=START)
        engine.deploy(journey(Wait("w", "1 day"), mail("late"), id="k"), at=START)
        host = Host(engine)
        host.feed("go")
        engine.set_published("j", {"hello": False}, at=after("1 hour"))
        host.tick("2 hours")
        assert sent == []
        assert engine.next_due() == after("1 day")


@pytest.mark.rows(111)
def test_flags_are_all_set_or_none(host):
    """F111: one unknown step, one that cannot go, one value that is none, and nothing changes."""
    host.deploy(mail("hello"), End("done"))
    with pytest.raises(NotFound, match=r"no step 'helo' \(did you mean 'hello'\?\)"):
        host.engine.set_published("j", {"hello": False, "helo": False}, at=START)
    with pytest.raises(InvalidInput, match=r"steps\['hello'\]: must be true or false, not str 'true'"):
        host.engine.set_published("j", {"done": True, "hello": "true"}, at=START)
    with pytest.raises(InvalidJourney, match="step 'done' is an End and cannot be unpublished"):
        host.engine.set_published("j", {"hello": False, "done": False}, at=START)
    assert all(step.published for step in host.engine.steps("j"))
    with pytest.raises(NotFound, match="no journey 'k'"):
        host.engine.set_published("k", {"hello": False}, at=START)
    host.engine.archive("j", at=START)
    with pytest.raises(Conflict, match="is ARCHIVED and cannot become changed"):
        host.engine.set_published("j", {"hello": False}, at=START)


def test_a_step_that_holds_a_loop_open_cannot_be_unpublished(host):
    """R13, R17: not even where only people in an old version would go round in zero time; but once they are gone."""
    loop = (Wait("week", "1 week"), mail("hello", next="week"))
    host.deploy(*loop)
    with pytest.raises(
        InvalidJourney, match="without 'week' these steps can be walked in zero time for ever: week -> "
    ):
        host.engine.set_published("j", {"week": False}, at=START)
    host.feed("go")
    host.tick()
    host.engine.publish(journey(mail("hello"), Wait("week", "1 week")), at=START)
    with pytest.raises(InvalidJourney):
        host.engine.set_published("j", {"week": False}, at=START)
    host.engine.exit("j", "c1", at=after("1 hour"))
    host.tick("1 hour")
    assert not host.engine.set_published("j", {"week": False}, at=after("1 hour"))[1].published
    with pytest.raises(InvalidJourney, match="without 'week'"):
        host.engine.publish(journey(*loop), at=after("2 hours"), rollback=True)
    with pytest.raises(InvalidJourney, match="step 'week' is an End"):
        host.engine.publish(journey(mail("hello"), End("week")), at=after("2 hours"))


def test_a_choice_that_never_rejoins_cannot_be_unpublished(host):
    """R17: nothing follows it."""
    host.deploy(Condition("pick", field("vip").eq(True), yes=[End("y")], no=[End("n")]))
    with pytest.raises(
        InvalidJourney, match=r"steps\[0\]: step 'pick' cannot be unpublished: its branches never rejoin"
    ):
        host.engine.set_published("j", {"pick": False}, at=START)


def test_flags_never_run_backwards(host):
    """R11, R17: an earlier instant means the newest one's; what is so already writes nothing."""
    host.deploy(mail("hello"), mail("more"))
    host.engine.set_published("j", {"hello": False}, at=after("1 day"))
    host.engine.set_published("j", {"hello": True, "more": True}, at=after("1 hour"))
    host.engine.set_published("j", {"hello": True}, at=after("2 days"))
    with host.engine.store.reader() as reader:
        rows = reader.rows("SELECT n, step, published FROM flags ORDER BY n")
    assert rows == [(1, "hello", 0), (2, "hello", 1)]
    host.feed("go", "1 day")
    host.tick("1 day")
    assert host.path() == ["hello queued", "more queued", "end"]


@pytest.mark.rows(112, 113, 114, 115, 116)
def test_sends_are_listed_over_all_journeys(host):
    """F112: only of ACTIVE journeys and published steps, unless asked; a foreign journey has none.

    Whether there is such a template, and what it says, nobody asks: a row is never lost for want of one (F115).
    """
    engine = host.engine
    engine.deploy(journey(Wait("w", "1 day"), mail("b", data={"subject": "Hi"}), mail("a"), name="Jay"), at=START)
    engine.publish(journey(mail("draft"), id="d"), at=START)
    engine.tenant("other").deploy(journey(mail("foreign"), id="f"), at=START)
    engine.set_published("j", {"a": False}, at=START)
    (send,) = engine.sends()
    assert (send.journey, send.journey_name, send.number, send.step, send.channel, send.template) == (
        "j", "Jay", 2, "b", "EMAIL", "b",
    )  # fmt: skip
    assert (dict(send.data), send.published, send.status) == ({"subject": "Hi"}, True, "ACTIVE")
    assert [(each.step, each.published) for each in engine.sends(unpublished=True)] == [("b", True), ("a", False)]
    assert [each.step for each in engine.sends(disabled=True)] == ["draft", "b"]
    assert engine.sends("f") == engine.sends("nothing") == ()
    assert [each.step for each in engine.sends("d", disabled=True)] == ["draft"]


# --- taking away ------------------------------------------------------------------------------------------------------


@pytest.mark.rows(95)
def test_only_a_draft_is_deleted(host):
    """R15: from any other state a conflict says what to do instead."""
    engine = host.engine
    engine.publish(journey(mail("one")), at=START)
    empty = everything(engine)
    engine.publish(journey(mail("one"), id="k"), at=START)
    engine.delete("k")
    assert everything(engine) == empty
    with pytest.raises(NotFound):
        engine.journey("k")
    with pytest.raises(Conflict, match="is DRAFT and cannot become purged; delete it instead"):
        engine.purge("j")
    for call, remedy in (("activate", "archive it, then purge it"), ("pause", "archive it, then purge it")):
        getattr(engine, call)("j", at=START)
        with pytest.raises(Conflict, match=f"cannot become deleted; {remedy}"):
            engine.delete("j")
        with pytest.raises(Conflict, match="cannot become purged; archive it first"):
            engine.purge("j")
    engine.archive("j", at=START)
    with pytest.raises(Conflict, match="is ARCHIVED and cannot become deleted; purge it instead"):
        engine.delete("j")


@pytest.mark.rows(225, 102, 136)
def test_a_purged_journey_leaves_nothing_behind(host):
    """R15: all it recorded is gone; customers, inputs and other journeys stay, and no number is given again."""
    engine = host.engine
    engine.deploy(journey(mail("x"), id="other"), at=START)
    before = everything(engine)
    engine.deploy(journey(mail("hello"), Wait("rest", "9 days")), at=START)
    engine.set_published("j", {"rest": True}, at=START)
    host.feed("go", START, "ann")
    host.feed("go", "1 hour", "ann")
    host.tick("1 hour")
    (message,) = engine.claim("w", at=after("1 hour"), channels=["EMAIL"], limit=1)
    assert engine.archive("j", at=after("1 day")) == 1
    engine.purge("j")
    gone = {name for name, count in everything(engine).items() if count != before[name]}
    gone -= {"customers", "inputs", "sqlite_sequence", "meta"}  # meta: the instant of the last tick
    assert gone == {"enrollments", "moves", "paths", "messages", "refusals", "last_refusals", "counters"}, (
        "of the other journey"
    )
    with engine.store.reader() as reader:
        assert reader.rows("SELECT DISTINCT journey FROM enrollments") == [(1,)]
    engine.ack(message, at=after("2 days"))
    host.tick("9 days")
    engine.deploy(journey(mail("hello")), at=after("9 days"))
    host.feed("go", "9 days", "bob")
    host.tick("9 days")
    with engine.store.reader() as reader:
        assert reader.rows("SELECT outcome FROM inputs WHERE kind = 'ack'") in ([("unmatched",)], [("handled",)])
        assert reader.rows("SELECT number FROM journeys ORDER BY 1") == [(1,), (3,)]
        assert reader.rows("SELECT number FROM versions ORDER BY 1") == [(1,), (3,)]
    assert engine.enrollment("j", "bob").run == 1
    assert engine.audit() == []


def test_what_was_told_of_a_journey_that_is_gone(host):
    """R10, R15: enrollments and exits that wait in the inbox find nothing, and harm nothing."""
    engine = host.engine
    engine.deploy(journey(mail("hello")), at=START)
    engine.enroll("j", "ann", at=after("2 days"))
    engine.exit("j", "ann", at=after("2 days"))
    engine.remove("j", at=after("1 day"))
    host.tick("3 days")
    with engine.store.reader() as reader:
        rows = reader.rows("SELECT kind, outcome FROM inputs ORDER BY seq")
    assert rows == [("enroll", "refused: unknown journey"), ("exit", "not inside")]


@pytest.mark.rows(94)
@pytest.mark.parametrize("calls", [[], ["activate"], ["activate", "pause"], ["activate", "archive"]])
def test_remove_takes_a_journey_away_in_any_state(host, calls):
    """R15: Octeth's delete."""
    host.engine.publish(journey(Wait("rest", "9 days")), at=START)
    for call in calls:
        getattr(host.engine, call)("j", at=START)
    host.engine.remove("j", at=after("1 day"))
    assert not host.engine.journeys()
    assert {name for name, count in everything(host.engine).items() if count} <= {"meta", "sqlite_sequence"}


# --- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.rows(103)
def test_a_clone_has_the_same_graph_and_nothing_else(host):
    """R18: another id, DRAFT, the trigger kept, unpublished steps too; no enrollment; the notes say of what."""
    host.deploy(mail("hello"), Wait("rest", "9 days"), name="Jay", notes="old")
    host.feed("go")
    host.tick()
    host.engine.set_published("j", {"hello": False}, at=START)
    info = host.engine.clone("j", "k", at=after("1 day"), name="Kay")
    assert (info.id, info.name, info.status, info.notes, info.enrolled) == (
        "k",
        "Kay",
        "DRAFT",
        "Copy of journey Jay",
        0,
    )
    assert (info.trigger, info.created_at, info.version) == ("go", after("1 day"), 1)
    assert host.engine.definition("k").steps == host.engine.definition("j").steps
    assert [step.published for step in host.engine.steps("k")] == [False, True, True]
    assert host.engine.clone("j", "l", at=START).name == "Copy of Jay"
    with pytest.raises(Conflict, match="journey 'k' is DRAFT and cannot become a copy of 'j'; that id is taken"):
        host.engine.clone("j", "k", at=START)
    with pytest.raises(InvalidJourney, match="id"):
        host.engine.clone("j", "", at=START)
    with pytest.raises(NotFound):
        host.engine.clone("nothing", "m", at=START)


@pytest.mark.rows(105, 76)
def test_a_copy_for_another_tenant_loses_what_belongs_to_the_first(host):
    """R18: DRAFT and Manual; lists, tags and journeys reset and reported, templates mapped, each asked for once."""
    engine, asked = host.engine, []

    def template(name):
        asked.append(name)
        return f"new {name}"

    engine.deploy(
        journey(
            mail("hello"),
            mail("again", template="hello"),
            Update("tagged", tag.add("vip"), field("plan").set("x")),
            Update("plain", field("plan").set("y")),
            Update("gone", Chain.enroll("k")),
            Update("half", Chain.exit("k", "l"), Chain.exit_others(), field("plan").set("z")),
            Wait("reply", event="list.subscribed", where=field("event.list").eq("L1") & field("event.list").ne(1)),
            Condition("pick", branches=[branch(any_of(tag.contains("vip"), not_(field("lists").contains("L2"))))]),
            Split("test", arm(100)),
            name="Jay",
            tenant=None,
            run_criteria=all_of(field("tags").in_(["a", "b"]), field("plan").eq("x")),
            exits=[Exit("out", when=tag.contains("out")), Exit("bought", event="order", where=field("event.n").gt(1))],
            goal=Goal("journey.completed", where=field("event.journey").eq("k"), within="1 day"),
        ),
        at=START,
    )
    engine.set_published("j", {"plain": False}, at=START)
    copied = engine.copy_to("acme", "j", at=after("1 day"), templates=template)
    assert asked == ["hello"]
    assert copied.templates == {"hello": "new hello"}
    assert (copied.tenant, copied.journey) == ("acme", "j")
    assert copied.reset == (
        Reset("steps[2].changes[0].value", "tag", "vip"),
        Reset("steps[4].changes[0].journeys[0]", "journey", "k"),
        Reset("steps[5].changes[0].journeys[0]", "journey", "k"),
        Reset("steps[5].changes[0].journeys[1]", "journey", "l"),
        Reset("steps[6].where.all[0].value", "list", "L1"),
        Reset("steps[7].branches[0].when.any[0].value", "tag", "vip"),
        Reset("steps[7].branches[0].when.any[1].not.value", "list", "L2"),
        Reset("run_criteria.all[0].value[0]", "tag", "a"),
        Reset("run_criteria.all[0].value[1]", "tag", "b"),
        Reset("exits[0].when.value", "tag", "out"),
        Reset("goal.where.value", "journey", "k"),
    )
    lost = ["tagged", "gone", "half", "reply", "pick"]
    assert copied.unpublished == tuple(lost)
    acme = engine.tenant("acme")
    info, made = acme.journey("j"), acme.definition("j")
    assert (info.status, info.trigger, info.name, info.notes) == ("DRAFT", None, "Copy of Jay", "Copy of journey Jay")
    assert [step.id for step in acme.steps("j") if not step.published] == ["tagged", "plain", *lost[1:]]
    assert made.step("hello").template == made.step("again").template == "new hello"
    assert made.step("tagged") == Update("tagged", tag.add(""), field("plan").set("x"), next="plain")
    assert made.step("gone") == Update("gone", Chain.enroll(""), next="half"), "it waits for a journey"
    half = Update("half", Chain.exit("", ""), Chain.exit_others(), field("plan").set("z"), next="reply")
    assert made.step("half") == half
    acme.activate("j", at=after("1 day"))
    assert engine.audit() == []


@pytest.mark.rows(105)
def test_a_change_of_no_journey_does_nothing(host):
    """R18: an empty name enrolls in nothing and ends nothing, also where somebody publishes the step."""
    host.deploy(Update("next", Chain.enroll(""), Chain.exit("")), Wait("rest", "1 day"))
    host.say("go")
    assert [each.step for each in host.engine.enrollments(customer="c1")] == ["rest"]
    assert host.engine.audit() == []
    with pytest.raises(InvalidJourney, match="journeys"):
        Journey(id="x", steps=[Update("u", Chain.enroll(" "))])


@pytest.mark.rows(105)
def test_a_copy_loses_what_bare_names_and_earlier_events_name(host):
    """R18, R59: where an event is at hand a bare name reads it; elsewhere it is an attribute and stays."""
    bare = all_of(field("list").eq("L1"), field("tag").in_(["vip"]), field("journey").eq("k"))
    host.deploy(
        Wait("joined", event="list.subscribed", where=bare, timeout="1 day", on_timeout="end"),
        Condition("which", yes=[mail("s")], when=any_of(field("wait.joined.list").eq("L2"), field("list").eq("mine"))),
        run_criteria=field("list").eq("L3"),
        exits=[
            Exit("out", event="tag.added", where=field("tag").eq("out")),
            Exit("gone", when=field("tag").eq("my own")),
        ],
        goal=Goal("journey.completed", where=field("journey").eq("k")),
    )
    copied = host.engine.copy_to("acme", "j", at=START)
    assert copied.reset == (
        Reset("steps[0].where.all[0].value", "list", "L1"),
        Reset("steps[0].where.all[1].value[0]", "tag", "vip"),
        Reset("steps[0].where.all[2].value", "journey", "k"),
        Reset("steps[1].branches[0].when.any[0].value", "list", "L2"),
        Reset("run_criteria.value", "list", "L3"),
        Reset("exits[0].where.value", "tag", "out"),
        Reset("goal.where.value", "journey", "k"),
    )
    assert copied.unpublished == ("joined", "which")


@pytest.mark.rows(105)
def test_a_copy_maps_the_templates_in_rules_too(host):
    """R18: what a rule compares the template of a message event with is the other tenant's name for it."""
    host.deploy(
        mail("hello"),
        Wait("read", event="message.opened", where=field("event.template").in_(["hello", "news"]), timeout="1 day"),
        goal=Goal("message.clicked", where=field("template").eq("hello")),
    )
    copied = host.engine.copy_to("acme", "j", at=START, templates=lambda name: f"new {name}")
    assert (copied.templates, copied.reset) == ({"hello": "new hello", "news": "new news"}, ())
    made = host.engine.tenant("acme").definition("j")
    assert made.steps[1].where == field("event.template").in_(["new hello", "new news"])
    assert made.goal.where == field("template").eq("new hello")
    with pytest.raises(InvalidInput) as error:
        host.engine.copy_to("acme", "j", at=START, to="k", templates=lambda _: "")
    assert error.value.faults == ("templates('hello'): must not be empty", "templates('news'): must not be empty")


@pytest.mark.rows(105)
def test_a_copy_loses_what_the_host_names_in_the_data_of_sends(host):
    """R18: a value, a member of a list or a whole object; reported with its place, and the step is unpublished."""
    data = {"sender": {"domain": "mail.example", "name": "Ann"}, "gateway": 7, "to": ["list:1", "{{ email }}"], "n": 1}
    kinds = {"sender.domain": "sender domain", "gateway": "gateway", "to[0]": "list", "hook": "webhook"}
    host.deploy(mail("hello", data=data), mail("plain"), mail("hooked", data={"hook": {"key": "s3cret"}}))
    asked = []

    def named(place, value):
        asked.append((place, value))
        return kinds.get(place)

    copied = host.engine.copy_to("acme", "j", at=START, data=named)
    assert copied.reset == (
        Reset("steps[0].data.sender.domain", "sender domain", "mail.example"),
        Reset("steps[0].data.gateway", "gateway", 7),
        Reset("steps[0].data.to[0]", "list", "list:1"),
        Reset("steps[2].data.hook", "webhook", {"key": "s3cret"}),
    )
    assert copied.unpublished == ("hello", "hooked")
    assert asked[0] == ("sender", {"domain": "mail.example", "name": "Ann"})
    assert [place for place, _ in asked[-1:]] == ["hook"]  # what is inside goes with it
    first, _, third, *_ = host.engine.tenant("acme").definition("j").steps
    assert first.data == {"sender": {"domain": "", "name": "Ann"}, "gateway": None, "to": ("", "{{ email }}"), "n": 1}
    assert third.data == {"hook": None}
    with pytest.raises(InvalidInput, match=r"data\('n'\): must be text, not bool True"):
        host.engine.copy_to("acme", "j", at=START, to="k", data=lambda place, _: place == "n" or None)


def test_a_copy_keeps_its_templates_unless_told(host):
    """R18: another id and name may be given; what maps a template to nothing is refused."""
    host.deploy(mail("hello"))
    copied = host.engine.copy_to("acme", "j", at=START, to="k", name="Kay")
    assert (copied.journey, copied.templates, copied.reset, copied.unpublished) == ("k", {}, (), ())
    assert host.engine.tenant("acme").journey("k").name == "Kay"
    with pytest.raises(InvalidInput, match=r"templates\('hello'\): "):
        host.engine.copy_to("acme", "j", at=START, templates=lambda _: "")
    with pytest.raises(Conflict, match="a copy of 'j'"):
        host.engine.copy_to("acme", "j", at=START, to="k")
    with pytest.raises(InvalidInput, match="tenant"):
        host.engine.copy_to("", "j", at=START)


# --- many at once -----------------------------------------------------------------------------------------------------


def three(engine: Engine) -> None:
    """Publish three drafts, a, b and c."""
    for name in "abc":
        engine.publish(journey(mail("hello"), id=name, name=name.upper()), at=START)


@pytest.mark.rows(106, 107, 108)
def test_each_journey_is_processed_or_failed(host):
    """F107: the distinct ids are parted; a second call moves them all to failed, with what stood against each."""
    three(host.engine)
    host.engine.enable("b", at=START)
    done = host.engine.bulk("enable", ["c", "b", "x", "a", "c"], at=START)
    assert done.processed == ("c", "a")
    assert (type(done.failed["b"]), type(done.failed["x"])) == (Conflict, NotFound)
    assert {name: str(error) for name, error in done.failed.items()} == {
        "b": "journey 'b' is enabled already",
        "x": "no journey 'x'",
    }
    again = host.engine.bulk("enable", ["a", "b", "c"], at=START)
    assert (again.processed, list(again.failed)) == ((), ["a", "b", "c"])
    assert host.engine.bulk("disable", "a", at=START).processed == ("a",)


@pytest.mark.rows(104)
def test_many_are_cloned(host):
    """F104: named with the suffix, under the first free ids."""
    three(host.engine)
    host.engine.clone("a", "a-copy", at=START)
    done = host.engine.bulk("clone", ["a", "b", "x"], at=START)
    assert done.clones == {"a": "a-copy-2", "b": "b-copy"}
    assert (done.processed, list(done.failed)) == (("a", "b"), ["x"])
    assert [host.engine.journey(name).name for name in done.clones.values()] == ["A (copy)", "B (copy)"]
    assert host.engine.bulk("clone", ["a"], at=START, suffix=" 2").clones == {"a": "a-copy-3"}
    assert host.engine.journey("a-copy-3").name == "A 2"


@pytest.mark.rows(104)
def test_a_clone_of_a_journey_without_a_name_is_named_after_its_id(host):
    """F104: the suffix makes a name of it."""
    host.deploy(End("done"), id="plain")
    assert host.engine.bulk("clone", ["plain"], at=START).clones == {"plain": "plain-copy"}
    assert host.engine.journey("plain-copy").name == "plain (copy)"


def test_what_is_no_function_cannot_change_a_copy(host):
    """R18: both arguments are named at once, and nothing is copied."""
    host.deploy(End("done"), id="plain")
    with pytest.raises(InvalidInput) as caught:
        host.engine.copy_to("acme", "plain", at=START, templates={"a": "b"}, data=7)
    assert [*caught.value.faults] == [
        "templates: must be a function, not dict {'a': 'b'}",
        "data: must be a function, not int 7",
    ]
    assert not host.engine.tenant("acme").journeys()


@pytest.mark.rows(104)
def test_ids_of_clones_are_the_hosts(host):
    """F104: of a mapping or a function; a taken one fails like any other."""
    three(host.engine)
    done = host.engine.bulk("clone", ["a", "b"], at=START, to={"a": "17"})
    assert done.clones == {"a": "17", "b": "b-copy"}
    done = host.engine.bulk("clone", ["a", "b"], at=START, to=lambda name: {"a": "18", "b": "17"}[name])
    assert (done.clones, type(done.failed["b"])) == ({"a": "18"}, Conflict)
    with pytest.raises(InvalidInput, match="to: must map ids to those of their clones, not int 7"):
        host.engine.bulk("clone", ["a"], at=START, to=7)


@pytest.mark.rows(103, 105)
def test_steps_of_a_copy_have_ids_of_their_own(host):
    """R18: whatever names a step follows, its flag too; within the tenant and for another one."""
    steps = [mail("hello"), Condition("opened", field("message.hello.opened").is_not_null()), mail("more")]
    host.deploy(*steps, Update("mark", tag.add("x")))
    host.engine.set_published("j", {"more": False}, at=START)
    names = {"hello": "401", "more": "402", "mark": "403"}
    host.engine.clone("j", "k", at=START, steps=names)
    assert {each.id: each.published for each in host.engine.steps("k")} == {
        "401": True,
        "opened": True,
        "402": False,
        "403": True,
        "end": True,
    }
    assert host.engine.definition("k").step("opened").branches[0].when == field("message.401.opened").is_not_null()
    copied = host.engine.copy_to("other", "j", at=START, steps=names)
    assert copied.unpublished == ("403",)
    flags = {each.id: each.published for each in host.engine.tenant("other").steps("j")}
    assert flags == {"401": True, "opened": True, "402": False, "403": False, "end": True}
    with pytest.raises(InvalidJourney, match="there is no step 'x'"):
        host.engine.clone("j", "m", at=START, steps={"x": "y"})
    with pytest.raises(InvalidJourney, match="there is no step 'x'"):
        host.engine.copy_to("third", "j", at=START, steps={"x": "y"})
    with pytest.raises(InvalidInput, match="steps: must map ids of steps to new ones, not str 'x'"):
        host.engine.clone("j", "m", at=START, steps="x")


@pytest.mark.rows(96)
def test_many_are_deleted_or_removed(host):
    """R15, F96: delete takes drafts only, remove takes any."""
    three(host.engine)
    host.engine.enable("b", at=START)
    done = host.engine.bulk("delete", ["a", "b"], at=START)
    assert (done.processed, {name: str(error) for name, error in done.failed.items()}) == (
        ("a",),
        {"b": "journey 'b' is ACTIVE and cannot become deleted; archive it, then purge it"},
    )
    assert host.engine.bulk("remove", ["b", "c"], at=START).processed == ("b", "c")
    assert not host.engine.journeys()


@pytest.mark.rows(107)
def test_only_an_unusable_list_fails_the_call(host):
    """F107: empty, or with what is no id; or a call that there is none of."""
    with pytest.raises(InvalidInput, match="journeys: name at least one"):
        host.engine.bulk("enable", [], at=START)
    with pytest.raises(InvalidInput, match="journeys: ") as caught:
        host.engine.bulk("explode", ["", "a\x1f"], at=START)
    assert len(caught.value.faults) == 3
    assert issubclass(Forbidden, JourneyflowError)


def test_each_version_counts_its_own_people(host):
    """Those inside, those who entered and those who are kept out, by version (R12, R25, R81)."""
    goal = Goal("order", within="1 day")
    host.deploy(Wait("rest", "1 day"), id="counted")
    for customer in ("c1", "c2"):
        host.say("go", START, customer)
    host.engine.exit("counted", "c1", at=START)
    host.deploy(Wait("other", "1 day"), id="counted", goal=goal, holdout=100)
    host.say("go", START, "c3")
    found = [(each.version, each.active, each.enrolled, each.holdout) for each in host.engine.versions("counted")]
    assert found == [(1, 1, 2, 0), (2, 0, 0, 1)]
