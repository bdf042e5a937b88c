"""When a message is handed out again after a failed attempt, and when it is given up (R71)."""

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import field as option
from attrs import frozen

from journeyflow.basics.durations import Duration
from journeyflow.basics.values import describe
from journeyflow.definition.options import Shown, as_duration, as_parts

MAX_DELAYS = 100
"""How many times a message may be handed out again: with a minute between them, for longer than any message is news."""


def _as_delays(value: object) -> Any:  # noqa: ANN401 durations, or what was given instead
    """Read lengths of time; what is none stays as it is."""
    parts = as_parts(value)
    return tuple(map(as_duration, parts)) if isinstance(parts, tuple) else parts


@frozen(repr=False)
class Retry(Shown):
    """How a message is tried again: `delays` are the lengths of time after each failed attempt (R71).

    When an attempt fails that has no delay left, the message is given up. So there is one attempt more than there are
    delays: `Retry([])` never tries again. A day is 24 hours.

    >>> Retry(["1 minute", "1 hour"])
    Retry(('1 minute', '1 hour'))
    """

    delays: tuple[Duration, ...] = option(converter=_as_delays)

    def after(self, failed: int) -> Duration | None:
        """Return the delay after a number of failed attempts; None if the message is then given up.

        >>> Retry(["1 minute"]).after(1), Retry(["1 minute"]).after(2)
        (Duration('1 minute'), None)
        """
        return self.delays[failed - 1] if failed <= len(self.delays) else None


USUAL_RETRY = Retry(["1 minute", "4 minutes", "16 minutes", "64 minutes"])
"""How a message is tried again if neither its Send nor its channel has a Retry."""


def retry_faults(retry: object) -> Iterator[tuple[str, str]]:
    """Yield every fault of a retry, as its place inside the retry and a sentence.

    >>> list(retry_faults(Retry(["soon"])))
    [('.delays[0]', "must be a length of time such as '5 minutes' that leads forward, not str 'soon'")]
    """
    if not isinstance(retry, Retry):
        yield "", f"must be Retry(...), not {describe(retry)}"
        return
    delays: Iterable[object] = retry.delays
    if not isinstance(delays, tuple):
        yield ".delays", f"must be a list of lengths of time, not {describe(delays)}"
        return
    if len(delays) > MAX_DELAYS:
        yield ".delays", f"{len(delays)} are too many; at most {MAX_DELAYS}"
    for position, each in enumerate(delays):
        if not isinstance(each, Duration) or each.sign <= 0 or each.mixed:
            given = f"'{each}'" if isinstance(each, Duration) else describe(each)
            sentence = f"must be a length of time such as '5 minutes' that leads forward, not {given}"
            yield f".delays[{position}]", sentence
