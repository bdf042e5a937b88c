"""Statements are sent without waiting for each, and of several errors the first one comes out, alone."""

import time
from contextlib import closing

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import StorageError
from journeyflow.records.changes import Changes
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.asking import pipelined, run_statement
from tests.stores.postgres.test_schema import ask


@pytest.mark.parametrize("statement", ["SELECT nothing", "SELECT pg_terminate_backend(pg_backend_pid())"])
def test_an_error_that_follows_from_another_is_not_logged(server, statement):
    """What is raised in the middle is raised, whatever the server says to the statements before (see `_unwarned`)."""
    with closing(psycopg.connect(server)) as connection, pytest.raises(KeyError), pipelined(connection):  # noqa: PT012 both
        connection.execute(statement)
        raise KeyError
    with closing(psycopg.connect(server)) as connection, pytest.raises(psycopg.Error), pipelined(connection):
        connection.execute(statement)


def test_a_connection_that_is_cut_between_two_commits(address):
    """It is an error of the store, and no warning of the driver."""
    with closing(PostgresStore(address)) as store:
        with pytest.raises(StorageError, match="the next call connects again"), store.transaction() as transaction:  # noqa: PT012 the block raises
            transaction.commit(Changes(last_tick=1))
            ask(Address.of(address), "SELECT pg_terminate_backend(%s)", store._line.connection().info.backend_pid)
            for _ in range(99):
                transaction.commit(Changes(last_tick=1, reopened=(1,)))
        with store.transaction() as transaction:
            assert transaction.shelf(None) is not None


def test_statements_go_to_the_server_together(address):
    """Each by itself would wake it: it hears nothing until an answer is wanted, and then all of them."""
    with closing(PostgresStore(address)) as store:
        connection = store._line.connection()
        with pipelined(connection):
            found = [run_statement(connection, "SELECT pg_backend_pid()", {}) for _ in range(3)]
            time.sleep(0.05)
            assert query_of(address, connection) != "SELECT pg_backend_pid()"
            assert found[1].fetchall() == [(connection.info.backend_pid,)]
            assert query_of(address, connection) == "SELECT pg_backend_pid()"


def query_of(address, connection):
    """Return the last statement that a session has begun."""
    question = "SELECT query FROM pg_stat_activity WHERE pid = %s"
    return ask(Address.of(address), question, connection.info.backend_pid)[0][0]
