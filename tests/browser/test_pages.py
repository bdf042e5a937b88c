"""Reports and the site in a real Chromium: widths, light and dark, what axe-core finds, and the keyboard alone.

Needs the group `browser` and a Chromium (Debian: apt install chromium); passed over without.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

import dev
from journeyflow import (
    Condition,
    End,
    Engine,
    Event,
    Goal,
    Journey,
    MemoryStore,
    Send,
    Split,
    Trigger,
    Wait,
    arm,
    field,
    remove_step,
)
from journeyflow.analysis import calibration, compare, coverage, forecast, sample_size
from journeyflow.reporting import ReportPage, Section
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.operations import HttpRequest
from journeyflow.services.site import PageService
from journeyflow.simulation import Behavior, Population, simulate
from journeyflow.simulation.demo import ONBOARDING
from tests.drawing.test_charts import KINDS
from tests.samples import START
from tests.services.looking import VIP

playwright = pytest.importorskip("playwright.sync_api", reason="needs the group `browser`")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the group `browser`")

if dev.chromium() is None:
    pytest.skip("needs a Chromium; on Debian: apt install chromium", allow_module_level=True)

WIDTHS = (1280, 768, 360)
DAY = timedelta(days=1)
HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)> שלום 👩‍👩‍👧‍👦 " + "x" * 10_000
NAME = HOSTILE[:180].strip()

CLUB = Journey(
    id="club",
    name="Welcome to the club",
    trigger=Trigger("joined", where=field("tier").in_(["Gold", "Platinum"])),
    timezone="Africa/Johannesburg",
    goal=Goal("order", within="30 days"),
    holdout=5,
    steps=[
        Send("hello", channel="EMAIL", template="welcome"),
        Wait("breathe", "1 day"),
        Split("test", arm(50, [Send("tips", channel="EMAIL", template="tips")], label="A"), arm(50, label="B")),
        Condition("rich", field("rich").eq(True), yes=[Wait("long", "90 days")]),
        End("done"),
    ],
)
BAD = Journey(
    id=NAME, name=HOSTILE, description=HOSTILE, trigger=Trigger(NAME),
    steps=[Send("s", channel="X", template=NAME, name=HOSTILE), Wait("w", "90 days", name=HOSTILE)],
)  # fmt: skip


@cache
def looked_at():
    """Return an engine with people in three journeys, of which one has nothing but hostile names."""
    engine = Engine(MemoryStore())
    for journey in (CLUB, VIP, BAD):
        engine.deploy(journey, at=START)
    for n in range(24):
        who = {"tier": ["Gold", "Silver", "Platinum", "Gold"][n % 4], "rich": n % 9 == 3, "consent": {"SMS": n != 2}}
        engine.put_customer(f"c{n}", who, at=START)
        engine.feed(Event("joined", customer=f"c{n}", at=START + n * DAY / 10))
    engine.put_customer(NAME, {NAME: HOSTILE}, at=START)
    engine.feed(Event(NAME, customer=NAME, at=START))
    now = START
    for day in range(6):
        now = START + day * DAY
        engine.tick(now)
        messages = engine.claim("worker", at=now)
        lost = [each for each in messages if each.customer in {"c0", "c8", NAME}]
        engine.nack(lost, at=now, error=f"550 {HOSTILE}"[:1_000], permanent=True)
        engine.ack([each for each in messages if each not in lost], at=now)
        engine.feed(Event("order", customer=each.customer, at=now + DAY / 2) for each in messages[::3])
    engine.hold_channel("EMAIL", at=now)
    engine.pause("vip", at=now)
    engine.tick(now + DAY)
    return engine


NOW = START + 7 * DAY


@cache
def directory():
    """Return a directory with a key that is "key"."""
    found = SQLiteDirectory()
    found.put_user(1, "default")
    found.add_secret("key", user=1, secret="key")  # noqa: S106 of no consequence
    return found


@cache
def service():
    """Return the site."""
    return PageService(looked_at(), directory())


PLAYED: dict[str, Any] = {
    "population": Population(size=40, attributes={"tier": "Gold"}), "behavior": Behavior(opened=0.4, clicked=0.1),
    "start": START, "until": "14 days",
}  # fmt: skip
"""How a journey is simulated."""


@cache
def simulated():
    """Return what came of a simulation, as a page."""
    return simulate(ONBOARDING, **PLAYED).report().to_html()


@cache
def compared():
    """Return what two versions make of the same people, as a page."""
    return compare(ONBOARDING, remove_step(ONBOARDING, "coupon"), replications=2, **PLAYED).report().to_html()


@cache
def calibrated():
    """Return how forecasts of the past would have done, as a page; of a past in which nothing was paused."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(CLUB, at=START)
        for n in range(60):
            engine.put_customer(f"c{n}", {"tier": "Gold"}, at=START + n * DAY / 5)
            engine.feed(Event("joined", customer=f"c{n}", at=START + n * DAY / 5))
        engine.tick(START + 12 * DAY)
        return calibration(engine, times=2, span="3 days", replications=2).report().to_html()


