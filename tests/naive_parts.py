"""Parts of the interpreter of `naive.py`: what rules see (R59), what events say (R22, R51), entry limits (R23)."""

from collections import defaultdict
from datetime import UTC
from types import SimpleNamespace as Thing

from journeyflow import rules, templates
from journeyflow.changes import read_path
from journeyflow.moments import DAY, HOUR
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


def work_of(naive):
    """Give all work with its place in the order (R4, R7); what a pause held comes first when it is over (R16)."""
    yield from (((each.at, 1, n), each) for n, each in enumerate(naive.inputs) if each.outcome == "pending")
    yield from naive.doors.work()
    for run in (run for run in naive.runs if run.due):
        resumed = [since for since, _ in naive.calls[run.journey.id] if since >= run.due]
        free = [at for at in [run.due, *resumed] if "pause" not in naive._states(run.journey, at)]
        yield from (((at, 0 if at > run.own else 2, run.own, run.serial), run) for at in free[:1])


class Doors:
    """Slots of entries and who waits for one (R23)."""

    def __init__(self, naive):
        self.naive, self.slots, self.waiting, self.due = naive, defaultdict(list), [], {}

    def opening(self, journey, at):
        """Give the instant at which there is a slot, `at` when there is one."""
        opens, slots = at, sorted(self.slots[journey.id], reverse=True)
        for window, count in ((HOUR, journey.limits.per_hour), (DAY, journey.limits.per_day)):
            if count and len([slot for slot in slots if slot > at - window]) >= count:
                opens = max(opens, slots[count - 1] + window)
        return opens

    def turn_away(self, journey, about, key, *, limited):
        """Take a slot, or else wait or be refused."""
        limits, place = journey.limits, (journey.id, about.customer, key)
        asked = limited and (limits.per_hour or limits.per_day)
        opens = self.opening(journey, about.own)
        if not asked or (journey.id not in self.due and opens == about.own):
            self.slots[journey.id].append(about.own)
            return False
        mine = [each for each in self.waiting if each.place == place]
        reasons = {
            "entry limit": limits.over == "drop",
            "already deferred": mine and journey.reentry.policy != "restart",
        }
        for reason in [reason for reason, stands in reasons.items() if stands][:1]:
            self.naive.refused[journey.id, reason] += 1
            return True
        self.waiting = [each for each in self.waiting if each.place != place]
        self.waiting.append(Thing(place=place, at=about.own, data=about.data, customer=about.customer, key=key))
        self.waiting.sort(key=lambda each: each.at)
        self.due.setdefault(journey.id, opens)
        return True

    def work(self):
        """Give the openings of queues with their places in the order; a pause holds them (R16)."""
        for number, (name, journey) in enumerate(self.naive.journeys.items(), 1):
            if name in self.due:
                resumed = [since for since, _ in self.naive.calls[name] if since >= self.due[name]]
                free = [at for at in [self.due[name], *resumed] if "pause" not in self.naive._states(journey, at)]
                yield from (((at, 3, number, 0), journey) for at in free[:1])

    def open(self, journey, own, at):
        """Let the first in, and wait for the next slot."""
        naive, opens = self.naive, self.opening(journey, own)
        if opens > own:
            naive.late -= at > own
            self.due[journey.id] = opens
            return
        if "pause" in naive._states(journey, at):
            self.due[journey.id] = at
            return
        for entry in [each for each in self.waiting if each.place[0] == journey.id][:1]:
            self.waiting.remove(entry)
            about = Thing(customer=entry.customer, own=own, at=at, data=entry.data, names={}, causes=frozenset())
            naive._enter(journey, about, about, entry.key)
        self.due[journey.id] = self.opening(journey, own)
        if not any(each.place[0] == journey.id for each in self.waiting):
            del self.due[journey.id]

    def leave(self, said):
        """Wait no longer."""
        left = [e for e in self.waiting if e.place[:2] == (said.journey, said.customer) and said.key in {None, e.key}]
        self.waiting = [each for each in self.waiting if each not in left]
        return left
