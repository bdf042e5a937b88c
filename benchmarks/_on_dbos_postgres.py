"""Journeys on DBOS, whose database is PostgreSQL."""

import os
from pathlib import Path
from typing import Any

import _on_dbos
from _far_server import SERVER


def settings(folder: Path) -> Any:  # noqa: ANN401 of the library
    """Return a new database of the server; it is told of messages by the server."""
    url = f"postgresql://postgres@/{folder.name}?host={os.environ[SERVER]}"
    return {"name": "journeys", "system_database_url": url, "log_level": "ERROR"}


def welcome(folder: Path, count: int) -> int:
    """Run the welcome."""
    return _on_dbos.welcome(folder, count, settings(folder))


class Month(_on_dbos.Month):
    """The month."""

    def __init__(self, folder: Path) -> None:
        """Launch on the server."""
        super().__init__(folder, settings(folder))
