"""Who is or was at a step, and what they did with its messages (F139 to F149)."""

import pytest

from journeyflow import End, InvalidInput, NotFound, Send, Update, Wait, tag
from journeyflow.answers import Engagement
from journeyflow.questions.paging import Slice
from journeyflow.questions.people import ORDERS, Wanted
from tests.samples import START, Host, after, open_engine, statements

HELLO = Send("hello", channel="EMAIL", template="t")
REST = Wait("rest", "1 day")
DEEDS = {
    "ann": ("opened", "clicked", "opened"),
    "bob": ("opened", "converted", "browser_viewed", "forwarded"),
    "cid": ("bounced",),
    "dan": ("opened", "unsubscribed", "complained"),
    "eve": (),
}


@pytest.fixture
def crowd(host):
    """Give a host with five people who did different things with the same mail."""
    for hour, name in enumerate(reversed(DEEDS)):
        host.put(START, name, email=f"{name}@example.com", age=40 - hour, address={"city": name.upper()})
        host.feed("go", f"{hour} hours", name)
    host.deploy(HELLO, REST, Send("bye", channel="SMS", template="t"))
    host.tick("5 hours")
    ids = {message.customer: message.id for message in host.engine.messages().items}
    for minute, (name, kinds) in enumerate(DEEDS.items()):
        for second, kind in enumerate(kinds):
            host.feed(f"message.{kind}", f"6 hours {minute} minutes {second} seconds", name, message=ids[name])
    host.tick("7 hours")
    return host


def names(page):
    """Name who is on a page."""
    return [each.customer for each in page.items]


# --- rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.rows(139, 145, 146, 147)
def test_everybody_who_was_at_a_step_is_listed_once(crowd):
    """A row has the newest stay, what was done with the messages, whether mail is withheld, and chosen attributes."""
    page = crowd.engine.people("j", "hello", fields=["email", "address.city", "phone"])
    assert names(page) == ["ann", "bob", "cid", "dan", "eve"]
    assert (page.total, page.skip, page.take, page.cursor) == (5, 0, 25, None)
    ann, _, cid, dan, _ = page.items
    assert (ann.tenant, ann.journey, ann.step, ann.run, ann.n) == ("default", "j", "hello", 1, 1)
    assert (ann.status, ann.outcome, ann.stays) == ("COMPLETED", "queued", 1)
    assert (ann.entered_at, ann.left_at) == (after("4 hours"), after("4 hours"))
    assert ann.fields == {"email": "ann@example.com", "address.city": "ANN", "phone": None}
    assert ann.did == {
        "opened": Engagement(after("6 hours"), 2),
        "clicked": Engagement(after("6 hours 1 second"), 1),
    }
    assert list(ann.did) == ["opened", "clicked"]
    assert cid.did == {"bounced": Engagement(after("6 hours 2 minutes"), 1)}
    assert [each.suppressed for each in page.items] == [False, False, False, True, False]
    assert dan.suppressed


