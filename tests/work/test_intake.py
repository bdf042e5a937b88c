"""Inputs: what a host told and what became of it (R10, R26, R50, R52), and deliveries with their leases (R70, R71)."""

import pytest

from journeyflow import Engine, Event, Exit, InvalidInput, MemoryStore, Send, Trigger, Wait, field
from journeyflow.records.message_ids import message_key
from journeyflow.work.engagement import last_name
from tests.samples import START, STORES, Host, after, mail, open_engine


def listening(host, event="field.changed", **paths):
    """Deploy a journey that writes down what it hears."""
    data = {name: f"{{{{ trigger.{name} }}}}" for name in ("field", "old", "new", "tag", "list", *paths)}
    host.deploy(mail("heard", channel="EAR", data=data), id="ear", trigger=Trigger(event), reentry="always")


def heard(host):
    """Give what it wrote down."""
    found = host.engine.messages("ear", take=1_000).items
    return [{name: value for name, value in each.data.items() if value != ""} for each in found]


# --- put ------------------------------------------------------------------------------------------------------------


def test_attributes_are_merged_by_name(host):
    """put_customer merges top-level names, None takes one away (R50)."""
    host.put(START, a=1, b={"x": 1}, c=3)
    host.put("1 hour", b={"y": 2}, c=None)
    host.tick("1 hour")
    assert host.attributes() == {"a": 1, "b": {"y": 2}}
    assert host.outcomes() == ["handled", "handled"]


def test_consent_is_merged_per_channel(host):
    """Consent per channel; None unsets (R50)."""
    host.put(START, consent={"EMAIL": True, "SMS": True})
    host.put("1 hour", consent={"SMS": False, "EMAIL": None, "PUSH": None})
    host.tick("1 hour")
    assert host.attributes() == {"consent": {"SMS": False}}
    host.put("2 hours", consent={"SMS": None})
    host.tick("2 hours")
    assert host.attributes() == {}


def test_replace_keeps_what_is_not_the_hosts(host):
    """replace=True keeps consent, tags, lists and R52's attributes unless named (R50)."""
    host.put(START, a=1, b=2, consent={"EMAIL": True}, tags=["x"], lists=["n"], lastEmailOpenAt="2026-01-01")
    host.tick()
    host.engine.put_customer("c1", {"b": 3, "lists": ["m"]}, at=after("1 hour"), replace=True)
    host.tick("1 hour")
    assert host.attributes() == {
        "b": 3,
        "lists": ["m"],
        "consent": {"EMAIL": True},
        "tags": ["x"],
        "lastEmailOpenAt": "2026-01-01",
    }


def test_what_is_missing_is_put_when_the_input_is_handled(host):
    """only_missing=True sets what the customer lacks by then, whatever was known at the call (R50)."""
    listening(host)
    host.engine.put_customer("c1", {"email": "default", "plan": "free"}, at=after("1 hour"), only_missing=True)
    host.put(START, email="ann@example.com", consent={"EMAIL": False})
    assert host.engine.customer("c1", pending=True).attributes == {
        "email": "ann@example.com",
        "plan": "free",
        "consent": {"EMAIL": False},
    }
    host.tick("1 hour")
    consent = {"EMAIL": True, "SMS": True}
    host.engine.put_customers({"c1": {"consent": consent}, "c2": {}}, at=after("2 hours"), only_missing=True)
    host.engine.put_customer("c1", {"plan": None, "consent": None}, at=after("2 hours"), only_missing=True)
    host.tick("2 hours")
    assert host.attributes() == {"email": "ann@example.com", "plan": "free", "consent": {"EMAIL": False, "SMS": True}}
    assert host.attributes("c2") == {}
    assert host.rows("SELECT type, outcome FROM inputs WHERE kind = 'put' ORDER BY seq") == [
        *(("missing", "handled"), ("put", "handled"), ("missing", "handled"), ("missing", "unchanged")),
        ("missing", "unchanged"),
    ]


def test_a_put_replaces_or_adds_what_is_missing(host):
    """Both at once contradict each other (R50)."""
    with pytest.raises(
        InvalidInput, match="only_missing: what is missing is not replaced; give replace=True or only_m"
    ):
        host.engine.put_customer("c1", {}, at=START, replace=True, only_missing=True)


