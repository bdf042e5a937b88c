"""Questions: lists and pages (R84), journeys with their counts (R80, R81), visits, messages, customers."""

import re

import pytest

from journeyflow import (
    Condition,
    End,
    Exit,
    InvalidInput,
    Limits,
    NotFound,
    Send,
    Trigger,
    Update,
    Visit,
    Wait,
    branch,
    field,
    tag,
)
from journeyflow.questions.paging import Page
from tests.samples import START, Host, after, mail, open_engine, statements


@pytest.fixture
def crowd(host):
    """Give a host with twelve people in one journey and three in another."""
    host.deploy(mail(), Wait("rest", "1 day"), name="The first", exits=[Exit("left", event="bye")])
    host.deploy(End("done"), id="k", trigger=Trigger("other"))
    for n in range(12):
        host.feed("go", f"{n} minutes", f"c{n:02}")
    for n in range(3):
        host.feed("other", "20 minutes", f"c{n:02}")
    host.feed("bye", "30 minutes", "c03")
    host.tick("1 day 5 minutes")
    return host


# --- pages of enrollments -------------------------------------------------------------------------------------------


def customers(page):
    """Name who is on a page."""
    return [each.customer for each in page.items]


@pytest.mark.rows(128)
def test_enrollments_are_listed_in_order_of_entry(crowd):
    """Orders are stated and total: by serial; skip/take with total (R84)."""
    page = crowd.engine.enrollments("j", skip=2, take=3)
    assert customers(page) == ["c02", "c03", "c04"]
    assert (page.total, page.skip, page.take, page.cursor) == (12, 2, 3, 5)
    assert [each.serial for each in page.items] == [3, 4, 5]
    assert [each.entered_at for each in page.items] == [after(f"{n} minutes") for n in (2, 3, 4)]


def test_a_cursor_goes_through_everybody_once(crowd):
    """Keyset cursors (R84): no row twice, none left out, also when new ones come meanwhile."""
    seen, cursor = [], 0
    while cursor is not None:
        page = crowd.engine.enrollments("j", take=5, after=cursor)
        seen += customers(page)
        cursor = page.cursor
        crowd.say("go", "2 days", f"new{len(seen)}")
    assert seen[:12] == [f"c{n:02}" for n in range(12)]
    assert len(seen) == len(set(seen))


@pytest.mark.rows(128)
def test_the_default_page_has_twenty_five(crowd):
    """Skip 0, take 25; the last page has no cursor (R84)."""
    page = crowd.engine.enrollments()
    assert (page.total, len(page.items), page.skip, page.take, page.cursor) == (15, 15, 0, 25, None)


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({"journey": "j", "status": "ACTIVE"}, 6),
        ({"journey": "j", "status": "COMPLETED"}, 5),
        ({"status": "EXITED"}, 1),
        ({"status": "FAILED"}, 0),
        ({"customer": "c01"}, 2),
        ({"customer": "nobody"}, 0),
        ({"status": ["COMPLETED", "EXITED"]}, 9),
        ({"status": []}, 15),
        ({"journey": "j", "step": "rest"}, 6),
        ({"step": "hello"}, 0),
        ({"customer": "c01", "status": "ACTIVE", "journey": "k"}, 0),
        ({"version": 1}, 15),
        ({"journey": "j", "version": 2}, 0),
    ],
)
@pytest.mark.rows(125, 128, 134)
def test_enrollments_can_be_filtered(crowd, filters, total):
    """By journey, status, customer, the step where they rest, version; all of them together (R84)."""
    page = crowd.engine.enrollments(**filters)
    assert page.total == len(page.items) == total


