"""What a store in memory answers about figures, without a copy of all that it holds."""

from datetime import timedelta

from journeyflow import Cap, Engine, Event, Journey, MemoryStore, Policies, Send, Trigger, Wait
from journeyflow.questions.numbers.totals import QUESTIONS, totals
from tests.samples import START

JOURNEY = Journey(
    id="j",
    trigger=Trigger("go"),
    steps=[
        Send("one", channel="EMAIL", template="one"),
        Send("two", channel="EMAIL", template="two"),
        Wait("week", "7 days"),
    ],
)


def test_figures_are_those_of_the_whole_store():
    """Every question of `totals` has the same answer; what is left out, none of them asks for."""
    store = MemoryStore()
    with Engine(store, grace=None) as engine:
        engine.set_policies(Policies(caps=[Cap(1, per="day")]), at=START)
        engine.deploy(JOURNEY, at=START)
        engine.feed([Event("go", customer=f"c{n}", at=START) for n in (1, 2, 1)])
        engine.tick(START)
        messages = engine.claim("worker", at=START)
        engine.ack(messages, at=START)
        opened = {"message": messages[0].id}
        engine.feed(Event("message.opened", customer=messages[0].customer, at=START + timedelta(hours=1), data=opened))
        engine.tick(START + timedelta(days=8))
        with store.figures() as reader:
            found = totals(reader)
            left_out = reader.rows("SELECT (SELECT count(*) FROM inputs), (SELECT count(*) FROM messages)")
        with store.reader() as reader:
            assert found == totals(reader)
    assert {key[0] for key in found} == QUESTIONS.keys() - {"converted", "revenue"}
    assert left_out == [(0, 0)]