def test_each_change_is_one_event(host):
    """It emits exactly one event per changed attribute or member; what stays the same is not news (R50)."""
    host.put(START, name="Ann", same=1, tags=["a", "b"], consent={"EMAIL": True}, deep={"x": 1})
    host.tick()
    listening(host)
    host.deploy(
        mail("heard", channel="EAR", data={"tag": "{{ trigger.tag }}"}), id="tags", trigger=Trigger("tag.removed")
    )
    host.put("1 hour", name="Bea", same=1, tags=["b"], consent={"EMAIL": False}, deep={"x": 2})
    host.tick("1 hour")
    assert heard(host) == [
        {"field": "name", "old": "Ann", "new": "Bea"},
        {"field": "consent.EMAIL", "old": True, "new": False},
        {"field": "deep", "old": {"x": 1}, "new": {"x": 2}},
    ]
    assert host.engine.messages("tags").items[0].data == {"tag": "a"}


def test_a_put_that_changes_nothing_is_unchanged(host):
    """Nothing changed: no event (R50)."""
    host.put(START, a=1)
    host.tick()
    listening(host)
    host.put("1 hour", a=1, b=None)
    host.tick("1 hour")
    assert host.outcomes() == ["handled", "unchanged"]
    assert heard(host) == []


def test_an_empty_put_makes_a_customer(host):
    """A customer exists by being told of (R50)."""
    host.put(START)
    host.tick()
    assert host.attributes() == {}


# --- events that change the customer --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data", "attributes", "told"),
    [
        ("tag.added", {"tag": "new"}, {"tags": ["a", "new"]}, {"tag": "new"}),
        ("tag.removed", {"tag": "a"}, {"tags": []}, {"tag": "a"}),
        ("list.subscribed", {"list": "news"}, {"tags": ["a"], "lists": ["news"]}, {"list": "news"}),
        (
            "field.changed",
            {"field": "plan", "new": "paid", "old": "whatever"},
            {"tags": ["a"], "plan": "paid"},
            {"field": "plan", "new": "paid"},
        ),
        (
            "field.changed",
            {"field": "address.city", "new": "Durban"},
            {"tags": ["a"], "address": {"city": "Durban"}},
            {"field": "address.city", "new": "Durban"},
        ),
    ],
)
def test_fed_events_change_the_customer(host, kind, data, attributes, told):
    """Fed events of these types change the customer and are exactly one event if the value changed (R50)."""
    host.put(START, tags=["a"])
    host.tick()
    listening(host, kind)
    host.engine.feed(Event(kind, customer="c1", at=after("1 hour"), data=data))
    host.tick("1 hour")
    assert host.attributes() == attributes
    assert heard(host) == [told]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("tag.added", {"tag": "a"}),
        ("tag.removed", {"tag": "b"}),
        ("list.unsubscribed", {"list": "news"}),
        ("field.changed", {"field": "plan", "new": "free"}),
        ("field.changed", {"field": "gone"}),
        ("field.changed", {"field": "gone.deeper"}),
    ],
)
def test_fed_events_that_change_nothing_are_no_event(host, kind, data):
    """Exactly one event if the value changed, none otherwise (R50)."""
    host.put(START, tags=["a"], plan="free")
    host.tick()
    listening(host, kind)
    host.engine.feed(Event(kind, customer="c1", at=after("1 hour"), data=data))
    host.tick("1 hour")
    assert host.outcomes()[-1] == "unchanged"
    assert heard(host) == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("tag.added", {}),
        ("tag.added", {"tag": 5}),
        ("list.subscribed", {"tag": "x"}),
        ("field.changed", {}),
        ("field.changed", {"field": 5, "new": 1}),
        ("field.changed", {"field": "a..b", "new": 1}),
        ("field.changed", {"field": "tags", "new": ["x"]}),
        ("field.changed", {"field": "consent", "new": {"EMAIL": True}}),
        ("field.changed", {"field": "name.first", "new": "Ann"}),
        ("field.changed", {"field": "consent.EMAIL", "new": "yes"}),
    ],
)
def test_fed_events_that_say_nothing_possible_are_kept_as_invalid(host, kind, data):
    """Their data do not say a change: nothing changes, nobody hears (R50, R61)."""
    host.put(START, name="Ann")
    host.tick()
    listening(host, kind)
    host.engine.feed(Event(kind, customer="c1", at=after("1 hour"), data=data))
    host.tick("1 hour")
    assert host.outcomes()[-1] == "invalid"
    assert host.attributes() == {"name": "Ann"}
    assert heard(host) == []


