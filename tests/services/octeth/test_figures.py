"""Figures in the answers of Octeth: of journeys, emails, domains, actions, an account (F150 to F189)."""

from typing import Any

import pytest

from journeyflow import Engine, Event, Journey
from journeyflow.services.octeth import Octeth
from journeyflow.stores.sqlite import SQLiteStore
from tests.services.octeth.world import MAIL, WAIT, World, running


def reacted(version: str = "2026") -> tuple[World, int]:
    """Return a world in which an email was delivered, opened, clicked, and brought money."""
    world, number = running(version)
    for kind in ("delivered", "opened", "opened", "clicked"):
        world.report(kind)
    acme = world.engine.tenant("acme")
    message = acme.messages(customer="26:1").items[0].id
    acme.feed(Event("revenue", customer="26:1", at=world.now, data={"amount": 12345, "message": message}))
    world.tick()
    return world, number


@pytest.mark.rows(150, 152, 154, 156, 157, 158, 159, 160, 161, 168, 170, 231, 256)
def test_the_figures_of_a_journey():
    """Of all time, by day in a window, money in units of the currency; a Wait has none."""
    world, number = reacted()
    journey = world.done("journey.get", JourneyID=number, StartDate="2026-05-16", EndDate="2026-05-18")
    stats = journey["JourneyStats"]
    assert (stats["ActiveSubscribers"], stats["TotalSubscribers"]) == (2, 2)
    emails = stats["AggregatedEmailActions"]
    assert {key: emails[key] for key in ("SendCount", "DeliveryCount", "OpenCount", "ClickCount", "TotalRevenue")} == {
        "SendCount": 2,
        "DeliveryCount": 2,
        "OpenCount": 2,
        "ClickCount": 2,
        "TotalRevenue": 123.45,
    }
    assert len(emails) == 11
    assert [(each["Date"], each["SendCount"]) for each in stats["AggregatedDaysEmailActions"]] == [
        *(("2026-05-16", 0), ("2026-05-17", 2), ("2026-05-18", 0))
    ]
    assert stats["TotalRevenue"] == 123.45
    assert stats["DaysRevenue"][1] == {"Date": "2026-05-17", "Amount": 123.45}
    mail, wait = journey["Actions"]
    assert (mail["Revenue"], mail["DaysRevenue"][1]["Amount"], mail["Stats"]["SendCount"]) == (123.45, 123.45, 2)
    days = [(each["Date"], each["SendCount"], each["TotalRevenue"]) for each in mail["DailyStats"]]
    assert days == [("2026-05-16", 0, 0), ("2026-05-17", 2, 123.45), ("2026-05-18", 0, 0)]
    assert not {"Stats", "DailyStats", "Revenue", "DaysRevenue"} & wait.keys()
    later = world.done("journey.get", JourneyID=number, StartDate="2026-05-18", EndDate="2026-05-18")
    assert later["JourneyStats"]["AggregatedEmailActions"] == emails
    assert later["Actions"][0]["Revenue"] == 0


@pytest.mark.rows(250)
def test_figures_are_those_of_the_moment():
    """What was reported since the last answer is in the next one, in every call that counts."""
    world, number = running()

    def opened() -> list[Any]:
        journey = world.done("journey.get", JourneyID=number)
        (listed,) = world.done("journey.list")["Journeys"]
        (action,) = world.done("journey.stats.byaction", JourneyID=number)["Actions"]
        domains = world.done("journey.stats.byisp", JourneyID=number)["ByISP"]
        return [
            journey["JourneyStats"]["AggregatedEmailActions"]["OpenCount"],
            journey["Actions"][0]["Stats"]["OpenCount"],
            listed["JourneyStats"]["AggregatedEmailActions"]["OpenCount"],
            action["Stats"]["OpenCount"],
            action["DailyStats"][-1]["OpenCount"],
            sum(each["Opened"] for each in domains),
            2 * world.done("account.journey.benchmark")["Benchmark"]["OpenRate"],
        ]

    assert opened() == [0] * 7
    acme = world.engine.tenant("acme")
    for count, message in enumerate(acme.messages(channel="EMAIL", take=None), 1):
        acme.feed(Event("message.opened", customer=message.customer, at=world.now, data={"message": message.id}))
        world.engine.tick(world.now)
        assert opened() == [count] * 7


