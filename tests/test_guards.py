"""The guards of the architecture: what each refuses, however it is written, and what it lets pass."""

import pytest

from tests.guards import borrowed, clocks, loaders, outside, relative, sql
from tests.source import parts_of

pytestmark = pytest.mark.source


@pytest.mark.parametrize(
    ("guard", "refused"),
    [
        (loaders, "import importlib"),
        (loaders, "from importlib import import_module as load"),
        (loaders, "import importlib.util"),
        (loaders, "def f():\n    return __import__('os')"),
        (loaders, "x = tools.import_module('time')"),
        (outside, "import os"),
        (outside, "import linecache, zipfile"),
        (outside, "def f():\n    from gc import collect"),
        (outside, "import os.path as there"),
        (outside, "if TYPE_CHECKING:\n    import socket"),
        (outside, "read = open"),
        (outside, "eval('1')"),
        (relative, "from . import contract"),
        (relative, "def f():\n    from ..engine.engine import Engine"),
        (borrowed, "from journeyflow.work.scheduler import Unheard"),
        (borrowed, "from journeyflow.work import scheduler as s\ns.unheard_types(1)"),
        (sql, "x = 'SELECT serial FROM enrollments'"),
        (sql, "x = f'SELECT {columns} FROM enrollments'"),
        (sql, "x = 'SELECT ' + columns + ' FROM enrollments'"),
        (sql, "x = f'SELECT {columns} ' + f'FROM {table}'"),
        (sql, "x = 'select 1 from messages where n = 2'"),
        (sql, "x = f'delete from {table}'"),
        (sql, "x = 'drop table if exists runs'"),
        (sql, "x = 'DROP TABLE runs'"),
        (sql, "x = 'ALTER TABLE runs ADD COLUMN x'"),
        (sql, "x = 'CREATE UNIQUE INDEX i ON runs (x)'"),
        (sql, "x = f'PRAGMA {name}'"),
        (sql, "x = 'PRAGMA user_version'"),
        (sql, "x = 'pragma user_version = 3'"),
        (sql, "x = 'WITH found AS (SELECT 1) SELECT * FROM found'"),
        (sql, "x = f'WITH {name} AS MATERIALIZED ({inner})'"),
        (sql, "x = 'Update messages Set status = 1'"),
        (sql, "x = 'VACUUM'"),
        (clocks, "datetime.now(UTC)"),
        (clocks, "field(factory=datetime.utcnow)"),
        (clocks, "f'INSERT INTO t VALUES (current_timestamp, {x})'"),
    ],
)  # fmt: skip
def test_a_guard_refuses(guard, refused):
    """Each guard finds what it is there for, however it is written."""
    assert guard(parts_of(refused))


@pytest.mark.parametrize(
    ("guard", "passed"),
    [
        (loaders, "from importlib.metadata import version\nfrom importlib.resources import files"),
        (outside, "import json, re\nfrom collections.abc import Mapping\nfrom attrs import frozen"),
        (outside, "self.open()\nfile.print(1)"),
        (relative, "from journeyflow.stores import contract"),
        (borrowed, "from journeyflow.work.scheduler import run\nfrom journeyflow.formats import loads_journey"),
        (borrowed, "from journeyflow.work import scheduler\nscheduler.run(1)"),
        (sql, "x = 'select the steps to copy from the list'"),
        (sql, "x = 'Update the address, and delete it from your files'"),
        (sql, "x = 'with a copy as (it was)'"),
        (sql, "x = 'Leave traces until the next vacuum'"),
        (sql, 'def f():\n    """SELECT is what a question begins with, FROM what follows."""'),
        (clocks, "self.now\nnow(1)\ndatetime(2026, 1, 1)"),
    ],
)  # fmt: skip
def test_a_guard_lets_pass(guard, passed):
    """No guard finds anything in what is fine."""
    assert guard(parts_of(passed)) == set()
