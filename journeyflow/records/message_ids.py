"""Message ids: the one place that writes them and the one that reads them (R70)."""

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from itertools import count, takewhile

from journeyflow.basics.values import INTEGER_MAX, plain_text
from journeyflow.records.rows import Glimpse


def message_id(nonces: Sequence[str], post: Glimpse) -> str:
    """Return the id of a message: its database's nonce at the time, its enrollment, its visit (R70).

    >>> from journeyflow.records.rows import Post
    >>> message_id(["k3", "k4"], Post(17, 2, "hi", "EMAIL", "hi", None, 0, None, True, nonce=1))
    'k4-17-2'
    """
    return f"{nonces[post.nonce]}-{post.serial}-{post.n}"


def read_id(text: object) -> tuple[str, int, int] | None:
    """Return the parts of a message id as (nonce, serial, n), or None for anything that `message_id` never writes.

    >>> read_id("k-3-17-2"), read_id("k-017-2"), read_id("k-17"), read_id(5)
    (('k-3', 17, 2), None, None, None)
    >>> read_id(f"k-{2**63}-2") is None  # no file holds such a number
    True
    """
    if text.__class__ is str:
        return _read(text)
    return _read(plain_text(text)) if isinstance(text, str) else None


CACHED = 8_192
"""How many ids are remembered: those of the inputs of a batch, each of which is read about three times."""


@lru_cache(maxsize=CACHED)
def _read(text: str) -> tuple[str, int, int] | None:
    nonce, *numbers = text.rsplit("-", 2)
    try:
        serial, n = map(int, numbers)
    except ValueError:  # not two, or no numbers
        return None
    same = f"{nonce}-{serial}-{n}" == text  # there are other ways to write a number, which no id has
    return (nonce, serial, n) if same and max(serial, n) <= INTEGER_MAX else None


def message_key(text: object, nonces: Container[str] | None = None) -> tuple[int, int] | None:
    """Return the (serial, n) that a message id names, or None if it is not an id or has none of these nonces.

    Without `nonces` ids of any database are accepted. Whether a message exists under that key and nonce is
    checked when it is looked up.

    >>> message_key("k3-17-2"), message_key("k3-17-2", ["k3"]), message_key("other-17-2", ["k3"]), message_key(None)
    ((17, 2), (17, 2), None, None)
    """
    read = read_id(text)
    return None if read is None or (nonces is not None and read[0] not in nonces) else read[1:]


def nonce_name(number: int) -> str:
    """Return the name of the setting that keeps a nonce, by the number of nonces before it (R70).

    >>> nonce_name(0), nonce_name(2)
    ('nonce', 'nonce.2')
    """
    return f"nonce.{number}" if number else "nonce"


def nonces_of(meta: Mapping[str, str]) -> tuple[str, ...]:
    """Return the nonces among a database's settings, in order, the current one last (R70).

    >>> nonces_of({"nonce": "k3", "nonce.1": "k4", "revision": "7"})
    ('k3', 'k4')
    """
    renewed = takewhile(meta.__contains__, map(nonce_name, count(1)))
    return meta[nonce_name(0)], *(meta[name] for name in renewed)
