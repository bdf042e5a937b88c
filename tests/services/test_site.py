"""The site: who may look, what its pages say, that hostile names are text, and that it costs what it shows."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from journeyflow import (
    End,
    Engine,
    Event,
    Exit,
    Goal,
    Journey,
    MemoryStore,
    Page,
    Send,
    Split,
    Trigger,
    Wait,
    arm,
    field,
)
from journeyflow.answers import SetAside
from journeyflow.basics.moments import from_micros
from journeyflow.services.operations import HttpRequest
from journeyflow.services.site.service import PAGES
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, after, open_engine, statements
from tests.services.looking import NOW, Browser, Shown, basic, filled


@pytest.fixture(params=STORES, scope="module")
def browser(request):
    """Look at an engine on each store, which no page changes."""
    with Engine(MemoryStore() if request.param == "memory" else SQLiteStore(":memory:", nonce="memory")) as engine:
        found = Browser(filled(engine))
        yield found
        found.directory.close()


EVERY: tuple[tuple[str, dict[str, str]], ...] = (
    ("", {}),
    ("journey", {"id": "club"}),
    ("journey", {"id": "vip"}),
    ("people", {"journey": "club"}),
    ("people", {"journey": "club", "step": "long"}),
    ("people", {"journey": "club", "failed": "1"}),
    ("messages", {"journey": "club"}),
    ("messages", {"journey": "club", "failed": "1"}),
    ("customer", {"id": "c0"}),
    ("customer", {"id": "c1", "journey": "club"}),
    ("run", {"journey": "club", "customer": "c0", "run": "1"}),
    ("audit", {}),
    ("audit", {"journey": "club"}),
)
"""An address of each page, and of each of its forms."""


# --- what the pages say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "asked"), EVERY)
def test_every_link_leads_to_a_page(site, page, asked):
    """Wherever somebody goes on from a page, something is shown."""
    assert {page for page, _ in EVERY} == set(PAGES)
    for address in site.look(page, **asked).links():
        name, _, query = address.partition("?")
        given = dict(part.split("=", 1) for part in query.split("&") if part)
        site.look(name.removeprefix("./"), **{key: unquoted(value) for key, value in given.items()})


def unquoted(text):
    """Return the words of an address."""
    return bytes.fromhex(re.sub(r"%(..)|(.)", lambda m: m[1] or m[2].encode().hex(), text)).decode()


def test_journeys_are_those_of_the_answer(browser):
    """State, counts and entries by day, from the lists and the statistics (property of one page)."""
    shown = browser.look("")
    infos = {info.id: info for info in browser.engine.journeys()}
    assert shown.column("Journeys", "journey") == ["The clubclub", "vip"]
    for name, of in (("entered", "enrolled"), ("inside", "active"), ("exited", "exited"), ("failed", "failed")):
        assert shown.column("Journeys", name) == [f"{getattr(infos[each], of):,}" for each in ("club", "vip")]
    assert shown.column("Journeys", "state") == ["ACTIVE", "PAUSED"]
    said = [found["aria-label"] for tag, found in shown.elements if tag == "svg" and found.get("role") == "img"]
    days = [day.entered for day in browser.engine.stats("club", at=NOW, since="2025-12-26").daily]
    assert said[0] == f"entries by day: {', '.join(map(str, days))}"
    assert shown.column("Journeys", "sent")[0] == str(browser.engine.stats("club", at=NOW).window.sent.unique)


def test_a_journey_has_its_steps_arms_refusals_and_failures(browser):
    """Every number is that of the statistics; the picture has the same."""
    shown = browser.look("journey", id="club")
    stats = browser.engine.stats("club", at=NOW, since="2025-12-26")
    steps = "Steps, with who is there and how many came"
    assert shown.column(steps, "step") == ["Say hello", "breathe", "test", "tips", "rich", "long", "done"]
    for name, of in (("here now", "active"), ("visits", "visited"), ("left here", "left")):
        assert shown.column(steps, name) == [f"{getattr(each, of):,}" for each in stats.by_step.values()]
    arms = {(row[0], row[1]): row[3].strip() for row in shown.tables["Arms and branches"][1:]}
    assert arms == {
        (step, label): f"{many:,}"
        for step in ("test", "rich")
        for label, many in (stats.by_step[step].outcomes or {}).items()
    }
    assert "6 visits" in shown.said
    assert shown.column("Messages that were given up", "last error") == ["550 no such <mailbox>"]
    assert "The channel EMAIL is held since 2026-01-05 12:00:00 Africa/Johannesburg (2026-01-05 10:00:00 UTC)" in (
        re.sub(r"\s+", " ", "".join(shown.words))
    )
    refused = browser.look("journey", id="vip")
    counted = browser.engine.refusals("vip")
    assert refused.column("Refused entries by reason", "reason") == [each.reason for each in counted]
    assert refused.column("Refused entries by reason", "entries") == [str(each.count) for each in counted]
    assert "Paused since 2026-01-08 11:00:00 UTC: no customer enters" in refused.said


def test_a_share_above_a_hundred_percent_is_explained():
    """Whoever was at the step before in earlier days is not among its visits; without such a share nothing is said."""
    hello = Send("one", channel="EMAIL", template="one")
    slow = Journey(id="slow", trigger=Trigger("slow"), steps=[hello, Wait("pause", "35 days"), End("over")])
    begun, sentence = NOW - timedelta(days=40), "A share above 100%: people came again"
    with Engine(MemoryStore()) as engine:
        browser = Browser(engine)
        engine.deploy(slow, at=begun)
        engine.feed([Event("slow", customer=name, at=begun) for name in ("ann", "bob")])
        engine.tick(begun)
        engine.feed(Event("slow", customer="cid", at=NOW - timedelta(days=1)))
        assert sentence not in browser.look("journey", id="slow").said
        engine.tick(NOW)
        shown = browser.look("journey", id="slow")
        browser.directory.close()
    assert shown.column("Steps, with who is there and how many came", "of the first") == ["100%", "100%", "200%"]
    assert sentence in shown.said


def test_arms_are_compared_by_the_goal_where_that_is_little_work(browser, monkeypatch):
    """The sentences of the results; a journey with more people leaves them to the command line."""
    shown = browser.look("journey", id="club")
    for sentence in browser.engine.results("club").sentences:
        assert sentence in shown.said
    assert "Results" not in browser.look("journey", id="vip").words
    monkeypatch.setattr("journeyflow.services.site.journeys.COMPARED", 3)
    monkeypatch.setattr(Engine, "results", lambda *_: pytest.fail("it goes through all of history"))
    assert "journeyflow results" in browser.look("journey", id="club").said


def test_who_is_at_a_step_is_paged_by_a_cursor(browser, monkeypatch):
    """Everybody once, the newest first, with until when they rest in the zone of the journey and in UTC."""
    monkeypatch.setattr("journeyflow.services.site.list_pages.ROWS", 2)
    seen, asked = [], {"journey": "vip", "step": "rest"}
    while True:
        shown = browser.look("people", **asked)
        seen += shown.column("At step rest", "customer")
        more = [each for each in shown.links() if "after=" in each]
        if not more:
            break
        asked["after"] = more[0].rpartition("after=")[2]
    expected = [each.customer for each in browser.engine.enrollments("vip", step="rest", take=None)]
    assert seen == expected[::-1]
    assert f"{len(seen)} are here now" in shown.said
    shown = browser.look("people", journey="club", step="long")
    assert shown.tables["At step long"][1][:8] == [
        "c3", "run 1", "2026-01-05 10:03:00", "2026-01-05 08:03:00", "ACTIVE", "long", "\N{EN DASH}",
        "2026-04-08 10:03:00",
    ]  # fmt: skip


def test_a_customer_page_says_why_there_was_no_mail(browser):
    """A message that was given up, a refusal with the values compared, a trigger that did not match."""
    shown = browser.look("customer", id="c0")
    assert "hello: queued, message FAILED after 1 attempt, last error '550 no such <mailbox>'" in shown.said
    assert "run criteria: tier 'Gold' is not 'Platinum'" in shown.said
    assert "would not enter: paused: only an ACTIVE journey is entered" in shown.said
    (waiting, *_) = browser.engine.messages("club", status="QUEUED")
    assert "The channel EMAIL is held" in browser.look("customer", id=waiting.customer).said
    assert shown.column("Messages", "status")[-1] == "FAILED"
    assert shown.column("Messages", "attempts")[-1] == "1"
    silver = browser.look("customer", id="c1", journey="club")
    assert "trigger criteria: tier 'Silver' not in ['Gold', 'Platinum']" in silver.said
    assert silver.column("Journeys that the customer is not in", "journey") == ["club"]
    assert "In no journey, now or before." in silver.said
    consent = browser.look("customer", id="c2")
    assert "consent: it is required, and given for none of SMS" in consent.said
    assert "rest: " not in consent.said


def test_the_beginning_of_an_id_finds_customers(browser):
    """Those whose ids begin so, each a link; the very id leads to its own page."""
    shown = browser.look("customer", id="c")
    assert [each for each in shown.links() if "id=" in each] == [f"customer?id=c{n}" for n in range(8)]
    assert "The first 8 whose ids begin with it" in shown.said
    assert "journey=club" in browser.look("customer", id="c", journey="club").links()[-1]


def test_an_old_file_shows_the_days_that_it_is_about(browser):
    """Where nothing was counted for two weeks, the window ends with what was counted last."""
    key = basic("", browser.keys["default"])
    shown = Shown(browser.service.answer(HttpRequest("GET", "/site/", {}, key), NOW + timedelta(days=400)).body)
    assert "those of the 14 days up to 2026-01-08" in shown.said
    assert shown.column("Journeys", "sent") == browser.look("").column("Journeys", "sent")


def test_a_file_that_was_played_ahead_of_time_shows_the_days_that_it_is_about(browser):
    """Its newest day is yet to come; nothing was counted today."""
    key = basic("", browser.keys["default"])
    shown = Shown(browser.service.answer(HttpRequest("GET", "/site/", {}, key), NOW - timedelta(days=400)).body)
    assert shown.column("Journeys", "sent") == browser.look("").column("Journeys", "sent")


def test_days_are_those_of_the_zone_of_the_journey():
    """The page of a journey has the days of the statistics, that of all journeys the last fourteen of them (R82)."""
    at = START.replace(hour=20)  # the next day in Auckland
    far = Journey(
        id="far", trigger=Trigger("go"), timezone="Pacific/Auckland",
        steps=[Send("hi", channel="EMAIL", template="t"), Wait("rest", "90 days")],
    )  # fmt: skip
    now = at + timedelta(days=19)
    with Engine(MemoryStore()) as engine:
        browser = Browser(engine)
        engine.deploy(far, at=START)
        for days in range(20):
            day = at + timedelta(days=days)
            engine.feed(Event("go", customer=f"c{days}", at=day))
            engine.tick(day)
            engine.ack(engine.claim("w", at=day), at=day)
        engine.tick(now)
        key = basic("", browser.keys["default"])
        home, page = (
            Shown(browser.service.answer(HttpRequest("GET", f"/site/{name}", {"id": "far"}, key), now).body)
            for name in ("", "journey")
        )
        stats = engine.stats("far", at=now)
        browser.directory.close()
    assert home.column("Journeys", "sent") == ["14"]
    assert f"those of {stats.since} to {stats.until} (Pacific/Auckland)" in page.said


def test_what_a_newer_version_dropped_is_still_shown():
    """Its steps, its arms and what they showed: people and messages of a journey are those of all versions."""
    ways = [arm(50, [Send(name, channel="EMAIL", template="t")], label=name) for name in ("tips", "offer")]
    with Engine(MemoryStore()) as engine:
        browser = Browser(engine)
        goal, rest = Goal("order", within="5 days"), Wait("rest", "90 days")
        engine.deploy(Journey(id="j", trigger=Trigger("go"), goal=goal, steps=[Split("test", *ways), rest]), at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(20))
        engine.tick(START)
        engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[rest]), at=NOW)
        shown, stats, results = browser.look("journey", id="j"), engine.stats("j", at=NOW), engine.results("j")
        report = str(engine.report("j", at=NOW))
        browser.directory.close()
    steps = "Steps, with who is there and how many came"
    assert shown.column(steps, "step") == ["rest", "end", "test", "tips", "offer"]
    assert shown.column(steps, "visits") == [str(each.visited) for each in stats.by_step.values()]
    assert shown.column(steps, "what it does")[2:] == [
        f"{kind} of older versions" for kind in ("split", "send", "send")
    ]
    assert shown.column("Arms and branches", "arm or branch") == ["tips", "offer"]
    assert shown.column("Arms and branches", "meant") == ["\N{EN DASH}"] * 2
    assert "Visits are those of all versions; what is meant is that of version 2." in shown.said
    assert all(sentence in shown.said and sentence in report for sentence in results.sentences)


def test_a_timeline_is_that_of_the_answer_from_its_end(browser, monkeypatch):
    """Page by page, each moment once, with the instants of the journey's zone."""
    monkeypatch.setattr("journeyflow.services.site.customers.MOMENTS", 8)
    expected = [moment.text for moment in browser.engine.timeline("c3", take=None).moments]
    seen, asked = [], {"id": "c3"}
    while True:
        shown = browser.look("customer", **asked)
        seen += shown.column("What happened, the newest first", "what")
        more = [each for each in shown.links() if "until=" in each]
        if not more:
            break
        asked["until"] = more[0].rpartition("until=")[2]
    assert seen == expected[::-1]
    first = browser.look("customer", id="c3", until=asked.get("until")).tables["What happened, the newest first"]
    assert ["2026-01-05 10:03:00 +02:00", "2026-01-05 08:03:00", "club #1", "enters, version 1"] in first