@cache
def drawn():
    """Return every kind of chart, with plain names and with hostile ones, as a page."""
    cases = [("hello", 30), ("breathe", 27), ("opened", 12)], [("plain", 9), (HOSTILE, 400), ("שלום", 7)]
    parts = [KINDS[kind](case) for case in cases for kind in KINDS]
    return ReportPage("Charts", ["Each has its numbers below it."], [Section("All", (), parts)]).to_html()


REPORTS: dict[str, Callable[[], str]] = {
    "report/journey": lambda: looked_at().report("club", at=NOW).to_html(),
    "report/hostile": lambda: looked_at().report(NAME, at=NOW).to_html(),
    "report/account": lambda: looked_at().report(at=NOW).to_html(),
    "report/simulation": simulated,
    "report/comparison": compared,
    "report/forecast": lambda: forecast(looked_at(), at=NOW, until="7 days", replications=2).report().to_html(),
    "report/calibration": calibrated,
    "report/plan": lambda: sample_size(CLUB, step="test", rate=0.1, difference=0.02, arrivals=9).report().to_html(),
    "report/coverage": lambda: coverage(looked_at()).report().to_html(),
    "report/fit": lambda: Behavior.fit(looked_at()).report().to_html(),
    "report/arrivals": lambda: Population.fit(looked_at()).report().to_html(),
    "report/charts": drawn,
}

WITH_THE_KEYBOARD = [
    ("report/journey", {}),
    ("site/", {}),
    ("site/journey", {"id": "club"}),
    ("site/journey", {"id": NAME}),
    ("site/customer", {"id": "c0"}),
    ("site/customer", {"id": NAME}),
]
"""Pages with everything that can be reached."""
PAGES = [
    *WITH_THE_KEYBOARD,  # first, where pytest sees that they are the same: it then opens each of them once
    *((name, {}) for name in REPORTS if name != "report/journey"),
    ("site/people", {"journey": "club", "step": "long"}),
    ("site/messages", {"journey": "club"}),
    ("site/run", {"journey": "club", "customer": "c0"}),
    ("site/audit", {}),
]


def address(name, asked):
    """Return the address of a page on a host that is answered here."""
    return f"http://pages.test/{name}?{urlencode(asked)}"


def answer(route):
    """Answer a request of the browser without a network."""
    parts = urlsplit(route.request.url)
    name = parts.path.removeprefix("/")
    if name in REPORTS:
        route.fulfill(status=200, content_type="text/html; charset=utf-8", body=REPORTS[name]())
        return
    asked = HttpRequest("GET", parts.path, dict(parse_qsl(parts.query)), {"X-API-Key": "key"})
    reply = service().answer(asked, NOW)
    route.fulfill(status=reply.status, headers=dict(reply.headers), body=str(reply.body))


