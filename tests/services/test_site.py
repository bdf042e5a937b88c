"""The site: who may look, what its pages say, that hostile names are text, and that it costs what it shows."""

import re
from base64 import b64encode
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyflow import (
    Condition,
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
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.operations import HttpRequest
from journeyflow.services.site import PageService
from journeyflow.services.site.service import PAGES
from journeyflow.stores.sqlite import SQLiteStore
from tests.reader import Reader
from tests.samples import START, STORES, after, open_engine, statements

NOW = after("3 days 5 hours")

CLUB = Journey(
    id="club",
    name="The club",
    trigger=Trigger("joined", where=field("tier").in_(["Gold", "Platinum"])),
    timezone="Africa/Johannesburg",
    goal=Goal("order", within="9 days"),
    steps=[
        Send("hello", channel="EMAIL", template="welcome", name="Say hello"),
        Wait("breathe", "3 days"),
        Split("test", arm(50, [Send("tips", channel="EMAIL", template="tips")], label="A"), arm(50, label="B")),
        Condition("rich", field("rich").eq(True), yes=[Wait("long", "90 days")]),
        End("done"),
    ],
)
VIP = Journey(
    id="vip", trigger=Trigger("joined"), run_criteria=field("tier").eq("Platinum"), consent="required",
    steps=[Send("hi", channel="SMS", template="t"), Wait("rest", "90 days")],
)  # fmt: skip


class Shown(Reader):
    """A page as it is read, with its tables by their names."""

    def __init__(self, page):
        """Read a whole page."""
        self.tables: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] = []
        super().__init__(page)

    def handle_starttag(self, tag, attrs):
        """Note an element, and begin a table, a row or a cell."""
        super().handle_starttag(tag, attrs)
        found = dict(attrs)
        if found.get("role") == "region":
            self.rows = self.tables.setdefault(found["aria-label"] or "", [])
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data):
        """Note text, in cells too."""
        super().handle_data(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def column(self, table, name):
        """Return the cells of a column of a table."""
        header, *rows = self.tables[table]
        return [row[header.index(name)].strip() for row in rows]

    def links(self):
        """Return the addresses of all links."""
        return [found["href"] for tag, found in self.elements if tag == "a" and found["href"] != "#content"]


class Browser:
    """Who looks at the site: a service with two tenants, each with a key."""

    def __init__(self, engine):
        """Open a directory."""
        self.engine = engine
        self.directory = SQLiteDirectory()
        self.keys = {}
        for number, tenant in ((1, "default"), (2, "other")):
            self.directory.put_user(number, tenant)
            self.keys[tenant] = self.directory.add_secret("key", user=number)
        self.service = PageService(engine, self.directory)

    def ask(self, page, *, tenant="default", method="GET", headers=None, **asked):
        """Make one request, with the key of a tenant unless there are headers."""
        given = headers if headers is not None else basic("me", self.keys[tenant])
        return self.service.answer(HttpRequest(method, f"/site/{page}", asked, given), NOW)

    def look(self, page, **asked):
        """Return a page as it is read."""
        reply = self.ask(page, **asked)
        assert reply.status == 200, reply.body
        return Shown(reply.body)


def basic(name, password):
    """Return the header of HTTP Basic."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def filled(engine):
    """Let people into two journeys: some are refused, some messages are given up."""
    for journey in (CLUB, VIP):
        engine.deploy(journey, at=START)
    for n in range(8):
        who = {"tier": ["Gold", "Silver", "Platinum", "Gold"][n % 4], "rich": n == 3, "consent": {"SMS": n != 2}}
        engine.put_customer(f"c{n}", who, at=START)
        engine.feed(Event("joined", customer=f"c{n}", at=START + timedelta(minutes=n)))
    engine.tick(after("1 hour"))
    messages = engine.claim("worker", at=after("1 hour"))
    lost = [each for each in messages if each.customer == "c0"]
    engine.nack(lost, at=after("1 hour"), error="550 no such <mailbox>", permanent=True)
    engine.ack([each for each in messages if each.customer != "c0"], at=after("1 hour"))
    engine.hold_channel("EMAIL", at=after("2 hours"))
    engine.tick(after("3 days 2 hours"))
    engine.pause("vip", at=after("3 days 3 hours"))
    return engine


@pytest.fixture(params=STORES, scope="module")
def browser(request):
    """Look at an engine on each store, which no page changes."""
    with Engine(MemoryStore() if request.param == "memory" else SQLiteStore(":memory:", nonce="memory")) as engine:
        found = Browser(filled(engine))
        yield found
        found.directory.close()


@pytest.fixture(scope="module")
def site():
    """Look at a file, where the store makes no difference."""
    with Engine(SQLiteStore(":memory:", nonce="memory")) as engine:
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
    assert "Paused since 2026-01-08 11:00:00 UTC: nobody enters" in refused.said


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
    monkeypatch.setattr("journeyflow.services.site.records.ROWS", 2)
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
    monkeypatch.setattr("journeyflow.services.site.records.ROWS", 1)
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
    """The key of an administrator and a session of Octeth's are no keys of a user."""
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


# --- what cannot be shown ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "asked", "status", "told"),
    [
        ("nosuch", {}, 404, "There is no such page"),
        ("journey/club", {}, 404, "There is no such page"),
        ("journey", {"id": "clob"}, 404, "no journey 'clob' (did you mean 'club'?)"),
        ("journey", {}, 400, "id: is missing from the address"),
        ("customer", {"id": "nobody"}, 404, "no customer 'nobody'"),
        ("customer", {"id": "c0", "journey": "clob"}, 404, "no journey 'clob'"),
        ("customer", {"id": "\0"}, 400, "contains a NUL character"),
        ("customer", {"id": "c0", "until": "x"}, 400, "until: must be a whole number"),
        ("customer", {"id": "c0", "until": "9" * 19}, 400, "until: "),
        ("customer", {"id": "c0", "journeys": "x"}, 400, "is no cursor of such a page"),
        ("run", {"journey": "club", "customer": "c1"}, 404, "no enrollment 'club/c1'"),
        ("run", {"journey": "club", "customer": "c0", "run": "7"}, 404, "no enrollment"),
        ("people", {"journey": "club", "step": "brethe"}, 404, "did you mean 'breathe'"),
        ("people", {"journey": "club", "after": "-1"}, 400, "after: must be a whole number"),
        ("people", {"journey": "club", "after": "9" * 19}, 400, "after: "),
        ("messages", {"journey": "club", "after": "x"}, 400, "after: str 'x' is no cursor"),
        ("audit", {"after": "0"}, 400, "after: int 0 is no cursor"),
        ("audit", {"journey": "clob"}, 404, "no journey 'clob'"),
    ],
)
def test_what_is_not_there_is_told(site, page, asked, status, told):
    """In a sentence, on a page from which the others are reached."""
    reply = site.ask(page, **asked)
    assert reply.status == status
    assert told in unescape(reply.body)
    assert "./" in Shown(reply.body).links()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_reading_is_answered(site, method):
    """The site changes nothing, with a key or without."""
    without: dict[str, str] = {}
    for headers in (None, without):
        reply = site.ask("", method=method, headers=headers)
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
    assert site.ask("", method="HEAD").status == 200