def test_who_is_there_now_is_asked_of_nobody_else():
    """The history of those who have left is not read, whatever is asked about those who are there (R84)."""
    with open_engine("sqlite") as engine:
        Host(engine).deploy(Send("hello", channel="EMAIL", template="t"), Wait("rest", "9 days"))
        with statements(engine) as asked:
            engine.people("j", "hello", now=True)
            engine.people("j", "hello", now=True, did="opened", did_not="clicked", order="entered")
        with engine.store.reader() as reader:
            plans = [row[3] for sql in list(asked) for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
    assert "SEARCH e USING INDEX enrollments_at_step (version=? AND step=?)" in plans
    assert [plan for plan in plans if "enrollments_by_journey" in plan or plan.startswith("SCAN m")] == []


@pytest.mark.rows(65, 139)
def test_only_who_is_there_now_can_be_asked_for(crowd):
    """`now` lists those whose stay lasts; without it those who have left are listed too."""
    crowd.tick("25 hours 30 minutes")
    assert names(crowd.engine.people("j", "rest")) == ["ann", "bob", "cid", "dan", "eve"]
    page = crowd.engine.people("j", "rest", now=True)
    assert names(page) == ["ann", "bob", "cid"]
    assert page.total == 3
    stay = page.items[0]
    assert (stay.status, stay.left_at, stay.n, stay.suppressed, stay.did) == ("ACTIVE", None, 2, None, {})
    gone = crowd.engine.people("j", "rest").items[4]
    assert (gone.status, gone.outcome) == ("COMPLETED", "elapsed")
    assert (gone.entered_at, gone.left_at) == (START, after("1 day"))


@pytest.mark.rows(148)
def test_nobody_is_an_empty_list(crowd):
    """An empty list and a total of 0, not an error; likewise beyond the last page."""
    page = crowd.engine.people("j", "bye")
    assert (page.items, page.total, page.cursor) == ((), 0, None)
    beyond = crowd.engine.people("j", "hello", skip=50)
    assert (beyond.items, beyond.total) == ((), 5)


def test_the_newest_stay_counts_and_the_one_that_lasts_before_it(host):
    """Loops and new runs are stays of the same person."""
    host.deploy(Wait("w", "1 hour", next="u"), Update("u", tag.add("x"), next="w"), reentry="always", max_visits=5)
    host.say("go")
    host.tick("90 minutes")
    (stay,) = host.engine.people("j", "w").items
    assert (stay.run, stay.n, stay.stays, stay.status, stay.entered_at) == (1, 3, 2, "ACTIVE", after("1 hour"))
    host.tick("9 hours")
    (stay,) = host.engine.people("j", "w").items
    assert (stay.run, stay.n, stay.stays, stay.status) == (1, 5, 3, "COMPLETED")
    host.say("go", "10 hours")
    (stay,) = host.engine.people("j", "w", now=True).items
    assert (stay.run, stay.n, stay.stays, stay.status) == (2, 1, 4, "ACTIVE")


def test_paths_that_are_spelled_out_count_too(host):
    """A move through more steps than are interned is looked through all the same."""
    host.deploy(*(Update(f"u{n}", tag.add("x")) for n in range(120)), End("done"))
    host.say("go")
    (stay,) = host.engine.people("j", "u119").items
    assert (stay.n, stay.status, stay.entered_at) == (120, "COMPLETED", START)


def test_a_step_is_known_in_any_version(host):
    """People inside stay in their version; who left a step that is gone by now is found too."""
    host.deploy(HELLO, REST)
    host.say("go", START, "ann")
    host.deploy(Send("hi", channel="SMS", template="t"), REST, when="1 hour", consent="required")
    host.put("1 hour", "bob", consent={"SMS": True})
    host.say("go", "1 hour", "bob")
    assert names(host.engine.people("j", "hello")) == ["ann"]
    assert names(host.engine.people("j", "rest")) == ["ann", "bob"]
    assert [each.suppressed for each in host.engine.people("j", "hi").items] == [False]
    host.put("2 hours", "bob", consent={"SMS": None})
    host.tick("2 hours")
    assert [each.suppressed for each in host.engine.people("j", "hi").items] == [True]


def test_other_journeys_and_tenants_do_not_count(host):
    """A step of the same name in another journey is another step; another tenant's journey is not found (R91)."""
    host.deploy(HELLO)
    host.deploy(HELLO, id="k")
    host.engine.enroll("k", "ann", at=START)
    host.tick()
    assert names(host.engine.people("j", "hello")) == []
    assert names(host.engine.people("k", "hello")) == ["ann"]
    with pytest.raises(NotFound, match="no journey 'k'"):
        host.engine.tenant("other").people("k", "hello")


# --- filters --------------------------------------------------------------------------------------------------------


@pytest.mark.rows(140, 141, 142)
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"did": "opened"}, "ann bob dan"),
        ({"did": "clicked"}, "ann"),
        ({"did": "converted"}, "bob"),
        ({"did": "browser_viewed"}, "bob"),
        ({"did": "forwarded"}, "bob"),
        ({"did": "unsubscribed"}, "dan"),
        ({"did": "bounced"}, "cid"),
        ({"did": "complained"}, "dan"),
        ({"did": "spam_complaint"}, "dan"),
        ({"did": ["opened", "clicked"]}, "ann"),
        ({"did": ["clicked", "bounced"]}, ""),
        ({"did": ["clicked", "bounced"], "match": "any"}, "ann cid"),
        ({"did_not": "opened"}, "cid eve"),
        ({"did": "opened", "did_not": "clicked"}, "bob dan"),
        ({"did": "bounced", "did_not": "opened", "match": "any"}, "cid eve"),
        ({"did": "sent"}, ""),
    ],
)
def test_people_are_filtered_by_what_they_did(crowd, asked, expected):
    """All eight kinds, all of them or any, done or not done; the total counts who fits."""
    page = crowd.engine.people("j", "hello", **asked)
    assert names(page) == expected.split()
    assert page.total == len(expected.split())


def test_what_people_did_at_another_step_or_in_another_journey_is_not_told(host):
    """Of one step alone, of those on the page alone; the newest of several runs is the one that is shown."""
    mail = (HELLO, Send("bye", channel="SMS", template="t"), End("done"))
    host.deploy(*mail, reentry="always")
    host.deploy(*mail, id="k")
    for hour in (0, 1):
        host.feed("go", f"{hour} hours", "ann")
        host.feed("go", f"{hour} hours", "bob")
    host.tick("2 hours")
    deeds = {
        ("j", 1, "hello"): "opened",
        ("j", 2, "hello"): "opened",
        ("j", 1, "bye"): "bounced",
        ("k", 1, "hello"): "clicked",
    }
    for message in host.engine.messages(customer="ann"):
        if kind := deeds.get((message.journey, message.run, message.step)):
            host.feed(f"message.{kind}", "3 hours", "ann", message=message.id)
    host.tick("4 hours")
    ann, bob = host.engine.people("j", "hello")
    assert (ann.did, bob.did) == ({"opened": Engagement(after("3 hours"), 2)}, {})
    assert [(each.run, each.n, each.stays) for each in (ann, bob)] == [(2, 1, 2)] * 2
    assert list(host.engine.people("j", "bye")[0].did) == ["bounced"]
    assert names(host.engine.people("j", "hello", did="bounced")) == []
    assert names(host.engine.people("j", "hello", did="clicked")) == []
    assert names(host.engine.people("k", "hello", did="clicked")) == ["ann"]


