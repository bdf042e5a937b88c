"""The numbered rules, written as naively as can be, without zones, windows, `until`, second versions and claims."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from types import SimpleNamespace as Thing

from journeyflow import Condition, End, Send, Split, Update, Wait, testing
from journeyflow.basics import chance, values
from journeyflow.basics.durations import Duration, add, anniversary
from journeyflow.basics.moments import iso, read_instant, to_micros
from journeyflow.definition.rules import evaluation, templates, value_paths
from journeyflow.definition.rules.attribute_changes import WrongType, apply_changes, merge

MEMBERS = {"tag.added": "add", "tag.removed": "remove", "list.subscribed": "add", "list.unsubscribed": "remove"}  # R50
LAST = {"message.sent": "SentAt", "message.opened": "OpenAt", "message.clicked": "ClickAt"}  # R52


class Naive:
    """Plays a script; then `runs`, `messages`, `customers`, `refused`, `inputs` and `late` tell what came of it."""

    def __init__(self, journeys, script, grace=None):
        self.journeys = {each.id: each for each in sorted(journeys, key=lambda each: each.id)}
        self.calls = {name: [(to_micros(testing.START), "activate")] for name in self.journeys}
        self.grace, self.inputs, self.known, self.customers = grace, [], {}, defaultdict(dict)
        self.runs, self.messages, self.refused, self.late = [], {}, Counter(), 0
        for said in script:
            if isinstance(said, datetime):
                self._tick(to_micros(said))
            elif isinstance(said, testing.Lifecycle):
                at = max(to_micros(said.at), self.calls[said.journey][-1][0])
                if said.action == "archive":  # R15
                    self._archive(said.journey, at)
                self.calls[said.journey].append((at, said.action))
            else:
                self.inputs.append(Thing(said=said, own=to_micros(said.at), outcome="pending"))

    def _states(self, journey, *instants):  # by the call that was the last as of these instants (R11)
        return {[call for since, call in self.calls[journey.id] if since <= at][-1] for at in instants}

    def _free(self, journey, due):  # the first instant from then on that no pause holds, if there is one (R16)
        resumed = [since for since, _ in self.calls[journey.id] if since >= due]
        return [at for at in [due, *resumed] if "pause" not in self._states(journey, at)][:1]

    def _work(self):  # with its place in the order (R4, R7); what a pause held comes first when it is over (R16)
        yield from (((each.own, 1, n), each) for n, each in enumerate(self.inputs) if each.outcome == "pending")
        timers = [(run, at) for run in self.runs if run.due for at in self._free(run.journey, run.due)]
        yield from (((at, 0 if at > run.own else 2, run.own, run.serial), run) for run, at in timers)

    def _runs(self, *those):  # of a customer, in a journey, with a key
        return [run for run in self.runs if (run.customer, run.journey.id, run.key)[: len(those)] == those]

    def _tick(self, now, *, counted=True):
        while (work := min(self._work(), default=None)) and work[0][0] <= now:
            ((own, *_), item), self.place = work, work[0][0]
            is_late = self.grace is not None and now - own > self.grace and not vars(item).get("softened")
            self.late, at, self.softens = self.late + (is_late and counted), now if is_late else own, is_late  # R5
            self.queue, self.counted, self.causes, self.own = [], Counter(), defaultdict(frozenset), item.own
            if "said" in vars(item):
                item.outcome = self._input(item.said, at) or "handled"
            else:
                if getattr(item.step, "field", None):  # the customer as then decides (R16, R37)
                    self._aim(item, at, item.visits[-1].entered)
                item.due = max(at, item.own)
                if item.due == at and "pause" not in self._states(item.journey, at):
                    self._walk(item, at)
            for event in self.queue:  # which grows meanwhile (R7)
                self._stages(event)

    def _facts(self, about, at, event=None):  # what rules and templates see (R39, R59)
        customer, at_hand = self.customers[about.customer], event.data if event else {}
        sent = {each.step.id: each.flags for each in self.messages.values() if each.run is about}
        names = {"trigger": about.data, "event": at_hand, "customer": customer, "message": sent, **about.names}

        def value(path):
            places = [names] if "." in path and path.split(".")[0] in names else [{"now": iso(at)}, at_hand, customer]
            return next((found for place in places if (found := value_paths.read_path(place, path)) is not None), None)

        seen = Thing(zone=UTC, at=at, value=value, true=lambda rule: rule is None or evaluation.holds(rule, seen))
        seen.fill = lambda text: (templates.compile_template(values.thaw(text)) or (lambda _: values.thaw(text)))(seen)
        return seen

    def _input(self, said, at):  # what becomes of it, where it is not simply handled (R20, R24, R26, R50, R52)
        event = Thing(customer=said.customer, own=to_micros(said.at), at=at, data={}, names={}, causes=frozenset())
        if isinstance(said, testing.Leave):
            return None if self._exit(self._runs(said.customer, said.journey), at, said.reason) else "not inside"
        if isinstance(said, testing.Enroll):
            return self._enter(self.journeys[said.journey], event, None, said.key or "", asked=not said.force)
        if isinstance(said, testing.Put):
            before, put = self.customers[said.customer], values.thaw(said.attributes)
            return self._tell(event, *merge(before, put, replace=said.replace, only_missing=said.only_missing))
        kind, data = said.type, values.thaw(said.data)
        if said.id and (first := self.known.setdefault((kind, said.id), said)) is not said:
            return "duplicate" if (first.customer, first.data) == (said.customer, said.data) else "conflicting"
        of_message, message = kind.startswith("message."), self.messages.get(data.get("message"))
        mine = message is not None and message.run.customer == said.customer
        if of_message and not mine and ("message" in data or said.customer not in self.customers):
            return "unmatched"
        attributes, noun = self.customers[said.customer], kind.partition(".")[0]
        if kind in {*MEMBERS, "field.changed"}:
            change = (f"{noun}s", MEMBERS[kind], data[noun]) if kind in MEMBERS else (data["field"], "set", data["new"])
            attributes, told = apply_changes([change], attributes)
            return self._tell(event, attributes, told and [(kind, data)])
        event.kind, event.data, event.changes, event.owner = kind, data, False, message.run if mine else None
        self.queue.append(event)
        if of_message and mine:
            message.flags[kind.removeprefix("message.")] = True
            medium, text = message.step.channel, iso(event.own)
            if kind in LAST and text > attributes.get(last := f"last{medium.title()}{LAST[kind]}", ""):
                event.changes, self.customers[said.customer] = True, {**attributes, last: text}
            elif kind in {"message.unsubscribed", "message.complained"} or data.get("permanent"):
                event.changes = not self._tell(event, *apply_changes([(f"consent.{medium}", "set", False)], attributes))
        return None

    def _tell(self, about, attributes, told):  # one event for every change (R50)
        for kind, data in told:
            self.customers[about.customer] = attributes
            self.queue += [Thing(**vars(about) | {"kind": kind, "data": data, "changes": kind != "journey.completed"})]
        return None if told else "unchanged"

    def _reaches(self, event, run, part, at):  # R36
        of_others = event.kind.startswith("message.") and vars(event).get("owner") is not run and not part.any_message
        return part.event == event.kind and not of_others and self._facts(run, at, event).true(part.where)

    def _stages(self, event):  # R9, when its effect on the customer is done
        runs = self._runs(event.customer)
        for run in runs:  # R42
            is_newest = self._runs(event.customer, run.journey.id, run.key)[-1] is run
            goal, at = run.journey.goal if is_newest and not run.converted_at else None, max(event.at, run.last)
            if goal and self._reaches(event, run, goal, at):
                if goal.within is None or event.own <= add(run.entered_at, goal.within, UTC):
                    run.converted_at = at
                    self._exit([run] if goal.exit else [], at, "goal")
            for each in run.journey.exits:
                asked = self._reaches(event, run, each, at) if each.event else event.changes
                self._exit([run] if asked and self._facts(run, at).true(each.when) else [], at, each.name)
        for run in (run for run in runs if run.status == "ACTIVE" and not (run.own and run.own < self.own)):  # R5
            active = "pause" not in self._states(run.journey, event.own, at := max(event.at, run.last))
            self.causes[run.serial] |= event.causes
            if getattr(run.step, "event", None) and active and self._reaches(event, run, run.step, at):  # R36
                run.outcome, run.names["wait"][run.step.id] = "event", event.data
                self._walk(run, at)
            elif self._aims(run, event) and self._aim(run, at, at) <= at and active:  # R37
                self._walk(run, at)
        for journey in (each for each in self.journeys.values() if each.trigger.event == event.kind):
            meant = self._facts(event, event.at, event).true(journey.trigger.where)
            if meant and self._states(journey, event.own) != {"archive"}:
                self._enter(journey, event, event)

    def _against(self, journey, about, event, key, *, asked):  # what refuses an entry, in order (R21)
        before, given = self._runs(about.customer, journey.id, key), self.customers[about.customer].get("consent", {})
        consents = [given.get(step.channel) for step in journey.steps if isinstance(step, Send)]
        reentry, at = journey.reentry, about.at
        soon = before and (reentry.period is None or at < add(before[-1].entered_at, reentry.period, UTC))
        return {
            "archived": self.calls[journey.id][-1][1] == "archive",
            "paused": "pause" in self._states(journey, about.own, at),
            "event loop": (journey.id, key) in about.causes,
            "run criteria": asked and not self._facts(about, at, event).true(journey.run_criteria),
            "exit rule": any(self._facts(about, at).true(each.when) for each in journey.exits if each.when is not None),
            "consent": asked and journey.consent == "required" and consents and not any(consents),
            "already inside": any(run.status == "ACTIVE" for run in before),
            "re-entry": asked and reentry.policy != "always" and soon,
        }

    def _enter(self, journey, about, event, key="", *, asked=True):
        for reason in (why for why, so in self._against(journey, about, event, key, asked=asked).items() if so):
            self.refused[journey.id, reason] += 1
            return f"refused: {reason}"
        number, at = len(self._runs(about.customer, journey.id)) + 1, about.at
        run = Thing(customer=about.customer, journey=journey, key=key, serial=len(self.runs) + 1, entered_at=at)
        enrollment = {"run": number, "journey": journey.id, "customer": run.customer, "key": key or None}
        run.status, run.reason, run.visits, run.ended_at, run.converted_at = "ACTIVE", "", [], None, None
        run.number, run.data, run.last, run.names = number, about.data, at, {"wait": {}, "enrollment": enrollment}
        self.runs, self.causes[run.serial], run.retried = [*self.runs, run], about.causes, 0
        return self._walk(run, at, journey.steps[0].id)

    def _walk(self, run, at, target=None):  # from step to step until it rests or ends (R30, R41)
        first, kept = len(run.visits), dict(self.messages)
        way = None if target else getattr(run.step, f"on_{run.outcome}", None) or run.step.next
        target, run.due, run.own = target or self._done(run, at, "COMPLETED", run.outcome, way), None, None
        while target:
            run.step, limited = run.journey.step(target), len(run.visits) - run.retried >= run.journey.max_visits
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
            consent = value_paths.read_path(attributes, f"consent.{step.channel}")
            if not step.transactional and not (run.journey.consent == "optional" if consent is None else consent):
                return "SKIPPED", "consent", target
            self.counted[run.serial, step.id] += 1
            new = Thing(run=run, step=step, at=at, data=self._facts(run, at).fill(step.data), status="QUEUED", flags={})
            self.messages[f"memory-{run.serial}-{len(run.visits)}"], outcome = new, "queued"
        elif isinstance(step, Wait):  # R32, R35
            length, run.outcome = step.duration or step.timeout, "timeout" if step.event else "elapsed"
            end = to_micros(step.at) if step.at else length and add(at, length, UTC)
            run.due = run.own = self._aim(run, at, at) if step.field else end
            if not run.due or run.due > at:
                return "ACTIVE", "", None
            outcome, target = run.outcome, getattr(step, f"on_{run.outcome}", None) or target
        elif isinstance(step, Condition):
            ways = [(each.label, each.next) for each in step.branches if self._facts(run, at).true(each.when)]
            outcome, target = [*ways, (step.else_label, step.otherwise)][0]
        elif isinstance(step, Split):  # R38
            arms = [(each.label, each.next) for each in step.arms for _ in range(round(each.percentage * 100))]
            outcome, target = arms[chance.bucket("default", run.journey.id, step.id, run.customer)]
        elif isinstance(step, Update):  # R39
            try:
                made = [(each.field, each.action, self._facts(run, at).fill(each.value)) for each in step.changes]
                attributes, told = apply_changes(made, attributes)
            except WrongType:
                outcome = "type"
        elif isinstance(step, End):  # R40
            outcome, told = step.outcome, [("journey.completed", {"journey": run.journey.id})]
        self.counted[run.serial] += len(told)
        if self.counted[run.serial, step.id] > 1 or self.counted[run.serial] > 100:  # R30, R53
            return "FAILED", "event loop" if told else "zero-time loop", None
        self.customers[run.customer], causes = attributes, self.causes[run.serial] | {(run.journey.id, run.key)}
        self._tell(Thing(customer=run.customer, own=at, at=at, names={}, causes=causes), attributes, told)
        return "COMPLETED", outcome, target

    def _aims(self, run, event):  # whether its date may have changed
        field = event.changes and getattr(run.step, "field", None)
        return field and event.data.get("field") in {None, field.removeprefix("customer.")}

    def _aim(self, run, at, start):  # when a wait for a date ends, as seen at an instant, and how (R37)
        value, offset = self._facts(run, at).value(run.step.field), run.step.offset or Duration()
        left = max((visit.left for visit in run.visits if visit.step == run.step.id and visit.left), default=None)
        once = None if (date := read_instant(value, UTC)) is None else add(date, offset, UTC)
        end = anniversary(value, offset, start, left, UTC) if run.step.every == "year" else once
        run.outcome = "missing" if end is None else "past" if end < at == start else "elapsed"
        run.due = run.own = end if run.outcome == "elapsed" else at
        return run.due