def test_consent_may_be_told_as_a_changed_field(host):
    """field.changed of consent.<CHANNEL> (R50, R54)."""
    host.feed("field.changed", START, field="consent.EMAIL", new=False)
    host.tick()
    assert host.attributes() == {"consent": {"EMAIL": False}}


# --- duplicates -----------------------------------------------------------------------------------------------------


def event(kind="go", when="0 seconds", customer="c1", id="e1", **data):  # noqa: A002 the word of the record
    """Make an event with an id."""
    return Event(kind, customer=customer, at=after(when), id=id, data=data)


def test_the_same_event_again_changes_nothing(host):
    """De-duplication by (tenant, type, id): the same again is "duplicate" (R26)."""
    host.deploy(mail(), reentry="always")
    host.engine.feed([event(n=1), event(n=1), event(when="1 hour", n=1)])
    host.tick("1 day")
    host.engine.feed(event(when="2 days", n=1))
    host.tick("2 days")
    assert host.outcomes() == ["handled", "duplicate", "duplicate", "duplicate"]
    assert host.engine.enrollments("j").total == 1


def test_the_same_id_with_other_content_is_reported(host):
    """Same id with other content is "conflicting" (R26): other data, or another customer."""
    host.deploy(mail(), reentry="always")
    host.engine.feed([event(n=1), event(n=2), event(customer="c2", n=1)])
    host.tick()
    host.engine.feed(event(when="1 hour"))
    host.tick("1 hour")
    assert host.outcomes() == ["handled", "conflicting", "conflicting", "conflicting"]
    assert host.engine.enrollments("j").total == 1


def test_the_order_of_names_is_no_other_content(host):
    """Data are compared as values, not as text (R26)."""
    first = Event("go", customer="c1", at=START, id="e1", data={"a": 1, "b": 2})
    again = Event("go", customer="c1", at=START, id="e1", data={"b": 2, "a": 1})
    host.engine.feed([first, again])
    host.tick()
    assert host.outcomes() == ["handled", "duplicate"]


def test_ids_belong_to_tenant_and_type(host):
    """Another type or tenant is another event; no id is never a duplicate (R26)."""
    host.engine.feed([event(), event("went"), event(id=None), event(id=None)])
    host.engine.tenant("other").feed(event())
    host.tick()
    assert host.outcomes() == ["handled"] * 5


@pytest.mark.parametrize("store", STORES)
def test_ids_are_known_for_some_days(store):
    """Kept dedup_days (R26): exactly then is still known."""
    with open_engine(store, dedup_days=10) as engine:
        host = Host(engine)
        host.engine.feed(event())
        host.tick()
        host.engine.feed([event(when="10 days"), event(when="10 days 1 second")])
        host.tick("20 days")
        assert host.outcomes() == ["handled", "duplicate", "handled"]
        host.engine.feed(event(when="20 days"))
        host.tick("20 days")
        assert host.outcomes()[-1] == "duplicate"


def test_ninety_days_are_the_default():
    """Default 90 (R26)."""
    host = Host(Engine(MemoryStore()))
    host.engine.feed([event(), event(when="90 days"), event(when="91 days", n=5)])
    host.tick("200 days")
    assert host.outcomes() == ["handled", "duplicate", "handled"]


# --- message events -------------------------------------------------------------------------------------------------


def sent(host, *steps, **options):
    """Enter c1 into a journey that sends one message; give the message, claimed."""
    host.deploy(mail(**options), *steps)
    host.say("go")
    return host.claim()[0]