def test_a_step_that_sends_nothing_is_not_asked_about_messages(crowd):
    """Whatever is asked; a channel by which a Send never sent is named."""
    for asked in ({"did": "opened"}, {"did_not": "opened"}, {"channel": "EMAIL"}):
        with pytest.raises(InvalidInput, match="step 'rest' sends nothing"):
            crowd.engine.people("j", "rest", **asked)
    with pytest.raises(InvalidInput, match="channel: there is no 'SMS'; there are EMAIL"):
        crowd.engine.people("j", "hello", channel="SMS")


@pytest.mark.rows(142)
def test_filters_go_with_being_there_now(crowd):
    """`now` is asked beside the filters, whatever `match` says."""
    crowd.deploy(HELLO, id="k")
    with pytest.raises(InvalidInput, match="step 'rest' sends nothing"):
        crowd.engine.people("j", "rest", now=True, did="opened")
    assert names(crowd.engine.people("j", "hello", now=True, did="opened", match="any")) == []


# --- order and pages ------------------------------------------------------------------------------------------------


@pytest.mark.rows(144)
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("customer", "ann bob cid dan eve"),
        ("entered", "eve dan cid bob ann"),
        ("left", "eve dan cid bob ann"),
        ("stays", "eve dan cid bob ann"),
        ("email", "ann bob cid dan eve"),
        ("age", "ann bob cid dan eve"),
        ("customer.age", "ann bob cid dan eve"),
        ("address.city", "ann bob cid dan eve"),
        ("nothing.like.it", "eve dan cid bob ann"),
    ],
)
def test_people_are_sorted_upward_and_downward(crowd, order, expected):
    """By customer, stay or any attribute; numbers of customers, given when they were first told of, break ties."""
    assert names(crowd.engine.people("j", "hello", order=order)) == expected.split()
    downward = names(crowd.engine.people("j", "hello", order=order, descending=True))
    assert downward == expected.split()[::-1]


@pytest.mark.rows(143, 147)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", [*ORDERS, "email", "age", "missing"])
def test_pages_by_skip_and_by_cursor_are_the_same(crowd, order, descending):
    """A cursor goes on where its page ended, in every order, also among equal values; the total is that of the list."""
    whole = names(crowd.engine.people("j", "hello", order=order, descending=descending))
    skipped, keyed, cursor = list[str](), list[str](), None
    for skip in range(0, 5, 2):
        asked = {"order": order, "descending": descending, "take": 2}
        skipped += names(crowd.engine.people("j", "hello", skip=skip, **asked))
        page = crowd.engine.people("j", "hello", after=cursor, **asked)
        keyed, cursor = keyed + names(page), page.cursor
        assert page.total == 5
    assert skipped == keyed == whole
    assert cursor is None


def test_what_cannot_be_asked_is_told_all_at_once(crowd):
    """Unknown words with the nearest one, pages that cannot be, foreign cursors; unknown steps are not found."""
    with pytest.raises(InvalidInput) as error:
        crowd.engine.people("j", "hello", did="opned", did_not=["x"], match="some", take=0, after=3)
    assert error.value.faults == (
        "a page has skip >= 0 and take from 1 to 10000, not skip=0, take=0",
        "after: int 3 is not a cursor of such a page",
        "did: there is no 'opned' (did you mean 'opened'?)",
        (
            "did_not: there is no 'x'; there are sent, delivered, opened, clicked, converted, browser_viewed, "
            "forwarded, unsubscribed, bounced, complained, failed, spam_complaint"
        ),
        "match: must be 'all' or 'any', not str 'some'",
    )
    with pytest.raises(NotFound, match=r"no step 'helo' of journey 'j' \(did you mean 'hello'\?\)"):
        crowd.engine.people("j", "helo")
    for cursor in ("{", "[1]", '[1,"x"]', "[null,1]", "5", 1.5, '["\\ud800",1]', "[1e999,1]", f'["a",{2**63}]'):
        with pytest.raises(InvalidInput, match="is not a cursor of such a page"):
            crowd.engine.people("j", "hello", after=cursor)


def test_a_question_takes_the_same_statements_however_many_people():
    """No statement per person: as many for thirty as for one."""
    counts = []
    for many in (1, 30):
        with open_engine("sqlite") as engine:
            host = Host(engine)
            host.deploy(HELLO, REST)
            for n in range(many):
                host.feed("go", START, f"c{n:02}")
            host.tick()
            with statements(engine) as asked:
                assert host.engine.people("j", "hello", did_not="opened", take=20).total == many
            counts.append(len(asked))
    assert counts[0] == counts[1] <= 4


def test_a_question_is_a_value():
    """What is asked can be kept and compared."""
    assert Wanted(Slice("customer")) == Wanted(Slice("customer"), now=False)
