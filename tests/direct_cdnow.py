"""What five example journeys must make of the CDNOW purchases, computed without the engine.

Plain Python over the event file: nothing here imports journeyflow, and nothing here is a queue, a tick or a table of
steps. Each journey is a function that walks one customer's purchases and says what happens next in its own words; the
rules of `docs/semantics.md` it relies on are named. Only what needs no other customer is used, and no two customers of
these journeys ever meet.
"""

import csv
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from hashlib import blake2b
from operator import add
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
UNTIL = datetime(1998, 7, 1, tzinfo=UTC)
JOURNEYS = ("loyalty", "purchases", "second-purchase", "thanks", "win-back")
"""The ids of the journeys; the files in `examples/` are named after them."""

COLUMNS = {
    "enrollments": "tenant,journey,version,customer,run,status,reason,entered_at,ended_at",
    "visits": "tenant,journey,customer,run,n,step,status,entered_at,left_at,outcome",
    "messages": "tenant,journey,customer,run,n,step,channel,template,at,status",
}
"""The header of each exported file."""


# --- purchases and their order ----------------------------------------------------------------------------------------


class Moment(NamedTuple):
    """A place in the order of all that happens: by instant, inputs before timers, inputs by line of the file (R7)."""

    at: datetime
    turn: int
    line: int


def timer(at: datetime) -> Moment:
    """Return the moment at which a timer goes off: after all inputs of its instant (R7)."""
    return Moment(at, 1, 0)


LAST = Moment(UNTIL, 2, 0)
"""Behind everything that is due at the end."""


class Purchase(NamedTuple):
    """One line of the event file."""

    moment: Moment
    amount: float


def read(path: Path) -> dict[str, list[Purchase]]:
    """Read each customer's purchases in the order of the file, which is sorted by instant."""
    bought: dict[str, list[Purchase]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file)):
            purchase = Purchase(Moment(datetime.fromisoformat(row["at"]), 0, line), float(row["amount"]))
            bought.setdefault(row["customer"], []).append(purchase)
    return bought


# --- the calendar of New York -----------------------------------------------------------------------------------------


def wall(at: datetime) -> datetime:
    """Return the wall time of an instant."""
    return at.astimezone(NEW_YORK).replace(tzinfo=None)


def instant(local: datetime) -> datetime:
    """Return the instant of a wall time: the first of two, moved forward where it does not exist (R33)."""
    return local.replace(tzinfo=NEW_YORK, fold=0).astimezone(UTC)


def days_later(at: datetime, days: int) -> datetime:
    """Count days on the calendar, keeping the wall time (R33)."""
    return instant(wall(at) + timedelta(days=days))


def months_later(at: datetime, months: int) -> datetime:
    """Count months on the calendar; a day that the month does not have becomes its last (R33)."""
    local = wall(at)
    years, month = divmod(local.month - 1 + months, 12)
    following = date(local.year + years + (month == 11), (month + 1) % 12 + 1, 1)
    length = (following - timedelta(days=1)).day
    return instant(local.replace(year=local.year + years, month=month + 1, day=min(local.day, length)))


class Hours(NamedTuple):
    """Hours of some weekdays (Monday is 0); `length` from the opening to the closing (R34)."""

    weekdays: frozenset[int]
    opens: time
    length: timedelta

    def next_open(self, at: datetime) -> datetime:
        """Return the instant itself inside the hours, else the next opening (R34)."""
        yesterday = wall(at).date() - timedelta(days=1)
        for day in (yesterday + timedelta(days=ahead) for ahead in range(10)):
            start = datetime.combine(day, self.opens)
            if day.weekday() in self.weekdays and at < instant(start + self.length):
                return max(at, instant(start))
        raise AssertionError(at)


WORKDAYS = frozenset(range(5))
SHOP = Hours(frozenset({1, 2, 3}), time(10), timedelta(hours=8))
OFFICE = Hours(WORKDAYS, time(9), timedelta(hours=8))
NIGHT = Hours(frozenset({4, 5}), time(20), timedelta(hours=6))


def next_morning(at: datetime) -> datetime:
    """Return the first nine o'clock on a workday that is not before an instant (R32, R35)."""
    mornings = (datetime.combine(wall(at).date() + timedelta(days=ahead), time(9)) for ahead in range(10))
    return next(due for day in mornings if day.weekday() in WORKDAYS and (due := instant(day)) >= at)


# --- one run ----------------------------------------------------------------------------------------------------------


class Visit(NamedTuple):
    """One stay at a step."""

    step: str
    entered: Moment
    left: Moment
    outcome: str


class Sent(NamedTuple):
    """One message: the number of the visit that sent it, and when."""

    n: int
    moment: Moment
    channel: str
    template: str


