"""The calls that change journeys: versions and rollbacks, flags, deleting and purging, copies, many at once."""

from datetime import timedelta

import pytest

from journeyflow import (
    Condition,
    Conflict,
    End,
    Engine,
    Goal,
    InvalidInput,
    InvalidJourney,
    Journey,
    Message,
    NotFound,
    Split,
    Trigger,
    Wait,
    arm,
    field,
)
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
    """F12: a version, a text, a state, a flag; what changes nothing is not an update."""
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
