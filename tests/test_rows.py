"""What existing systems do with a kind of step of its own, done here with the six kinds, data and handlers."""

import hashlib
import hmac
import json

import pytest

from journeyflow import (
    Condition,
    End,
    Engine,
    MemoryStore,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    all_of,
    any_of,
    arm,
    branch,
    field,
    tag,
)
from tests.samples import START, STORES, Host, after, open_engine


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store."""
    with open_engine(request.param) as engine:
        yield Host(engine)


@pytest.mark.rows(69)
def test_a_mail_has_its_sender_reply_address_and_copies(host):
    """Whatever the mailer wants to know stands in the data of the Send, filled in for the person."""
    envelope = {
        "from": {"name": "{{ shop }}", "email": "hello@example.com"},
        "replyTo": {"name": "Help", "email": "help@example.com"},
        "cc": ["{{ agent.email }}"],
        "bcc": [],
        "senderDomain": 7,
    }
    host.put(START, shop="Corner", agent={"email": "agent@example.com"})
    host.deploy(Send("hello", channel="EMAIL", template="42", data=envelope))
    host.say("go")
    (message,) = host.claim()
    assert message.template == "42"
    assert message.data == {
        **envelope,
        "from": {"name": "Corner", "email": "hello@example.com"},
        "cc": ["agent@example.com"],
    }


@pytest.mark.rows(70)
def test_a_mail_may_bring_its_whole_content(host):
    """Subject, text, HTML and options of the mail are data like any other; what looks like a template is one."""
    email = {
        "name": "Welcome", "contentType": "Both", "subject": "Hello {{ firstName }}", "plain": "Hi {{ firstName }}!",
        "html": "<p>Hi {{ firstName }}!</p>", "preHeader": "", "imageEmbedding": False, "options": {"track": True},
    }  # fmt: skip
    host.put(START, firstName="Ann")
    host.deploy(Send("hello", channel="EMAIL", template="inline", data={"email": email}))
    host.say("go")
    (message,) = host.claim()
    assert message.data["email"] == {
        **email, "subject": "Hello Ann", "plain": "Hi Ann!", "html": "<p>Hi Ann!</p>"
    }  # fmt: skip


@pytest.mark.rows(71)
def test_one_of_several_subjects_by_chance_that_can_be_repeated(host):
    """A Split chooses the text: everybody keeps theirs, in every run and on every machine (R38)."""
    texts = ("Hey", "Hi", "Hello")
    shares = (33.33, 33.33, 33.34)
    sends = [Send(text.lower(), channel="EMAIL", template="t", data={"subject": f"{text}!"}) for text in texts]
    host.deploy(
        Split("words", *(arm(share, [send]) for share, send in zip(shares, sends, strict=True))), reentry="always"
    )
    for hour in range(2):
        for n in range(60):
            host.feed("go", f"{hour} hours", f"c{n}")
    host.tick("2 hours")
    chosen = [(each.customer, each.data["subject"]) for each in host.engine.messages(take=500).items]
    assert len(chosen) == 120
    assert len(set(chosen)) == 60
    assert {subject for _, subject in chosen} == {"Hey!", "Hi!", "Hello!"}


@pytest.mark.rows(73, 212)
def test_a_step_puts_on_a_list_and_takes_off_another(host):
    """Lists are members of an attribute; who is put on one may enter a journey that listens to it (R39, R50)."""
    host.put(START, lists=["prospects"])
    host.deploy(Update("move", field("lists").add("members"), field("lists").remove("prospects")))
    host.deploy(End("hi"), id="k", trigger=Trigger("list.subscribed", where=field("list").eq("members")))
    host.deploy(End("bye"), id="l", trigger=Trigger("list.unsubscribed", where=field("list").eq("prospects")))
    host.say("go")
    assert host.attributes()["lists"] == ["members"]
    assert {each.journey for each in host.engine.enrollments(customer="c1").items} == {"j", "k", "l"}


@pytest.mark.rows(218)
def test_a_webhook_is_a_channel_whose_handler_signs():
    """The handler calls the address of the data with a signature; a refusal is tried again with the same id (R71)."""
    calls = []

    def webhook(message):
        body = json.dumps({"id": message.id, "payload": message.data["payload"]}).encode()
        signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
        calls.append((message.data["url"], message.data["headers"], body, signature))
        if len(calls) == 1:
            msg = "503"
            raise OSError(msg)

    engine = Engine(MemoryStore(), channels={"WEBHOOK": webhook})
    host = Host(engine)
    data = {"url": "https://example.com/hook", "headers": {"X-Team": "crm"}, "payload": {"who": "{{ customer.id }}"}}
    host.deploy(Send("call", channel="WEBHOOK", template="signup", data=data))
    host.say("go")
    host.tick("1 minute")
    first, second = calls
    assert first == second
    assert json.loads(first[2]) == {"id": "memory-1-1", "payload": {"who": "c1"}}
    assert (first[0], first[1]["X-Team"], len(first[3])) == ("https://example.com/hook", "crm", 64)
    host.tick("2 minutes")
    assert host.messages() == ["call SENT"]


@pytest.mark.rows(220)
@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({}, "else"),
        ({"plan": "paid"}, "field"),
        ({"tags": ["vip"]}, "tag"),
        ({"lists": ["members"]}, "list"),
        ({"consent": {"EMAIL": False}}, "suppressed"),
        ({"completed": ["onboarding"]}, "journey"),
        ({"pages": {"pricing": 3}, "lastPageAt": "2026-01-04T08:00:00Z"}, "website"),
        ({"pages": {"pricing": 2}, "lastPageAt": "2026-01-04T08:00:00Z"}, "else"),
        ({"pages": {"pricing": 3}, "lastPageAt": "2025-01-04T08:00:00Z"}, "else"),
        ({"lastEmailOpenAt": "2026-01-04T08:00:00Z"}, "campaign"),
    ],
)
def test_a_choice_asks_about_every_family_of_what_is_known(host, told, outcome):
    """Fields, tags, lists, suppression, journeys, the website and earlier mail, with counts and times; or of ands."""
    host.put(START, **told)
    host.deploy(
        Condition(
            "c",
            branches=[
                branch(field("plan").eq("paid"), None, "field"),
                branch(field("tags").contains("vip"), None, "tag"),
                branch(field("lists").contains("members"), None, "list"),
                branch(field("consent.EMAIL").eq(False), None, "suppressed"),
                branch(field("completed").contains("onboarding"), None, "journey"),
                branch(
                    any_of(
                        all_of(field("pages.pricing").gte(3), field("lastPageAt").within_last("7 days")),
                        field("pages.demo").is_not_null(),
                    ),
                    None,
                    "website",
                ),
                branch(field("lastEmailOpenAt").within_last("30 days"), None, "campaign"),
            ],
        )
    )
    host.say("go")
    assert host.engine.enrollment("j", "c1").visits[0].outcome == outcome


@pytest.mark.rows(220)
def test_what_a_choice_asks_about_is_counted_by_journeys_of_its_own(host):
    """Page views, and journeys that somebody completed, become attributes by an Update."""
    host.deploy(
        Update("count", field("pages.pricing").increment(), field("lastPageAt").set("{{ trigger.at }}")),
        id="views",
        trigger=Trigger("website.pageView"),
        reentry="always",
    )
    host.deploy(
        Update("note", field("completed").add("{{ trigger.journey }}")),
        id="notes",
        trigger=Trigger("journey.completed", where=field("journey").ne("notes")),
        reentry="always",
    )
    for hour in range(3):
        host.say("website.pageView", f"{hour} hours", at=after(f"{hour} hours").isoformat())
    assert host.attributes() == {
        "pages": {"pricing": 3}, "lastPageAt": after("2 hours").isoformat(), "completed": ["views"]
    }  # fmt: skip


@pytest.mark.rows(76, 221)
def test_a_text_message_waits_for_its_hours_and_passes_over_who_has_no_number():
    """A window in the customer's zone, a branch for who has no number, attempts until it is given up (R31, R71)."""
    attempts = []

    def gateway(message):
        attempts.append((message.customer, message.data["text"], message.data["sender"]))
        msg = "busy"
        raise OSError(msg)

    host = Host(Engine(MemoryStore(), channels={"SMS": gateway}))
    host.deploy(
        Condition(
            "reachable",
            field("phone").is_not_null(),
            yes=[
                Send(
                    "text",
                    channel="SMS",
                    template="code",
                    data={"to": "{{ phone }}", "text": "Hi {{ name }}", "sender": "shop", "priority": "high"},
                    window=Window("MON-FRI", "18:00", "20:00"),
                )
            ],
            no=[Update("mark", tag.add("no phone"))],
        ),
        customer_timezone=True,
        timezone="UTC",
    )
    host.put(START, "c1", phone="+27", name="Ann", timezone="Africa/Johannesburg")
    host.put(START, "c2", name="Bob")
    for name in ("c1", "c2"):
        host.feed("go", START, name)
    host.tick()
    assert (attempts, host.attributes("c2")["tags"]) == ([], ["no phone"])
    for minutes in (0, 1, 5, 21, 85, 86):
        host.tick(after("8 hours").replace(hour=16) + (after(f"{minutes} minutes") - START))
    assert attempts == [("c1", "Hi Ann", "shop")] * 5
    host.tick("1 day")
    assert host.messages() == ["text FAILED"]


