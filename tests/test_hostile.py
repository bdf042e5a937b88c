"""Every parameter of every public method of the engine, with a hundred values that nobody should give (B2, B3).

What is refused is refused with an error of the library, TypeError or ValueError, in a sentence of its own; both stores
answer the same, and the engine works afterwards.
"""

import gc
import inspect
import re
from collections import OrderedDict, UserDict, UserString, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any

import pytest

from journeyflow import (
    Engine,
    Event,
    Journey,
    JourneyflowError,
    MemoryStore,
    Policies,
    Send,
    Trigger,
    Wait,
)
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, Host, open_engine

pytestmark = pytest.mark.unmeasured


@pytest.fixture(scope="module", autouse=True)
def no_collection() -> Iterator[None]:
    """Collect no garbage meanwhile: at the bottom of a deep value, what other tests left could not be finalized."""
    gc.disable()
    yield
    gc.enable()


class Own(Exception):
    """Raised by the value itself."""


def own(*_: object) -> Any:
    """Raise."""
    raise Own


def raising(*names: str, base: type = object) -> Any:
    """Return an object some of whose special methods raise."""
    methods = {"__hash__": base.__hash__, **dict.fromkeys(names, own)}
    return type("Raising", (base,), methods)


def nested(kind: type, depth: int) -> Any:
    """Return a list or a dict of so many levels."""
    value: Any = kind()
    for _ in range(depth):
        value = {"a": value} if kind is dict else kind([value])
    return value


def itself(value: object) -> object:
    """Return a value."""
    return value


def circular() -> list[object]:
    """Return a list that holds itself."""
    value: list[object] = []
    value.append(value)
    return value


def odd_values() -> dict[str, Callable[[], object]]:
    """Return how each value is made, by name: generators can be used once."""
    plain: list[object] = [
        None, True, False, 0, 1, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**5_000, -(10**5_000), 0.0, 1.5,
        -0.0, float("nan"), float("inf"), float("-inf"), 1e308, 1j, Decimal("1.5"), Decimal("NaN"), Fraction(1, 3),
        "", " ", "\t", "a" * 200, "a" * 201, "x" * 100_000, "a\x00b", "\x00", "\ud800", "a\udfffb", "\udcff", "a\x1fb",
        "a\nb", "\r", "é", "e\u0301", "💥", "\u202egnp", "\ufeff", "\u200b", "\x1b[31mred", "'; DROP TABLE inputs; --",
        '"', "%s", "{{ x }}", "{", "[", "null", "true", "NaN", "1e999", "--help", "../..", "*", "inputs --", "1 day",
        "-1 day", "10000 years", "2026-01-05", "2026-01-05T08:00:00Z", "0000-00-00", "9999-12-31", "run", "ACTIVE", "j",
        "c1",
        b"", b"x", bytearray(b"x"), memoryview(b"x"), [], (), {}, set(), frozenset(), [None], [[]], [""], ["\ud800"],
        [1, "a"], ("a",), ("a", "b"), ("j", "c1"), ("a", "b", "c"), {"a": 1}, {1: 2}, {None: None}, {("a",): 1},
        {"\ud800": 1}, {"a": "\ud800"}, {"a": float("nan")}, {"a": 2**70}, {"hello": True}, {"hello": 1},
        {"hello": None}, {b"x": True}, {"a"}, frozenset({1}), range(3), deque(["a"]), OrderedDict(a=1), UserDict(a=1),
        UserString("a"), PurePosixPath("a"), object, int, len, Ellipsis, NotImplemented, date(2026, 1, 5), date.max,
        time(8), timedelta(1), timedelta.max, datetime(2026, 1, 5), datetime.min, datetime.max,  # noqa: DTZ001, DTZ901 naive
        datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), datetime(2026, 1, 5, tzinfo=UTC), UTC,
        KeyError("a"), Policies(), Event("x", customer="c1", at=START), Journey(id="k", trigger=Trigger("x"), steps=[]),
    ]  # fmt: skip
    found: dict[str, Callable[[], object]] = {}
    for place, value in enumerate(plain):
        shown = hash(value) if isinstance(value, int) else ascii(value)[:30]
        found[f"{place}: {type(value).__name__} {shown}"] = partial(itself, value)
    special = ("eq", "hash", "repr", "str", "bool", "len", "iter", "format", "index")
    for name in special:
        found[f"an object that raises in {name}"] = raising(f"__{name}__")
        found[f"a text that raises in {name}"] = partial(raising(f"__{name}__", base=str), "a")
    found["a dict that raises"] = lambda: raising("items", "__iter__", "__getitem__", "keys", base=dict)(a=1)
    found["a list that raises"] = lambda: raising("__iter__", "__len__", base=list)([1])
    found["an iterator that raises"] = lambda: (own() for _ in range(1))
    found["an iterator that raises late"] = lambda: (own() if n else "a" for n in range(2))
    found["an object with all attributes"] = type("All", (), {"__getattr__": lambda *_: own})
    found["a text of its own"] = lambda: type("Text", (str,), {})("j")
    found["a number of its own"] = lambda: type("Number", (int,), {})(1)
    for kind in (list, tuple, dict):
        found[f"a deep {kind.__name__}"] = partial(itself, nested(kind, 5_000))
        found[f"a {kind.__name__} of 70 levels"] = partial(nested, kind, 70)
    found["a circle"] = circular
    found["a generator"] = lambda: (each for each in ["a", None, b"x", "\ud800"])
    found["an empty generator"] = lambda: iter(())
    found["a function"] = lambda: lambda *_: None
    return found