@pytest.mark.rows(167, 251)
def test_a_list_asks_as_much_for_many_journeys_as_for_one():
    """No question is asked once per journey, and figures that are left out are not asked for."""
    world = World()
    world.engine = Engine(SQLiteStore(":memory:"))
    world.service = Octeth(world.engine, world.directory)
    costs = []
    for more in (1, 7):
        number = world.journey(MAIL, enabled=True)
        for _ in range(more):
            world.journey(MAIL, Trigger="JourneyCompleted", Trigger_Value=number)
        world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=1)
        everything, skipped, counted, neither = (
            asked(world, "journey.list", **said)
            for said in (
                {},
                {"SkipStats": 1},
                {"IncludeActivityCounters": 1},
                {"SkipStats": 1, "IncludeActivityCounters": 1},
            )
        )
        assert neither == skipped < everything < counted
        emails = asked(world, "journey.sendemailactions", IncludeDisabled=1)
        inside = asked(world, "subscriber.journey.list", ListID=26, SubscriberID=1)
        costs.append((everything, skipped, counted, emails, inside))
    assert costs[0] == costs[1]


def test_a_journey_that_is_deleted_while_others_are_listed_is_left_out(monkeypatch):
    """Nobody gets an error because somebody else deletes a journey, or an action."""
    world = World()
    kept, gone, changed = (world.journey(MAIL, enabled=True) for _ in range(3))
    acme, definitions, listed = world.engine.tenant("acme"), Engine.definitions, Engine.sends
    sends = {name: listed(acme, journey) for name, journey in (("all", None), ("changed", "journey-3"))}
    assert sends["changed"]
    world.done("journey.actions.update", JourneyID=changed, Actions=[WAIT])

    def meanwhile(engine: Engine) -> dict[str, Journey]:
        if world.call("journey.get", JourneyID=gone)[0] == 200:
            world.done("journey.delete", JourneyID=gone)
        return definitions(engine)

    monkeypatch.setattr(Engine, "definitions", meanwhile)
    numbers = [each["JourneyID"] for each in world.done("journey.list")["Journeys"]]
    assert numbers == [str(kept), str(changed)]
    monkeypatch.setattr(Engine, "sends", lambda _, journey=None, **__: sends["changed" if journey else "all"])
    assert [each["JourneyID"] for each in world.done("journey.sendemailactions")["Actions"]] == [kept]
    assert world.done("journey.stats.byaction", JourneyID=changed)["Actions"] == []


def asked(world: World, command: str, **said: Any) -> int:
    """Return how many questions a call asks of both files, once it has been made before."""
    store = world.engine.store
    assert isinstance(store, SQLiteStore)
    questions: list[str] = []
    for _ in range(2):
        questions.clear()
        for connection in (store.connection, world.directory._file.connection):
            assert connection is not None
            connection.set_trace_callback(questions.append)
        world.done(command, **said)
    return len(questions)


@pytest.mark.rows(163, 164, 165, 166, 167, 137)
def test_activity_is_counted_where_it_is_asked_for():
    """When somebody last entered, when anything last happened, and how many people there were."""
    world, number = reacted()
    keys = {"LastTriggeredAt", "LastActivityAt", "TotalEnrolledLifetime"}
    assert not keys & world.done("journey.get", JourneyID=number)["JourneyStats"].keys()
    for stats in (
        world.done("journey.get", JourneyID=number, IncludeActivityCounters="on")["JourneyStats"],
        world.done("journey.list", IncludeActivityCounters=1)["Journeys"][0]["JourneyStats"],
    ):
        assert stats["LastTriggeredAt"] == "2026-05-17 12:00:00"
        assert stats["LastActivityAt"] == "2026-05-17 12:01:00"
        assert stats["TotalEnrolledLifetime"] == 2
    (row,) = world.done("journey.list", SkipStats=1, IncludeActivityCounters=1)["Journeys"]
    assert "JourneyStats" not in row
    assert world.call("journey.list", SkipStats=1, StatsStartDate="x")[0] == 422
    empty = World()
    stats = empty.done("journey.get", JourneyID=empty.journey(), IncludeActivityCounters=1)["JourneyStats"]
    assert [stats[key] for key in sorted(keys)] == [None, None, 0]


