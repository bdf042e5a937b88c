"""The numbers of paths that a process knows: a stored path stays what it is, so it is asked for once."""

from collections.abc import Iterable, Mapping

MOST = 10_000
"""How many are kept; the memory of a process must not grow with its journeys."""

StoredPath = tuple[int, str]
"""A version, and the steps as JSON."""


class KnownPaths:
    """What was read or written of the table; what a transaction adds is known to others once it is committed."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._stored = dict[StoredPath, int]()
        self._noted = dict[StoredPath, int]()

    def among(self, wanted: Iterable[StoredPath]) -> dict[StoredPath, int]:
        """Return the numbers of paths, as far as they are known."""
        stored, noted = self._stored, self._noted
        found = ((path, stored.get(path) or noted.get(path)) for path in wanted)
        return {path: number for path, number in found if number is not None}

    def note(self, paths: Mapping[StoredPath, int]) -> None:
        """Note what a transaction has read and written."""
        self._noted.update(paths)

    def keep(self) -> None:
        """Keep what was noted, as the transaction is committed."""
        if len(self._stored) + len(self._noted) > MOST:
            self._stored.clear()
        self._stored.update(self._noted)
        self._noted.clear()

    def drop(self) -> None:
        """Forget what was noted, as the transaction is rolled back."""
        self._noted.clear()
