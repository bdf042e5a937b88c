"""The directory: who calls, what belongs to whom, and the numbers of things, in a file of its own."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from journeyflow import InvalidInput, NotFound, StorageError
from journeyflow.errors import ForeignDatabase, NewerSchema
from journeyflow.services.directory import PERMISSIONS, Caller, Resource, SQLiteDirectory, User
from journeyflow.services.directory.loading import load_directory


@pytest.fixture
def directory():
    """Give a directory with two users."""
    with SQLiteDirectory() as made:
        made.put_user(1, "acme", "Ann")
        made.put_user(2, "other")
        made.put_resource("list", 10, "acme", "News")
        yield made


def refused(call, *arguments, **named):
    """Return the faults of a call that is refused."""
    with pytest.raises(InvalidInput) as caught:
        call(*arguments, **named)
    return list(caught.value.faults)


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_says_who_calls(directory):
    """A key and a session are of a user, an administrator's key is of nobody; each is known in its place alone."""
    key = directory.add_secret("key", user=1, permissions=["Campaign.Create"])
    admin = directory.add_secret("admin")
    assert directory.caller(key, "key", 0) == Caller(User(1, "acme", "Ann"), frozenset({"Campaign.Create"}))
    assert directory.caller(admin, "admin", 0).user is None
    assert directory.caller(key, "session", 0) is None
    assert directory.caller(key, "admin", 0) is None
    assert directory.caller("guess", "key", 0) is None
    assert directory.caller("\ud800", "key", 0) is None


def test_a_secret_is_not_in_the_file(tmp_path):
    """Only hashes are kept."""
    path = tmp_path / "directory.db"
    with SQLiteDirectory(path) as directory:
        directory.put_user(1, "acme")
        directory.add_secret("key", user=1, secret="open sesame")  # noqa: S106 it is looked for
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"open sesame" not in kept
    with SQLiteDirectory(path) as again:
        assert again.caller("open sesame", "key", 0) == Caller(User(1, "acme"), frozenset(PERMISSIONS))


def test_a_session_ends(directory):
    """A secret that expires is nobody's from that instant on."""
    session = directory.add_secret("session", user=1, expires_at=100)
    assert directory.caller(session, "session", 99) is not None
    assert directory.caller(session, "session", 100) is None


def test_secrets_are_removed(directory):
    """One, or all of a user."""
    first, second = (directory.add_secret("key", user=1) for _ in range(2))
    assert directory.remove_secrets(secret=first) == 1
    assert directory.caller(first, "key", 0) is None
    assert directory.caller(second, "key", 0) is not None
    assert directory.remove_secrets(user=1) == 1
    assert directory.caller(second, "key", 0) is None


def test_what_cannot_be_a_secret_is_refused(directory):
    """Every fault at once; an unknown user is not found."""
    found = refused(directory.add_secret, "password", user=None, secret="", permissions=["All"])
    assert found == [
        "kind: must be one of key, session, admin, not 'password'",
        "permissions: unknown permission 'All'",
        "user: name the user",
        "secret: must not be empty",
    ]
    assert refused(directory.add_secret, "admin", user=1) == ["user: an administrator is not a user"]
    with pytest.raises(NotFound, match="no user 9"):
        directory.add_secret("key", user=9)


# --- what belongs to whom ---------------------------------------------------------------------------------------------


def test_a_resource_belongs_to_a_tenant(directory):
    """Of another tenant's there is nothing, whether it is asked for, changed or removed."""
    assert directory.resource("list", "acme", 10) == Resource("list", 10, "acme", "News")
    assert directory.resource("list", "other", 10) is None
    assert directory.resource("tag", "acme", 10) is None
    assert directory.resources("list", "acme") == {10: Resource("list", 10, "acme", "News")}
    assert refused(directory.put_resource, "list", 10, "other") == ["id: list 10 belongs to another tenant"]
    assert not directory.remove_resource("list", "other", 10)
    assert directory.put_resource("list", 10, "acme", "Letters", {"a": 1}).data == {"a": 1}
    assert directory.resource("list", "acme", 10).name == "Letters"


def test_subscribers_go_with_their_list(directory):
    """A subscriber is of a list of the tenant."""
    made = directory.put_subscriber(10, 1, "acme", "ann@example.com", {"BounceType": "Hard"})
    assert made.customer == "10:1"
    assert directory.subscriber("acme", 10, 1) == made
    assert directory.subscriber("other", 10, 1) is None
    with pytest.raises(NotFound, match="no list 11"):
        directory.put_subscriber(11, 1, "acme")
    assert directory.remove_resource("list", "acme", 10)
    assert directory.subscriber("acme", 10, 1) is None


def test_an_email_is_copied_under_a_new_number(directory):
    """Name and content stay, number and tenant are new."""
    directory.put_resource("email", 7, "acme", "Welcome", {"Subject": "Hi"})
    number = directory.copy_resource("email", "acme", 7, "other")
    assert directory.resource("email", "other", number) == Resource("email", 8, "other", "Welcome", {"Subject": "Hi"})
    assert directory.copy_resource("email", "other", 7, "acme") is None


