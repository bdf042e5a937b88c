"""What follows when a message is not delivered: retries, giving up, the last error, and being queued again (R71)."""

import pytest

from journeyflow import Cap, Engine, InvalidInput, NotFound, Policies, Retry, Wait
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, after, mail


def enter(host, *customers):
    """Enter customers into the journey."""
    for customer in customers:
        host.feed("go", START, customer)
    host.tick()


def fail(host, when, **options):
    """Claim what may be claimed at an instant, and report that none of it could be delivered; return how many."""
    claimed = host.claim(when)
    host.engine.nack(claimed, at=after(when), **options)
    host.tick(when)
    return len(claimed)


def the_message(host):
    """Return the only message."""
    (message,) = host.engine.messages()
    return message


# --- retries --------------------------------------------------------------------------------------------------------


def attempts_until_given_up(host):
    """Return the minutes at which a message is handed out, when every attempt fails at once."""
    found = []
    for minute in range(200):
        found += [minute] * fail(host, f"{minute} minutes")
        if the_message(host).status == "FAILED":
            return found
    return None


@pytest.mark.parametrize(
    ("of_send", "of_channel", "minutes"),
    [
        (None, None, [0, 1, 5, 21, 85]),
        (None, Retry(["2 minutes", "1 hour"]), [0, 2, 62]),
        (Retry(["3 minutes"]), Retry(["2 minutes", "1 hour"]), [0, 3]),
        (Retry([]), None, [0]),
    ],
)
def test_a_send_retries_as_it_says_else_as_its_channel_does_else_as_usual(host, of_send, of_channel, minutes):
    """R71: the Retry of the Send, else that of the policies for its channel, else 1, 4, 16 and 64 minutes."""
    if of_channel is not None:
        retries = {"EMAIL": of_channel, "SMS": Retry([])}
        host.engine.set_policies(Policies(retries=retries), at=START)
    host.deploy(mail(retry=of_send))
    enter(host, "c1")
    assert attempts_until_given_up(host) == minutes
    assert host.engine.audit() == []


def test_a_failed_attempt_sees_the_policies_of_its_own_instant(host):
    """R71: policies set later do not give another attempt to what failed before, however late the tick."""
    host.engine.set_policies(Policies(retries={"EMAIL": Retry([])}), at=START)
    host.deploy(mail())
    enter(host, "c1")
    host.engine.nack(host.claim(), at=after("1 minute"))
    host.engine.set_policies(Policies(), at=after("2 minutes"))
    host.tick("3 minutes")
    assert the_message(host).status == "FAILED"


def test_policies_of_another_tenant_do_not_count(host):
    """R91: a tenant's retries are its own."""
    host.engine.tenant("other").set_policies(Policies(retries={"EMAIL": Retry([])}), at=START)
    host.deploy(mail())
    enter(host, "c1")
    fail(host, "1 minute")
    assert the_message(host).status == "QUEUED"


def test_a_day_between_attempts_is_24_hours(host):
    """R71: as in a lease, also where the clock is put forward in between."""
    host.deploy(mail(retry=Retry(["1 day"])), timezone="Europe/Paris")
    enter(host, "c1")
    spring = "82 days 12 hours"  # Saturday evening, before the last Sunday of March
    fail(host, spring)
    assert host.claim("83 days 11 hours 59 minutes") == ()
    assert len(host.claim("83 days 12 hours")) == 1


def test_the_end_of_a_lease_is_a_failed_attempt_too(host):
    """R71: nobody answered, and the last error says so."""
    host.deploy(mail(retry=Retry(["1 minute"])))
    enter(host, "c1")
    host.claim(lease="5 minutes")
    host.tick("5 minutes")
    assert (the_message(host).status, the_message(host).error) == ("QUEUED", "no answer before the lease ended")
    host.claim("6 minutes", lease="5 minutes")
    host.tick("11 minutes")
    assert the_message(host).status == "FAILED"


def test_a_migrated_run_retries_as_the_version_says_that_sent_the_message(host):
    """R14, R71: another version does not change what a message was made under."""
    host.deploy(mail(retry=Retry([])), Wait("rest", "1 day"))
    enter(host, "c1")
    host.deploy(mail(retry=Retry(["1 minute"])), Wait("rest", "2 days"), when="1 minute")
    host.engine.migrate("j", 2, at=after("1 minute"))
    fail(host, "2 minutes")
    assert the_message(host).status == "FAILED"