@pytest.mark.rows(171, 172, 173, 174, 181)
def test_the_figures_of_one_email_or_one_domain():
    """EmailID is an ActionID; what is not known under a filter is 0, and the rest of the answer stays."""
    world, number = reacted()
    plain = world.done("journey.get", JourneyID=number)
    mail = world.actions(number)[0]
    for said, sent in (
        ({"EmailID": mail}, 2),
        ({"ISP": "gmail.com"}, 1),
        ({"ISP": "GMAIL.com", "EmailID": mail}, 1),
        ({"ISP": "x"}, 0),
    ):
        answer = world.done("journey.get", JourneyID=number, **said)
        emails = answer["JourneyStats"].pop("AggregatedEmailActions")
        assert emails["SendCount"] == sent
        assert [emails[key] for key in ("ConversionCount", "BrowserViewCount", "ForwardCount")] == [0, 0, 0]
        assert len(emails) == 11
        untouched = {key: value for key, value in plain["JourneyStats"].items() if key != "AggregatedEmailActions"}
        assert answer["JourneyStats"] == untouched
        assert answer["Actions"] == plain["Actions"]


@pytest.mark.rows(175, 176, 245)
def test_figures_by_domain():
    """The most sent first; texts to phones and unknown addresses have no row."""
    world, number = reacted()
    rows = world.done("journey.stats.byisp", JourneyID=number)["ByISP"]
    assert [(each["Domain"], each["Sent"], each["Opened"]) for each in rows] == [
        ("gmail.com", 1, 1),
        ("yahoo.com", 1, 1),
    ]
    mail = world.actions(number)[0]
    assert world.done("journey.stats.byisp", JourneyID=number, EmailID=mail)["ByISP"] == rows
    later = {"StartDate": "2026-05-18", "EndDate": "2026-05-18"}
    assert world.done("journey.stats.byisp", JourneyID=number, **later)["ByISP"] == []
    assert world.done("journey.stats.byisp", JourneyID=world.journey())["ByISP"] == []


@pytest.mark.rows(177, 178, 179, 180, 182, 183, 246)
def test_figures_by_action():
    """Every email in its order, with every day of the window; of one domain or one action if asked."""
    world, number = reacted()
    (row,) = world.done("journey.stats.byaction", JourneyID=number)["Actions"]
    assert (row["ActionID"], row["EmailID"], row["EmailName"], row["OrderNo"]) == (
        world.actions(number)[0],
        95,
        "Welcome Email",
        1,
    )
    assert row["Stats"]["SendCount"] == sum(day["SendCount"] for day in row["DailyStats"]) == 2
    assert len(row["DailyStats"]) == 31
    (row,) = world.done("journey.stats.byaction", JourneyID=number, ISP="yahoo.com", EmailID=row["ActionID"])["Actions"]
    assert row["Stats"]["SendCount"] == 1
    assert world.done("journey.stats.byaction", JourneyID=world.journey(WAIT)) == {"Success": True, "Actions": []}
    fresh = World()
    (row,) = fresh.done("journey.stats.byaction", JourneyID=fresh.journey({**MAIL, "EmailID": 5}))["Actions"]
    assert (row["EmailName"], row["Stats"]["SendCount"]) == ("", 0)
    text = fresh.journey({"Action": "SendSMS", "message": "x"}, enabled=True)
    assert fresh.done("journey.stats.byaction", JourneyID=text)["Actions"] == []


