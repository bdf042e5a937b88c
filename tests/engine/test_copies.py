"""Copies of journeys, and calls on many of them (R18)."""

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
    NotFound,
    Split,
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
from tests.engine.test_journeys import journey
from tests.samples import START, after, mail

ENGINE = {"grace": None}


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
    """F107: empty, or with what is not an id; or a call that there is none of."""
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