# --- giving up at once ----------------------------------------------------------------------------------------------


def test_a_permanent_failure_is_given_up_at_once(host):
    """R71: no delay follows; the run fails if its Send says so."""
    host.deploy(mail(on_failure="fail"), Wait("rest", "1 day"))
    enter(host, "c1")
    fail(host, "1 minute", error="550 no such user", permanent=True)
    message = the_message(host)
    assert (message.status, message.attempts, message.error) == ("FAILED", 1, "550 no such user")
    assert "failed" in message.engagement
    assert host.status() == ("FAILED", "message given up")


def test_permanent_is_true_or_false(host):
    """A word for it is refused: "no" would be true."""
    host.deploy(mail())
    enter(host, "c1")
    with pytest.raises(InvalidInput, match="permanent: must be True or False, not str 'no'"):
        host.engine.nack(host.claim(), at=START, permanent="no")


# --- the last error -------------------------------------------------------------------------------------------------


def test_the_last_error_is_seen_everywhere(host):
    """R71: with the message, in lists, explanations, timelines, exports and views, with the number of attempts."""
    host.deploy(mail())
    enter(host, "c1")
    fail(host, "0 minutes", error="first")
    fail(host, "1 minute", error="no route")
    (claimed,) = host.claim("5 minutes")
    assert (claimed.attempts, claimed.error) == (3, "no route")
    told = "CLAIMED after 3 attempts, last error 'no route'"
    assert [each.error for each in host.engine.messages()] == ["no route"]
    assert host.engine.message("memory-1-1").error == "no route"
    assert f"message {told}" in str(host.engine.explain("j", "c1"))
    assert f"message EMAIL 'hello': now {told}" in str(host.engine.timeline("c1"))
    moment = next(each for each in host.engine.timeline("c1").moments if each.kind == "message")
    assert (moment.data["attempts"], moment.data["error"]) == (3, "no route")
    assert host.engine.export_customer("c1")["messages"][0]["error"] == "no route"
    assert host.rows("SELECT attempts, error FROM messages_view") == [(3, "no route")]


def test_what_went_out_keeps_the_error_of_the_attempt_before(host):
    """R71: it was sent at the second attempt, and what the first one met with is not lost."""
    host.deploy(mail())
    enter(host, "c1")
    assert "message " not in str(host.engine.explain("j", "c1"))
    fail(host, "0 minutes", error="busy")
    host.engine.ack(host.claim("1 minute"), at=after("1 minute"))
    host.tick("1 minute")
    assert (the_message(host).status, the_message(host).error) == ("SENT", "busy")
    assert "SENT after 2 attempts, last error 'busy'" in str(host.engine.explain("j", "c1"))


def test_a_failure_without_a_word_has_no_error(host):
    """The error of the attempt before is not taken for that of the last one."""
    host.deploy(mail())
    enter(host, "c1")
    fail(host, "0 minutes", error="busy")
    fail(host, "1 minute")
    assert the_message(host).error == ""


def test_messages_are_found_by_their_error(host):
    """R84: by a text that the last error contains, exactly as it is written."""
    host.deploy(mail())
    enter(host, "c1", "c2", "c3")
    for message, error in zip(host.claim(), ("timeout of 5%", "TIMEOUT", ""), strict=True):
        host.engine.nack(message, at=START, error=error)
    host.tick()
    find = host.engine.messages
    assert [each.customer for each in find(error="timeout")] == ["c1"]
    assert [each.customer for each in find(error="%")] == ["c1"]
    assert [each.customer for each in find("j", error="")] == ["c1", "c2", "c3"]
    with pytest.raises(InvalidInput, match="error: must be text, not int 5"):
        find(error=5)


