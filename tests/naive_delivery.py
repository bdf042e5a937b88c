"""The interpreter of `naive_entries.py`, with what is told of messages: acks (R71), and what they were (R51)."""

from journeyflow import Event, testing
from tests.naive_entries import EnteringNaive


class DeliveringNaive(EnteringNaive):
    """Plays scripts in which channels acknowledge, and customers pay for what a message offered."""

    def _input(self, said, at):
        if isinstance(said, testing.Ack):
            message = self.messages.get(said.message)
            if message is None or message.status == "SENT":
                return "duplicate" if message else "unmatched"
            message.status, sent = "SENT", {"message": said.message}
            said = Event("message.sent", customer=message.run.customer, at=said.at, data=sent)
        outcome = super()._input(said, at)
        if outcome is None and isinstance(said, Event) and "message" in said.data:
            event = self.queue[0]
            if event.owner is None:  # of others, or of nobody
                return "unmatched" if event.kind == "revenue" else None
            if event.kind.startswith("message."):
                event.data = self._about(self.messages[said.data["message"]]) | event.data
        return outcome

    def _about(self, message):
        step = message.step
        names = {"step": step.id, "channel": step.channel, "template": step.template}
        return {"journey": message.run.journey.id, **names}