def flags(host):
    """Give what happened to the first message, by kind: when first, how often."""
    with host.engine.store.transaction(write=False) as transaction:
        from journeyflow.stores.batch import Request  # noqa: PLC0415 used here alone

        return dict(transaction.load(Request(serials=frozenset({1}), posts=frozenset({(1, 1)}))).posts[1, 1].flags)


def test_the_first_of_each_kind_is_unique_and_all_are_counted(host):
    """First of each kind per message counts as unique, all count in totals (R52)."""
    message = sent(host)
    for when in ("1 hour", "2 hours", "3 hours"):
        host.say("message.opened", when, message=message.id)
    host.say("message.clicked", "3 hours", message=message.id)
    micros = [int(after(when).timestamp() * 1_000_000) for when in ("1 hour", "3 hours")]
    assert flags(host) == {"opened": (micros[0], 3), "clicked": (micros[1], 1)}


def test_the_newest_instants_stay_with_the_customer(host):
    """last<Channel>SentAt, OpenAt, ClickAt (R52): the newest, also when told in another order."""
    message = sent(host)
    host.engine.ack(message, at=after("5 minutes"))
    host.feed("message.opened", "2 hours", message=message.id)
    host.feed("message.clicked", "3 hours", message=message.id)
    host.feed("message.delivered", "4 hours", message=message.id)
    host.tick("1 day")
    host.feed("message.opened", "1 hour", message=message.id)
    host.tick("1 day")
    assert host.attributes() == {
        "lastEmailSentAt": "2026-01-05T08:05:00.000000Z",
        "lastEmailOpenAt": "2026-01-05T10:00:00.000000Z",
        "lastEmailClickAt": "2026-01-05T11:00:00.000000Z",
    }


def test_an_attribute_of_another_type_is_overwritten(host):
    """What stands there and is not text cannot be newer (R52)."""
    message = sent(host)
    host.put("1 hour", lastEmailOpenAt=5)
    host.say("message.opened", "2 hours", message=message.id)
    assert host.attributes() == {"lastEmailOpenAt": "2026-01-05T10:00:00.000000Z"}


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("EMAIL", "lastEmailSentAt"),
        ("in-app push", "lastInAppPushSentAt"),
        ("SMS2", "lastSms2SentAt"),
        ("-", "lastSentAt"),
    ],
)
def test_channels_name_their_attribute(channel, name):
    """`last<Channel>SentAt` in camel case (R52)."""
    assert last_name(channel, "sent") == name


def test_those_instants_are_no_changed_fields(host):
    """No field.changed (R52), but exits on the customer are asked and field waits look again (R37, R42)."""
    listening(host)
    message = sent(host, Wait("rest", "9 days"))
    host.deploy(
        Wait("rest", "9 days"),
        id="k",
        trigger=Trigger("start"),
        exits=[Exit("reader", when=field("lastEmailOpenAt").is_not_null())],
    )
    host.say("start", "1 hour")
    host.say("message.opened", "2 hours", message=message.id)
    assert heard(host) == []
    assert host.status(journey="k") == ("EXITED", "reader")


@pytest.mark.parametrize("kind", ["unsubscribed", "complained"])
def test_who_unsubscribes_takes_back_consent(host, kind):
    """Unsubscribed and complained set consent.<CHANNEL> false, one field.changed (R50, R52)."""
    host.put(START, consent={"EMAIL": True, "SMS": True})
    host.tick()
    listening(host)
    message = sent(host)
    host.say(f"message.{kind}", "1 hour", message=message.id)
    host.say(f"message.{kind}", "2 hours", message=message.id)
    assert host.attributes() == {"consent": {"EMAIL": False, "SMS": True}}
    assert heard(host) == [{"field": "consent.EMAIL", "old": True, "new": False}]