@pytest.mark.parametrize(
    ("page", "headers", "method"), [("", None, "GET"), ("", {}, "GET"), ("x", None, "GET"), ("", None, "PUT")]
)
def test_every_reply_has_safe_headers(site, page, headers, method):
    """Nothing runs, loads, is kept, framed or told to others."""
    found = site.ask(page, headers=headers, method=method).headers
    policy = dict(part.strip().split(" ", 1) for part in found["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'( 'sha256-[\w+/=]{44}')*", policy["style-src"])
    assert "script-src" not in policy
    assert found["cache-control"] == "no-store"
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "no-referrer"
    assert found["content-type"] == "text/html; charset=utf-8"


def test_the_site_begins_at_its_own_address(site):
    """Without the slash at its end, it is led there."""
    for path in ("/site", "/"):
        reply = site.service.answer(HttpRequest("GET", path), NOW)
        assert (reply.status, reply.headers["location"]) == (307, "site/")


# --- hostile names ----------------------------------------------------------------------------------------------------

HOSTILE = (
    '<script>alert("x")</script>',
    "'\"><img src=x onerror=alert(1)>",
    "</style><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt;&amp;",
    "{{ 7*7 }}${7*7}",
    "\u202etxet\u202c שלום مرحبا",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "../../etc/passwd?a=b&c=d#e",
    "a\nb\tc",
    "x" * 10_000,
)

ELEMENTS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "a",
        "header",
        "nav",
        "span",
        "form",
        "label",
        "input",
        "button",
        "main",
        "h1",
        "h2",
        "p",
        "section",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "time",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "figure",
        "svg",
        "desc",
        "rect",
        "polygon",
        "path",
        "g",
        "text",
        "code",
        "br",
    ]
)