@pytest.fixture(scope="module")
def chromium():
    """Start one browser for all pages."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=dev.chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()
    looked_at().close()
    directory().close()


@pytest.fixture(scope="module")
def tab(chromium):
    """Open a tab; what its console says, and a dialog, is a fault."""
    context = chromium.new_context(reduced_motion="reduce")
    context.route("**/*", answer)
    page = context.new_page()
    faults: list[str] = []
    page.faults = faults
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    return page


@pytest.fixture(scope="module")
def opened(tab, request):
    """Go to a page, once for all tests of it; its console must stay empty."""
    name, asked = request.param
    tab.faults.clear()
    tab.goto(address(name, asked))
    tab.schemes = ("light", "dark") if name in IN_THE_DARK else ("light",)
    yield tab
    assert tab.faults == []


IN_THE_DARK = ("report/journey", "report/charts", "report/simulation", "site/journey", "site/customer")
"""Pages with all the colors that there are, looked at in light and in dark surroundings; the others in light alone."""


def each(*chosen):
    """Run a test for pages, each (name, what is asked)."""
    ids = [f"{name}{' hostile' if NAME in asked.values() else ''}" for name, asked in chosen]
    return pytest.mark.parametrize("opened", chosen, ids=ids, indirect=True)


every_page = each(*PAGES)

WIDER = """() => [document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll('body *')]
    .filter(each => !each.closest('figure, .scroll') && each.getBoundingClientRect().right > innerWidth + 1)
    .filter(each => !each.closest('.skip'))
    .map(each => each.tagName)]"""
"""How much wider than the window the page is, and what stands out of it other than in a box that scrolls."""

BACKGROUND = "() => getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"


@every_page
def test_a_page_fits_into_every_width(opened):
    """No horizontal scrolling of the page, and nothing stands out of it, in the right surroundings."""
    for scheme in opened.schemes:
        opened.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            opened.set_viewport_size({"width": width, "height": 900})
            too_wide, *out = opened.evaluate(WIDER)
            assert (scheme, width, too_wide <= 0, out) == (scheme, width, True, [])
        bright = sum(opened.evaluate(BACKGROUND)) / 3
        assert bright > 200 if scheme == "light" else bright < 60


AXE = "options => axe.run(document, options)"


@every_page
def test_axe_finds_nothing(opened):
    """Contrast, labels, headings, landmarks and boxes that scroll: at the narrowest width, where most of them do."""
    opened.set_viewport_size({"width": min(WIDTHS), "height": 900})
    opened.evaluate(axe.Axe().axe_script)
    for scheme in opened.schemes:
        opened.emulate_media(color_scheme=scheme)
        options = {"resultTypes": ["violations"], **({} if scheme == "light" else {"runOnly": ["color-contrast"]})}
        found = opened.evaluate(AXE, options)["violations"]
        nodes = [(each["id"], [node["html"][:200] for node in each["nodes"]][:3]) for each in found]
        assert (scheme, nodes) == (scheme, [])


CONTROLS = """() => {
    window.reached = new Set()
    document.addEventListener('focusin', event => reached.add(event.target))
    return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary, [tabindex="0"]')]
        .filter(each => each.checkVisibility()).length
}"""
MISSED = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary, [tabindex="0"]')]
    .filter(each => each.checkVisibility() && !reached.has(each)).map(each => each.outerHTML.slice(0, 100))"""
FOCUS = "() => getComputedStyle(document.activeElement).outlineStyle"


@each(*WITH_THE_KEYBOARD)
def test_a_keyboard_alone_reaches_everything(opened):
    """Tab goes through every link, field, table and picture, and where it is can be seen."""
    opened.set_viewport_size({"width": max(WIDTHS), "height": 900})
    many = opened.evaluate(CONTROLS)
    for _ in range(many):
        opened.keyboard.press("Tab")
    assert opened.evaluate(FOCUS) != "none"
    assert opened.evaluate(MISSED) == []
