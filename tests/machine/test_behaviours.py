"""What a run does at each kind of step (R30 to R41), seen from outside; a few walks are asked directly."""

import pytest

from journeyflow import (
    Change,
    Condition,
    End,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.basics.chance import bucket
from journeyflow.basics.moments import DAY, to_micros
from journeyflow.basics.words import ACTIVE, COMPLETED, FAILED
from journeyflow.machine.behaviours import advance
from journeyflow.machine.gates import consents
from journeyflow.machine.notes import FRESH, Situation
from journeyflow.machine.program import compile_journey
from journeyflow.records.rows import Run
from tests.machine.test_waits import REPLY
from tests.samples import START, after, mail, utc


# --- walks ----------------------------------------------------------------------------------------------------------
def test_a_run_walks_from_step_to_step_at_one_instant(host):
    """From entry a run goes on without time passing until it rests (R30)."""
    host.deploy(mail("a"), mail("b"), Wait("breathe", "3 days"), mail("c"))
    host.say("go")
    visits = host.engine.enrollment("j", "c1").visits
    assert [(v.n, v.step, v.status, v.outcome) for v in visits] == [
        (1, "a", COMPLETED, "queued"),
        (2, "b", COMPLETED, "queued"),
        (3, "breathe", ACTIVE, ""),
    ]
    assert {v.entered_at for v in visits} == {START}
    assert visits[-1].left_at is None


def test_a_path_without_an_end_gets_one_named_end(host):
    """Where a path has no End, one named "end" is appended; the run is COMPLETED (R40)."""
    host.deploy(mail())
    host.say("go")
    assert host.path() == ["hello queued", "end"]
    assert host.status() == (COMPLETED, "")
    assert host.engine.enrollment("j", "c1").ended_at == START


@pytest.mark.rows(83)
def test_an_end_keeps_its_label(host):
    """An End has an optional outcome (R40, R44)."""
    host.deploy(End("done", "won"))
    host.say("go")
    assert host.path() == ["done won"]


def test_the_end_tells_that_the_journey_is_completed(host):
    """A run that ends emits journey.completed with the journey's id (R50)."""
    host.deploy(End("done"))
    host.deploy(End("thanks"), id="next", trigger=Trigger("journey.completed", where=field("journey").eq("j")))
    host.say("go")
    assert host.status(journey="next") == (COMPLETED, "")


def test_no_stimulus_moves_a_run_that_has_ended(host):
    """Terminal states never change afterwards (R43)."""
    host.deploy(Wait("reply", event="x", timeout="1 day"))
    host.say("go")
    host.say("x", "1 hour")
    before = host.path()
    assert host.say("x", "2 days").moves == 0
    assert host.path() == before


# --- zero-time loops, visit limit -----------------------------------------------------------------------------------
def test_the_same_send_twice_at_one_root_item_fails_the_run(quick):
    """A run that would make the same Send twice while one root item is handled FAILs (R30)."""
    quick.deploy(
        Wait("reply", event="ping"),
        Update("touch", field("n").increment()),
        mail("again"),
        Wait("echo", event="field.changed", next="again"),
    )
    quick.say("go")
    quick.say("ping", "1 hour")
    assert quick.path()[-1] == "again FAILED"
    assert quick.status() == (FAILED, "zero-time loop")


def test_a_failed_move_queues_nothing_and_its_sends_are_skipped(quick):
    """A move that FAILs queues no messages; the Sends it passed are SKIPPED with outcome "failed" (R30)."""
    quick.deploy(
        mail("before"),
        Wait("pause", "1 day"),
        mail("lost"),
        Update("many", *(tag.add(f"t{n}") for n in range(101))),
    )
    quick.say("go")
    quick.tick("1 day")
    assert quick.path() == ["before queued", "pause elapsed", "lost SKIPPED failed", "many FAILED"]
    assert quick.status() == (FAILED, "event loop")
    assert quick.messages() == ["before QUEUED"]
    assert quick.engine.audit() == []


def test_a_failed_run_does_not_hurt_the_batch(host):
    """FAILED has a reason and the batch goes on (R43)."""
    host.deploy(Wait("soon", "1 second"), mail("a", next="soon"), max_visits=5)
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.tick("1 minute")
    assert host.status("c1") == host.status("c2") == (FAILED, "visit limit")


def test_the_visit_past_the_bound_fails_the_run(host):
    """One visit counter per run; past the journey's bound it FAILs, "visit limit" (R41)."""
    host.deploy(Wait("soon", "1 second"), mail("a", next="soon"), max_visits=5)
    host.say("go")
    host.tick("1 minute")
    assert host.path() == ["soon elapsed", "a queued", "soon elapsed", "a queued", "soon elapsed", "a FAILED"]
    assert host.messages() == ["a QUEUED", "a QUEUED"]
    assert host.engine.audit() == []


def test_exactly_the_bound_is_no_failure(host):
    """Visits up to the bound are allowed (R41)."""
    host.deploy(mail("a"), mail("b"), End("done"), max_visits=3)
    host.say("go")
    assert host.status() == (COMPLETED, "")


def test_a_loop_through_a_wait_that_takes_time_goes_round(host):
    """Loops are legal through a wait that takes time; visits are numbered on (R41)."""
    host.deploy(mail("a"), Wait("day", "1 day", next="a"))
    host.say("go")
    host.tick("3 days")
    assert host.path() == ["a queued", "day elapsed"] * 3 + ["a queued", "day ACTIVE"]
    assert [each.n for each in host.engine.messages("j").items] == [1, 3, 5, 7]


# --- Send -----------------------------------------------------------------------------------------------------------
@pytest.mark.rows(72)
def test_a_send_queues_a_message_with_everything_a_channel_needs(host):
    """The message joins the outbox in the commit of the move, with rendered data (R31, R39, R70)."""
    host.put(START, name="Ann", n=3)
    host.deploy(
        mail(data={"hi": "Hello {{ name }}!", "n": "{{ n }}", "gone": "[{{ nobody }}]", "list": ["{{ n }}", 1]})
    )
    host.say("go", START)
    (message,) = host.claim()
    assert (message.customer, message.channel, message.template, message.step) == ("c1", "EMAIL", "hello", "hello")
    assert message.data == {"hi": "Hello Ann!", "n": 3, "gone": "[]", "list": [3, 1]}
    assert message.at == START
    assert message.id == "memory-1-1"


def test_send_data_are_rendered_at_the_instant_of_the_send(host):
    """What is stored is what was true when the message was made (R39)."""
    host.put(START, name="Ann")
    host.deploy(mail(data={"hi": "{{ name }}"}))
    host.say("go")
    host.put("1 hour", name="Bea")
    host.tick("1 hour")
    assert host.claim("1 hour")[0].data == {"hi": "Ann"}


def test_plain_data_need_no_rendering(host):
    """Data without a template go as they are (R39)."""
    host.deploy(mail(data={"code": "WELCOME10", "deep": {"a": [1, None]}}), mail("bare"))
    host.say("go")
    assert [each.data for each in host.claim()] == [{"code": "WELCOME10", "deep": {"a": [1, None]}}, {}]


def test_a_window_holds_a_send_until_it_is_open(host):
    """A Send is held until its window opens, then sent at the opening (R31, R34)."""
    host.deploy(mail(window=Window("MON-FRI", "09:00", "17:00")))
    host.say("go", "12 hours")
    assert host.path() == ["hello ACTIVE"]
    assert host.messages() == []
    assert host.engine.enrollment("j", "c1").due == utc("2026-01-06 09:00")
    host.tick("2 days")
    assert host.path() == ["hello queued", "end"]
    assert host.left("hello") == utc("2026-01-06 09:00")


def test_an_open_window_holds_nothing(host):
    """A window that is open lets the Send pass at once; its end is exclusive (R34)."""
    host.deploy(mail(window=Window("MON-SUN", "08:00", "17:00")))
    host.feed("go", START, "early")
    host.feed("go", utc("2026-01-05 16:59:59"), "last")
    host.feed("go", utc("2026-01-05 17:00"), "late")
    host.tick("1 day")
    lefts = [host.left("hello", customer) for customer in ("early", "last", "late")]
    assert lefts == [START, utc("2026-01-05 16:59:59"), utc("2026-01-06 08:00")]


def test_events_do_not_wake_a_held_send(host):
    """A held Send listens to its instant, and to exits (machine table)."""
    host.deploy(mail(window=Window("MON-FRI", "09:00", "17:00")))
    host.say("go")
    host.put("10 minutes", name="Ann")
    host.say("go", "10 minutes")
    assert host.path() == ["hello ACTIVE"]
    host.engine.exit("j", "c1", at=after("20 minutes"))
    host.tick("1 day")
    assert host.path() == ["hello EXITED"]


def test_consent_is_asked_when_the_window_is_open_not_before(host):
    """First the window, then, at that instant, consent (R31)."""
    host.deploy(mail(window=Window("MON-FRI", "09:00", "17:00")))
    host.say("go")
    host.put("30 minutes", consent={"EMAIL": False})
    host.tick("1 day")
    assert host.path() == ["hello SKIPPED consent", "end"]


@pytest.mark.parametrize(
    ("consent", "required", "sent"),
    [
        (None, False, True),
        (None, True, False),
        ({}, True, False),
        ({"EMAIL": True}, True, True),
        ({"EMAIL": False}, False, False),
        ({"SMS": False}, False, True),
    ],
)
def test_a_missing_consent_is_allowed_unless_required(quick, consent, required, sent):
    """Reserved attribute consent.<CHANNEL>; missing = allowed unless the journey says consent="required" (R54)."""
    quick.put(START, consent={"SMS": True, **(consent or {})} if required else consent)
    quick.deploy(
        Send("note", channel="SMS", template="x", transactional=True),
        mail(),
        consent=("optional", "required")[required],
    )
    quick.say("go")
    assert quick.path()[1] == ("hello queued" if sent else "hello SKIPPED consent")


def test_a_transactional_send_ignores_consent(host):
    """transactional=True ignores consent (R31)."""
    host.put(START, consent={"EMAIL": False})
    host.deploy(mail("receipt", transactional=True), mail("advert"))
    host.say("go")
    assert host.path() == ["receipt queued", "advert SKIPPED consent", "end"]
    assert [each.step for each in host.claim()] == ["receipt"]


def test_consents_reads_only_booleans():
    """What is neither a yes nor a no is as if it were missing (R54, R61)."""
    assert consents({"consent": {"EMAIL": "no"}}, "EMAIL", required=False)
    assert not consents({"consent": "everything"}, "EMAIL", required=True)


def test_a_window_that_never_opens_skips():
    """A gate that cannot open within 400 days skips, "window", and the run goes on (R31)."""

    class Never(Window):
        def next_open(self, instant, _where):
            return instant + 400 * DAY + 1

    never = Never("MON", "09:00", "10:00")
    program = compiled(mail(window=never), End("done"))
    result = advance(program, entering(), "ENTER", Situation("c1", {}), to_micros(START))
    assert result.move is not None
    assert result.move.path == (("hello", "SKIPPED", "window"), ("done", COMPLETED, ""))
    assert result.posts == []


def test_a_rule_sees_the_message_that_the_same_walk_made(quick):
    """message.<step>.x is there within the same walk (R59)."""
    quick.deploy(
        mail(),
        Condition("there", field("message.hello.id").eq("memory-1-1") & field("message.hello.opened").ne(True)),
        mail(
            "copy",
            data={"re": "{{ message.hello.id }}", "at": "{{ message.hello.at }}", "none": "{{ message.copy.id }}"},
        ),
    )
    quick.say("go")
    assert quick.path()[1] == "there yes"
    assert quick.claim()[1].data == {"re": "memory-1-1", "at": "2026-01-05T08:00:00.000000Z", "none": ""}


# --- Condition ------------------------------------------------------------------------------------------------------
@pytest.mark.rows(61, 74, 77, 219)
def test_a_condition_takes_one_branch_and_only_one(host):
    """First true branch wins; with none true, the else branch (R37)."""
    host.deploy(
        Condition(
            "size",
            branches=[
                branch(field("n").gte(100), [mail("huge")]),
                branch(field("n").gte(10), [mail("big")]),
            ],
            otherwise=[mail("small")],
        ),
        mail("all"),
    )
    for customer, n in (("c1", 500), ("c2", 50), ("c3", 5)):
        host.put(START, customer, n=n)
        host.feed("go", START, customer)
    host.tick()
    assert host.path("c1") == ["size 1", "huge queued", "all queued", "end"]
    assert host.path("c2") == ["size 2", "big queued", "all queued", "end"]
    assert host.path("c3") == ["size else", "small queued", "all queued", "end"]


def test_a_condition_without_a_way_for_no_goes_on(host):
    """The outcomes of one branch are "yes" and "no"; what is not written continues (R37, R44)."""
    host.deploy(Condition("paid", field("plan").eq("paid"), yes=[mail()]), End("done"))
    host.put(START, "c2", plan="paid")
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.tick()
    assert host.path("c1") == ["paid no", "done"]
    assert host.path("c2") == ["paid yes", "hello queued", "done"]


# --- Split ----------------------------------------------------------------------------------------------------------
@pytest.mark.rows(81)
def test_a_split_takes_the_arm_of_the_bucket(quick):
    """Arms take consecutive ranges of buckets in written order (R38)."""
    quick.deploy(Split("test", arm(33.33, [End("a")]), arm(0, [End("b")]), arm(66.67, [End("c")])))
    customers = [f"c{n}" for n in range(60)]
    for customer in customers:
        quick.feed("go", START, customer)
    quick.tick()
    arms = [quick.path(customer)[0] for customer in customers]
    places = [bucket("default", "j", "test", customer) for customer in customers]
    assert arms == ["test A" if place < 3333 else "test C" for place in places]
    assert len(set(arms)) == 2


def test_the_same_person_takes_the_same_arm_in_every_run_and_version(host):
    """Same person, same split, same arm: whatever the run and version (R38)."""
    halves = (arm(50, [End("left")], "left"), arm(50, [End("right")], "right"))
    host.deploy(Split("test", *halves), reentry="always")
    host.say("go")
    host.deploy(mail(), Split("test", *halves), reentry="always", when="1 hour")
    host.say("go", "2 hours")
    assert host.path(run=1)[0] == host.path(run=2)[1]


# --- names a rule may read ------------------------------------------------------------------------------------------
def test_the_names_of_a_run_can_be_read(host):
    """enrollment.x, trigger.x, customer.id and customer.x (R59)."""
    host.put(START, name="Ann", id="other")
    names = ("enrollment.tenant", "enrollment.journey", "enrollment.version", "enrollment.customer", "enrollment.run")
    paths = (*names, "enrollment.entered_at", "customer.id", "customer.name", "id", "trigger.plan.name", "trigger.gone")
    host.deploy(Wait("rest", "1 hour"), mail(data={path: f"{{{{ {path} }}}}" for path in paths}))
    host.say("go", START, plan={"name": "gold"})
    host.tick("1 day")
    assert host.claim("1 day")[0].data == {
        "enrollment.tenant": "default",
        "enrollment.journey": "j",
        "enrollment.version": 1,
        "enrollment.customer": "c1",
        "enrollment.run": 1,
        "enrollment.entered_at": "2026-01-05T08:00:00.000000Z",
        "customer.id": "c1",
        "customer.name": "Ann",
        "id": "other",
        "trigger.plan.name": "gold",
        "trigger.gone": "",
    }


def test_a_run_without_trigger_data_has_none(quick):
    """trigger.x of a manual enrollment is missing (R59)."""
    quick.deploy(Condition("any", field("trigger.x").is_null()), trigger=Trigger(manual=True))
    quick.engine.enroll("j", "c1", at=START)
    quick.tick()
    assert quick.path()[0] == "any yes"


@pytest.mark.rows(79)
def test_the_flags_of_a_message_can_be_read(host):
    """message.<step>.<flag> of the newest message of that step in this run, and when (R59)."""
    host.deploy(
        mail(),
        Wait("rest", "1 day"),
        Condition("read", field("message.hello.opened").eq(True)),
        mail(
            "tell",
            data={
                "at": "{{ message.hello.opened_at }}",
                "no": "{{ message.hello.clicked_at }}",
                "x": "{{ message.hello.clicked }}",
            },
        ),
    )
    host.say("go")
    (message,) = host.claim()
    host.say("message.opened", "1 hour", message=message.id)
    host.say("message.opened", "2 hours", message=message.id)
    host.tick("2 days")
    assert host.path()[2] == "read yes"
    assert host.claim("2 days")[-1].data == {"at": "2026-01-05T09:00:00.000000Z", "no": "", "x": False}


def test_the_flags_of_an_older_message_are_not_those_of_the_newest(host):
    """message.<step>.<flag> of the newest message of that step (R59): opening the first says nothing of the second."""
    host.deploy(
        mail(),
        Wait("reply", event="message.opened", timeout="1 day", any_message=True),
        Condition("read", field("message.hello.opened").eq(True)),
        Wait("rest", "1 hour", next="hello"),
    )
    host.say("go")
    first = host.claim()[0].id
    host.tick("1 day 1 hour")
    host.say("message.opened", "26 hours", message=first)
    assert host.path()[1:7] == ["reply timeout", "read no", "rest elapsed", "hello queued", "reply event", "read no"]


def test_a_message_may_be_opened_in_the_tick_that_made_it(host):
    """Whoever knows the id may tell of a message before the tick that makes it (R4, R70)."""
    host.deploy(
        mail(), Wait("reply", event="message.opened"), Condition("read", field("message.hello.opened").eq(True))
    )
    host.feed("go")
    host.feed("message.opened", "1 hour", message="memory-1-1")
    host.tick("2 hours")
    assert host.path() == ["hello queued", "reply event", "read yes", "end"]
    assert host.engine.audit() == []


def test_a_bare_name_with_a_dot_may_start_with_any_word(quick):
    """A name that is not a source is an attribute, with dots into objects (R59)."""
    quick.put(START, customers={"x": 1}, customer="me")
    quick.deploy(Condition("c", field("customers.x").eq(1) & field("customer").eq("me")))
    quick.say("go")
    assert quick.path()[0] == "c yes"


# --- asked directly -------------------------------------------------------------------------------------------------
def compiled(*steps, **options):
    """Compile a journey of some steps."""
    return compile_journey(Journey(id="j", steps=steps, **options), number=1, journey_number=1, version=1, tenant="t")


def entering():
    """Make a run that begins at START."""
    at = to_micros(START)
    return Run(1, 1, 1, 1, 1, ACTIVE, "", at, at, None, None, 0, 0, at, None, None, None, False, None, "", None)


def test_advance_changes_nothing_in_place():
    """A walk is a function: the run and the attributes it got are as they were (theory of operation)."""
    program = compiled(Update("u", tag.add("vip")), Wait("rest", "1 day"))
    run = entering()
    attributes: dict[str, object] = {"tags": ["a"]}
    first = advance(program, run, "ENTER", Situation("c1", attributes), to_micros(START))
    again = advance(program, run, "ENTER", Situation("c1", attributes), to_micros(START))
    assert first == again
    assert attributes == {"tags": ["a"]}
    assert run == entering()
    assert first.attributes == {"tags": ["a", "vip"]}
    assert first.emitted == [("tag.added", {"tag": "vip"})]
    assert first.past[1] == 1


def test_advance_keeps_what_was_compared_before():
    """`asked` goes with the move, under "entry" or "exit" (R85)."""
    program = compiled(Wait("rest", "1 day"))
    entered = advance(
        program, entering(), "ENTER", Situation("c1", {}), to_micros(START), FRESH, asked={"tier": "Gold"}
    )
    assert entered.move is not None
    assert entered.move.seen == {"entry": {"tier": "Gold"}}
    left = advance(
        program, entered.run, "EXIT", Situation("c1", {}), to_micros(START), reason="paid", asked={"plan": 1}
    )
    assert left.move is not None
    assert (left.move.seen, left.run.status, left.run.reason) == ({"exit": {"plan": 1}}, "EXITED", "paid")


def test_a_move_keeps_the_values_its_rules_read():
    """A move keeps `seen`, by the place in its path; nothing where nothing was read (R85)."""
    program = compiled(mail(data={"x": "{{ name }}"}), Condition("c", field("a").eq(1), yes=[Wait("rest", "1 day")]))
    result = advance(program, entering(), "ENTER", Situation("c1", {"a": 1, "name": "n"}), to_micros(START))
    assert result.move is not None
    assert result.move.seen == {"1": {"a": 1}}


def test_a_rest_that_stays_writes_no_move():
    """An event that does not fit changes nothing: no move, the same run (R30)."""
    program = compiled(REPLY)
    run = advance(program, entering(), "ENTER", Situation("c1", {}), to_micros(START)).run
    result = advance(program, run, "EVENT", Situation("c1", {}, {"amount": 1}), to_micros(START) + DAY)
    assert result.move is None
    assert result.run is run


def test_changes_are_made_by_name_too(quick):
    """An Update takes any Change (R39)."""
    quick.deploy(Update("u", Change("n", "increment", 2)))
    quick.say("go")
    assert quick.attributes() == {"n": 2}