def hostile_engine(text):
    """Return an engine in which every field that a host can fill holds a text."""
    name = text.replace("\n", " ").replace("\t", " ").strip()[:200]
    engine = open_engine("memory")
    journey = Journey(
        id=name, name=text, description=text, trigger=Trigger(name, where=field("who").ne(text)),
        timezone="Asia/Tokyo",
        steps=[
            Send("s", channel=name.replace(".", "-"), template=name, name=text, data={"text": text}),
            Split("t", arm(50, label="A"), arm(50, label="B"), name=text),
            Wait("w", "9 days", name=text),
        ],
    )  # fmt: skip
    engine.deploy(journey, at=START)
    engine.put_customer(name, {name: text, "who": "me"}, at=START)
    engine.put_customer("other", {"who": text}, at=START)
    for who in (name, "other"):
        engine.feed(Event(name, customer=who, at=START, data={"text": text}))
    engine.tick(START)
    engine.nack(engine.claim(name, at=START), at=START, error=text, permanent=True)
    engine.tick(NOW)
    return engine, name


def assert_harmless(reply):
    """Read a page: only elements that the site writes, none of which runs, loads or leads elsewhere."""
    shown = Shown(reply.body)
    for tag, found in shown.elements:
        assert tag in ELEMENTS
        assert not [name for name in found if name.startswith("on") or name in {"style", "srcdoc", "xlink:href"}]
        for name in ("href", "action", "src"):
            if name in found:
                assert re.match(r"(\./|[a-z]*(\?|$)|#content$|data:,$)", found[name] or ""), found
    return shown


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_text_on_every_page(text):
    """HTML, SVG, direction marks, emoji and ten thousand characters, in every field that a host fills."""
    engine, name = hostile_engine(text)
    site = Browser(engine)
    for page, asked in (
        ("", {}), ("journey", {"id": name}), ("people", {"journey": name}), ("people", {"journey": name, "step": "w"}),
        ("messages", {"journey": name}), ("customer", {"id": name}), ("customer", {"id": "other"}),
        ("run", {"journey": name, "customer": name}), ("audit", {}), ("journey", {"id": f"{name[:9]}?"}),
        (name, {}), ("customer", {"id": "other", "journeys": text}),
    ):  # fmt: skip
        reply = site.ask(page, **asked)
        assert reply.status in {200, 400, 404}
        assert_harmless(reply)
        assert len(reply.body) < 150_000
    shown = assert_harmless(site.ask("run", journey=name, customer=name))
    assert shown.tables["Messages"][1][0]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_any_words_in_an_address_are_answered(site, text):
    """Whatever stands in an address, a page comes back, and nothing of it is markup."""
    for page, names in (("journey", ["id"]), ("customer", ["id", "journey", "until"]), ("people", ["journey", "step"])):
        assert_harmless(site.ask(page, **dict.fromkeys(names, text)))
        assert_harmless(site.ask(page, **{names[0]: "c0", "after": text}))


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
    monkeypatch.setattr("journeyflow.services.site.records.ROWS", 2)
    engine = filled(open_engine("memory"))
    aside = tuple(SetAside(n, "default", "event", "go", f"c{n}", START) for n in range(3))
    monkeypatch.setattr(Engine, "set_aside", lambda _, take, after: Page(aside[after or 0 :][:take], 3, 0, take, 2))
    shown = Browser(engine).look("audit")
    assert shown.column("Set aside", "customer") == ["c0", "c1"]
    assert "audit?aside=2" in shown.links()
    assert "To count all rows again and compare, which takes long, run" in shown.said
    assert Browser(engine).look("audit", aside="2").column("Set aside", "customer") == ["c2"]