VALUES = odd_values()

JOURNEY = Journey(
    id="j", trigger=Trigger("go"), steps=[Send("hello", channel="EMAIL", template="t"), Wait("w", "1 day")]
)

GIVEN: dict[str, Any] = {
    "at": START, "now": START, "instant": START, "before": START, "since": None, "until": None, "journey": "j",
    "journeys": ["j"], "customer": "c1", "customers": ["c1"], "name": "t", "policies": Policies(), "attributes": {},
    "events": (), "enrollments": ("j", "c1"), "worker": "w", "messages": (), "step": "hello", "steps": {"hello": True},
    "message": "memory-1-1", "export": 1, "to_version": 1, "id": "copy", "tenant": "other", "call": "enable",
    "to": "copy", "channel": "EMAIL",
}  # fmt: skip
"""What a parameter without a default is given while another one is tried."""

OF_METHOD: dict[str, dict[str, Any]] = {
    "publish": {"journey": JOURNEY},
    "deploy": {"journey": JOURNEY},
    "put_customers": {"customers": {"c1": {}}},
}

DRAWN = {("nonce", "0: NoneType None")}
"""What is left to chance, and so is not the same in both stores."""


def doors() -> list[tuple[str, str]]:
    """Return every parameter of every public method."""
    found = []
    for name, method in inspect.getmembers(Engine, inspect.isfunction):
        if not name.startswith("_"):
            found += [(name, each) for each in inspect.signature(method).parameters if each != "self"]
    return found


def host_on(store: str) -> Host:
    """Return a host on whose journey somebody is."""
    host = Host(open_engine(store))
    host.engine.deploy(JOURNEY, at=START)
    host.say("go")
    host.engine.submit_export(at=START)
    return host


def told(call: Callable[[], object]) -> str:
    """Return what a call answers, or its error; anything but the errors of the library fails the test."""
    try:
        answer = call()
        return repr(answer) if not isinstance(answer, Iterator) else "an iterator"
    except Own:
        return "the value's own exception"
    except (JourneyflowError, TypeError, ValueError) as error:
        found = error
    words = f"{type(found).__name__}: {found}"
    assert not isinstance(found, UnicodeError), words
    words.encode()
    return words


REFUSED = ("InvalidInput", "TypeError", "ValueError")

NO_SENTENCES = (
    *("NoneType", "not iterable", "unpack", "attribute '", "digits", "unhashable", "unsupported operand"),
    *("not supported between", "argument of type", "positional argument", "subscriptable", "has no len"),
    *("must be str", "expected str", "object is not", "codec can't", "integer is required"),
)
"""What Python says of a mistake inside, where the library has not looked before."""


