"""The interpreter of `naive_policies.py`, with journeys that get people themselves (R27), without windows."""

from collections import Counter
from types import SimpleNamespace as Thing

from journeyflow import testing
from journeyflow.basics import chance
from journeyflow.basics.durations import add
from journeyflow.basics.moments import to_micros, zone
from tests.naive_policies import BoundNaive
from tests.naive_recurrences import returns

UTC = zone("UTC")


class PullingNaive(BoundNaive):
    """Plays scripts of journeys with schedules."""

    def __init__(self, journeys, script, grace=None):
        self.last, self.after, self.going, self.anchors = {}, {}, {}, {}
        self.pulls = {each.id: to_micros(testing.START) for each in journeys if each.trigger.pull}
        super().__init__(journeys, script, grace)

    def _work(self):  # with the next pull of each journey; a pause holds it (R16)
        yield from super()._work()
        for number, (name, journey) in enumerate(self.journeys.items(), 1):
            if name in self.pulls:
                for at in [
                    at for at in self._free(journey, self.pulls[name]) if "archive" not in self._states(journey, at)
                ]:
                    yield (at, 3, number, 1), Thing(said=Thing(pulls=journey, own=at), own=at)

    def _input(self, said, at):
        return self._pull(said.pulls, said.own, at) if "pulls" in dir(said) else super()._input(said, at)

    def _pull(self, journey, own, at):  # begins one, unless it is too early or paused; then asks one person
        pull, name = journey.trigger.pull, journey.id
        soonest = max(own, self._due(name, pull.every)) if name in self.last else own
        self.anchors.setdefault(name, own)
        if name in self.going or soonest > own:
            self.late -= at > own and self.counting  # only what begins is late
        if name not in self.going:
            if soonest > own or "pause" in self._states(journey, at):
                self.pulls[name] = soonest if soonest > own else at
                return
            least, most = pull.size if isinstance(pull.size, tuple) else (pull.size or 0, pull.size or 0)
            drawn = least + chance.draw(most - least + 1, "default", name, "pull", str(own))
            self.going[name] = Thing(begun=self.after.get(name, ""), left=drawn if pull.size else 1, asked=0)
            self.last[name], self.pulls[name] = at, own
        going, after = self.going[name], self.after.get(name, "")
        people = [(each, values) for each, values in self.customers.items() if each[0] != chr(31)]
        listed = [each for each, values in people if pull.list in {None, *values.get("lists", ())}]
        circle = sorted((each <= going.begun, each) for each in listed)
        ahead = [each for place, each in circle if not going.asked or (place, each) > (after <= going.begun, after)]
        came = self._ask(journey, ahead[0], own, self.last[name]) if ahead and going.left else ""
        if ahead and going.left and came != "entry limit":
            going.asked, self.after[name] = going.asked + 1, ahead[0]
            going.left -= bool(pull.size) and came is None
            if going.left and ahead[0] != going.begun:
                return
        if not pull.size and came != "entry limit":
            self.after.pop(name, None)
        del self.going[name]
        self.pulls[name] = self._due(name, pull.every)

    def _due(self, name, every):  # the first after the last pull (R27)
        return next(at for at in returns(self.anchors[name], str(every)) if at > self.last[name])

    def _ask(self, journey, customer, own, at):  # lets somebody in, or says what stands against it: nothing is kept
        pull = journey.trigger.pull
        about = Thing(customer=customer, own=own, at=at, data={}, names={}, causes=frozenset())
        entered = [run.entered_at for run in self._runs(customer, journey.id)]
        often = pull.times and sum(add(each, pull.within, UTC) > at for each in entered[-pull.times :]) >= pull.times
        if often or not self._facts(about, at).true(journey.trigger.where):
            return "passed by"
        before, self.refused = self.refused, Counter()
        self._enter(journey, about, about)
        refused, self.refused = self.refused, before
        return next((reason for _, reason in refused), None)
