"""The store in memory."""

from journeyflow.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
