"""An interpreter of journeys, written only from the numbered rules and as naive as can be: the engine must agree.

One list of work, sorted anew for every item; plain things in plain lists; datetimes in UTC. It knows no zones, windows
or `until`, no second version of a journey and no claiming. What a change does to attributes, what a rule and a template
mean is asked of the package's pure functions, which have tests of their own. A script is what `testing.run` has said:
calls, and the instants of ticks.
"""

from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from types import SimpleNamespace as Thing
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from journeyflow import Chain, Condition, End, Event, Send, Split, Update, Wait
from journeyflow.changes import WrongType, apply_changes, merge, read_path
from journeyflow.rules import holds
from journeyflow.templates import compile_template
from journeyflow.testing import START, Ack, Leave, Lifecycle, Put
from journeyflow.values import thaw

EPOCH, INSTANT, NOTHING = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1), frozenset[tuple[str, str]]()
CHANGES = {  # fed events that change the customer (R50)
    "tag.added": lambda data: ("tags", "add", data["tag"]),
    "tag.removed": lambda data: ("tags", "remove", data["tag"]),
    "list.subscribed": lambda data: ("lists", "add", data["list"]),
    "list.unsubscribed": lambda data: ("lists", "remove", data["list"]),
    "field.changed": lambda data: (data["field"], "set", data["new"]),
}
LAST = {"message.sent": "SentAt", "message.opened": "OpenAt", "message.clicked": "ClickAt"}
ORDERS = {"enroll", "exit", "exit_others", "exit_all"}
STATES = {"pause": "PAUSED", "resume": "ACTIVE", "archive": "ARCHIVED"}


class Facts:
    """What rules and templates see of a customer, a run and the event at hand (R59)."""

    zone = ZoneInfo("UTC")

    def __init__(self, naive, about, at, run=None, event=None):
        self.at, trigger, self.event = (at - EPOCH) // INSTANT, run.trigger if run else about.data, event or {}
        self.roots = {"event": self.event, "trigger": trigger or {}, "customer": naive.customers[about.customer]}
        if run:
            sent = [each for each in naive.messages.values() if each.run is run]
            ids = {"run": run.number, "journey": run.journey.id, "customer": run.customer, "key": run.key or None}
            flags = {each.step: dict.fromkeys(each.flags, True) for each in sent}
            self.roots |= {"message": flags, "wait": run.waits, "enrollment": ids}

    def value(self, path):
        root, _, rest = path.partition(".")
        if root in self.roots:
            return read_path(self.roots[root], rest)
        at_hand = read_path(self.event, path)
        return read_path(self.roots["customer"], path) if at_hand is None else at_hand


def rendered(value, facts):
    """Fill templates in (R39)."""
    template = compile_template(thaw(value))
    return template(facts) if template else thaw(value)


def later(at, length):
    """Add a duration on the calendar of UTC (R33)."""
    return at + relativedelta(months=length.months, days=length.days) + timedelta(microseconds=length.micros)


def key_of(journey, data):
    """Give the key of an event's data, as text (R22)."""
    value = journey.reentry.key and read_path(data or {}, journey.reentry.key.removeprefix("event."))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = f"{value:g}" if is_number else value
    return text if isinstance(text, str) else ""


def bucket(journey, step, customer):
    """Give a customer's place among the 10,000 (R38)."""
    key = f"default\x1f{journey.id}\x1f{step}\x1f{customer}".encode()
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big") * 10000 // 2**64