class Run:
    """What one run of one customer goes through if nothing interrupts it, noted down as the journey tells it."""

    def __init__(self, purchases: list[Purchase], entered: Moment) -> None:
        self.purchases = purchases
        self.entered = self.now = entered
        self.visits: list[Visit] = []
        self.messages: list[Sent] = []
        self.exit: tuple[Moment, str] | None = None

    def pass_by(self, step: str, outcome: str = "") -> None:
        """Visit a step that takes no time."""
        self.rest(step, self.now, outcome)

    def rest(self, step: str, left: Moment, outcome: str) -> None:
        """Stay at a step until a moment."""
        self.visits.append(Visit(step, self.now, left, outcome))
        self.now = left

    def send(self, step: str, channel: str, template: str, hours: Hours | None = None) -> None:
        """Send a message, in its hours (R31)."""
        at = self.now.at if hours is None else hours.next_open(self.now.at)
        self.rest(step, self.now if at == self.now.at else timer(at), "queued")
        self.messages.append(Sent(len(self.visits), self.now, channel, template))

    def wait(self, step: str, at: datetime) -> None:
        """Wait until an instant; one that is not ahead is none to wait for (R35)."""
        self.rest(step, timer(at) if at > self.now.at else self.now, "elapsed")

    def wait_for_purchase(self, step: str, deadline: datetime, count: int = 1) -> bool:
        """Wait for a later purchase, the customer's `count`-th at least; at the deadline it is in time (R7, R36)."""
        later = (purchase.moment for purchase in self.purchases[count - 1 :] if purchase.moment > self.now)
        first, end = next(later, LAST), timer(deadline)
        came = first < end
        self.rest(step, min(first, end), "event" if came else "timeout")
        return came

    def bought(self) -> int:
        """Count the customer's purchases up to now."""
        return bisect_right([purchase.moment for purchase in self.purchases], self.now)

    @property
    def ended(self) -> Moment:
        """The moment at which the run ends, by its exit or at its last step."""
        return self.now if self.exit is None else min(self.now, self.exit[0])


# --- the journeys -----------------------------------------------------------------------------------------------------


def thanks(purchases: list[Purchase]) -> Iterator[Run]:
    """Follow `thanks.json`: once, on the first purchase."""
    run = Run(purchases, purchases[0].moment)
    run.send("thank-you", "EMAIL", "thank_you")
    run.wait("week", days_later(run.now.at, 7))
    large = purchases[0].amount >= 50
    run.pass_by("large", "yes" if large else "no")
    run.send(*(("gift", "EMAIL", "gift_card") if large else ("review", "EMAIL", "please_review")))
    run.pass_by("done", "thanked")
    yield run


def half(journey: str, split: str, customer: str) -> int:
    """Return which half of a 50/50 split a customer belongs to (R38)."""
    text = f"default\x1f{journey}\x1f{split}\x1f{customer}"
    chance = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    return chance * 10_000 // 2**64 // 5_000


def second_purchase(purchases: list[Purchase], customer: str) -> Iterator[Run]:
    """Follow `second-purchase.json`: once, from the first purchase on."""
    run = Run(purchases, purchases[0].moment)
    if run.wait_for_purchase("second", days_later(run.now.at, 60)):
        run.pass_by("unaided", "unaided")
    else:
        offer, template = (("discount", "ten_percent_off"), ("postage", "free_postage"))[
            half("second-purchase", "test", customer)
        ]
        run.pass_by("test", offer)
        run.send(offer, "EMAIL", template)
        end = "won" if run.wait_for_purchase("answer", days_later(run.now.at, 30)) else "lost"
        run.pass_by(end, end)
    yield run


def count(purchases: list[Purchase]) -> Iterator[Run]:
    """Follow `purchases.json`: one run for each purchase, over at once."""
    for purchase in purchases:
        run = Run(purchases, purchase.moment)
        run.pass_by("count")
        run.pass_by("counted")
        yield run


def loyalty(purchases: list[Purchase]) -> Iterator[Run]:
    """Follow `loyalty.json`: once, when the fifth purchase was counted."""
    if len(purchases) < 5:
        return
    run = Run(purchases, purchases[4].moment)
    spent = reduce(add, [purchase.amount for purchase in purchases[:5]])  # `sum` rounds otherwise from Python 3.12 on
    rank = "gold" if spent >= 500 else "silver" if spent >= 200 else "else"
    run.pass_by("spender", rank)
    run.send(*(("card", "EMAIL", "digital_card") if rank == "else" else (rank, "POST", f"{rank}_card")))
    run.pass_by("member")
    if run.wait_for_purchase("ten", months_later(run.now.at, 6), count=10):
        run.pass_by("vip")
        run.send("invitation", "EMAIL", "vip_evening")
        run.pass_by("promoted", "vip")
    else:
        run.pass_by("stayed", "member")
    yield run


