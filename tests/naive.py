"""An interpreter of journeys, written only from the numbered rules, as naive as can be: the engine has to agree with it.

One list of work that is sorted again for every item, plain dicts, datetimes in UTC. Left out: zones, windows, `until`
(the rules are asked elsewhere), new versions of a journey, claiming. It reads a script: calls, and instants of ticks.
"""

import re
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from json import dumps
from types import SimpleNamespace as Thing
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from journeyflow import Condition, End, Event, Send, Split, Update, Wait
from journeyflow.rules import holds
from journeyflow.testing import START, Ack, Enroll, Leave, Lifecycle, Put
from journeyflow.values import thaw

LEAK = False
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MEMBERS = {"tags": ("tag.added", "tag.removed", "tag"), "lists": ("list.subscribed", "list.unsubscribed", "list")}
FIELDS = {kind: (name, kinds[2], kind == kinds[0]) for name, kinds in MEMBERS.items() for kind in kinds[:2]}
LAST = {"message.sent": "SentAt", "message.opened": "OpenAt", "message.clicked": "ClickAt"}


class WrongType(Exception):
    """A change meets a value of another type."""


class Facts:
    """What rules and templates see (R59)."""

    zone = ZoneInfo("UTC")

    def __init__(self, naive, customer, at, run=None, event=None, trigger=None):
        self.attributes, self.run, self.event = naive.customers[customer], run, event
        self.trigger, self.messages = (run.trigger if run else trigger), naive.messages
        self.at = (at - EPOCH) // timedelta(microseconds=1)

    def value(self, path):
        root, _, rest = path.partition(".")
        if root == "event":
            return find(self.event, rest)
        if root == "trigger":
            return find(self.trigger, rest)
        if root == "wait":
            return find(self.run.waits.get(rest.split(".")[0]), rest.partition(".")[2])
        if root == "message":
            step, flag = rest.split(".")
            mine = [each for each in self.messages.values() if each.run is self.run and each.step == step]
            return (flag in mine[-1].flags) if mine else None
        if root == "enrollment":
            return {"run": self.run.number, "journey": self.run.journey.id, "customer": self.run.customer}[rest]
        if root == "customer":
            return find(self.attributes, rest)
        at_hand = find(self.event, path)
        return at_hand if at_hand is not None else find(self.attributes, path)


