"""A file that this process has open: where it is, which file it was, and that no fork shares it."""

import os

from journeyflow.errors import StorageError
from journeyflow.stores.sqlite.inheritance import FILES, OPEN_LATER, checked_path
from journeyflow.stores.sqlite.opening import LOG_GONE, MEMORY, REOPEN, REPLACED, Location


class HeldFile:
    """A file of a store, before and while it is open.

    Raises StorageError for a path that cannot name a file, and after a fork.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Refuse a file that was open when this process was forked."""
        self.path = checked_path(path)
        self.location = Location.of(self.path)
        self.is_shared = self.path != MEMORY
        self._pid = os.getpid()
        FILES.refuse(self.location)

    def note(self) -> None:
        """Note which file was opened."""
        self._identity, self._log = self.location.identity(), self.location.log()
        FILES.note(self, self._identity)

    def drop(self) -> None:
        """Note that the file was closed."""
        FILES.drop(self)

    def check(self) -> None:
        """Raise StorageError if the file is gone or another one.

        What was written to it then would be lost.
        """
        if self.location.identity() != self._identity:
            raise StorageError(self.path, REPLACED, REOPEN)
        if self._log and self.location.log() != self._log:  # without a log yet, there is none to lose
            raise StorageError(self.path, LOG_GONE, REOPEN)

    def came_by_fork(self) -> bool:
        """Return whether another process opened the file; a database in memory is shared with nobody."""
        return self.is_shared and os.getpid() != self._pid

    def refuse_fork(self, what: str) -> None:
        """Raise StorageError in a process that got this through a fork; `what` is what was opened."""
        if self.came_by_fork():
            told = f"this {what} was opened before a fork; SQLite forbids sharing it"
            raise StorageError(self.path, told, OPEN_LATER)