def win_back(purchases: list[Purchase]) -> Iterator[Run]:
    """Follow `win-back.json`: again 90 days after the last entry, once the run before has ended (R9, R22)."""
    free, again = purchases[0].moment, purchases[0].moment.at
    for purchase in purchases:
        if purchase.moment >= free and purchase.moment.at >= again:
            run = Run(purchases, purchase.moment)
            won_back(run)
            run.exit = next((order for order in large_orders(purchases) if order[0] > run.entered), None)
            free, again = run.ended, days_later(run.entered.at, 90)
            yield run


def large_orders(purchases: list[Purchase]) -> Iterator[tuple[Moment, str]]:
    """List the purchases that end a win-back."""
    return ((purchase.moment, "large order") for purchase in purchases if purchase.amount >= 100)


def won_back(run: Run) -> None:
    """Go through one win-back as if no large order came."""
    if run.wait_for_purchase("away", days_later(run.now.at, 90)):
        run.pass_by("stayed", "stayed")
        return
    run.wait("morning", next_morning(run.now.at))
    run.send("miss-you", "EMAIL", "we_miss_you", SHOP)
    end = "returned"
    if not run.wait_for_purchase("reply", OFFICE.next_open(days_later(run.now.at, 30))):
        end = "returned" if regular(run) and offered(run) else "lost"
    run.pass_by(end, end)


def regular(run: Run) -> bool:
    """Ask whether the customer has bought three times."""
    answer = run.bought() >= 3
    run.pass_by("regular", "yes" if answer else "no")
    return answer


def offered(run: Run) -> bool:
    """Make the last offer and wait for its answer."""
    run.send("last-offer", "SMS", "last_offer", NIGHT)
    return run.wait_for_purchase("chance", months_later(run.now.at, 1))


def runs(customer: str, purchases: list[Purchase]) -> dict[str, Iterable[Run]]:
    """Return all runs of one customer by journey, in order."""
    return {
        "loyalty": loyalty(purchases),
        "purchases": count(purchases),
        "second-purchase": second_purchase(purchases, customer),
        "thanks": thanks(purchases),
        "win-back": win_back(purchases),
    }


# --- the tables -------------------------------------------------------------------------------------------------------

Row = list[str]


def tables(path: Path) -> dict[str, list[Row]]:
    """Return the three files row by row, headers first, sorted by tenant, journey, customer, run and n."""
    bought = read(path)
    found: dict[str, list[Row]] = {name: [header.split(",")] for name, header in COLUMNS.items()}
    every = {customer: {of: list(each) for of, each in runs(customer, bought[customer]).items()} for customer in bought}
    for journey in JOURNEYS:
        for customer in sorted(every):
            for number, run in enumerate(every[customer][journey], 1):
                for name, rows in TABLES.items():
                    found[name] += rows(run, journey, customer, str(number))
    return found


def iso(moment: Moment) -> str:
    """Write an instant with six decimals, nothing where it is after the end."""
    return moment.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment < LAST else ""


def enrollment(run: Run, journey: str, customer: str, number: str) -> list[Row]:
    """Return the row of a run."""
    status, reason = "COMPLETED", ""
    if run.ended >= LAST:
        status = "ACTIVE"
    elif run.exit is not None and run.exit[0] <= run.now:
        status, reason = "EXITED", run.exit[1]
    return [["default", journey, "1", customer, number, status, reason, iso(run.entered), iso(run.ended)]]


def visits(run: Run, journey: str, customer: str, number: str) -> list[Row]:
    """Return the rows of a run's visits: what it would have visited after its exit or the end is left out."""
    return [
        ["default", journey, customer, number, str(n), visit.step, *stay(run, visit)]
        for n, visit in enumerate(run.visits, 1)
        if before_the_end(run, visit.entered)
    ]


def before_the_end(run: Run, moment: Moment) -> bool:
    """Return whether a moment comes before the end of the back-test and before the exit, which goes first (R9)."""
    return moment < LAST and (run.exit is None or moment < run.exit[0])


def stay(run: Run, visit: Visit) -> Row:
    """Return status, entered, left and outcome of a visit that took place (R44)."""
    if before_the_end(run, visit.left):
        return ["COMPLETED", iso(visit.entered), iso(visit.left), visit.outcome]
    exited = run.exit is not None and run.exit[0] <= visit.left
    return ["EXITED" if exited else "ACTIVE", iso(visit.entered), iso(run.ended) if exited else "", ""]


def messages(run: Run, journey: str, customer: str, number: str) -> list[Row]:
    """Return the rows of a run's messages; nobody collects them, so they stay queued."""
    return [
        ["default", journey, customer, number, str(sent.n), run.visits[sent.n - 1].step, *told(sent)]
        for sent in run.messages
        if before_the_end(run, sent.moment)
    ]


def told(sent: Sent) -> Row:
    """Return channel, template, instant and status of a message."""
    return [sent.channel, sent.template, iso(sent.moment), "QUEUED"]


TABLES: dict[str, Callable[[Run, str, str, str], list[Row]]] = {
    "enrollments": enrollment,
    "visits": visits,
    "messages": messages,
}
