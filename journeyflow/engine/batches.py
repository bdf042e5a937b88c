"""Batches: what one thread puts into the inbox within a `with` block, in one commit (R10)."""

from typing import TYPE_CHECKING

from journeyflow.engine.core import Core
from journeyflow.records.changes import Changes
from journeyflow.stores.contract import only_tenant
from journeyflow.stores.turns import Open

if TYPE_CHECKING:
    from journeyflow.records.rows import Input


class Batch(Open):
    """A `with` block whose inputs are stored together at its end, or not at all."""

    def __init__(self, core: Core) -> None:
        """Begin without inputs."""
        self._core = core
        self.inputs: list[Input] = []

    def __enter__(self) -> None:
        """Open the batch; raises RuntimeError inside another one of the same thread."""
        if open_batch(self._core) is not None:
            msg = "a batch is open already in this thread; batches do not nest"
            raise RuntimeError(msg)
        self.mark()
        self._core.local.batch = self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Close the batch, and store its inputs unless the block raised."""
        self._core.local.batch = None
        del self.frame  # a block with a name is in its frame: a cycle that would keep the store
        if error is None:
            self._close()

    def _close(self) -> None:
        """Store the inputs, if there are any."""
        if not self.inputs:
            return
        tenant = only_tenant(item.tenant for item in self.inputs)
        with self._core.store.transaction(tenant=tenant) as transaction:
            transaction.commit(Changes(inputs=tuple(self.inputs)))


def open_batch(core: Core) -> Batch | None:
    """Return the batch that this thread has open, or None."""
    batch: Batch | None = getattr(core.local, "batch", None)
    return None if batch is None or batch.is_left() else batch