def find(value, path):
    """Look a dotted path up."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def write(attributes, path, value):
    """Write a dotted path into a copy; None takes the name away."""
    name, _, rest = path.partition(".")
    if rest:
        inner = attributes.get(name)
        if inner is not None and not isinstance(inner, dict):
            raise WrongType
        if inner is None and value is None:
            return attributes
        value = write(inner or {}, rest, value)
    kept = {key: old for key, old in attributes.items() if key != name or value is not None}
    return kept if value is None else {**kept, name: value}


def same(left, right):
    """Tell whether two JSON values are one: 1 and true are not."""
    return dumps(left, sort_keys=True) == dumps(right, sort_keys=True)


def events_between(old, new, names):
    """One event for each attribute or member that differs (R50)."""
    for name in dict.fromkeys(names):
        if name in MEMBERS:
            before, after = dict.fromkeys(old.get(name) or ()), dict.fromkeys(new.get(name) or ())
            added, removed, member = MEMBERS[name]
            yield from ((removed, {member: each}) for each in before if each not in after)
            yield from ((added, {member: each}) for each in after if each not in before)
        elif name == "consent":
            channels = [*(old.get(name) or {}), *(new.get(name) or {})]
            yield from events_between(old, new, [f"consent.{channel}" for channel in channels])
        elif not same(find(old, name), find(new, name)):
            yield "field.changed", {"field": name, "old": find(old, name), "new": find(new, name)}


def change(old, action, value):
    """Give what an attribute is after one change of an Update (R39)."""
    if action in {"set", "unset"}:
        return value
    if action == "increment":
        number = 0 if old is None else old
        if type(number) not in {int, float} or type(value) not in {int, float}:
            raise WrongType
        return number + value
    if old is not None and not isinstance(old, list):
        raise WrongType
    if action == "remove":
        return None if old is None else [each for each in old if not same(each, value)]
    members = old or []
    return members if action == "add" and any(same(each, value) for each in members) else [*members, value]


def render(value, facts):
    """Fill templates in: one token alone keeps its type, missing is "" (R39)."""
    if isinstance(value, dict):
        return {key: render(inner, facts) for key, inner in value.items()}
    if isinstance(value, list):
        return [render(inner, facts) for inner in value]
    if not isinstance(value, str):
        return value
    if whole := re.fullmatch(r"\{\{ ([^{}]*) \}\}", value):
        found = facts.value(whole[1])
        return "" if found is None else found

    def text(token):
        found = facts.value(token[1])
        return "" if found is None else found if isinstance(found, str) else dumps(found)

    return re.sub(r"\{\{ ([^{}]*) \}\}", text, value)


def later(at, length):
    """Add a duration on the calendar of UTC (R33)."""
    return at + relativedelta(months=length.months, days=length.days) + timedelta(microseconds=length.micros)


def read_date(value):
    """Read an attribute as an instant; None where it is none (R37)."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Naive:
    """Plays a script; afterwards `runs`, `messages`, `customers`, `refused` and `outcomes` tell what came of it."""

    def __init__(self, journeys, script, grace=None):
        self.journeys = {each.id: each for each in sorted(journeys, key=lambda each: each.id)}
        self.states = {name: [(START, "ACTIVE")] for name in self.journeys}
        self.grace, self.inbox, self.outcomes, self.known = grace, [], [], {}
        self.customers, self.runs, self.messages, self.refused, self.late = {}, [], {}, Counter(), 0
        for said in script:
            if isinstance(said, datetime):
                self.tick(said)
            elif isinstance(said, Lifecycle):
                self.lifecycle(said)
            else:
                self.inbox.append((said.at, len(self.outcomes), said))
                self.outcomes.append("pending")

    # --- order (R4, R7, R11, R16)

    def state(self, journey, at):
        return [state for since, state in self.states[journey.id] if since <= at][-1]

    def place(self, run):
        """Give a run's place in the order of work: when a pause is over, what it held comes before other timers."""
        for at in [run.due, *(since for since, _ in self.states[run.journey.id] if since >= run.due)]:
            if self.state(run.journey, at) != "PAUSED":
                return (at, 2, run.serial) if at == run.own else (at, -1, run.own, run.serial)
        return None

    def work(self):
        timers = [(self.place(run), run) for run in self.runs if run.status == "ACTIVE" and run.due]
        found = [(place, run) for place, run in timers if place]
        found += [((at, 0, number), said) for at, number, said in self.inbox]
        return sorted(found, key=lambda pair: pair[0])

    def tick(self, now, before=False):
        while (work := self.work()) and (work[0][0][0] < now or (work[0][0][0] == now and not before)):
            place, item = work[0]
            self.softened = self.grace is not None and now - place[0] > self.grace
            self.late += self.softened
            at = now if self.softened else place[0]
            self.queue, self.made, self.emitted = deque(), set(), Counter()
            if isinstance(item, Thing):
                self.timer(item, max(at, item.last))
            else:
                self.inbox.remove((item.at, place[2], item))
                self.outcomes[place[2]] = self.input(item, at)
            while self.queue:
                self.stages(self.queue.popleft())

    def timer(self, run, at):
        if self.state(run.journey, at) == "PAUSED":
            run.due = at
        else:
            if run.step.field:
                run.outcome, due = self.date(run, run.step, run.visits[-1].entered)
                run.outcome = "missing" if run.outcome == "missing" else "elapsed"
                if due > at:
                    run.due = run.own = due
                    return
            self.leave(run, at, run.outcome, run.causes)

    def lifecycle(self, said):
        states = self.states[said.journey]
        at = max(said.at, states[-1][0])
        if said.action == "archive":
            self.tick(at, before=True)
            for run in self.runs:
                if run.status == "ACTIVE" and run.journey.id == said.journey:
                    self.end(run, max(at, run.last), "EXITED", "archived")
        states.append((at, {"pause": "PAUSED", "resume": "ACTIVE", "archive": "ARCHIVED"}[said.action]))

    # --- inputs (R20, R24, R26, R50, R52)

    def input(self, said, at):
        if isinstance(said, Event):
            return self.event(said.type, said.customer, thaw(said.data), said.id, said.at, at)
        if isinstance(said, Ack):
            message = self.messages.get(said.message)
            if message and message.status == "SENT":
                return "duplicate"
            if message:
                message.status = "SENT"
            return self.event("message.sent", message and message.run.customer, {"message": said.message}, None, said.at, at)
        if isinstance(said, Leave):
            inside = [run for run in self.runs if self.inside(run, said.customer) and run.journey.id == said.journey]
            for run in inside:
                self.end(run, max(at, run.last), "EXITED", said.reason)
            return "handled" if inside else "not inside"
        if isinstance(said, Put):
            old = self.customers.setdefault(said.customer, {})
            kept = {"consent", "tags", "lists"}
            gone = [name for name in old if name not in kept and not re.fullmatch("last.*(Sent|Open|Click)At", name)]
            put = {**({name: None for name in gone} if said.replace else {}), **thaw(said.attributes)}
            if isinstance(put.get("consent"), dict):
                consent = {**(old.get("consent") or {}), **put["consent"]}
                put["consent"] = {key: value for key, value in consent.items() if value is not None} or None
            return self.changed(said.customer, {**old, **put}, put, said.at, at)
        self.customers.setdefault(said.customer, {})
        return self.enter(self.journeys[said.journey], said.customer, said.at, at, None, frozenset(), said) or "handled"

    def changed(self, customer, new, names, own, at):
        """Keep a customer's new attributes and emit one event per change."""
        old = self.customers[customer]
        self.customers[customer] = {name: value for name, value in new.items() if value is not None}
        told = list(events_between(old, self.customers[customer], names))
        self.queue.extend(self.happening(kind, customer, data, own, at) for kind, data in told)
        return "handled" if told else "unchanged"

    def happening(self, kind, customer, data, own, at, causes=frozenset(), changes=True, owner=None):
        return Thing(**{key: value for key, value in locals().items() if key != "self"})

    def event(self, kind, customer, data, name, own, at):
        if name is not None:
            content = (customer, data)
            if (kind, name) in self.known:
                return "duplicate" if self.known[kind, name] == content else "conflicting"
            self.known[kind, name] = content
        message, of_message = None, kind.startswith("message.")
        if of_message and (customer not in self.customers or "message" in data):
            message = self.messages.get(data.get("message"))
            if message is None or message.run.customer != customer:
                return "unmatched"
        old = self.customers.setdefault(customer, {})
        happened = self.happening(kind, customer, data, own, at, changes=False, owner=message and message.run)
        new = old
        if kind == "field.changed":
            new = write(old, data["field"], data["new"])
        elif kind in FIELDS:
            members, what, added = FIELDS[kind]
            new = {**old, members: change(old.get(members) or [], "add" if added else "remove", data[what])}
        if kind == "field.changed" or kind in FIELDS:
            if not list(events_between(old, new, [data["field"] if kind == "field.changed" else FIELDS[kind][0]])):
                return "unchanged"
            self.customers[customer] = new
            happened.changes = True
        self.queue.append(happened)
        if message:
            message.flags.add(kind.removeprefix("message."))
            if kind in LAST:
                name, last = f"last{message.channel.capitalize()}{LAST[kind]}", own.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                self.customers[customer] = {**old, name: max(last, old.get(name, ""))}
                happened.changes = last > old.get(name, "")
            elif kind in {"message.unsubscribed", "message.complained"}:
                path = f"consent.{message.channel}"
                happened.changes = self.changed(customer, write(old, path, False), [path], own, at) == "handled"
        return "handled"

    # --- the stages of one event (R9), after its effect on the customer

    def inside(self, run, customer):
        return run.customer == customer and run.status == "ACTIVE"

    def reaches(self, event, run, part):
        mine = part.any_message or not event.kind.startswith("message.") or event.owner is run
        facts = Facts(self, run.customer, max(event.at, run.last), run, event.data)
        return mine and part.event == event.kind and (part.where is None or holds(part.where, facts))

    def stages(self, event):
        runs = [run for run in self.runs if run.customer == event.customer]
        for run in runs:
            at = max(event.at, run.last)
            newest = [each for each in runs if each.journey is run.journey][-1]
            self.goal(run, newest, event, at)
            self.exits(run, event, at)
        for run in runs:
            if run.status == "ACTIVE" and not (run.due and run.due < event.own):
                self.release(run, event, max(event.at, run.last))
        for journey in self.journeys.values():
            trigger, facts = journey.trigger, Facts(self, event.customer, event.at, None, event.data, event.data)
            if trigger.event == event.kind and (trigger.where is None or holds(trigger.where, facts)):
                self.enter(journey, event.customer, event.own, event.at, event.data, event.causes)

    def goal(self, run, newest, event, at):
        goal = run.journey.goal
        if goal is None or run is not newest or run.converted_at or not self.reaches(event, run, goal):
            return
        if goal.within is None or event.own <= later(run.entered_at, goal.within):
            run.converted_at = at
            if goal.exit and run.status == "ACTIVE":
                self.end(run, at, "EXITED", "goal")

    def exits(self, run, event, at):
        for each in run.journey.exits:
            asked = self.reaches(event, run, each) if each.event else event.changes and self.when(each, run, at)
            if run.status == "ACTIVE" and asked:
                self.end(run, at, "EXITED", each.name)

    def when(self, each, run, at):
        return holds(each.when, Facts(self, run.customer, at, run))

    def release(self, run, event, at):
        """Stage 3: what awaits the event goes on; a wait for a date is set anew when that date changes (R36, R37)."""
        step = run.step
        paused = [instant for instant in (event.own, at) if self.state(run.journey, instant) == "PAUSED"]
        if step.event and not paused and self.reaches(event, run, step):
            run.outcome, run.released = "event", event.data
        elif step.field and event.changes:
            run.outcome, run.due = self.date(run, step, run.visits[-1].entered, at)
            run.own = run.due
            if run.due > at or (paused and run.outcome == "elapsed"):
                return
        else:
            return
        run.causes |= event.causes
        if paused:
            run.own, run.due = event.own, paused[0]
        else:
            self.leave(run, at, run.outcome, run.causes)

    # --- entry (R21 to R24)

    def enter(self, journey, customer, own, at, data, causes, by_hand=None):
        states = {self.state(journey, own), self.state(journey, at), self.states[journey.id][-1][1]}
        if self.state(journey, own) == "ARCHIVED" and not by_hand:
            return None
        facts = Facts(self, customer, at, None, data, data)
        before = [run for run in self.runs if run.customer == customer and run.journey is journey]
        asked = not (by_hand and by_hand.force)
        period = journey.reentry.period
        soon = bool(before) and (period is None or at < later(before[-1].entered_at, period))
        channels = {step.channel for step in journey.steps if isinstance(step, Send)}
        consent = find(self.customers[customer], "consent") or {}
        allowed = journey.consent != "required" or not channels or any(consent.get(channel) is True for channel in channels)
        exits = [each for each in journey.exits if each.when]
        refusals = {
            "archived": "ARCHIVED" in states,
            "paused": "PAUSED" in {self.state(journey, own), self.state(journey, at)},
            "event loop": journey.id in causes,
            "run criteria": asked and journey.run_criteria is not None and not holds(journey.run_criteria, facts),
            "exit rule": any(holds(each.when, Facts(self, customer, at, None, None, data)) for each in exits),
            "consent": asked and not allowed,
            "already inside": any(run.status == "ACTIVE" for run in before),
            "re-entry": asked and journey.reentry.policy != "always" and soon,
        }
        for reason, refused in refusals.items():
            if refused:
                self.refused[journey.id, reason] += 1
                return f"refused: {reason}"
        run = Thing(
            journey=journey, customer=customer, number=len(before) + 1, serial=len(self.runs) + 1, status="ACTIVE",
            reason="", entered_at=at, ended_at=None, converted_at=None, visits=[], trigger=data, waits={}, left={},
            last=at, due=None, own=None, outcome=None, causes=causes, step=None, released=None, leak=None,
        )  # fmt: skip
        self.runs.append(run)
        self.walk(run, journey.steps[0].id, at)
        return None

    # --- moves (R30 to R44)

    def leave(self, run, at, outcome, causes):
        """Leave the rest, and go on to the next one."""
        step, run.causes = run.step, causes
        if outcome == "event":
            run.waits[step.id] = run.released
        run.leak = run.released if LEAK else None
        self.walk(run, self.done(run, at, outcome, self.way(step, outcome)), at)
        run.leak = None

    def way(self, step, outcome):
        return getattr(step, f"on_{outcome}", None) or step.next

    def done(self, run, at, outcome, target, status="COMPLETED"):
        """Close the visit at hand and give where to go."""
        visit = run.visits[-1]
        visit.status, visit.outcome, visit.left = status, outcome, at
        run.left[visit.step], run.last = at, at
        return target

    def end(self, run, at, status, reason):
        if run.visits[-1].status == "ACTIVE":
            self.done(run, at, "", None, "FAILED" if status == "FAILED" else "EXITED")
        run.status, run.reason, run.ended_at, run.last, run.due = status, reason, at, at, None

    def walk(self, run, target, at):
        """Go from step to step at one instant until the run rests or ends."""
        first, move = len(run.visits), []
        run.due = run.own = run.outcome = run.released = None
        while target:
            step = run.step = run.journey.step(target)
            run.visits.append(Thing(n=len(run.visits) + 1, step=step.id, status="ACTIVE", outcome="", entered=at, left=None))
            failure = "visit limit" if len(run.visits) > run.journey.max_visits else None
            facts = Facts(self, run.customer, at, run, run.leak)
            target = None
            if failure:
                pass
            elif isinstance(step, Send):
                failure, target = self.send(run, step, at, facts, move)
            elif isinstance(step, Wait):
                target = self.wait(run, step, at)
            elif isinstance(step, Condition):
                open_ = [each for each in step.branches if holds(each.when, facts)]
                label = open_[0].label if open_ else step.else_label
                target = self.done(run, at, label, open_[0].next if open_ else step.otherwise)
            elif isinstance(step, Split):
                arm = self.arm(run, step)
                target = self.done(run, at, arm.label, arm.next)
            elif isinstance(step, Update):
                failure, target = self.update(run, step, at, facts)
            elif isinstance(step, End):
                failure = self.emit(run, at, [("journey.completed", {"journey": run.journey.id})], changes=False)
                if not failure:
                    self.done(run, at, step.outcome, None)
                    self.end(run, at, "COMPLETED", "")
            if failure:
                self.end(run, at, "FAILED", failure)
                for name in move:
                    del self.messages[name]
                for visit in run.visits[first:]:
                    if visit.outcome == "queued":
                        visit.status, visit.outcome = "SKIPPED", "failed"

    def send(self, run, step, at, facts, move):
        consent = find(self.customers[run.customer], f"consent.{step.channel}")
        if not step.transactional and not (consent is True or (consent is None and run.journey.consent == "optional")):
            return None, self.done(run, at, "consent", step.next, "SKIPPED")
        if (run.serial, step.id) in self.made:
            return "zero-time loop", None
        self.made.add((run.serial, step.id))
        move.append(f"memory-{run.serial}-{len(run.visits)}")
        self.messages[move[-1]] = Thing(
            run=run, step=step.id, channel=step.channel, template=step.template, at=at, status="QUEUED", flags=set(),
            data=render(thaw(step.data), facts), id=move[-1],
        )  # fmt: skip
        return None, self.done(run, at, "queued", step.next)

    def wait(self, run, step, at):
        run.outcome = "elapsed"
        if step.event:
            run.outcome, end = "timeout", step.timeout and later(at, step.timeout)
            run.due = run.own = end
            return None
        if step.field:
            run.outcome, end = self.date(run, step, at)
        else:
            end = step.at or later(at, step.duration)
        if end <= at:
            return self.done(run, at, run.outcome, self.way(step, run.outcome))
        run.due = run.own = end
        return None

    def date(self, run, step, start, now=None):
        """Give how a wait for a date ends, and when; `now` is when the date changed (R37)."""
        value = Facts(self, run.customer, start, run, run.leak).value(step.field)
        date = read_date(value)
        if date is None:
            return "missing", now or start
        offset = step.offset or later
        end = later(date, step.offset) if step.offset else date
        if step.every:
            ends = [date + relativedelta(year=year) for year in range(start.year - 2, start.year + 9)]
            ends = [later(each, offset) if step.offset else each for each in ends]
            last = run.left.get(step.id)
            end = next(each for each in ends if each >= start and (last is None or each > last))
        return ("past", now or start) if end < (now or start) else ("elapsed", end)

    def arm(self, run, step):
        text = "\x1f".join(("default", run.journey.id, step.id, run.customer))
        bucket = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") * 10000 // 2**64
        ends = [sum(each.percentage * 100 for each in step.arms[: n + 1]) for n in range(len(step.arms))]
        return next(each for each, end in zip(step.arms, ends, strict=True) if bucket < round(end))

    def update(self, run, step, at, facts):
        old = new = self.customers[run.customer]
        try:
            for each in step.changes:
                new = write(new, each.field, change(find(new, each.field), each.action, render(thaw(each.value), facts)))
                if not all(isinstance(tag, str) for name in MEMBERS for tag in new.get(name) or ()):
                    raise WrongType
        except WrongType:
            return None, self.done(run, at, "type", step.next)
        failure = self.emit(run, at, list(events_between(old, new, [each.field for each in step.changes])))
        if failure:
            return failure, None
        self.customers[run.customer] = new
        return None, self.done(run, at, "", step.next)

    def emit(self, run, at, told, changes=True):
        """Queue what a run causes, unless it is too much for one root item (R53)."""
        self.emitted[run.serial] += len(told)
        if self.emitted[run.serial] > 100:
            return "event loop"
        causes = run.causes | {run.journey.id}
        self.queue.extend(self.happening(kind, run.customer, data, at, at, causes, changes) for kind, data in told)
        return None
