"""The tables of a directory in a SQLite file, and whether a file is one."""

import sqlite3

from journeyflow.errors import ForeignDatabase, NewerSchema

APPLICATION = 0x6A666469
"""The mark of the file, "jfdi", so that no other database is taken for a directory."""

SCHEMA = 1

TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;
CREATE TABLE secrets (
    prefix TEXT NOT NULL, hash TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, user INTEGER REFERENCES users (id),
    permissions TEXT NOT NULL, expires_at INTEGER
) STRICT;
CREATE INDEX secrets_by_prefix ON secrets (prefix);
CREATE TABLE resources (
    kind TEXT NOT NULL, id INTEGER NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX resources_of_tenant ON resources (kind, tenant);
CREATE TABLE subscribers (
    list INTEGER NOT NULL, id INTEGER NOT NULL, tenant TEXT NOT NULL, email TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (list, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE numbers (
    kind TEXT NOT NULL, number INTEGER NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (kind, number), UNIQUE (kind, tenant, name)
) STRICT, WITHOUT ROWID;
"""


def set_up(connection: sqlite3.Connection, path: str) -> None:
    """Make a directory of an empty file, in a transaction. Raises ForeignDatabase or NewerSchema for another one."""

    def pragma(name: str) -> int:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

    mark = pragma("application_id")
    if mark not in {0, APPLICATION} or (not mark and connection.execute("SELECT name FROM sqlite_schema").fetchone()):
        raise ForeignDatabase(path, "this is not a directory of journeyflow", "name another file")
    if pragma("user_version") > SCHEMA:
        raise NewerSchema(path, "was written by a newer journeyflow", "upgrade journeyflow")
    if not mark:
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