def test_an_unknown_journey_is_not_found_an_unknown_customer_has_none(crowd):
    """get-like calls raise NotFound, find_ calls return None (R84)."""
    with pytest.raises(NotFound, match="no journey 'x'"):
        crowd.engine.enrollments("x")
    with pytest.raises(NotFound, match="no enrollment 'j/c99'"):
        crowd.engine.enrollment("j", "c99")
    assert crowd.engine.find_enrollment("j", "c99") is None
    assert crowd.engine.find_enrollment("x", "c01") is None
    with pytest.raises(NotFound, match="no customer 'c99'"):
        crowd.engine.customer("c99")
    assert crowd.engine.find_customer("c99") is None
    with pytest.raises(NotFound, match="no journey 'x'"):
        crowd.engine.journey("x")


@pytest.mark.parametrize(
    "page", [{"skip": -1}, {"take": 0}, {"take": 10_001}, {"take": "5"}, {"skip": 1.5}, {"skip": True}, {"take": True}]
)
def test_pages_that_cannot_be_are_refused(host, page):
    """A page has skip >= 0 and take from 1 to 10,000 (R84)."""
    for ask in (host.engine.enrollments, host.engine.messages):
        with pytest.raises(ValueError, match="a page has skip >= 0 and take from 1 to 10000"):
            ask(**page)


@pytest.mark.rows(128)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["entered", "customer", "due", "ended"])
def test_enrollments_are_sorted_and_a_cursor_goes_on_in_that_order(crowd, order, descending):
    """Orders are total: serials break ties, who has no such instant comes last, or first downward (R84)."""
    asked = {"order": order, "descending": descending}
    key = {
        "entered": lambda each: each.serial,
        "customer": lambda each: (each.customer, each.serial),
        "due": lambda each: (each.due is None, each.due or START, each.serial),
        "ended": lambda each: (each.ended_at is None, each.ended_at or START, each.serial),
    }[order]
    whole = crowd.engine.enrollments(**asked).items
    assert list(whole) == sorted(whole, key=key, reverse=descending)
    found, cursor = list(crowd.engine.enrollments(take=4, **asked).items), None
    cursor = crowd.engine.enrollments(take=4, **asked).cursor
    while cursor is not None:
        page = crowd.engine.enrollments(take=4, after=cursor, **asked)
        assert page.total == 15
        found, cursor = found + list(page.items), page.cursor
    assert found == list(whole)


@pytest.mark.rows(124)
def test_enrollments_show_what_was_asked_for_of_their_customers(crowd):
    """Names and addresses stand beside the enrollment where somebody wants them there."""
    crowd.put("2 days", "c00", name="Ann", address={"email": "ann@example.com"})
    crowd.tick("2 days")
    first, second = crowd.engine.enrollments("j", take=2, fields=["name", "address.email"]).items
    assert first.fields == {"name": "Ann", "address.email": "ann@example.com"}
    assert second.fields == {"name": None, "address.email": None}
    assert crowd.engine.enrollments("j", take=1).items[0].fields == {}


def test_what_cannot_be_asked_of_enrollments_is_told_all_at_once(crowd):
    """Unknown orders and statuses with the nearest word, cursors of another order, pages that cannot be (R84)."""
    with pytest.raises(InvalidInput) as error:
        crowd.engine.enrollments("j", status=["ACTVE", 5], order="entred", take=0)
    assert error.value.faults == (
        "a page has skip >= 0 and take from 1 to 10000, not skip=0, take=0",
        "order: there is no 'entred' (did you mean 'entered'?)",
        "status: there is no 'ACTVE' (did you mean 'ACTIVE'?)",
        "status: there is no 5; there are ACTIVE, COMPLETED, EXITED, FAILED, HOLDOUT",
    )
    for order, cursor in (("entered", '["c01",2]'), ("customer", 5), ("entered", True)):
        with pytest.raises(InvalidInput, match="is not a cursor of such a page"):
            crowd.engine.enrollments("j", order=order, after=cursor)
    with pytest.raises(InvalidInput, match="status: there is no 'ACTIVE'"):
        crowd.engine.messages("j", status="ACTIVE")


