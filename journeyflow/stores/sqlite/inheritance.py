"""Paths that can name a file, and files that a process inherited open: SQLite's locks do not survive a fork.

A forked process believes that it holds the locks of its parent. A connection that it opens to the same file would take
none of its own, and the parent would delete the log under it, with all that the child has committed.
"""

import os
from weakref import WeakKeyDictionary

from journeyflow.basics.values import describe
from journeyflow.errors import StorageError, quoted
from journeyflow.stores.sqlite.opening import Location

FileId = tuple[int, int]
"""The device and the inode of a file."""

OPEN_LATER = "open the file after the fork: close it in the parent before, or begin processes by spawn or forkserver"

INHERITED = "the parent of this process had the file open at the fork, and SQLite's locks do not survive one"


def checked_path(path: str | os.PathLike[str]) -> str:
    """Return a path as text; raises StorageError for one that can name no file.

    >>> checked_path("")
    Traceback (most recent call last):
    journeyflow.errors.StorageError: '': the path is empty; name a file
    """
    if not isinstance(path, str | os.PathLike):
        msg = f"path: expected the path of a file, not {describe(path)}"
        raise TypeError(msg)
    text = os.fsdecode(path)
    what = "the path is empty" if not text else "the path contains a NUL character" if "\x00" in text else ""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        what = "the path is not text that this system can encode"
    if what:
        raise StorageError(quoted(text), what, "name a file")
    return text


class Files:
    """The files that the stores of this process have open, and those that stores had open before a fork."""

    def __init__(self) -> None:
        """Begin with no files."""
        self._open = WeakKeyDictionary[object, FileId]()
        self._inherited = frozenset[FileId]()

    def refuse(self, location: Location) -> None:
        """Raise StorageError for a file that was open when this process was forked."""
        if self._inherited and os.path.exists(location.absolute) and location.identity() in self._inherited:  # noqa: PTH110 as in Location
            raise StorageError(location.path, INHERITED, OPEN_LATER)

    def note(self, store: object, file: FileId | None) -> None:
        """Note the file of a store; a database in memory has none."""
        if file is not None:
            self._open[store] = file

    def drop(self, store: object) -> None:
        """Note that a store was closed."""
        self._open.pop(store, None)

    def fork(self) -> None:
        """Note, in a forked process, that the files which are open were inherited."""
        self._inherited |= {*self._open.values()}


FILES = Files()

if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none
    os.register_at_fork(after_in_child=FILES.fork)