@pytest.mark.parametrize("method", sorted({name for name, _ in doors()}))
def test_every_parameter_takes_or_refuses(method: str) -> None:
    """An answer or a refusal, the same in memory and on SQLite; then questions answer and ticks run (B2, B3, R90).

    Of the texts, each parameter gets a third.
    """
    hosts = [host_on(store) for store in STORES]
    wrong = []
    for name in [parameter for of, parameter in doors() if of == method]:
        for place, (kind, make) in enumerate(VALUES.items()):
            if (": str " in kind and (place + len(name)) % 3) or (name, kind) in DRAWN:
                continue
            answers = list[str]()
            for host in hosts:
                given = arguments(method, name, make())
                if answers and place % 7 and answers[0].startswith(REFUSED):
                    continue  # before the store was asked
                try:
                    answers.append(told(partial(getattr(host.engine, method), **given)))
                except Exception as error:  # noqa: BLE001 that is what is looked for
                    answers.append(f"!!! {type(error).__name__}: {ascii(error)[:100]}")
            if len({shape(each) for each in answers}) > 1 or any("!!!" in each or bad(each) for each in answers):
                wrong.append((name, kind, [ascii(each)[:160] for each in answers]))
    for host in hosts:
        try:
            host.engine.tick(START + timedelta(days=1))
            host.engine.find_customer("c1", pending=True)
            assert host.engine.audit() == []
        except Exception as error:  # noqa: BLE001 likewise
            wrong.append(("afterwards", "", [f"{type(error).__name__}: {error}"[:200]]))
    assert not wrong, "\n".join(f"@@ {method} {each}" for each in wrong)


def bad(words: str) -> bool:
    """Return whether an error is none of the library."""
    return words.startswith(("TypeError", "ValueError")) and any(each in words for each in NO_SENTENCES)


def shape(words: str) -> str:
    """Return what both stores must have in common."""
    return re.sub(r"(Memory|SQLite)Store\([^)]*\)|0x\w+", "", words)


def arguments(method: str, name: str, odd: object) -> Mapping[str, Any]:
    """Return the arguments of a call: an odd value for one parameter, and something for those that need it."""
    given = {**GIVEN, **OF_METHOD.get(method, {})}
    return {**{each: given.get(each, "x") for each in needed(method) if each != name}, name: odd}


@cache
def needed(method: str) -> list[str]:
    """Return the parameters of a method that have no default."""
    every = inspect.signature(getattr(Engine, method)).parameters.values()
    return [each.name for each in every if each.default is inspect.Parameter.empty and each.name != "self"]


WRITABLE = {kind for kind, make in VALUES.items() if isinstance(make(), str | bytes | PurePosixPath)} - {
    kind for kind in VALUES if kind.startswith(("24:", "29:", "30:", "31:", "32:", "33:"))
}
"""Texts and paths that may name a file; not those that cannot."""

OPTIONS = [each for each in inspect.signature(Engine).parameters if each != "store"]


@pytest.mark.parametrize("option", [*OPTIONS, "store", "path", "synchronous", "nonce", "nonce in memory"])
def test_every_option_takes_or_refuses(option: str) -> None:
    """What an engine or a store is made with is taken, or refused in a sentence (B2)."""
    for kind, make in VALUES.items():
        if (option in {"store", "path"} and kind in WRITABLE) or (option == "store" and "all attributes" in kind):
            continue

        words = told(partial(made, option, make()))
        assert not bad(words), (kind, words)


def made(option: str, odd: Any) -> None:
    """Make an engine or a store with an option."""
    if option == "path":
        SQLiteStore(odd)
    elif option == "synchronous":
        SQLiteStore(":memory:", synchronous=odd).close()
    elif option == "nonce":
        SQLiteStore(":memory:", nonce=odd).close()
    elif option == "nonce in memory":
        MemoryStore(nonce=odd)
    else:
        options: dict[str, Any] = {"store": MemoryStore(), option: odd}
        Engine(**options).close()