@pytest.mark.rows(134)
def test_the_journeys_of_a_customer(crowd):
    """Where somebody is and was, over all journeys, with the definitions one call away."""
    page = crowd.engine.enrollments(customer="c01")
    assert [(each.journey, each.status) for each in page.items] == [("j", "COMPLETED"), ("k", "COMPLETED")]
    inside = crowd.engine.enrollments(customer="c08", status="ACTIVE").items
    assert [(each.journey, each.step) for each in inside] == [("j", "rest")]
    assert crowd.engine.definition(inside[0].journey).trigger == Trigger("go")


@pytest.mark.rows(87)
def test_a_journey_is_read_with_its_steps_and_its_enrollments(crowd):
    """The state, the steps of its newest version, a page of its enrollments: three calls that go together."""
    info, definition = crowd.engine.journey("j"), crowd.engine.definition("j")
    page = crowd.engine.enrollments("j")
    assert [step.id for step in definition.steps] == ["hello", "rest", "end"]
    assert (info.steps, info.enrolled) == (len(definition.steps), page.total)


@pytest.mark.rows(137)
def test_who_comes_twice_is_two_enrollments_of_one_person(host):
    """Runs are counted, and people are people (R81)."""
    host.deploy(End("done"), reentry="always")
    host.say("go")
    host.say("go", "1 hour")
    assert host.engine.journey("j").enrolled == host.engine.enrollments("j").total == 2
    assert {each.customer for each in host.engine.enrollments("j").items} == {"c1"}
    assert host.engine.people("j", "done").total == 1


def test_lists_take_the_same_statements_however_long_they_are():
    """No statement per row (F251)."""
    counts = []
    for many in (1, 30):
        with open_engine("sqlite") as engine:
            host = Host(engine)
            for n in range(many):
                host.deploy(mail(), id=f"j{n:02}")
                host.feed("go", START, f"c{n:02}")
            host.tick()
            with statements(engine) as asked:
                assert len(engine.journeys()) == engine.journeys(take=1).total == many
                assert engine.enrollments(order="customer", fields=["name"]).total == many * many
                assert engine.messages().total == many * many
                assert engine.enrollment("j00", "c00").status == "COMPLETED"
            counts.append(len(asked))
    assert counts[0] == counts[1]


# --- one enrollment -------------------------------------------------------------------------------------------------


@pytest.mark.rows(52, 123, 125, 126, 127, 135)
def test_an_enrollment_tells_all_about_itself(host):
    """One run of one customer, with its visits (R44)."""
    host.deploy(mail(), Wait("reply", event="order", timeout="1 day"), Update("u", tag.add("x")), reentry="always")
    host.say("go")
    found = host.engine.enrollment("j", "c1")
    assert (found.tenant, found.journey, found.version, found.customer) == ("default", "j", 1, "c1")
    assert (found.run, found.serial, found.status, found.reason) == (1, 1, "ACTIVE", "")
    assert (found.entered_at, found.ended_at, found.converted_at) == (START, None, None)
    assert (found.step, found.step_number, found.due, found.awaits) == ("reply", 2, after("1 day"), "order")
    host.say("order", "1 hour")
    found = host.engine.enrollment("j", "c1")
    assert found.visits == (
        Visit(1, "hello", "COMPLETED", "queued", START, START),
        Visit(2, "reply", "COMPLETED", "event", START, after("1 hour")),
        Visit(3, "u", "COMPLETED", "", after("1 hour"), after("1 hour")),
        Visit(4, "end", "COMPLETED", "", after("1 hour"), after("1 hour")),
    )
    assert (found.status, found.ended_at, found.step, found.step_number) == ("COMPLETED", after("1 hour"), None, None)
    host.deploy(Wait("first", "1 day"), id="k")
    host.say("go", "1 hour")
    assert host.engine.enrollment("k", "c1").step_number == 1


