"""Errors: one base class and few others; each takes ids and composes its own message.

A message says what was expected, what was found and what to do about it. Those that a host catches most are in
`journeyflow` as well.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Self

from attrs import field, frozen

__all__ = [
    "CannotMigrate",
    "ClockJump",
    "Conflict",
    "CorruptDatabase",
    "Forbidden",
    "ForeignDatabase",
    "InvalidInput",
    "InvalidJourney",
    "JourneyflowError",
    "MissingExtra",
    "NewerSchema",
    "NotFound",
    "Problem",
    "ReadOnlyDatabase",
    "StorageError",
    "Undeliverable",
]

ERROR = "error"

WARNING = "warning"

MAX_SENTENCE = 600
"""Characters of a sentence or a path that are shown: a host may give a megabyte, an error must not repeat it."""

MAX_WORD = 100
"""Characters of a name or a value that are quoted in a sentence."""

MAX_BRIEF = 300
"""Characters of a value, such as the data of an event, in the repr of what holds it; `to_dicts` has all of it."""

MAX_LINES = 100
"""Faults that an error prints; its `problems` or `faults` hold all of them."""


def shortened(text: str, room: int = MAX_SENTENCE) -> str:
    """Shorten a long text in the middle.

    >>> shortened("abcdefghij", 7)
    'ab...ij'
    """
    half = (room - 3) // 2
    return text if len(text) <= room else f"{text[:half]}...{text[-half:]}"


def brief(value: object) -> str:
    """Return how a value looks inside the repr of what holds it: shortened in the middle if it is long.

    >>> len(brief("x" * 10_000)) <= MAX_BRIEF
    True
    """
    return quoted(value, MAX_BRIEF)


def quoted(value: object, room: int = MAX_WORD) -> str:
    """Quote a name or a value in a sentence, shortened in the middle if it is long.

    >>> quoted("a"), quoted(10**5_000)
    ("'a'", '(a very large number)')
    """
    try:
        return shortened(repr(value), room)
    except ValueError:  # Python refuses to write integers of thousands of digits
        return "(a very large number)"
    except Exception:  # noqa: BLE001 a list of thousands of levels, an object that cannot be shown
        return f"({type(value).__name__} that cannot be shown)"


def _lines(faults: Sequence[object]) -> str:
    """List faults, each on its own line."""
    more = len(faults) - MAX_LINES
    lines = "".join(f"\n  - {fault}" for fault in faults[:MAX_LINES])
    return f"{lines}\n  - and {more} more" if more > 0 else lines


@frozen
class Problem:
    """One thing that is wrong with a definition: a stable code, its severity, where it is, and a sentence (R13).

    `severity` is "error" or "warning"; `path` is the place in the definition, empty for the whole.

    >>> print(Problem("dangling", "error", "steps[0].next", "step 'a' continues at unknown step 'b'"))
    steps[0].next: step 'a' continues at unknown step 'b' [dangling]
    """

    code: str
    severity: str
    path: str
    message: str = field(converter=shortened)

    def __str__(self) -> str:
        """Return the problem as one line: path, sentence, code."""
        return f"{shortened(self.path)}: {self.message} [{self.code}]" if self.path else f"{self.message} [{self.code}]"


def did_you_mean(wrong: object, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or nothing; a suggestion starts with a blank.

    >>> did_you_mean("chanel", ["channel", "template"]), did_you_mean("exited", ["ACTIVE", "EXITED"])
    (" (did you mean 'channel'?)", " (did you mean 'EXITED'?)")
    >>> did_you_mean("zzz", ["channel"])
    ''
    """
    word = wrong[:MAX_WORD] if isinstance(wrong, str) else quoted(wrong)
    words = [each for each in known if len(each) <= 2 * len(word) + 1]
    near = [each for each in words if each.casefold() == word.casefold()]
    near = near or get_close_matches(word, _alike(word, words), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


MAX_ALIKE = 200
"""How many words are looked at for a wrong one."""

MAX_COMPARED = 20_000
"""How many pairs of letters are compared for a wrong word: two hundred words of ten letters, two of a hundred."""


MAX_LOOKS = 100_000
"""How many known words are gone through for all wrong words of a file; that with which this is passed is the last."""


def _alike(word: str, words: list[str]) -> list[str]:
    """Return words that are worth a comparison; of too many, those that share most, and a half: a slip leaves one."""
    most = max(1, MAX_COMPARED // max(1, len(word)) ** 2)
    if len(words) > MAX_ALIKE:
        half = (len(word) + 1) // 2
        ends = word[:half], word[-half:]
        words = [each for each in words if each.startswith(ends[0]) or each.endswith(ends[1])]
        words = sorted(words, key=lambda each: abs(len(each) - len(word)))[:MAX_ALIKE]
    if len(words) <= most:
        return words
    back = word[::-1]
    return sorted(words, key=lambda each: _common(word, each) + _common(back, each[::-1]), reverse=True)[:most]


def _common(one: str, other: str) -> int:
    """Return how many letters two words begin with alike.

    >>> _common("chanel", "channel"), _common("a", "b"), _common("a", "ab")
    (4, 0, 1)
    """
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def suggestions() -> Callable[[object, Iterable[str]], str]:
    """Return a `did_you_mean` for all words of one file: those whose faults an error prints, and none of the others.

    A comparison costs far more than anything else, and a file may hold thousands of wrong words, and of known ones.
    """
    left, looks = MAX_LINES, MAX_LOOKS

    def suggest(wrong: object, known: Iterable[str]) -> str:
        nonlocal left, looks
        if left <= 0 or looks <= 0:
            return ""
        words = tuple(known)
        left, looks = left - 1, looks - len(words)
        return did_you_mean(wrong, words)

    return suggest


WRONG, MISSING, ORDER = "invalid", "missing", "order"
"""The codes of what is wrong with an argument: it cannot be, it is missing, or it lies after another one."""


class Fault(str):
    """A sentence about an argument, with the argument and a code; a plain sentence "argument: ..." is "invalid".

    >>> fault = Fault("since", "must not lie after until", ORDER)
    >>> fault, fault.field, fault.code
    ('since: must not lie after until', 'since', 'order')
    """

    __slots__ = ("code", "field")
    field: str
    code: str

    def __new__(cls, field: str, sentence: str, code: str = WRONG) -> Self:
        """Compose the sentence."""
        fault = super().__new__(cls, f"{field}: {sentence}")
        fault.field, fault.code = field, code
        return fault


def among(fault: str, place: str) -> str:
    """Return the fault of one of many things, given its place.

    >>> among(Fault("id", "must be text", MISSING), "[3]"), among("expected an Event", "[3]")
    ('[3] id: must be text', '[3] expected an Event')
    """
    if not isinstance(fault, Fault):
        return f"{place} {fault}"
    moved = Fault(f"{place} {fault.field}", fault.removeprefix(f"{fault.field}: "), fault.code)
    moved.field = f"{place}.{fault.field}"
    return moved


_ABOUT = re.compile(r"(\[\d+\] )?([\w.\[\]]+): (.*)", re.ASCII | re.DOTALL)
"""How a sentence about an argument begins: its place among many, its name."""


def _problem(fault: str) -> Problem:
    """Return a fault of an argument as a problem: where it is, and of which kind."""
    about = _ABOUT.fullmatch(fault)
    place, field, sentence = about.groups() if about else (None, "", fault)
    path = f"{place.strip()}.{field}" if place else field
    return Problem(getattr(fault, "code", WRONG), ERROR, getattr(fault, "field", path), sentence)


class JourneyflowError(Exception):
    """The base of every error that journeyflow raises on purpose."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the message and the attributes, so that an error can leave a worker process."""
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[JourneyflowError], args: tuple[object, ...], state: dict[str, object]) -> JourneyflowError:
    """Return an unpickled error, without composing its message again."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InvalidJourney(JourneyflowError, ValueError):
    """A journey definition has errors; `problems` holds all of them in stable order (R13)."""

    def __init__(self, journey: object, problems: Sequence[Problem]) -> None:
        """Name the journey and list every problem."""
        self.journey = journey
        self.problems = tuple(problems)
        count = len(self.problems)
        plural = "s" if count != 1 else ""
        super().__init__(f"journey {quoted(journey)} has {count} problem{plural}:{_lines(self.problems)}")


class InvalidInput(JourneyflowError, ValueError):
    """Events, customers or arguments are not valid; nothing was stored from the first faulty chunk on.

    `faults` holds one sentence per fault. `problems` holds the same as data: each has the argument as `path`, such as
    "since" or "[3].customer", and a `code`: "missing", "invalid", or "order" for two dates or instants of which the
    first is later. `accepted` counts what earlier chunks of the same call have stored.
    """

    def __init__(self, faults: Sequence[str], accepted: int = 0) -> None:
        """List every fault."""
        self.faults = tuple(shortened(str(fault)) for fault in faults)
        self.problems = tuple(map(_problem, faults))
        self.accepted = accepted
        head = f" {self.faults[0]}" if len(self.faults) == 1 else _lines(self.faults)
        tail = f" ({accepted} before it were stored)" if accepted else ""
        super().__init__(f"invalid input:{head}{tail}")


class Undeliverable(JourneyflowError):
    """Raised by a handler of a channel: its message can never be delivered and is given up at once (R71).

    >>> raise Undeliverable("550 no such user")
    Traceback (most recent call last):
    ...
    journeyflow.errors.Undeliverable: 550 no such user
    """


class NotFound(JourneyflowError, LookupError):
    """Something that the caller named does not exist in this tenant (R84, R91).

    `kind` is what it would be, such as "journey"; `name` is its id; `journey` is the journey it would belong to, or
    None.
    """

    def __init__(self, kind: str, name: object, hint: str = "", *, journey: object = None) -> None:
        """Name the kind of thing, its id, and the journey it would belong to."""
        self.kind = kind
        self.name = name
        self.journey = journey
        of = "" if journey is None else f" of journey {quoted(journey)}"
        super().__init__(f"no {kind} {quoted(name)}{of}{hint}")


class Conflict(JourneyflowError, ValueError):
    """The state of a journey, or of an export, does not allow a call (R11).

    `state` is the state it is in, `wanted` the one that it cannot reach.
    """

    def __init__(self, journey: str, state: str, wanted: str, remedy: str = "", *, kind: str = "journey") -> None:
        """Name what the call is about, the state it is in, and the one it was to reach."""
        self.journey = journey
        self.state = state
        self.wanted = wanted
        told = f"is {state} and cannot become {wanted}" + (f"; {remedy}" if remedy else "")
        if remedy.endswith(" already"):  # that it cannot become what it is says nothing
            told = remedy.removeprefix("it ")
        super().__init__(f"{kind} {quoted(journey)} {told}")


class Superseded(Conflict):
    """A change was made from something that is no longer the newest: another change came first (R12, R31)."""

    def __init__(self, name: str, state: str = "", *, kind: str = "journey") -> None:
        """Name what was changed, and what to do."""
        super().__init__(name, state, "replaced", kind=kind)
        remedy = "read what is there now, and make the change once more"
        self.args = (f"another change of {kind} {quoted(name)} came first; {remedy}",)


class CannotMigrate(JourneyflowError, ValueError):
    """A migration would leave people at steps that the new version does not have; nothing was changed (R14).

    `people` maps the id of each such step to the ids of the customers who are there.
    """

    def __init__(self, journey: str, version: int, people: Mapping[str, Sequence[str]]) -> None:
        """Name the journey, the version, and who is at which step."""
        self.journey = journey
        self.version = version
        self.people = {step: tuple(names) for step, names in people.items()}
        held = "".join(f"\n  - step {step!r} holds {_some(names)}" for step, names in self.people.items())
        super().__init__(
            f"journey {journey!r} cannot migrate to version {version}, which does not have a place for every customer; "
            f"map these steps to steps of it, or to None for exit:{held}"
        )


MAX_NAMED = 5
"""Customers of a step that an error names: enough to look at, and no wall of names."""


def _some(names: Sequence[str]) -> str:
    """Count people and name some of them.

    >>> _some(["ann", "bob"])
    '2 (ann, bob)'
    """
    shown = [*names[:MAX_NAMED], *(["..."] if len(names) > MAX_NAMED else [])]
    return f"{len(names)} ({', '.join(shown)})"


class Forbidden(JourneyflowError):
    """A journey is not ACTIVE and takes no enrollments (R24)."""

    def __init__(self, journey: str, state: str) -> None:
        """Name the journey and its state."""
        self.journey = journey
        self.state = state
        first = {"DRAFT": "activate it first", "PAUSED": "resume it first"}.get(state, "publish it under another id")
        super().__init__(f"journey {quoted(journey)} is {state}; only an ACTIVE journey takes enrollments ({first})")


class ClockJump(JourneyflowError, RuntimeError):
    """The earliest due timer and the last tick that did anything both lie implausibly far before `now` (R3).

    `tenant`, `journey` and `customer` say whose timer it is; `customer` is None for a timer of the journey itself.
    `due` and `now` are ISO 8601 texts in UTC, and so is `last_tick`, or None if no tick has done anything yet.
    """

    def __init__(  # noqa: PLR0917 each is named in the message
        self,
        tenant: str,
        journey: str,
        customer: str | None,
        due: str,
        last_tick: str | None,
        now: str,
        max_jump: str,
    ) -> None:
        """Name the timer, its instant, the last tick, and the limit."""
        self.tenant, self.journey, self.customer = tenant, journey, customer
        self.due, self.last_tick, self.now = due, last_tick, now
        whose = "a timer" if customer is None else f"the timer of customer {quoted(customer)}"
        since = "no tick has done anything yet" if last_tick is None else f"the last tick was at {last_tick}"
        super().__init__(
            f"{whose} in journey {quoted(journey)} of tenant {quoted(tenant)} has been due since {due}, which is more "
            f"than max_jump ({max_jump}) before now ({now}; {since}); "
            "check the clock, or go on with allow_jump=True (--allow-jump in the shell)"
        )


class MissingExtra(JourneyflowError, ImportError):
    """A feature needs an optional dependency; the message has the command that installs it."""

    def __init__(self, feature: str, extra: str) -> None:
        """Name the feature and the extra."""
        super().__init__(f"{feature} needs an optional dependency: pip install 'journeyflow[{extra}]'")


class StorageError(JourneyflowError, RuntimeError):
    """The store could not do its work; `path` is its file, and the cause is chained."""

    def __init__(self, path: object, what: str, remedy: str = "") -> None:
        """Name the file, what happened and what to do."""
        self.path = str(path)
        tail = f"; {remedy}" if remedy else ""
        super().__init__(f"{path}: {what}{tail}")


class ForeignDatabase(StorageError):
    """The file is not a journeyflow database."""


class NewerSchema(StorageError):
    """The file was written by a newer version of journeyflow."""


class CorruptDatabase(StorageError):
    """The file is damaged."""


class ReadOnlyDatabase(StorageError):
    """The file or its folder cannot be written."""