def test_a_run_has_every_decision_and_its_messages(browser):
    """The explanation, with instants in the zone of the journey."""
    shown = browser.look("run", journey="club", customer="c3")
    told = browser.engine.explain("club", "c3")
    assert shown.column("Decisions", "step") == ["entry", *(each.step for each in told.visits)]
    compared = shown.column("Decisions", "compared")
    assert compared[0] == "tier 'Gold' in ['Gold', 'Platinum']"
    assert "yes: rich True = True" in compared[-2]
    assert "now waiting at long until 2026-04-08 10:03:00 (Africa/Johannesburg)" in shown.said
    assert len(shown.tables["Messages"]) == 1 + browser.engine.messages("club", customer="c3").total


def test_a_run_that_an_exit_ended_says_by_which_values(monkeypatch):
    """One of very many visits shows the newest of them."""
    monkeypatch.setattr("journeyflow.services.site.customers.VISITS", 2)
    engine = open_engine("memory")
    waits = [Wait(name, "1 day") for name in "abc"]
    engine.deploy(
        Journey(id="j", trigger=Trigger("go"), steps=waits, exits=[Exit("gone", when=field("gone").eq(True))]), at=START
    )
    engine.feed(Event("go", customer="c", at=START))
    engine.put_customer("c", {"gone": True}, at=after("3 days") - timedelta(hours=1))
    engine.tick(NOW)
    shown = Browser(engine).look("run", journey="j", customer="c")
    assert shown.column("Decisions", "step") == ["entry", "b", "c", "exit"]
    assert "The newest 2 of 3 visits." in shown.said
    assert shown.tables["Decisions"][-1][-1] == "gone = True"
    assert "EXITED gone" in shown.said


