"""The mixed month as a SimPy model: what a person who simulates would write, with no history, rules or reasons.

What the customers do is replayed from the same month; the model counts what it sends. A run is a process that may be
interrupted; an hourly process delivers what is queued, and draws who opens and who clicks, as the host of the month.
"""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import simpy
from _journeys import RICH, arm_of, later_there, nine_there

HOUR, DAY = 3_600, 86_400
SOON = 0.000_5
"""How long after the hour messages are delivered: what falls on the hour is queued by then."""


class Message:
    """A message that is queued: which, to whom, what a click wakes, and whether it was canceled."""

    def __init__(self, customer: str, step: str, clicked: simpy.Event | None) -> None:
        """Queue it."""
        self.customer, self.step, self.clicked, self.canceled = customer, step, clicked, False


class Month:
    """The model; `sent` counts messages by step."""

    def __init__(self, told: list[Any], start: datetime, seed: int = 5) -> None:
        """Begin with nobody there."""
        self.environment, self.start, self.chance = simpy.Environment(), start, Random(seed)
        self.people: dict[str, dict[str, Any]] = {}
        self.carts: dict[str, tuple[float, simpy.Process]] = {}
        self.wins: dict[str, simpy.Process] = {}
        self.welcomed: set[str] = set()
        self.queue: list[Message] = []
        self.sent: Counter[str] = Counter()
        self.environment.process(self._replay(told))
        self.environment.process(self._deliver())

    def run(self, days: int) -> None:
        """Live through so many days."""
        self.environment.run(until=days * DAY + 2 * SOON)

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

    @property
    def _now(self) -> datetime:
        return self.start + timedelta(seconds=self.environment.now)

    def _until(self, at: datetime) -> simpy.Event:
        return self.environment.timeout(max(0.0, (at - self.start).total_seconds() - self.environment.now))

    def _send(self, customer: str, step: str, clicked: simpy.Event | None = None) -> Message:
        message = Message(customer, step, clicked)
        self.queue.append(message)
        self.sent[step] += 1
        return message

    def _welcome(self, customer: str):  # noqa: ANN202 a process of SimPy
        self._send(customer, "hello")
        yield self._until(later_there(self._now, self.people[customer]["timezone"], timedelta(days=2)))
        self._send(customer, arm_of(customer) if customer in self.welcomed else "nudge")
        self.people[customer]["tags"] = ["onboarded"]

    def _cart(self, customer: str, total: int):  # noqa: ANN202 a process of SimPy
        reminder = None
        try:
            yield self.environment.timeout(HOUR)
            clicked = self.environment.event()
            reminder = self._send(customer, "reminder", clicked)
            yield clicked | self.environment.timeout(DAY)
            if total > RICH:
                self._send(customer, "call")
        except simpy.Interrupt:
            if reminder is not None:
                reminder.canceled = True

    def _win_back(self, customer: str):  # noqa: ANN202 a process of SimPy
        zone = self.people[customer]["timezone"]
        try:
            yield self._until(later_there(self._now, zone, timedelta(days=9)))
            yield self._until(nine_there(self._now, zone))
            self._send(customer, "miss")
        except simpy.Interrupt:
            return

    def _deliver(self):  # noqa: ANN202 a process of SimPy
        some = self.chance
        yield self.environment.timeout(HOUR + SOON)
        while True:
            taken, self.queue = self.queue, []
            for message in taken:
                if not message.canceled and some.random() < 0.4:  # noqa: PLR2004 as the host of the month
                    opens = some.randrange(60, 100_000)
                    clicks = some.randrange(5, 600) if some.random() < 0.3 else None  # noqa: PLR2004 likewise
                    self.environment.process(self._react(message, opens - SOON, clicks))
            yield self.environment.timeout(HOUR)

    def _react(self, message: Message, opens: float, clicks: int | None):  # noqa: ANN202 a process of SimPy
        yield self.environment.timeout(opens)
        if message.step == "hello":
            self.welcomed.add(message.customer)
        if clicks is not None:
            yield self.environment.timeout(clicks)
            if message.clicked is not None and not message.clicked.triggered:
                message.clicked.succeed()