@pytest.mark.rows(184, 185, 186, 187, 188, 247, 260)
def test_the_benchmark_of_an_account():
    """Proportions with four decimals; without any email they are 0."""
    world, _ = reacted()
    found = world.done("account.journey.benchmark")
    assert (found["StartDate"], found["EndDate"]) == ("2026-04-17", "2026-05-17")
    told = found["Benchmark"]
    assert (told["OpenRate"], told["ClickRate"], told["BounceRate"]) == (1.0, 1.0, 0.0)
    assert (told["JourneyCount"], told["TotalSent"], told["RevenuePerSubscriber"]) == (1, 2, 61.73)
    later = world.done("account.journey.benchmark", StartDate="2026-05-18", EndDate="2026-05-18")
    assert (later["StartDate"], later["Benchmark"]["TotalSent"]) == ("2026-05-18", 0)
    told = told_apart("2026")[0].done("account.journey.benchmark")["Benchmark"]
    rates = [told[f"{name}Rate"] for name in ("Open", "Click", "ClickToOpen", "Bounce", "Unsubscribe", "Complaint")]
    assert rates == [0.8182, 0.7273, 0.8889, 0.2727, 0.3636, 0.1818]
    other = World()
    text = other.journey({"Action": "SendSMS", "message": "x"}, enabled=True)
    other.done("subscriber.journey.trigger", JourneyID=text, ListID=26, SubscriberID=1)
    assert other.done("account.journey.benchmark")["Benchmark"]["TotalSent"] == 0


HAPPENED = {
    "delivered": 10,
    "opened": 9,
    "clicked": 8,
    "converted": 7,
    "browser_viewed": 6,
    "forwarded": 5,
    "unsubscribed": 4,
    "bounced": 3,
    "complained": 2,
}
"""What happened to how many of eleven messages: no two figures are the same."""


def told_apart(version: str, *more: Any) -> tuple[World, int]:
    """Return a world in which an action sent eleven emails, and each figure of all emails is another one."""
    world = World(version)
    number = world.journey(MAIL, *more, WAIT, enabled=True)
    acme = world.engine.tenant("acme")
    journey = acme.journey(number=number).id
    for each in range(11):
        acme.put_customer(f"26:{each}", {"email": f"c{each}@gmail.com"}, at=world.now)
        acme.enroll(journey, f"26:{each}", at=world.now)
    world.tick()
    messages = acme.messages(channel="EMAIL", take=None).items
    for kind, count in HAPPENED.items():
        for message in messages[:count]:
            data = {"message": message.id}
            acme.feed(Event(f"message.{kind}", customer=message.customer, at=world.now, data=data))
    world.tick()
    return world, number


@pytest.mark.rows(153, 154, 162, 175, 178, 179, 245, 246)
def test_every_figure_has_its_name():
    """Nine counters, eleven keys, those of an action, of a day and of a domain; seven of an action in 2024."""
    world, number = told_apart("2026")
    journey = world.done("journey.get", JourneyID=number, StartDate="2026-05-17", EndDate="2026-05-17")
    nine = {
        "SendCount": 11,
        "OpenCount": 9,
        "ClickCount": 8,
        "ConversionCount": 7,
        "BrowserViewCount": 6,
        "ForwardCount": 5,
        "UnsubscribeCount": 4,
        "BounceCount": 3,
        "SpamComplaintCount": 2,
    }
    assert journey["JourneyStats"]["AggregatedEmailActions"] == {**nine, "DeliveryCount": 10, "TotalRevenue": 0}
    action = world.done("journey.stats.byaction", JourneyID=number)["Actions"][0]
    eight = ("SendCount", "OpenCount", "ClickCount", "UnsubscribeCount", "BounceCount", "SpamComplaintCount")
    assert action["Stats"] == {**{name: nine[name] for name in eight}, "DeliveryCount": 10, "TotalRevenue": 0}
    later = {"StartDate": "2026-05-18", "EndDate": "2026-05-18"}
    (nothing,) = world.done("journey.stats.byaction", JourneyID=number, **later)["Actions"]
    assert set(nothing["Stats"].values()) == {0}, "they are of the window"
    day = {"Date": "2026-05-17", "SendCount": 11, "OpenCount": 9, "ClickCount": 8, "TotalRevenue": 0}
    assert [each for each in action["DailyStats"] if each["SendCount"]] == [day]
    (domain,) = world.done("journey.stats.byisp", JourneyID=number)["ByISP"]
    assert domain == {
        "Domain": "gmail.com",
        "Sent": 11,
        "Delivered": 10,
        "Opened": 9,
        "Clicked": 8,
        "Bounced": 3,
        "Unsubscribed": 4,
        "Complained": 2,
    }
    world, number = told_apart("2024")
    answer = world.done("journey.get", JourneyID=number)
    assert answer["Journey"]["JourneyStats"]["AggregatedEmailActionStats"] == nine
    world.tick(days=40)  # all time, and not the last days alone
    stats = world.done("journey.get", JourneyID=number)["Actions"][0]["Stats"]
    assert stats == {
        "ActiveSubscribers": "0",
        "TotalSubscribers": "11",
        "EmailSent": 11,
        "EmailOpened": 9,
        "EmailClicked": 8,
        "EmailConverted": 7,
        "EmailUnsubscribed": 4,
        "EmailBounced": 3,
        "EmailSpamComplaint": 2,
    }


