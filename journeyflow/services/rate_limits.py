"""How often a key may call: a number of requests in a number of seconds."""

from collections import deque
from collections.abc import Callable
from hashlib import sha256
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from journeyflow.services.directory import Caller, Directory

MOST, SECONDS = 100, 60.0
"""The documented limit: 100 requests in 60 seconds per key."""

FORGET_AFTER = 1_000
"""After how many new keys those that were not used of late are forgotten."""


class TooManyRequests(Exception):
    """A key has called too often; `after` is in how many seconds it may call again."""

    def __init__(self, after: float) -> None:
        """Keep how long to wait."""
        super().__init__(f"too many requests; try again in {ceil(after)} seconds")
        self.after = after


class RateLimit:
    """At most `most` calls by a key in any `seconds`.

    `clock` is a stopwatch that never goes back, in seconds, such as `time.monotonic`. Only digests of keys are kept.

    >>> now = iter([0.0, 1.0, 2.0, 60.5])
    >>> limit = RateLimit(2, 60, clock=lambda: next(now))
    >>> limit.count("k"), limit.count("k"), limit.count("k"), limit.count("k")
    (0.0, 0.0, 58.0, 0.0)
    """

    def __init__(self, most: int = MOST, seconds: float = SECONDS, *, clock: Callable[[], float]) -> None:
        """Begin with no calls."""
        self._most, self._seconds, self._clock = most, seconds, clock
        self._calls: dict[bytes, deque[float]] = {}
        self._lock = Lock()

    def count(self, key: str) -> float:
        """Count a call and return 0; or, if it is one too many, return in how many seconds the next one is allowed."""
        digest = sha256(key.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            now = self._clock()
            if digest not in self._calls and len(self._calls) % FORGET_AFTER == FORGET_AFTER - 1:
                self._forget(now)
            calls = self._calls.setdefault(digest, deque())
            while calls and calls[0] <= now - self._seconds:
                calls.popleft()
            if len(calls) >= self._most:
                return calls[0] + self._seconds - now
            calls.append(now)
            return 0.0

    def _forget(self, now: float) -> None:
        """Forget the keys that no limit is near for."""
        for digest in [digest for digest, calls in self._calls.items() if calls[-1] <= now - self._seconds]:
            del self._calls[digest]


class LimitedDirectory:
    """A directory whose callers are counted: everything else is that of the directory it stands before."""

    def __init__(self, directory: "Directory", limit: RateLimit) -> None:
        """Guard a directory with a limit."""
        self._directory, self._limit = directory, limit

    def caller(self, secret: str, kind: str, now: int) -> "Caller | None":
        """Return who has a secret, as the directory does; raises TooManyRequests for one that calls too often."""
        found = self._directory.caller(secret, kind, now)
        if found is not None and (after := self._limit.count(secret)):
            raise TooManyRequests(after)
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 whatever a directory has
        """Return what the directory has."""
        return getattr(self._directory, name)