def test_the_audit_says_what_hosts_changed(browser, monkeypatch):
    """Newest first: versions, states, channels; of one journey or of all."""
    shown = browser.look("audit")
    assert shown.column("Changes", "what") == [each.text for each in browser.engine.audit_trail()]
    assert shown.column("Changes", "what")[:2] == ["is PAUSED from now on", "channel EMAIL is held"]
    assert shown.column("Changes", "UTC")[0] == "2026-01-08 11:00:00"
    of_club = browser.look("audit", journey="club")
    assert of_club.column("Changes", "journey time") == ["2026-01-05 10:00:00 +02:00"] * 2
    monkeypatch.setattr("journeyflow.services.site.list_pages.ROWS", 1)
    assert "audit?after=5" in browser.look("audit").links()
    assert browser.look("audit", after="5").column("Changes", "what") == ["channel EMAIL is held"]


# --- who may look -----------------------------------------------------------------------------------------------------


def test_a_key_is_the_password_or_comes_as_for_the_other_services(site):
    """Any name will do; a key alone may stand for the name."""
    key = site.keys["default"]
    for headers in (
        basic("", key), basic("x", key), basic(key, ""), {"Authorization": f"Bearer {key}"}, {"X-API-Key": key},
    ):  # fmt: skip
        assert site.ask("", headers=headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {}, basic("x", "wrong"), basic("", ""), {"Authorization": "Basic"}, {"Authorization": "Basic ###"},
        {"Authorization": "Basic /////w=="}, {"Authorization": "Bearer"}, {"Authorization": "Digest x"},
        {"X-API-Key": "wrong"}, {"Cookie": "key=wrong"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("page", ["", "journey", "nosuch"])
def test_who_has_no_key_learns_nothing(site, page, headers):
    """The same answer whatever is there, and a browser is told to ask for a key."""
    reply = site.ask(page, headers=headers, id="club")
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Basic realm=")
    assert reply.body == site.ask("", headers={}).body
    assert not Shown(reply.body).links()


def test_keys_of_other_kinds_open_nothing(site):
    """The key of an administrator and a session of Octeth's are not keys of a user."""
    for kind, user in (("admin", None), ("session", 1)):
        secret = site.directory.add_secret(kind, user=user)
        assert site.ask("", headers=basic("x", secret)).status == 401
    late = site.directory.add_secret("key", user=1, expires_at=1)
    assert site.ask("", headers=basic("x", late)).status == 401


@pytest.mark.parametrize(("page", "asked"), [each for each in EVERY if each[1]])
def test_another_tenant_sees_nothing_of_it(site, page, asked):
    """What belongs to somebody else is not found, as if it were not there (R91)."""
    reply, nowhere = (
        site.ask(page, tenant="other", **{name: value + suffix for name, value in asked.items() if name != "failed"})
        for suffix in ("", "0")
    )
    assert reply.status == nowhere.status == 404
    for name in ("The club", "Say hello", "Gold", "EMAIL"):
        assert name not in reply.body
        assert name not in site.ask("", tenant="other").body


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "asked"), [each for each in EVERY if each[0] not in {"customer", "run"}])
def test_a_page_asks_as_much_of_many_people_as_of_few(monkeypatch, page, asked):
    """The number of statements does not grow with people, and no statement walks a table of theirs."""
    monkeypatch.setattr("journeyflow.services.site.journeys.COMPARED", 0)
    counts = []
    for many in (2, 60):
        engine = filled(open_engine("sqlite"))
        for n in range(many):
            engine.put_customer(f"p{n}", {"tier": "Platinum"}, at=after("2 days"))
            engine.feed(Event("joined", customer=f"p{n}", at=after("2 days")))
        engine.tick(NOW)
        site = Browser(engine)
        site.look(page, **asked)
        with statements(engine) as noted:
            site.look(page, **asked)
        counts.append(len(noted))
        with engine.store.reader() as reader:
            for sql in noted:
                plan = [row[-1] for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
                walked = [
                    line for line in plan if re.match(r"SCAN (e|m|c|enrollments|messages|customers|inputs)\b", line)
                ]
                assert not walked, sql
    assert counts[0] == counts[1]


def test_an_instant_of_the_address_is_read_as_it_was_written(site):
    """Microseconds since 1970."""
    assert "No such" not in site.look("customer", id="c0", until=str(10**15)).said
    assert from_micros(10**15).year == 2001
    assert quote("a b") == "a%20b"


def test_inputs_that_were_set_aside_are_listed(monkeypatch):
    """Page by page, with the customers they are about (R9)."""
    monkeypatch.setattr("journeyflow.services.site.list_pages.ROWS", 2)
    engine = filled(open_engine("memory"))
    aside = tuple(SetAside(n, "default", "event", "go", f"c{n}", START) for n in range(3))
    monkeypatch.setattr(Engine, "set_aside", lambda _, take, after: Page(aside[after or 0 :][:take], 3, 0, take, 2))
    shown = Browser(engine).look("audit")
    assert shown.column("Set aside", "customer") == ["c0", "c1"]
    assert "audit?aside=2" in shown.links()
    assert "To count all rows again and compare, which takes long, run" in shown.said
    assert Browser(engine).look("audit", aside="2").column("Set aside", "customer") == ["c2"]
