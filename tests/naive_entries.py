"""The interpreter of `naive.py`, with keys and restarts (R22), slots and queues (R23), and holdouts (R25)."""

from collections import defaultdict
from datetime import UTC
from types import SimpleNamespace as Thing

from journeyflow import testing
from journeyflow.basics import chance
from journeyflow.basics.durations import add
from journeyflow.basics.moments import DAY, HOUR
from journeyflow.definition.rules.value_paths import read_path
from tests.naive import Naive


class EnteringNaive(Naive):
    """Plays scripts of journeys with everything that may be asked at the door."""

    def __init__(self, journeys, script, grace=None):
        self.slots, self.waiting, self.openings = defaultdict(list), [], {}
        super().__init__(journeys, script, grace)

    def _tick(self, now, *, counted=True):
        self.counting = counted
        super()._tick(now, counted=counted)

    def _work(self):  # with the openings of queues; a pause holds them (R16)
        yield from super()._work()
        for number, (name, journey) in enumerate(self.journeys.items(), 1):
            for at in self._free(journey, self.openings[name]) if name in self.openings else []:
                yield (at, 3, number, 0), Thing(said=Thing(journey=journey, own=at), own=at)

    def _input(self, said, at):
        if isinstance(said, Thing):
            return self._open(said.journey, said.own, at)
        if not isinstance(said, testing.Leave):
            return super()._input(said, at)
        out = [e for e in self.waiting if e.place[:2] == (said.journey, said.customer) and said.key in {None, e.key}]
        self._give_up(out)
        mine = [run for run in self._runs(said.customer, said.journey) if said.key in {None, run.key}]
        return None if out + self._exit(mine, at, said.reason) else "not inside"

    def _archive(self, name, at):  # R15; nobody waits any more
        self._tick(at - 1, counted=False)
        self._give_up([each for each in self.waiting if each.place[0] == name])
        self._exit([run for run in self.runs if run.journey.id == name], at, "archived")

    def _give_up(self, entries):  # places in queues; where nobody waits, nothing opens
        self.waiting = [each for each in self.waiting if each not in entries]
        left = {each.place[0] for each in self.waiting}
        self.openings = {name: at for name, at in self.openings.items() if name in left}

    # --- keys and holdouts ---

    def _key(self, journey, data):  # as text
        value = journey.reentry.key and read_path(data, journey.reentry.key.removeprefix("event."))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        text = f"{value:g}" if is_number else value
        return text if isinstance(text, str) else ""

    def _reaches(self, event, run, part, at):
        return self._key(run.journey, event.data) in {"", run.key} and super()._reaches(event, run, part, at)

    def _against(self, journey, about, event, key, *, asked):
        newest, restarts = self._runs(about.customer, journey.id, key)[-1:], journey.reentry.policy == "restart"
        against = super()._against(journey, about, event, key, asked=asked)
        held = [run for run in newest if run.status == "HOLDOUT"]
        held = [run for run in held if about.at <= add(run.entered_at, journey.goal.within, UTC)]
        against["key missing"] = journey.reentry.key and not key
        against["already inside"] = held or (against["already inside"] and not restarts)
        against["re-entry"] = against["re-entry"] and not restarts
        return dict.fromkeys(["archived", "paused", "key missing"]) | against

    def _enter(self, journey, about, event, key=None, *, asked=True):
        key = self._key(journey, event.data) if event and key is None else key or ""
        against = self._against(journey, about, event, key, asked=asked)
        outside = any(against.values()) or self._is_held_out(
            journey, self._runs(about.customer, journey.id, key), about
        )
        if not outside and not self._takes_slot(journey, about.own, limited=event is not None):
            return self._wait(journey, about, key)
        return super()._enter(journey, about, event, key, asked=asked)

    def _is_held_out(self, journey, others, about):
        inside = any(run.status == "ACTIVE" for run in others)
        bucket = chance.bucket("default", journey.id, "holdout", about.customer)
        return not inside and bucket < round(journey.holdout * 100)

    def _walk(self, run, at, target=None):
        others = [each for each in self._runs(run.customer, run.journey.id, run.key) if each is not run]
        if "entered" not in vars(run):
            run.entered = True
            if self._is_held_out(run.journey, others, run):
                run.status, run.due, run.own = "HOLDOUT", None, None
                return
            self._exit(others, at, "restarted")
        super()._walk(run, at, target)

    # --- slots and queues ---

    def _opening(self, journey, at):  # the first instant from then on at which there is a slot
        opens, slots = at, sorted(self.slots[journey.id], reverse=True)
        for window, count in ((HOUR, journey.limits.per_hour), (DAY, journey.limits.per_day)):
            if count and len([slot for slot in slots if slot > at - window]) >= count:
                opens = max(opens, slots[count - 1] + window)
        return opens

    def _takes_slot(self, journey, own, *, limited):
        full = journey.id in self.openings or self._opening(journey, own) > own
        if limited and full and (journey.limits.per_hour or journey.limits.per_day):
            return False
        self.slots[journey.id].append(own)
        return True

    def _wait(self, journey, about, key):
        place, at = (journey.id, about.customer, key), about.own
        mine = [each for each in self.waiting if each.place == place]
        reasons = {
            "entry limit": journey.limits.over == "drop",
            "already deferred": mine and journey.reentry.policy != "restart",
        }
        for reason in [reason for reason, stands in reasons.items() if stands][:1]:
            self.refused[journey.id, reason] += 1
            return
        self.waiting = [each for each in self.waiting if each.place != place]
        self.waiting.append(Thing(place=place, at=at, data=about.data, customer=about.customer, key=key))
        self.waiting.sort(key=lambda each: each.at)
        self.openings.setdefault(journey.id, self._opening(journey, at))
        return

    def _open(self, journey, own, at):  # lets the first in, and waits for the next slot
        opens = self._opening(journey, own)
        if opens > own:
            self.late -= at > own and self.counting  # only what happens is late
            self.openings[journey.id] = opens
            return
        if "pause" in self._states(journey, at):
            self.openings[journey.id] = at
            return
        del self.openings[journey.id]  # what is asked again finds the slot free
        for entry in [each for each in self.waiting if each.place[0] == journey.id][:1]:
            self.waiting.remove(entry)
            about = Thing(customer=entry.customer, own=own, at=at, data=entry.data, names={}, causes=frozenset())
            self._enter(journey, about, about, entry.key)
        if any(each.place[0] == journey.id for each in self.waiting):
            self.openings[journey.id] = self._opening(journey, own)