@pytest.mark.rows(63, 109)
def test_an_empty_list_removes_every_action():
    """An action that is not in the list is gone, and so is each of none."""
    world = World()
    number = world.journey(MAIL, WAIT)
    assert world.done("journey.actions.update", JourneyID=number, Actions=[])["Actions"] == []
    assert world.done("journey.get", JourneyID=number)["Actions"] == []


@pytest.mark.rows(96, 103, 116, 234, 242)
def test_deleted_copied_and_foreign_journeys():
    """Many are deleted, the rest passed over; a copy has the name that is asked for; a foreign one has no emails."""
    world = World()
    first, second = world.journey(MAIL, enabled=True), world.journey(MAIL, Notes="mine")
    copy = world.done("journey.clone", JourneyID=second, NewJourneyName="Another")
    assert (copy["Journey"]["JourneyName"], copy["Journey"]["Notes"]) == ("Another", "Copy of journey Welcome Series")
    world.done("journeys.delete", Journeys=f"{first},999,{second}")
    listed = world.done("journey.list", SkipStats=1)["Journeys"]
    assert [each["JourneyID"] for each in listed] == [copy["Journey"]["JourneyID"]]
    foreign = {"JourneyID": copy["Journey"]["JourneyID"], "IncludeDisabled": 1, "IncludeUnpublished": 1}
    assert len(world.done("journey.sendemailactions", **foreign)["Actions"]) == 1
    empty = (200, {"Success": True, "Actions": []})
    assert world.call("journey.sendemailactions", key=world.stranger, **foreign) == empty


@pytest.mark.rows(143, 147)
def test_a_page_of_those_at_an_action_has_25_unless_said_otherwise():
    """The total counts all of them."""
    world = World()
    number = world.journey(MAIL, WAIT, enabled=True)
    acme = world.engine.tenant("acme")
    for each in range(27):
        acme.enroll(acme.journey(number=number).id, f"26:{each}", at=world.now)
    world.tick()
    asked = {"JourneyID": number, "ActionID": world.actions(number)[0]}
    for said, count in (({}, 25), ({"RecordsFrom": 25}, 2), ({"RecordsPerRequest": 3}, 3)):
        page = world.done("journey.action.subscribers", **asked, **said)
        assert (page["TotalSubscribers"], len(page["Subscribers"])) == (27, count)


@pytest.mark.rows(175)
def test_what_goes_to_no_mailbox_domain_is_in_no_row():
    """An email to a subscriber without an address counts for the journey, and for no domain."""
    world = World()
    number = world.journey(MAIL, WAIT, enabled=True)
    acme = world.engine.tenant("acme")
    acme.enroll(acme.journey(number=number).id, "26:9", at=world.now)
    world.tick()
    assert world.done("account.journey.benchmark")["Benchmark"]["TotalSent"] == 1
    assert world.done("journey.stats.byisp", JourneyID=number)["ByISP"] == []


