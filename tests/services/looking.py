"""Who looks at the site, and what there is to see."""

from base64 import b64encode
from datetime import timedelta

from journeyflow import (
    Condition,
    End,
    Event,
    Goal,
    Journey,
    Send,
    Split,
    Trigger,
    Wait,
    arm,
    field,
)
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.operations import HttpRequest
from journeyflow.services.site import PageService
from tests.reader import Reader
from tests.samples import START, after

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