def test_forgetting_takes_the_error_with_it(host):
    """R86: the channel may have named the mailbox."""
    host.deploy(mail())
    enter(host, "c1", "c2")
    host.engine.nack(host.claim(), at=START, error="no mailbox c1@example.com")
    host.tick()
    (late,) = host.claim("1 minute", limit=1)
    (first, _) = host.engine.messages()
    host.engine.forget(["c1", "c2"], at=after("1 minute"))
    host.engine.nack(late, at=after("2 minutes"), error="no mailbox c1@example.com")
    host.tick("2 minutes")
    assert host.rows("SELECT status, error FROM messages ORDER BY enrollment") == [
        ("CANCELLED", ""), ("CANCELLED", ""),
    ]  # fmt: skip
    assert first.error


# --- queued again ---------------------------------------------------------------------------------------------------


def outage(host, *customers, error="the provider is away"):
    """Let every attempt fail for two hours."""
    enter(host, *customers)
    for minutes in (0, 1, 5, 21, 85):
        fail(host, f"{minutes} minutes", error=error)
    assert {each.status for each in host.engine.messages()} == {"FAILED"}


def test_what_an_outage_left_goes_out_after_it(host):
    """R71: queued again, a message has all its attempts before it, under the same id and with new tokens."""
    host.deploy(mail())
    outage(host, "c1")
    tokens = {"worker.1", "worker.2", "worker.3", "worker.4", "worker.5"}
    assert host.engine.requeue("memory-1-1", at=after("3 hours")) == 1
    assert host.claim("3 hours") == ()
    host.tick("3 hours")
    assert (the_message(host).status, the_message(host).error) == ("QUEUED", "the provider is away")
    for number, minutes in enumerate((0, 1, 5, 21, 85), 6):
        (message,) = host.claim(f"3 hours {minutes} minutes")
        assert (message.id, message.attempts) == ("memory-1-1", number)
        assert message.token not in tokens
        tokens.add(message.token)
        host.engine.nack(message, at=after(f"3 hours {minutes} minutes"))
        host.tick(f"3 hours {minutes} minutes")
    assert the_message(host).status == "FAILED"
    host.engine.requeue(the_message(host), at=after("6 hours"))
    host.tick("6 hours")
    host.engine.ack(host.claim("6 hours"), at=after("6 hours"))
    host.tick("6 hours")
    assert (the_message(host).status, the_message(host).attempts) == ("SENT", 11)
    assert {kind: each.total for kind, each in the_message(host).engagement.items()} == {"failed": 2, "sent": 1}
    assert host.engine.audit() == []


def test_messages_are_queued_again_by_what_they_share(host):
    """R71: by journey, step, channel or error; those that did not fail stay as they are."""
    host.deploy(mail("one"), mail("two", channel="SMS"), id="a")
    host.deploy(mail("one"), id="b")
    outage(host, "c1", "c2")
    again = host.engine.requeue

    def queued():
        return [(each.journey, each.step) for each in host.engine.messages(status="QUEUED")]

    assert again(journey="b", error="away", at=after("3 hours")) == 2
    assert again(error="no such error", at=after("3 hours")) == 0
    host.tick("3 hours")
    assert queued() == [("b", "one"), ("b", "one")]
    assert again(step="one", at=after("3 hours")) == 2
    assert again(step="one", channel="SMS", at=after("3 hours")) == 0
    host.tick("3 hours")
    assert queued() == [("a", "one"), ("b", "one"), ("a", "one"), ("b", "one")]
    assert again(host.engine.messages(status="FAILED"), at=after("3 hours")) == 2
    host.tick("3 hours")
    assert len(queued()) == 6


def test_what_cannot_be_queued_again_is_refused(host):
    """R10, R71: at the call what is known by then, by the tick what has happened since."""
    host.deploy(mail())
    enter(host, "c1")
    again = host.engine.requeue
    for given, fault in (
        (the_message(host), "message 'memory-1-1' is QUEUED; only a FAILED one can be queued again"),
        ([5], "expected a Message or the id of one, not int 5"),
    ):
        with pytest.raises(InvalidInput, match=fault):
            again(given, at=START)
    with pytest.raises(InvalidInput, match="give either messages, or what they share"):
        again(at=START)
    with pytest.raises(InvalidInput, match="give either messages, or what they share"):
        again("memory-1-1", step="hello", at=START)
    with pytest.raises(NotFound, match="journey"):
        again(journey="k", at=START)
    other = host.engine.tenant("other")
    again("memory-1-1", at=START)
    again("memory-9-9", at=START)
    other.requeue("memory-1-1", at=START)
    assert host.tick().unmatched == 2
    assert host.outcomes()[-3:] == ["refused: not failed", "unmatched", "unmatched"]
    assert [(each.type, each.message) for each in host.engine.unmatched()] == [("requeue", "memory-9-9")]
    outage(host)
    with pytest.raises(InvalidInput, match="no message of this tenant"):
        other.requeue(the_message(host), at=START)