@pytest.mark.rows(171, 173, 174, 181)
def test_one_of_several_emails_has_its_own_figures():
    """EmailID chooses the action; what Octeth does not know under a filter is 0, although it happened."""
    world, number = told_apart("2026", {"Action": "SendEmail", "EmailID": 129})

    def emails(**said: Any) -> dict[str, Any]:
        return dict(world.done("journey.get", JourneyID=number, **said)["JourneyStats"]["AggregatedEmailActions"])

    untold = {"ConversionCount": 7, "BrowserViewCount": 6, "ForwardCount": 5}
    assert {name: emails()[name] for name in ("SendCount", *untold)} == {"SendCount": 22, **untold}
    filtered = [emails(EmailID=each) for each in world.actions(number)[:2]]
    assert [each["SendCount"] for each in filtered] == [11, 11]
    assert sum(each["OpenCount"] for each in filtered) == emails()["OpenCount"] == 9
    for each in (*filtered, emails(ISP="gmail.com")):
        assert [each[name] for name in untold] == [0, 0, 0]
    rows = world.done("journey.stats.byaction", JourneyID=number)["Actions"]
    assert [each["Stats"]["OpenCount"] for each in rows] == [each["OpenCount"] for each in filtered]


@pytest.mark.rows(88, 168, 169, 230)
def test_the_list_has_the_days_that_are_asked_for():
    """StatsStartDate and StatsEndDate bound the days, and nothing else."""
    world, _ = reacted()
    (journey,) = world.done("journey.list", StatsStartDate="2026-05-16", StatsEndDate="2026-05-18")["Journeys"]
    stats = journey["JourneyStats"]
    days = ["2026-05-16", "2026-05-17", "2026-05-18"]
    assert [each["Date"] for each in stats["AggregatedDaysEmailActions"]] == days
    assert [each["Amount"] for each in stats["DaysRevenue"]] == [0, 123.45, 0]
    (later,) = world.done("journey.list", StatsStartDate="2026-05-18", StatsEndDate="2026-05-18")["Journeys"]
    assert later["JourneyStats"]["AggregatedEmailActions"] == stats["AggregatedEmailActions"]
    assert [each["Amount"] for each in later["JourneyStats"]["DaysRevenue"]] == [0]


@pytest.mark.rows(137, 166)
def test_who_comes_twice_is_one_of_those_ever_enrolled():
    """Two enrollments of one subscriber are two in TotalSubscribers, and one in TotalEnrolledLifetime."""
    world, number = running()
    again = {"JourneyID": number, "ListID": 26, "SubscriberID": 1}
    world.done("subscriber.journey.remove", **again)
    world.done("subscriber.journey.trigger", **again)
    stats = world.done("journey.get", JourneyID=number, IncludeActivityCounters=1)["JourneyStats"]
    assert (stats["ActiveSubscribers"], stats["TotalSubscribers"], stats["TotalEnrolledLifetime"]) == (2, 3, 2)
    (listed,) = world.done("journey.list", IncludeActivityCounters=1)["Journeys"]
    assert listed["JourneyStats"]["TotalEnrolledLifetime"] == 2


@pytest.mark.rows(58, 65, 150, 155, 162)
def test_figures_in_2024():
    """Texts for subscribers, numbers for emails; the newest day first."""
    world, number = reacted("2024")
    answer = world.done("journey.get", JourneyID=number)
    mail, wait = answer["Actions"]
    assert mail["Stats"]["EmailSent"] == 2
    assert (mail["Stats"]["TotalSubscribers"], wait["Stats"]["ActiveSubscribers"]) == ("2", "2")
    assert (mail["CompletedRuns"], wait["CompletedRuns"]) == (2, 0)
    stats = answer["Journey"]["JourneyStats"]
    assert stats["AggregatedEmailActionStats"]["OpenCount"] == 2
    days = list(stats["AggregatedLast30DaysEmailActions"][0])
    assert days == sorted(days, reverse=True)
    assert len(days) == 30
