"""The numbered rules, written as naively as can be, without zones, windows, `until`, second versions and claims."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from types import SimpleNamespace as Thing

from journeyflow import Condition, End, Event, Journey, Send, Split, Update, Wait, chance, changes, testing
from journeyflow.moments import Duration, add, anniversary, iso, read_instant, to_micros
from journeyflow.values import thaw
from tests.naive_parts import Doors, facts, key_of, noted, work_of

MEMBERS = {"tag.added": "add", "tag.removed": "remove", "list.subscribed": "add", "list.unsubscribed": "remove"}  # R50
LAST = {"message.sent": "SentAt", "message.opened": "OpenAt", "message.clicked": "ClickAt"}  # R52


class Naive:
    """Plays a script; then `runs`, `messages`, `customers`, `refused`, `inputs` and `late` tell what came of it."""

    def __init__(self, journeys, script, grace=None):
        self.journeys = {each.id: each for each in sorted(journeys, key=lambda each: each.id)}
        self.calls = {name: [(to_micros(testing.START), "activate")] for name in self.journeys}
        self.grace, self.inputs, self.known, self.customers = grace, [], {}, defaultdict(dict)
        self.runs, self.messages, self.refused, self.late, self.doors = [], {}, Counter(), 0, Doors(self)
        for said in script:
            if isinstance(said, datetime):
                self._tick(to_micros(said))
            elif isinstance(said, testing.Lifecycle):
                at = max(to_micros(said.at), self.calls[said.journey][-1][0])
                if said.action == "archive":  # R15
                    self._tick(at - 1, counted=False)
                    self._exit([run for run in self.runs if run.journey.id == said.journey], at, "archived")
                self.calls[said.journey].append((at, said.action))
            else:
                self.inputs.append(Thing(said=said, at=to_micros(said.at), outcome="pending"))

    def _states(self, journey, *instants):  # by the call that was the last as of these instants (R11)
        return {[call for since, call in self.calls[journey.id] if since <= at][-1] for at in instants}

    def _tick(self, now, *, counted=True):
        while (work := min(work_of(self), default=None)) and work[0][0] <= now:
            (at, *_), item = work
            if self.grace is not None and now - at > self.grace:  # R5
                self.late, at = self.late + counted, now
            self.queue, self.counted, self.causes = [], Counter(), defaultdict(frozenset)
            if isinstance(item, Journey):
                self.doors.open(item, work[0][0], at)
            elif "said" in vars(item):
                item.outcome = self._input(item.said, at) or "handled"
            else:
                run, at = item, max(at, item.last)
                if getattr(run.step, "field", None):  # the customer as then decides (R16, R37)
                    self._aim(run, at, run.visits[-1].entered)
                run.due = max(at, run.own)
                if run.due == at and "pause" not in self._states(run.journey, at):
                    self._walk(run, at)
            for event in self.queue:  # which grows meanwhile (R7)
                self._stages(event)

    def _input(self, said, at):  # what becomes of it, where it is not simply handled (R20, R24, R26, R50, R52, R71)
        if isinstance(said, testing.Ack):
            message = self.messages.get(said.message)
            if message is None or message.status == "SENT":
                return "duplicate" if message else "unmatched"
            message.status, sent = "SENT", {"message": said.message}
            said = Event("message.sent", customer=message.run.customer, at=said.at, data=sent)
        event = Thing(customer=said.customer, own=to_micros(said.at), at=at, data={}, names={}, causes=frozenset())
        if isinstance(said, testing.Leave):
            mine = [run for run in self.runs if (run.customer, run.journey.id) == (said.customer, said.journey)]
            mine = [run for run in mine if said.key in {None, run.key}]
            left = self._exit(mine, at, said.reason) + self.doors.leave(said)
            return None if left else "not inside"
        if isinstance(said, testing.Enroll):
            return self._enter(self.journeys[said.journey], event, None, said.key or "", asked=not said.force)
        if isinstance(said, testing.Put):
            merged = changes.merge(self.customers[said.customer], thaw(said.attributes), replace=said.replace)
            return self._change(event, *merged)
        kind, data = said.type, thaw(said.data)
        if said.id and (first := self.known.setdefault((kind, said.id), said)) is not said:
            return "duplicate" if (first.customer, first.data) == (said.customer, said.data) else "conflicting"
        of_message, message = kind.startswith("message."), self.messages.get(data.get("message"))
        mine = message is not None and message.run.customer == said.customer
        if of_message and not mine and ("message" in data or said.customer not in self.customers):
            return "unmatched"
        attributes, noun = self.customers[said.customer], kind.partition(".")[0]
        if kind in {*MEMBERS, "field.changed"}:
            change = (f"{noun}s", MEMBERS[kind], data[noun]) if kind in MEMBERS else (data["field"], "set", data["new"])
            attributes, told = changes.apply_changes([change], attributes)
            return self._change(event, attributes, told and [(kind, data)])
        event.kind, event.data, event.changes, event.owner = kind, data, False, message.run if mine else None
        self.queue.append(event)
        if of_message and mine:
            event.data = noted(message, kind, data)
            last, text = f"last{message.step.channel.title()}{LAST.get(kind)}", iso(event.own)
            if kind in LAST and text > attributes.get(last, ""):
                event.changes, self.customers[said.customer] = True, {**attributes, last: text}
            elif kind in {"message.unsubscribed", "message.complained"}:
                withdrawn = changes.apply_changes([(f"consent.{message.step.channel}", "set", False)], attributes)
                event.changes = not self._change(event, *withdrawn)
        return "unmatched" if kind == "revenue" and "message" in data and not mine else None

    def _change(self, about, attributes, told):  # one event for every change (R50)
        for kind, data in told:
            self.customers[about.customer] = attributes
            event = {"kind": kind, "data": data, "changes": kind != "journey.completed", "owner": None}
            self.queue.append(Thing(**{**vars(about), **event}))
        return None if told else "unchanged"

    def _reaches(self, event, run, part, at):  # R36
        of_others = event.kind.startswith("message.") and event.owner is not run and not part.any_message
        meant = part.event == event.kind and not of_others and key_of(run.journey, event.data) in {"", run.key}
        return meant and facts(self, run, at, event).true(part.where)

    def _stages(self, event):  # R9, when its effect on the customer is done
        runs = [run for run in self.runs if run.customer == event.customer]
        newest = {(run.journey.id, run.key): run for run in runs}
        for run in runs:  # R42
            at, current = max(event.at, run.last), newest[run.journey.id, run.key] is run and not run.converted_at
            goal = run.journey.goal if current else None
            if goal and self._reaches(event, run, goal, at):
                if goal.within is None or event.own <= add(run.entered_at, goal.within, UTC):
                    run.converted_at = at
                    self._exit([run] if goal.exit else [], at, "goal")
            for each in run.journey.exits:
                asked = self._reaches(event, run, each, at) if each.event else event.changes
                if asked and facts(self, run, at).true(each.when):
                    self._exit([run], at, each.name)
        for run in (run for run in runs if run.status == "ACTIVE" and not (run.own and run.own < event.own)):
            field, at = getattr(run.step, "field", None), max(event.at, run.last)
            active = "pause" not in self._states(run.journey, event.own, at)
            aims = field and event.changes and event.data.get("field") in {None, field.removeprefix("customer.")}
            self.causes[run.serial] |= event.causes
            if getattr(run.step, "event", None) and active and self._reaches(event, run, run.step, at):  # R36
                run.outcome, run.names["wait"][run.step.id] = "event", event.data
                self._walk(run, at)
            elif aims and self._aim(run, at, at) <= at and active:  # R37
                self._walk(run, at)
        for journey in (each for each in self.journeys.values() if each.trigger.event == event.kind):
            meant = facts(self, event, event.at, event).true(journey.trigger.where)
            if meant and self._states(journey, event.own) != {"archive"}:
                self._enter(journey, event, event, key_of(journey, event.data), limited=True)

    def _enter(self, journey, about, event, key="", *, asked=True, limited=False):
        customer, at, reentry = self.customers[about.customer], about.at, journey.reentry
        consents = [customer.get("consent", {}).get(step.channel) for step in journey.steps if isinstance(step, Send)]
        every = [run for run in self.runs if run.customer == about.customer and run.journey is journey]
        before = [run for run in every if run.key == key]
        inside = any(run.status == "ACTIVE" for run in before)
        held = before and before[-1].status == "HOLDOUT" and at <= add(before[-1].entered_at, journey.goal.within, UTC)
        soon = before and (reentry.period is None or at < add(before[-1].entered_at, reentry.period, UTC))
        refusals = {  # R21
            "archived": self.calls[journey.id][-1][1] == "archive",
            "paused": "pause" in self._states(journey, about.own, at),
            "key missing": journey.reentry.key and not key,
            "event loop": (journey.id, key) in about.causes,
            "run criteria": asked and not facts(self, about, at, event).true(journey.run_criteria),
            "exit rule": any(facts(self, about, at).true(each.when) for each in journey.exits if each.when),
            "consent": asked and journey.consent == "required" and consents and not any(consents),
            "already inside": (inside and reentry.policy != "restart") or held,
            "re-entry": asked and reentry.policy not in {"always", "restart"} and soon,
        }
        for reason in (reason for reason, refused in refusals.items() if refused):
            self.refused[journey.id, reason] += 1
            return f"refused: {reason}"
        held_out = chance.bucket("default", journey.id, "holdout", about.customer) < round(journey.holdout * 100)
        if not (held_out and not inside) and self.doors.turn_away(journey, about, key, limited=limited):
            return None
        self._exit(before, at, "restarted")
        run = Thing(customer=about.customer, journey=journey, key=key, serial=len(self.runs) + 1, number=len(every) + 1)
        enrollment = {"run": run.number, "journey": journey.id, "customer": run.customer, "key": key or None}
        run.reason, run.data, run.names = "", about.data, {"wait": {}, "enrollment": enrollment}
        run.visits, run.entered_at, run.last, run.ended_at, run.converted_at = [], at, at, None, None
        self.causes[run.serial] = about.causes
        self.runs.append(run)
        run.status, run.due, run.own = "HOLDOUT" if held_out and not inside else "ACTIVE", None, None  # R25
        return None if run.status == "HOLDOUT" else self._walk(run, at, journey.steps[0].id)

    def _walk(self, run, at, target=None):  # from step to step until it rests or ends (R30, R41)
        first, kept = len(run.visits), dict(self.messages)
        way = None if target else getattr(run.step, f"on_{run.outcome}", None) or run.step.next
        target, run.due, run.own = target or self._done(run, at, "COMPLETED", run.outcome, way), None, None
        while target:
            run.step, limited = run.journey.step(target), len(run.visits) >= run.journey.max_visits
            run.visits.append(Thing(step=target, status="ACTIVE", outcome="", entered=at, left=None))
            status, outcome, target = ("FAILED", "visit limit", None) if limited else self._visit(run, run.step, at)
            if status == "FAILED":
                self.messages = kept
                for visit in (visit for visit in run.visits[first:] if visit.outcome == "queued"):
                    visit.status, visit.outcome = "SKIPPED", "failed"
                self._done(run, at, "FAILED", reason=outcome)
            elif status != "ACTIVE":
                self._done(run, at, status, outcome, target, None if target else "")

    def _done(self, run, at, status, outcome="", target=None, reason=None):  # a visit; with a reason the run, too
        run.visits[-1].status, run.visits[-1].outcome, run.visits[-1].left, run.last = status, outcome, at, at
        if reason is not None:
            run.status, run.reason, run.due, run.ended_at = status, reason, None, at
        return target

    def _exit(self, runs, at, reason):
        return [self._done(run, max(at, run.last), "EXITED", reason=reason) for run in runs if run.status == "ACTIVE"]

    def _visit(self, run, step, at):  # what comes of a step (R31 to R40): status, outcome, and where the run goes on
        attributes, told, outcome, target = self.customers[run.customer], [], "", getattr(step, "next", None)
        if isinstance(step, Send):
            consent = changes.read_path(attributes, f"consent.{step.channel}")
            if not step.transactional and not (run.journey.consent == "optional" if consent is None else consent):
                return "SKIPPED", "consent", target
            self.counted[run.serial, step.id] += 1
            if self.counted[run.serial, step.id] > 1:
                return "FAILED", "zero-time loop", None
            new = Thing(run=run, step=step, at=at, data=facts(self, run, at).fill(step.data), status="QUEUED", flags={})
            self.messages[f"memory-{run.serial}-{len(run.visits)}"], outcome = new, "queued"
        elif isinstance(step, Wait):  # R32, R35
            length, run.outcome = step.duration or step.timeout, "timeout" if step.event else "elapsed"
            end = to_micros(step.at) if step.at else length and add(at, length, UTC)
            run.due = run.own = self._aim(run, at, at) if step.field else end
            if not run.due or run.due > at:
                return "ACTIVE", "", None
            outcome, target = run.outcome, getattr(step, f"on_{run.outcome}", None) or target
        elif isinstance(step, Condition):
            ways = [(each.label, each.next) for each in step.branches if facts(self, run, at).true(each.when)]
            outcome, target = [*ways, (step.else_label, step.otherwise)][0]
        elif isinstance(step, Split):  # R38
            arms = [(each.label, each.next) for each in step.arms for _ in range(round(each.percentage * 100))]
            outcome, target = arms[chance.bucket("default", run.journey.id, step.id, run.customer)]
        elif isinstance(step, Update):  # R39
            try:
                made = [(each.field, each.action, facts(self, run, at).fill(each.value)) for each in step.changes]
                attributes, told = changes.apply_changes(made, attributes)
            except changes.WrongType:
                outcome = "type"
        elif isinstance(step, End):  # R40
            outcome, told = step.outcome, [("journey.completed", {"journey": run.journey.id})]
        self.counted[run.serial] += len(told)
        if self.counted[run.serial] > 100:
            return "FAILED", "event loop", None
        self.customers[run.customer], causes = attributes, self.causes[run.serial] | {(run.journey.id, run.key)}
        self._change(Thing(customer=run.customer, own=at, at=at, names={}, causes=causes), attributes, told)
        return "COMPLETED", outcome, target

    def _aim(self, run, at, start):  # when a wait for a date ends, as seen at an instant, and how (R37)
        value, offset = facts(self, run, at).value(run.step.field), run.step.offset or Duration()
        left = max((visit.left for visit in run.visits if visit.step == run.step.id and visit.left), default=None)
        once = None if (date := read_instant(value, UTC)) is None else add(date, offset, UTC)
        end = anniversary(value, offset, start, left, UTC) if run.step.every else once
        run.outcome = "missing" if end is None else "past" if end < at == start else "elapsed"
        run.due = run.own = end if run.outcome == "elapsed" else at
        return run.due