def test_a_permanent_bounce_takes_back_consent_until_a_put_gives_it(host):
    """R52: the channel is closed for the customer, as by a complaint; a bounce that is not permanent only counts."""
    listening(host)
    message = sent(host)
    for hour, soft in enumerate(({}, {"permanent": False}), 1):
        host.say("message.bounced", f"{hour} hours", message=message.id, **soft)
    assert (host.attributes(), heard(host)) == ({}, [])
    for hour in (3, 4):
        host.say("message.bounced", f"{hour} hours", message=message.id, permanent=True)
    assert host.attributes() == {"consent": {"EMAIL": False}}
    assert heard(host) == [{"field": "consent.EMAIL", "new": False}]
    assert host.engine.message(message.id).engagement["bounced"].total == 4
    host.put("5 hours", consent={"EMAIL": True})
    host.tick("5 hours")
    assert host.attributes() == {"consent": {"EMAIL": True}}
    assert host.engine.audit() == []


def test_what_is_queued_is_not_sent_after_a_permanent_bounce(host):
    """R71: the claim finds the consent withdrawn; a transactional message goes out all the same (R31)."""
    host.deploy(*(Send(step, channel="EMAIL", template="t", transactional=step == "b") for step in ("a", "b", "c")))
    host.say("go")
    first, *_ = host.engine.messages()
    host.say("message.bounced", "1 hour", message=first.id, permanent=True)
    assert [each.step for each in host.claim("1 hour")] == ["b"]


def test_whether_a_bounce_is_permanent_is_true_or_false():
    """R52: anything else is refused where the event is made, for "false" would be true."""
    with pytest.raises(InvalidInput, match=r"data\.permanent: must be true or false, not str 'false'"):
        Event("message.bounced", customer="c1", at=START, data={"permanent": "false"})
    with pytest.raises(InvalidInput, match=r"data\.permanent: must be true or false, not null"):
        Event("message.bounced", customer="c1", at=START, data={"permanent": None})
    Event("message.opened", customer="c1", at=START, data={"permanent": "false"})


def test_consent_is_taken_back_where_none_was_given(host):
    """Also for who never gave any (R52, R54)."""
    message = sent(host)
    host.say("message.unsubscribed", "1 hour", message=message.id)
    assert host.attributes() == {"consent": {"EMAIL": False}}


@pytest.mark.parametrize("named", ["memory-1-2", "memory-9-1", "other-1-1", "memory-01-1", "memory-1", "", "x" * 150])
def test_an_unknown_message_is_kept_as_unmatched(host, named):
    """An unknown or foreign message id is kept and counted "unmatched" (R52)."""
    sent(host, Wait("reply", event="message.opened"))
    host.say("message.opened", "1 hour", message=named)
    assert host.outcomes()[-1] == "unmatched"
    assert host.path() == ["hello queued", "reply ACTIVE"]


def test_the_message_of_somebody_else_is_unmatched(host):
    """A foreign message id: of another customer, of another tenant (R52, R91)."""
    message = sent(host, Wait("reply", event="message.opened"))
    host.put(START, "c2")
    host.say("message.opened", "1 hour", "c2", message=message.id)
    host.engine.tenant("other").put_customer("c1", {}, at=START)
    host.engine.tenant("other").feed(
        Event("message.opened", customer="c1", at=after("1 hour"), data={"message": message.id})
    )
    host.tick("1 hour")
    assert host.outcomes().count("unmatched") == 2
    assert host.path() == ["hello queued", "reply ACTIVE"]


def test_message_events_make_no_customer(host):
    """An unknown customer is created except by message.* events (R20)."""
    host.say("message.opened", START, "stranger")
    assert host.engine.find_customer("stranger") is None
    assert host.outcomes() == ["unmatched"]


def test_other_events_that_begin_like_that_are_the_hosts(host):
    """Any other type is the host's (R50): it makes a customer, and reaches who opts in."""
    host.deploy(mail(), trigger=Trigger("message.archived"))
    host.say("message.archived", START, "new")
    assert host.path("new") == ["hello queued", "end"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("k-3-17-2", (17, 2)),
        ("k-3-017-2", None),
        ("k-3-17-2-1", None),
        ("k-3-\u0661-2", None),
        (None, None),
        ("k-3-", None),
        ("l-17-2", None),
        (f"k-3-17-{'2' * 20}", None),
    ],
)
def test_message_ids_are_read_exactly(text, place):
    """Only the very text that was given out is a message's id, also with a dash in the nonce (R70)."""
    assert message_key(text, ["k", "k-3"]) == place