def test_the_newest_run_is_given_unless_one_is_named(host):
    """With several runs the newest, or run= (R84)."""
    host.deploy(End("done"), reentry="always")
    for hour in range(3):
        host.say("go", f"{hour} hours")
    assert host.engine.enrollment("j", "c1").run == 3
    assert host.engine.enrollment("j", "c1", run=2).entered_at == after("1 hour")
    assert host.engine.find_enrollment("j", "c1", run=4) is None


# --- journeys -------------------------------------------------------------------------------------------------------


@pytest.mark.rows(88)
def test_journeys_come_in_pages(host):
    """A page with its total and cursor, in a total order; the plain call gives all of them (R84)."""
    for hour, (name, title) in enumerate([("c", "One"), ("a", "Two"), ("d", "One"), ("b", "Two"), ("e", "")]):
        host.deploy(mail(), id=name, name=title, when=f"{hour} hours", trigger=Trigger("go" if name < "e" else "other"))
    ask = host.engine.journeys
    for order, wanted in {"id": "abcde", "name": "ecdab", "created": "cadbe"}.items():
        for descending in (False, True):
            listed = wanted[::-1] if descending else wanted
            assert "".join(each.id for each in ask(order=order, descending=descending)) == listed
            found, page = "", ask(order=order, descending=descending, take=2)
            while True:
                found += "".join(each.id for each in page.items)
                assert (page.total, page.skip, page.take) == (5, 0, 2)
                if page.cursor is None:
                    break
                page = ask(order=order, descending=descending, take=2, after=page.cursor)
            assert found == listed
    page = ask(trigger="go", skip=1, take=2)
    assert ([each.id for each in page.items], page.total, page.skip) == (["b", "c"], 4, 1)
    assert ask(status="PAUSED", take=5) == Page((), 0, 0, 5)
    with pytest.raises(InvalidInput) as told:
        ask(order="nmae", take=0, after=5, status=3)
    assert len(told.value.faults) == 4


@pytest.mark.rows(18, 88, 89, 90, 91, 138, 151)
def test_journeys_are_listed_by_id_with_their_counts(crowd):
    """TotalEnrolled = active + completed + exited + failed (R81); filtered by state and trigger."""
    crowd.deploy(mail(), id="a", when="2 hours", trigger=Trigger(manual=True))
    crowd.engine.pause("k", at=after("1 day"))
    assert [each.id for each in crowd.engine.journeys()] == ["a", "j", "k"]
    assert [each.id for each in crowd.engine.journeys(status="ACTIVE")] == ["a", "j"]
    assert [each.id for each in crowd.engine.journeys(status="PAUSED", trigger="other")] == ["k"]
    assert [each.id for each in crowd.engine.journeys(trigger="go")] == ["j"]
    assert not crowd.engine.journeys(status="DRAFT")
    with pytest.raises(InvalidInput, match=r"status: there is no 'Active' \(did you mean 'ACTIVE'\?\)"):
        crowd.engine.journeys(status="Active")
    assert crowd.engine.journeys(status="Disabled")[0].id == "k"
    info = crowd.engine.journey("j")
    assert (info.enrolled, info.active, info.completed, info.exited, info.failed) == (12, 6, 5, 1, 0)
    assert (info.name, info.trigger, info.version, info.steps) == ("The first", "go", 1, 3)
    assert crowd.engine.journey("a").trigger is None
    assert crowd.engine.journey("a").enrolled == 0


def test_those_inside_are_all_but_those_who_have_ended(host):
    """Active is what is left of those enrolled, whichever way the others ended (R81)."""
    ways = [branch(field("way").eq(way), steps, way) for way, steps in (
        ("out", [Wait("rest", "9 days")]),
        ("on", [Update("one", tag.add("x")), Update("two", tag.add("y")), Update("three", tag.add("z"))]),
    )]  # fmt: skip
    host.deploy(
        Condition("way", branches=ways, otherwise=[End("done")]), max_visits=3,
        exits=[Exit("left", when=field("left").eq(True))],
    )  # fmt: skip
    for n, way in enumerate(("out", "on", "on", "off", "off", "off", "out", "out", "out")):
        host.put(START, f"c{n}", way=way)
        host.feed("go", START, f"c{n}")
    host.put("1 hour", "c0", left=True)
    host.tick("1 hour")
    info = host.engine.journey("j")
    assert (info.enrolled, info.active, info.completed, info.exited, info.failed) == (9, 3, 3, 1, 2)
    assert info.holdout == 0


