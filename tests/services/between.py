"""Two callers at once: an engine on which another caller does something between two calls."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from journeyflow import Engine


class Between:
    """An engine, on which something else happens before the call with a number, if there are so many calls."""

    def __init__(self, engine: Engine, number: int, other: Callable[[], object]) -> None:
        """Begin to count."""
        self.engine, self.calls, self.number, self.other = engine, count(), number, other
        self.reached = False

    def __getattr__(self, name: str) -> Any:
        """Return a method that lets the other caller in; for a tenant, an engine that goes on counting."""
        method = getattr(self.engine, name)
        if name == "tenant":
            return self.bound
        return method if not callable(method) else lambda *given, **named: self.called(method, given, named)

    def bound(self, tenant: str) -> Any:
        """Return the engine of a tenant."""
        inner = Between(self.engine.tenant(tenant), self.number, self.other)
        inner.calls, inner.called = self.calls, self.called  # type: ignore[method-assign]  # one count for all
        return inner

    def called(self, method: Any, given: Any, named: Any) -> Any:
        """Call a method, after the other caller if it is the one with the number."""
        if next(self.calls) == self.number:
            self.reached = True
            with ThreadPoolExecutor(1) as pool:  # a block that is open belongs to its thread
                pool.submit(self.other).result()
        made = method(*given, **named)
        return Leaving(self, made) if hasattr(made, "__exit__") else made


class Leaving:
    """A block of an engine; the other caller may come before its end."""

    def __init__(self, between: Between, block: Any) -> None:
        """Take the block."""
        self.between, self.block = between, block

    def __enter__(self) -> Any:
        """Begin."""
        return self.block.__enter__()

    def __exit__(self, *error: object) -> Any:
        """End, after the other caller."""
        return self.between.called(self.block.__exit__, error, {})
