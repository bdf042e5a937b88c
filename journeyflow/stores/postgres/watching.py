"""Connections that notice silence: where nothing is heard for a while, they look whether the server is still at work.

TCP notices a machine that is gone. It does not notice a proxy or a pooler that stands still, or has forgotten a
connection, while its machine answers: then whoever waits would wait for ever.
"""

import math
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from psycopg import Connection, OperationalError, Pipeline
from psycopg.errors import ConnectionTimeout
from psycopg.pq import PGconn, Ping

MOMENT = 0.1
"""After how many seconds in which nothing comes the driver says so."""

SILENT = "the server has said nothing for {seconds:g} seconds, and is not at work on what it was asked"

AT_WORK = """
SELECT count(*) FROM pg_stat_activity
WHERE pid = %s AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'
"""
"""Whether a session does what it was asked; one that waits for its client does not."""

THERE = "SELECT %s"
"""Whether there is a server, where a pooler hides which session does what."""


def patience_of(parameters: Mapping[str, Any]) -> float:
    """Return after how many seconds of silence to look: as many as TCP waits before it does.

    >>> patience_of({"keepalives_idle": "30"}), patience_of({"keepalives_idle": 30, "keepalives": "0"})
    (30.0, inf)
    """
    return math.inf if str(parameters.get("keepalives", 1)) == "0" else float(parameters["keepalives_idle"])


class OneSending(Pipeline):
    """A pipeline whose statements go to the server together, when an answer is wanted or it ends.

    The driver's own sends each by itself, which wakes the server as often; so would this one if the driver no longer
    called `_communicate_gen`, which is not part of its interface.
    """

    def _communicate_gen(self) -> Generator[Any, Any, None]:
        """Put what was asked into the buffer of the connection."""
        while self.command_queue:
            self.command_queue.popleft()()
        yield from ()


class WatchedConnection(Connection):
    """A connection on which nobody waits for a server that has gone silent; then it is closed, and an error raised."""

    patience = math.inf
    """Seconds of silence after which it looks."""

    elsewhere: str | None = None
    """Where to connect to look; None if what was asked takes no time, so that silence alone says enough."""

    looking = THERE
    """How to look."""

    @classmethod
    def opened(cls, where: str, patience: float) -> Self:
        """Return a connection whose statements take no time yet, with transactions that the caller manages."""
        connection = cls.connect(where, autocommit=True, prepare_threshold=None)
        connection.patience = patience
        return connection

    @contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        """Send the statements of the block together."""
        if self._pipeline is None:
            self._pipeline = OneSending(self)
        with super().pipeline() as pipeline:
            yield pipeline

    def wait(  # type: ignore[override]  # what else there is depends on the version of the driver
        self, gen: Generator[Any, Any, Any], interval: float = MOMENT, **named: float | None
    ) -> Any:  # noqa: ANN401 the driver's
        """Do what the driver waits for, and look whenever nothing has come for a while."""
        return super().wait(self._heard(gen, interval), interval, **named)

    def _heard(self, gen: Generator[Any, Any, Any], interval: float) -> Generator[Any, Any, Any]:
        """Pass on what the driver waits for, and what comes: nothing, after each interval, while all is silent.

        Two looks in a row must find nobody at work: the answer may have been on its way during the first.
        """
        silent = 0.0
        try:
            wanted = next(gen)
            while True:
                came = yield wanted
                silent = 0.0 if came else silent + interval
                if silent >= self.patience and self._is_at_work():
                    silent = 0.0
                elif silent >= self.patience + interval:
                    self.close()
                    raise OperationalError(SILENT.format(seconds=self.patience))
                wanted = gen.send(came)
        except StopIteration as done:
            return done.value

    def _is_at_work(self) -> bool:
        """Return whether a server says on another connection that it is at work on what this one asked.

        Raises ConnectionTimeout if it is silent there too.
        """
        if self.elsewhere is None:
            return False
        try:
            with self.opened(self.elsewhere, self.patience) as other:
                return other.execute(self.looking, (self.info.backend_pid,)).fetchone() != (0,)
        except ConnectionTimeout:
            self.close()
            raise
        except OperationalError:  # it may answer, if only that it has no room for one more
            return PGconn.ping(self.elsewhere.encode()) == Ping.OK