@pytest.mark.rows(13, 91)
def test_a_journey_knows_when_it_came_to_be_what_it_is(host):
    """Each transition records its instant; activatedAt is the first activation (R11)."""
    from journeyflow import Journey  # noqa: PLC0415 used here alone

    host.engine.publish(Journey(id="j", steps=[mail()]), at=START)
    info = host.engine.journey("j")
    assert (info.status, info.activated_at, info.published_at) == ("DRAFT", None, START)
    host.engine.activate("j", at=after("1 hour"))
    assert host.engine.journey("j").resumed_at is None
    host.engine.pause("j", at=after("2 hours"))
    host.engine.resume("j", at=after("3 hours"))
    assert host.engine.journey("j").resumed_at == after("3 hours")
    for hour in (4, 6):
        host.engine.pause("j", at=after(f"{hour} hours"))
        host.engine.resume("j", at=after(f"{hour + 1} hours"))
    host.engine.pause("j", at=after("8 hours"))
    host.engine.archive("j", at=after("9 hours"))
    info = host.engine.journey("j")
    assert info.status == "ARCHIVED"
    assert (info.activated_at, info.resumed_at) == (after("1 hour"), after("7 hours"))
    assert (info.paused_at, info.archived_at) == (after("8 hours"), after("9 hours"))


def test_the_newest_version_is_shown(host):
    """What new enrollments enter (R12)."""
    host.deploy(mail(), name="one")
    host.deploy(mail("other"), End("done"), name="two", when="1 hour")
    info = host.engine.journey("j")
    assert (info.version, info.name, info.steps, info.published_at) == (2, "two", 2, after("1 hour"))


# --- messages -------------------------------------------------------------------------------------------------------


def test_messages_are_listed_by_enrollment_and_visit(host):
    """Orders are stated and total (R84); filtered by journey, customer, status."""
    host.deploy(mail("a"), mail("b", data={"x": [1]}))
    host.deploy(mail("k"), id="k")
    for n in range(3):
        host.feed("go", f"{n} hours", f"c{n}")
    host.tick("3 hours")
    host.claim("3 hours", limit=2)
    assert host.engine.messages("j", step="b", channel="EMAIL").total == 3
    assert host.engine.messages("j", channel="SMS").total == 0
    assert host.engine.messages("k", customer="c1", run=1, status=["CLAIMED", "QUEUED"]).total == 1
    page = host.engine.messages("j", skip=1, take=3)
    assert [(each.customer, each.step) for each in page.items] == [("c0", "b"), ("c1", "a"), ("c1", "b")]
    assert (page.total, page.skip, page.take) == (6, 1, 3)
    assert host.engine.messages(customer="c1").total == 3
    assert host.engine.messages(status="CLAIMED").total == 2
    assert host.engine.messages("k", status="QUEUED").total == 3
    assert host.engine.messages("j", customer="c0").items[1].data == {"x": [1]}
    assert host.engine.messages("j", customer="c0").items[0].data == {}


def test_a_bookkeeper_finds_nothing_wrong(crowd):
    """audit() is [] when all adds up (R80)."""
    crowd.claim("2 days", limit=3)
    crowd.tick("9 days")
    assert crowd.engine.audit() == []