class Naive:
    """Plays a script; then `runs`, `messages`, `customers`, `refused`, `outcomes` and `late` tell what came of it."""

    def __init__(self, journeys, script, grace=None):
        self.journeys = {each.id: each for each in sorted(journeys, key=lambda each: each.id)}
        self.states = {name: [(START, "ACTIVE")] for name in self.journeys}
        self.grace, self.inbox, self.outcomes, self.known = grace, [], [], {}
        self.customers, self.runs, self.messages, self.refused, self.late = {}, [], {}, Counter(), 0
        for said in script:
            if isinstance(said, datetime):
                self.late += self._tick(said)
            elif isinstance(said, Lifecycle):
                self._lifecycle(said)
            else:
                self.inbox.append((said.at, len(self.outcomes), said))
                self.outcomes.append("pending")

    def _states(self, journey, *instants):  # as of these instants (R11)
        return {[state for since, state in self.states[journey.id] if since <= at][-1] for at in instants}

    # --- work in its order (R4, R7); what a pause held comes first when the pause is over (R16)

    def _work(self):
        found = [((at, 1, number), said) for at, number, said in self.inbox]
        for run in (run for run in self.runs if run.due):
            resumed = [since for since, _ in self.states[run.journey.id] if since >= run.due]
            free = [at for at in [run.due, *resumed] if "PAUSED" not in self._states(run.journey, at)]
            place = (2, run.serial) if free[:1] == [run.own] else (0, run.own, run.serial)
            found += [((at, *place), run) for at in free[:1]]
        return sorted(found, key=lambda each: each[0])

    def _tick(self, now):
        late = 0
        while (work := self._work()) and work[0][0][0] <= now:
            place, item = work[0]
            softened = self.grace is not None and now - place[0] > self.grace  # R5
            late, at = late + softened, now if softened else place[0]
            self.queue, self.made, self.emitted, self.causes = deque(), set(), Counter(), {}
            if isinstance(item, Thing):
                self._timer(item, max(at, item.last))
            else:
                self.inbox.remove((item.at, place[2], item))
                self.outcomes[place[2]] = self._input(item, at) or "handled"
            while self.queue:
                about = self.queue.popleft()
                (self._stages if about.kind not in ORDERS else self._order)(about)
        return late

    def _timer(self, run, at):
        if run.step.field:  # the customer as then decides (R16, R37)
            run.outcome, end = self._date(run, at, run.visits[-1].entered)
            run.outcome = run.outcome.replace("past", "elapsed")
            if end > at:
                run.due = run.own = end
                return
        if "PAUSED" in self._states(run.journey, at):
            run.due = at
        else:
            self._leave(run, at)

    def _lifecycle(self, said):
        at = max(said.at, self.states[said.journey][-1][0])
        if said.action == "archive":
            self._tick(at - INSTANT)
            for run in self.runs:
                if run.journey.id == said.journey:
                    self._end(run, max(at, run.last), "EXITED", "archived")
        self.states[said.journey].append((at, STATES[said.action]))

    # --- inputs: what becomes of the customer, and the events that tell of it (R20, R24, R26, R50, R52)

    def _input(self, said, at):
        if isinstance(said, Event):
            about = Thing(kind=said.type, customer=said.customer, data=thaw(said.data), own=said.at, at=at)
            return self._event(about, said.id)
        about = Thing(customer=getattr(said, "customer", None), own=said.at, at=at, data=None, causes=NOTHING)
        if isinstance(said, Ack):
            message = self.messages.get(said.message)
            if message is None or message.status == "SENT":
                return "duplicate" if message else "unmatched"
            message.status, about.kind, about.data = "SENT", "message.sent", {"message": said.message}
            about.customer = message.run.customer
            return self._event(about)
        if isinstance(said, Leave):
            mine = [run for run in self.runs if (run.customer, run.journey.id) == (said.customer, said.journey)]
            mine = [run for run in mine if said.key in {None, run.key}]
            left = [self._end(run, max(at, run.last), "EXITED", said.reason) for run in mine]
            return None if any(left) else "not inside"
        attributes = self.customers.setdefault(said.customer, {})
        if isinstance(said, Put):
            return self._change(about, *merge(attributes, thaw(said.attributes), replace=said.replace))
        return self._enter(self.journeys[said.journey], about, asked=not said.force, by_hand=True, key=said.key or "")

    def _change(self, about, attributes, told):
        if told:
            self.customers[about.customer] = attributes
        self._tell(about, told)
        return None if told else "unchanged"

    def _tell(self, about, told, causes=NOTHING):
        for kind, data in told:
            same = {"customer": about.customer, "own": about.own, "at": about.at, "owner": None, "causes": causes}
            self.queue.append(Thing(kind=kind, data=data, changes=kind != "journey.completed", **same))

    def _event(self, event, name=None):
        kind, customer, data = event.kind, event.customer, event.data
        if name and (kind, name) in self.known:
            return "duplicate" if self.known[kind, name] == (customer, data) else "conflicting"
        self.known[kind, name] = (customer, data)
        message, of_message = self.messages.get(data.get("message")), kind.startswith("message.")
        mine = message is not None and message.run.customer == customer
        if of_message and not mine and (customer not in self.customers or "message" in data):
            return "unmatched"
        attributes = self.customers.setdefault(customer, {})
        event.causes, event.changes, event.owner = NOTHING, False, message.run if of_message and mine else None
        if kind in CHANGES:
            changed, told = apply_changes([CHANGES[kind](data)], attributes)
            return self._change(event, changed, [(kind, data)] if told else [])
        self.queue.append(event)
        if event.owner:
            message.flags.add(kind.removeprefix("message."))
            last, text = f"last{message.channel.title()}{LAST.get(kind)}", f"{event.own:%Y-%m-%dT%H:%M:%S.%fZ}"
            if kind in LAST and text > attributes.get(last, ""):
                event.changes, self.customers[customer] = True, {**attributes, last: text}
            elif kind in {"message.unsubscribed", "message.complained"}:
                change = (f"consent.{message.channel}", "set", False)
                event.changes = not self._change(event, *apply_changes([change], attributes))
        return None

    # --- the stages of one event, when its effect on the customer is done (R9)

    def _stages(self, event):
        runs = [run for run in self.runs if run.customer == event.customer]
        for run in runs:
            newest = {(each.journey.id, each.key): each for each in runs}
            self._goal_and_exits(run, event, max(event.at, run.last), newest)
        for run in runs:
            if run.status == "ACTIVE" and not (run.own and run.own < event.own):
                self._release(run, event, max(event.at, run.last))
        for journey in self.journeys.values():
            if journey.trigger.event == event.kind and self._true(journey.trigger.where, event, event.at, event=event):
                self._enter(journey, event)

    def _order(self, about):  # what an Update says to other runs (R39)
        if about.kind == "enroll" and about.named in self.journeys:
            self._enter(self.journeys[about.named], about, by_hand=True)
        for run in self.runs if about.kind != "enroll" else ():
            meant = {"exit": run.journey.id == about.named, "exit_others": run.journey.id != about.giver}
            if run.customer == about.customer and meant.get(about.kind, True):
                self._end(run, max(about.at, run.last), "EXITED", about.reason)

    def _true(self, rule, about, at, run=None, event=None):
        return rule is None or holds(rule, Facts(self, about, at, run, event and event.data))

    def _reaches(self, event, run, part, at):
        mine = part.any_message or event.owner is run or not event.kind.startswith("message.")
        meant = mine and key_of(run.journey, event.data) in {"", run.key}
        return part.event == event.kind and meant and self._true(part.where, run, at, run, event)

    def _goal_and_exits(self, run, event, at, newest):
        goal = run.journey.goal
        if (
            goal
            and newest[run.journey.id, run.key] is run
            and not run.converted_at
            and self._reaches(event, run, goal, at)
        ):
            in_time = goal.within is None or event.own <= later(run.entered_at, goal.within)
            run.converted_at = at if in_time else None
            if in_time and goal.exit:
                self._end(run, at, "EXITED", "goal")
        for each in run.journey.exits:
            asked = self._reaches(event, run, each, at) if each.event else event.changes
            if asked and self._true(each.when, run, at, run):
                self._end(run, at, "EXITED", each.name)

    def _release(self, run, event, at):
        self.causes[run.serial] = self.causes.get(run.serial, NOTHING) | event.causes
        paused, changed = "PAUSED" in self._states(run.journey, event.own, at), event.data.get("field")
        if run.step.event and not paused and self._reaches(event, run, run.step, at):
            run.outcome, run.waits[run.step.id] = "event", event.data
            self._leave(run, at)
        elif run.step.field and event.changes and changed in {None, run.step.field.removeprefix("customer.")}:
            run.outcome, run.due = self._date(run, at, at)
            run.own = run.due
            if run.due <= at and not paused:
                self._leave(run, at)

    def _enter(self, journey, about, *, asked=True, by_hand=False, key=""):
        customer, at, own = about.customer, about.at, self._states(journey, about.own)
        if own == {"ARCHIVED"} and not by_hand:
            return None
        key = key if by_hand else key_of(journey, about.data)
        every = [run for run in self.runs if run.customer == customer and run.journey is journey]
        before = [run for run in every if run.key == key]
        inside = any(run.status == "ACTIVE" for run in before)
        kept_out = before and before[-1].status == "HOLDOUT" and at <= later(before[-1].entered_at, journey.goal.within)
        consent = self.customers[customer].get("consent") or {}
        channels = [step.channel for step in journey.steps if isinstance(step, Send)]
        period, at_hand = journey.reentry.period, None if by_hand else about
        soon = before and (period is None or at < later(before[-1].entered_at, period))
        refusals = {
            "archived": self.states[journey.id][-1][1] == "ARCHIVED",
            "paused": "PAUSED" in own | self._states(journey, at),
            "key missing": journey.reentry.key and not key,
            "event loop": (journey.id, key) in about.causes,
            "run criteria": asked and not self._true(journey.run_criteria, about, at, event=at_hand),
            "exit rule": any(self._true(each.when, about, at) for each in journey.exits if each.when),
            "consent": asked and journey.consent == "required" and channels and not any(map(consent.get, channels)),
            "already inside": (inside and journey.reentry.policy != "restart") or kept_out,
            "re-entry": asked and journey.reentry.policy not in {"always", "restart"} and soon,
        }
        for reason in (reason for reason, refused in refusals.items() if refused):
            self.refused[journey.id, reason] += 1
            return f"refused: {reason}"
        for run in before:
            self._end(run, max(at, run.last), "EXITED", "restarted")
        serial, number = len(self.runs) + 1, len(every) + 1
        run = Thing(journey=journey, customer=customer, key=key, number=number, serial=serial, trigger=about.data)
        run.status, run.reason, run.visits, run.waits, run.left = "ACTIVE", "", [], {}, {}
        run.due = run.own = None
        run.entered_at, run.last, run.ended_at, run.converted_at = at, at, None, None
        self.causes[run.serial] = about.causes
        self.runs.append(run)
        if bucket(journey, "holdout", customer) < round(journey.holdout * 100) and not inside:  # R25
            run.status = "HOLDOUT"
            return None
        self._walk(run, journey.steps[0].id, at)
        return None

    # --- moves (R30 to R44): every kind of step gives why the run fails there, or where it goes on

    def _leave(self, run, at):
        self._walk(run, self._done(run, at, run.outcome, self._way(run)), at)

    def _way(self, run):
        return getattr(run.step, f"on_{run.outcome}", None) or run.step.next

    def _done(self, run, at, outcome, target, status="COMPLETED"):
        visit = run.visits[-1]
        visit.status, visit.outcome, visit.left = status, outcome, at
        run.left[visit.step], run.last = at, at
        return target

    def _end(self, run, at, status, reason):
        if run.status != "ACTIVE":
            return False
        if run.visits[-1].status == "ACTIVE":
            self._done(run, at, "", None, status)
        run.status, run.reason, run.ended_at, run.last, run.due = status, reason, at, at, None
        return True

    def _walk(self, run, target, at):
        run.due = run.own = run.outcome = failure = None
        first, self.posts = len(run.visits), []
        while target and not failure:
            step = run.step = run.journey.step(target)
            number = len(run.visits) + 1
            run.visits.append(Thing(n=number, step=target, status="ACTIVE", outcome="", entered=at, left=None))
            limited = number > run.journey.max_visits
            failure, target = ("visit limit", None) if limited else KINDS[type(step)](self, run, step, at)
        if failure:
            self._end(run, at, "FAILED", failure)
            self.messages = {name: each for name, each in self.messages.items() if name not in self.posts}
            for visit in (visit for visit in run.visits[first:] if visit.outcome == "queued"):
                visit.status, visit.outcome = "SKIPPED", "failed"

    def _send(self, run, step, at):
        consent = read_path(self.customers[run.customer], f"consent.{step.channel}")
        if not step.transactional and not (run.journey.consent == "optional" if consent is None else consent):
            return None, self._done(run, at, "consent", step.next, "SKIPPED")
        if (run.serial, step.id) in self.made:
            return "zero-time loop", None
        self.made.add((run.serial, step.id))
        self.posts.append(f"memory-{run.serial}-{len(run.visits)}")
        message = Thing(id=self.posts[-1], run=run, step=step.id, at=at, status="QUEUED", flags=set())
        message.channel, message.template = step.channel, step.template
        message.data = rendered(step.data, Facts(self, run, at, run))
        self.messages[message.id] = message
        return None, self._done(run, at, "queued", step.next)

    def _wait(self, run, step, at):
        run.outcome, end = "elapsed", step.at or (step.duration and later(at, step.duration))
        if step.field:
            run.outcome, end = self._date(run, at, at)
        elif step.event:
            run.outcome, end = "timeout", step.timeout and later(at, step.timeout)
        if end and end <= at:
            return None, self._done(run, at, run.outcome, self._way(run))
        run.due = run.own = end
        return None, None

    def _date(self, run, at, start):  # how a wait for a date ends and when, as seen at an instant (R37)
        step, last = run.step, run.left.get(run.step.id)
        try:
            date = datetime.fromisoformat(Facts(self, run, at, run).value(step.field))
        except (TypeError, ValueError):
            return "missing", at
        years = range(start.year - 2, start.year + 9) if step.every else [date.year]
        dates = [date.replace(tzinfo=date.tzinfo or UTC) + relativedelta(year=year) for year in years]
        ends = [later(each, step.offset) if step.offset else each for each in dates]
        if step.every:
            ends = [end for end in ends if end >= start and (last is None or end > last)]
        return ("past", at) if ends[0] < at else ("elapsed", ends[0])

    def _condition(self, run, step, at):
        ways = [(each.label, each.next) for each in step.branches if self._true(each.when, run, at, run)]
        return None, self._done(run, at, *[*ways, (step.else_label, step.otherwise)][0])

    def _split(self, run, step, at):
        ways = [each for each in step.arms for _ in range(round(each.percentage * 100))]
        way = ways[bucket(run.journey, step.id, run.customer)]
        return None, self._done(run, at, way.label, way.next)

    def _update(self, run, step, at):
        facts = Facts(self, run, at, run)
        chains = [each for each in step.changes if isinstance(each, Chain)]
        plain = [each for each in step.changes if not isinstance(each, Chain)]
        changes = [(each.field, each.action, rendered(each.value, facts)) for each in plain]
        try:
            attributes, told = apply_changes(changes, self.customers[run.customer])
        except WrongType:
            return None, self._done(run, at, "type", step.next)
        mine, reason = run.journey.id, f"{run.journey.id}/{step.id}"
        orders = [(each.action, each.journeys or [None]) for each in chains if each.action != "exit_this"]
        orders = [(action, name) for action, names in orders for name in names]
        failure = self._emit(run, at, told, orders, reason)
        if not failure:
            self.customers[run.customer] = attributes
            self._done(run, at, "", None)
            if {("exit", mine), ("exit_all", None)} & {*orders} or any(each.action == "exit_this" for each in chains):
                return self._end(run, at, "EXITED", reason) and None, None
        return failure, step.next

    def _finish(self, run, step, at):
        failure = self._emit(run, at, [("journey.completed", {"journey": run.journey.id})])
        if not failure:
            self._done(run, at, step.outcome, None)
            self._end(run, at, "COMPLETED", "")
        return failure, None

    def _emit(self, run, at, told, orders=(), reason=""):  # unless it is too much for one root item (R53)
        self.emitted[run.serial] += len(told) + len(orders)
        if self.emitted[run.serial] > 100:
            return "event loop"
        about = Thing(customer=run.customer, own=at, at=at)
        causes = self.causes.get(run.serial, NOTHING) | {(run.journey.id, run.key)}
        self._tell(about, told, causes)
        for kind, name in orders:
            order = Thing(kind=kind, named=name, reason=reason, giver=run.journey.id, data=None, causes=causes)
            order.customer, order.own, order.at = run.customer, at, at
            self.queue.append(order)
        return None


KINDS = {
    Send: Naive._send,
    Wait: Naive._wait,
    Condition: Naive._condition,
    Split: Naive._split,
    Update: Naive._update,
    End: Naive._finish,
}
