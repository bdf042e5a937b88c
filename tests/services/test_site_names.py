"""Names and texts on the pages of the site that mean to be more than text, and what cannot be shown."""

import re
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyflow import (
    Event,
    Journey,
    Send,
    Split,
    Trigger,
    Wait,
    arm,
    field,
)
from journeyflow.services.operations import HttpRequest
from tests.samples import START, open_engine
from tests.services.looking import NOW, Browser, Shown


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
        ("customer", {"id": "c0", "journeys": "x"}, 400, "is not a cursor of such a page"),
        ("run", {"journey": "club", "customer": "c1"}, 404, "no enrollment 'club/c1'"),
        ("run", {"journey": "club", "customer": "c0", "run": "7"}, 404, "no enrollment"),
        ("people", {"journey": "club", "step": "brethe"}, 404, "did you mean 'breathe'"),
        ("people", {"journey": "club", "after": "-1"}, 400, "after: must be a whole number"),
        ("people", {"journey": "club", "after": "9" * 19}, 400, "after: "),
        ("messages", {"journey": "club", "after": "x"}, 400, "after: str 'x' is not a cursor"),
        ("audit", {"after": "0"}, 400, "after: int 0 is not a cursor"),
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