@pytest.mark.rows(222)
def test_a_note_for_the_developer_is_a_message_to_nobody():
    """A channel of one's own that prints, after a wait of some seconds."""
    notes = []
    host = Host(Engine(MemoryStore(), channels={"DEBUG": lambda message: notes.append(message.data["note"])}))
    host.deploy(
        Wait("sleep", "5 seconds"),
        Send("debug", channel="DEBUG", template="note", data={"note": "{{ customer.id }} is here"}),
    )
    host.say("go")
    assert notes == []
    host.tick("5 seconds")
    assert notes == ["c1 is here"]


@pytest.mark.rows(58, 65)
def test_each_step_knows_how_many_are_there_and_how_often_it_was_done(host):
    """People at a step now, those who ever were, and how often it was completed: for every step, not only for Sends."""
    host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day"), reentry="always")
    for hour, name in enumerate(("ann", "bob", "ann")):
        host.feed("go", f"{hour} days", name)
    host.tick("36 hours")
    steps = host.engine.stats("j", at=after("36 hours")).by_step
    assert (steps["rest"].active, steps["rest"].visited, steps["rest"].outcomes) == (1, 2, {"elapsed": 1})
    assert (steps["hello"].active, steps["hello"].visited, steps["hello"].outcomes) == (0, 2, {"queued": 2})
    host.tick("4 days")
    rest = host.engine.stats("j", at=after("4 days")).by_step["rest"]
    assert (rest.active, rest.visited, rest.outcomes) == (0, 3, {"elapsed": 3})
    assert host.engine.people("j", "rest").total == 2
