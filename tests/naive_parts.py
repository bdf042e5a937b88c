"""What the interpreter of `naive.py` asks again and again: what rules see (R59), what events say (R22, R51)."""

from datetime import UTC
from types import SimpleNamespace as Thing

from journeyflow import rules, templates
from journeyflow.changes import read_path
from journeyflow.values import thaw


def facts(naive, about, at, event=None):
    """Give what rules and templates see of a customer, a run and the event at hand (R39, R59)."""
    customer, at_hand = naive.customers[about.customer], event.data if event else {}
    sent = {each.step.id: each.flags for each in naive.messages.values() if each.run is about}
    names = {"trigger": about.data, "event": at_hand, "customer": customer, **about.names}
    names |= {"message": sent} if sent else {}

    def value(path):
        root, _, rest = path.partition(".")
        if rest and root in names:
            return read_path(names[root], rest)
        found = read_path(at_hand, path)
        return read_path(customer, path) if found is None else found

    seen = Thing(zone=UTC, at=at, value=value)
    seen.true = lambda rule: rule is None or rules.holds(rule, seen)
    seen.fill = lambda text: (templates.compile_template(thaw(text)) or (lambda _: thaw(text)))(seen)
    return seen


def noted(message, kind, data):
    """Note with a message what happened to it, and say what message that was besides what was told (R51, R52)."""
    message.flags[kind.removeprefix("message.")] = True
    step = message.step
    return {
        "journey": message.run.journey.id,
        "step": step.id,
        "channel": step.channel,
        "template": step.template,
    } | data


def key_of(journey, data):
    """Give the key of an event's data, as text."""
    value = journey.reentry.key and read_path(data, journey.reentry.key.removeprefix("event."))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = f"{value:g}" if is_number else value
    return text if isinstance(text, str) else ""