def test_what_is_asked_of_one_person_walks_through_no_table():
    """The cost of a question is what it is about: who waits, one life, all of one person (R84)."""
    with open_engine("sqlite") as engine:
        host = Host(engine)
        host.deploy(
            Send("hello", channel="EMAIL", template="t"), limits=Limits(per_hour=1), run_criteria=field("a").eq(1)
        )
        for name in ("c1", "c2", "c3"):
            engine.put_customer(name, {"a": 1}, at=START)
            host.feed("go", START, name)
        host.say("go", START, "c4")
        with statements(engine) as asked:
            engine.deferred()
            engine.deferred("j", customer="c2")
            engine.timeline("c2")
            engine.export_customer("c2")
            engine.why_not("j", "c2")
            engine.customer("c2", pending=True)
        with engine.store.reader() as reader:
            plans = [row[3] for sql in list(asked) for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
    walk = re.compile(r"SCAN (c|e|m|r|inputs|customers|enrollments|moves|messages)\b|SEARCH c USING .*\(tenant=\?\)$")
    walks = [plan for plan in plans if walk.match(plan)]
    assert plans
    assert walks == []


def test_what_is_asked_of_one_person_in_a_journey_is_found_by_the_person():
    """Their runs and messages, in any order, from any place: never through all who are in the journey (R84)."""
    with open_engine("sqlite") as engine:
        host = Host(engine)
        host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("w", "9 days"), reentry="always")
        for name in ("c1", "c2", "c2"):
            host.say("go", START, name)
        with statements(engine) as asked:
            for order in ("entered", "customer", "due", "ended"):
                first = engine.enrollments("j", customer="c2", order=order, take=1)
                engine.enrollments("j", customer="c2", order=order, take=1, after=first.cursor)
            engine.enrollments("j", customer="c2", status="ACTIVE", step="w", version=1)
            engine.messages("j", customer="c2", after=engine.messages("j", customer="c2", run=1, take=1).cursor)
            engine.find_enrollment("j", "c2")
            engine.explain("j", "c2")
        with engine.store.reader() as reader:
            plans = [row[3] for sql in list(asked) for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
    searches = [plan for plan in plans if plan.startswith("SEARCH e ")]
    assert searches
    assert [plan for plan in searches if "enrollments_by_journey" in plan or "rowid>" in plan] == []


def test_pages_of_a_journey_are_read_in_the_order_of_an_index():
    """The first page of its enrollments or messages sorts none of the others (R84)."""
    with open_engine("sqlite") as engine:
        Host(engine).deploy(Send("hello", channel="EMAIL", template="t"))
        with statements(engine) as asked:
            engine.enrollments("j", take=1)
            engine.messages("j", take=1)
            engine.messages("j", step="hello", status="QUEUED", take=1, after="x-1-1")
        with engine.store.reader() as reader:
            plans = [row[3] for sql in list(asked) for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
    assert any("enrollments_by_journey" in plan for plan in plans)
    assert [plan for plan in plans if "TEMP B-TREE" in plan] == []


def test_ids_of_customers_are_found_by_their_beginning(host):
    """Sorted, as many as asked for; those of other tenants and those forgotten are not among them (R84, R86, R91)."""
    for name in ("ann", "anna", "Ann", "bob", "\U0001f600", "a'n"):
        host.put("1 minute", name, n=1)
    Host(host.engine.tenant("other")).put("1 minute", "andy", n=1)
    host.tick("2 minutes")
    engine = host.engine
    assert engine.customer_ids("an") == ("ann", "anna")
    assert engine.customer_ids("a", take=2) == ("a'n", "ann")
    assert engine.customer_ids() == ("Ann", "a'n", "ann", "anna", "bob", "\U0001f600")
    assert engine.customer_ids("\U0001f600") == ("\U0001f600",)
    assert engine.customer_ids("c") == ()
    assert engine.customer_ids("an", take=None) == ("ann", "anna")
    engine.forget("anna", at=after("3 minutes"))
    assert engine.customer_ids("an") == ("ann",)
    with pytest.raises(InvalidInput, match="starts: must be text, not int 5"):
        engine.customer_ids(5)