def test_what_cannot_be_a_user_or_a_resource_is_refused(directory):
    """Numbers begin at one, a tenant has one user."""
    assert refused(directory.put_user, 0, "") == [
        "id: must be a whole number from 1 up, not int 0",
        "tenant: must not be empty",
    ]
    assert refused(directory.put_user, True, "new", 5) == [
        "id: must be a whole number from 1 up, not bool True",
        "name: must be text, not int 5",
    ]
    assert refused(directory.put_user, 3, "acme") == ["tenant: 'acme' is that of user 1"]
    assert refused(directory.put_resource, "song", 1, "acme") == [
        "kind: must be one of list, tag, field, email, domain, export, not 'song'"
    ]
    assert [user.id for user in directory.users()] == [1, 2]
    assert directory.put_user(2, "third").tenant == "third"
    assert directory.user(2).tenant == "third"
    assert directory.user(3) is None
    assert directory.counts()["users"] == 2


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_numbers_are_given_once(directory):
    """A name keeps its number; another tenant's is not found; what is reserved gets its number as its name."""
    assert directory.numbers("journey", "acme", ["a", "b"]) == {"a": 1, "b": 2}
    assert directory.numbers("journey", "acme", ["b", "c"]) == {"b": 2, "c": 3}
    assert directory.numbers("journey", "other", ["a"]) == {"a": 4}
    assert directory.numbers("action", "acme", ["a/x"]) == {"a/x": 1}
    assert directory.named("journey", "acme", 2) == "b"
    assert directory.named("journey", "other", 2) is None
    assert directory.reserve("journey", "acme") == 5
    assert directory.named("journey", "acme", 5) == "5"
    assert directory.reserve("action", "acme", "5") == 2
    assert directory.named("action", "acme", 2) == "5/2"


def test_a_number_is_not_the_name_of_something_else(directory):
    """Somebody has called a journey 3 before: the next new one is another."""
    directory.numbers("journey", "acme", ["a", "3"])
    assert directory.reserve("journey", "acme") == 4


def test_numbers_are_given_once_by_many_threads(tmp_path):
    """Two directories on one file, four threads each."""
    with SQLiteDirectory(tmp_path / "d") as one, SQLiteDirectory(tmp_path / "d") as two, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: (one, two)[n % 2].reserve("journey", "acme"), range(40)))
    assert sorted(made) == list(range(1, 41))


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_something_else_is_refused(tmp_path):
    """Nothing is written into it."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(ForeignDatabase, match="not a directory of journeyflow"):
        SQLiteDirectory(other)
    text = tmp_path / "text"
    text.write_text("hello, this is not a database at all", encoding="utf-8")
    with pytest.raises(StorageError, match="not a database; name another file, or restore"):
        SQLiteDirectory(text)
    new = tmp_path / "new.db"
    SQLiteDirectory(new).close()
    with sqlite3.connect(new) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerSchema):
        SQLiteDirectory(new)


def test_what_fails_is_not_stored(directory):
    """A block is stored as a whole or not at all."""
    with suppress(RuntimeError), directory.together():
        directory.put_user(5, "five")
        raise RuntimeError
    assert directory.user(5) is None


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_document_fills_it(directory):
    """Every kind of row, with what else is known of it."""
    counts = load_directory(
        directory,
        {
            "users": [{"id": 3, "tenant": "third", "name": "Cy"}],
            "lists": [{"id": 26, "tenant": "third", "name": "Letters"}],
            "emails": [{"id": 129, "tenant": "third", "name": "Day 1", "Subject": "Hi"}],
            "subscribers": [{"list": 26, "id": 1, "tenant": "third", "email": "cy@example.com", "BounceType": "Hard"}],
        },
    )
    assert counts == {"users": 1, "lists": 1, "emails": 1, "subscribers": 1}
    assert directory.resource("email", "third", 129).data == {"Subject": "Hi"}
    assert directory.subscriber("third", 26, 1).data == {"BounceType": "Hard"}


def test_a_document_with_faults_stores_nothing(directory):
    """Every fault has its place."""
    document = {
        "users": [{"id": 3, "tenant": "third"}, {"id": 4}, 5],
        "tags": {},
        "subscribers": [{"list": 99, "id": 1, "tenant": "third"}],
        "songs": [],
    }
    assert refused(load_directory, directory, document) == [
        "songs: unknown; known are users, lists, tags, fields, emails, domains, exports, subscribers",
        "users[1]: tenant is missing",
        "users[2]: expected an object, not int 5",
        "tags: expected a list, not dict {}",
        "subscribers[0]: no list 99",
    ]
    assert directory.user(3) is None
    assert refused(load_directory, directory, []) == [
        "expected an object with users, lists, tags, fields, emails, domains, exports, subscribers, not list []"
    ]
