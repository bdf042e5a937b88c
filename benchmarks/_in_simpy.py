"""The mixed month as a SimPy model: what a person who simulates would write, with no history, rules or reasons.

What the customers do is replayed from the same month; the model counts what it sends. A run is a process that may be
interrupted; an hourly process delivers what is queued, and draws who opens and who clicks.
"""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import simpy

from journeyflow.basics.chance import bucket

HALF, RICH, HOUR, DAY = 5_000, 100, 3_600, 86_400


class Month:
    """The model; `sent` counts messages by step."""

    def __init__(self, told: list[Any], start: datetime, seed: int = 5) -> None:
        """Begin with nobody there."""
        self.environment, self.start, self.chance = simpy.Environment(), start, Random(seed)
        self.people: dict[str, dict[str, Any]] = {}
        self.carts: dict[str, tuple[float, simpy.Process]] = {}
        self.wins: dict[str, simpy.Process] = {}
        self.welcomed: dict[str, set[str]] = {}
        self.queue: list[tuple[str, str, simpy.Event | None]] = []
        self.sent: Counter[str] = Counter()
        self.zones: dict[str, ZoneInfo] = {}
        self.environment.process(self._replay(told))
        self.environment.process(self._deliver())

    def run(self, days: int) -> None:
        """Live through so many days."""
        self.environment.run(until=days * DAY + 1)

    def _replay(self, told: list[Any]):  # noqa: ANN202 a process of SimPy
        environment = self.environment
        for at, _, kind, customer, data in told:
            yield environment.timeout(max(0.0, (at - self.start).total_seconds() - environment.now))
            if not kind:
                self.people.setdefault(customer, {}).update(data)
            elif kind == "signup":
                environment.process(self._welcome(customer))
            elif kind == "cart.updated":
                before = self.carts.get(customer)
                if before is None or (not before[1].is_alive and environment.now >= before[0] + DAY):
                    self.carts[customer] = environment.now, environment.process(self._cart(customer, data["total"]))
            elif kind == "purchase":
                if (cart := self.carts.get(customer)) and cart[1].is_alive:
                    cart[1].interrupt()
                if (win := self.wins.get(customer)) and win.is_alive:
                    win.interrupt()
                self.wins[customer] = environment.process(self._win_back(customer))

    def _local(self, customer: str, span: timedelta) -> float:
        name = self.people[customer]["timezone"]
        zone = self.zones.get(name) or self.zones.setdefault(name, ZoneInfo(name))
        local = (self.start + timedelta(seconds=self.environment.now)).astimezone(zone)
        return ((local + span).astimezone(self.start.tzinfo) - self.start).total_seconds() - self.environment.now

    def _send(self, customer: str, step: str, clicked: simpy.Event | None = None) -> None:
        self.queue.append((customer, step, clicked))

    def _welcome(self, customer: str):  # noqa: ANN202 a process of SimPy
        self._send(customer, "hello")
        yield self.environment.timeout(self._local(customer, timedelta(days=2)))
        step = "nudge"
        if "hello" in self.welcomed.get(customer, ()):
            step = "tips" if bucket("default", "welcome", "test", customer) < HALF else "offer"
        self._send(customer, step)
        self.people[customer]["tags"] = ["onboarded"]

    def _cart(self, customer: str, total: int):  # noqa: ANN202 a process of SimPy
        try:
            yield self.environment.timeout(HOUR)
            clicked = self.environment.event()
            self._send(customer, "reminder", clicked)
            yield clicked | self.environment.timeout(DAY)
            if total > RICH:
                self._send(customer, "call")
        except simpy.Interrupt:
            return

    def _win_back(self, customer: str):  # noqa: ANN202 a process of SimPy
        try:
            yield self.environment.timeout(self._local(customer, timedelta(days=9)))
            zone = self.zones[self.people[customer]["timezone"]]
            local = (self.start + timedelta(seconds=self.environment.now)).astimezone(zone)
            nine = local.replace(hour=9, minute=0, second=0, microsecond=0)
            nine = nine if nine >= local else nine + timedelta(days=1)
            due = (nine.astimezone(self.start.tzinfo) - self.start).total_seconds()
            yield self.environment.timeout(due - self.environment.now)
            self._send(customer, "miss")
        except simpy.Interrupt:
            return

    def _deliver(self):  # noqa: ANN202 a process of SimPy
        while True:
            yield self.environment.timeout(HOUR)
            taken, self.queue = self.queue, []
            for customer, step, clicked in taken:
                self.sent[step] += 1
                if self.chance.random() < 0.4:  # noqa: PLR2004 as the host of the month
                    self.environment.process(self._react(customer, step, clicked))

    def _react(self, customer: str, step: str, clicked: simpy.Event | None):  # noqa: ANN202 a process of SimPy
        clicks = self.chance.random() < 0.3  # noqa: PLR2004 as the host of the month
        yield self.environment.timeout(self.chance.randrange(60, 100_000))
        self.welcomed.setdefault(customer, set()).add(step)
        if clicks:
            yield self.environment.timeout(self.chance.randrange(5, 600))
            if clicked is not None and not clicked.triggered:
                clicked.succeed()