def test_what_is_queued_again_is_checked_like_any_message(host):
    """R71: it may have expired, its run may have ended, its customer may be forgotten."""
    host.deploy(mail("a", expires="2 hours"), mail("b"), mail("c", cancel_on_exit=False), Wait("rest", "1 day"))
    outage(host, "c1", "c2")
    host.engine.exit("j", "c1", at=after("2 hours"))
    host.engine.forget("c2", at=after("2 hours"))
    host.engine.requeue([f"memory-{run}-{n}" for run in (1, 2) for n in (1, 2, 3)], at=after("3 hours"))
    host.tick("3 hours")
    assert [each.step for each in host.claim("3 hours")] == ["c"]
    assert [each.status for each in host.engine.messages(customer="c1")] == ["CANCELLED", "CANCELLED", "CLAIMED"]
    assert host.outcomes()[-3:] == ["forgotten"] * 3
    assert host.engine.audit() == []


def test_a_message_that_is_to_be_queued_again_is_not_pruned(host):
    """R86: something waits in the inbox for it."""
    host.deploy(mail(), reentry="always")
    outage(host, "c1")
    enter(host, "c1")
    host.engine.requeue("memory-1-1", at=after("41 days"))
    host.engine.prune(after("40 days"))
    host.tick("41 days")
    assert [each.id for each in host.engine.messages(status="QUEUED")] == ["memory-1-1", "memory-2-1"]


def test_caps_count_what_is_queued_again(host):
    """R31: a message that was given up does not count, and counts once it is queued again."""
    host.engine.set_policies(Policies(caps=[Cap(1, within="30 days")]), at=START)
    host.deploy(mail(retry=Retry([])), reentry="always")
    enter(host, "c1")
    fail(host, "1 minute")
    host.engine.requeue("memory-1-1", at=after("2 minutes"))
    host.feed("go", "3 minutes")
    host.tick("3 minutes")
    assert host.path(run=2) == ["hello SKIPPED cap", "end"]


# --- how a Retry is written -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "fault"),
    [
        ("5 minutes", r"must be Retry\(...\), not str '5 minutes'"),
        (Retry("5 minutes"), "delays.*must be a list of lengths of time, not str '5 minutes'"),
        (Retry(["soon"]), r"delays\[0\].*must be a length of time such as '5 minutes' that leads forward"),
        (Retry(["1 minute", "-1 minute"]), r"delays\[1\].*that leads forward, not '-1 minute'"),
        (Retry(["0 minutes"]), "that leads forward, not '0 seconds'"),
        (Retry(["1 minute"] * 101), "101 are too many; at most 100"),
    ],
)
def test_what_is_no_retry_is_refused(host, retry, fault):
    """R13, R31: in a Send and in policies, with its place."""
    with pytest.raises(ValueError, match=fault):
        host.deploy(mail(retry=retry))
    with pytest.raises(InvalidInput, match=fault):
        Policies(retries={"EMAIL": retry})


def test_retries_are_of_channels():
    """R31: under names that channels may have."""
    with pytest.raises(InvalidInput, match="retries: must be an object of a Retry for each channel, not str 'EMAIL'"):
        Policies(retries="EMAIL")
    with pytest.raises(InvalidInput, match="retries: the channel "):
        Policies(retries={"": Retry([])})


def test_retries_are_kept_in_a_file(tmp_path):
    """R31: another process reads them from the store."""
    retries = {"EMAIL": Retry(["1 minute", "1 day"])}
    with Engine(SQLiteStore(tmp_path / "run.db")) as engine:
        engine.set_policies(Policies(retries=retries), at=START)
    with Engine(tmp_path / "run.db") as engine:
        assert engine.policies().retries == retries
