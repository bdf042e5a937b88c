"""A process of its own that ticks and delivers until it has to stop: python worker.py"""

import logging
import signal
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from journeyflow import Engine, Journey, Send, Trigger, Wait

log = logging.getLogger(__name__)

hello = Journey(
    id="hello",
    trigger=Trigger("signed.up"),
    steps=[
        Send("hi", channel="EMAIL", template="hi"),
        Wait("breathe", "2 hours"),
        Send("tips", channel="EMAIL", template="tips"),
    ],
)


def send_email(message):
    print("to", message.customer, message.template, flush=True)  # your mail client; message.id is the idempotency key


def run_until_stopped(engine, seconds=15.0):
    """Tick every `seconds`, until SIGTERM or Ctrl-C."""
    stop = SimpleQueue()  # a handler of signals may put into it, whatever it interrupts

    def stopped(*_):
        stop.put(True)
        engine.close()  # a tick that is going on ends after the message that is being delivered

    signal.signal(signal.SIGTERM, stopped)
    signal.signal(signal.SIGINT, stopped)
    while True:
        pause = seconds
        try:
            if engine.tick(datetime.now(UTC)).more:
                pause = 1.0  # answers of handlers, for example, are work for the next tick
        except Exception:
            if stop.empty():
                log.exception("the tick failed; the next one takes up what is left")
        try:
            stop.get(timeout=pause)
        except Empty:
            continue
        return


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)  # failed deliveries are warnings of the logger "journeyflow"
    with Engine("journeys.db", channels={"EMAIL": send_email}) as engine:
        engine.deploy(hello, at=datetime.now(UTC))
        run_until_stopped(engine)
