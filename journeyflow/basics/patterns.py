"""Users' regular expressions, on a linear-time engine: the optional extra `regex` (R63)."""

from collections.abc import Callable
from functools import lru_cache

from journeyflow.errors import MissingExtra, quoted


def available() -> bool:
    """Return whether the extra is installed.

    >>> available() in (True, False)
    True
    """
    try:
        import re2  # noqa: F401, PLC0415 an optional dependency, imported here alone
    except ImportError:
        return False
    return True


@lru_cache(maxsize=1024)
def searcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that searches a text for a pattern and returns whether it was found.

    Raise MissingExtra without the extra, and ValueError, naming what is not supported, for a pattern that cannot be
    compiled.
    """
    try:
        import re2  # noqa: PLC0415 an optional dependency, imported here alone
    except ImportError:
        feature = "a regular expression (operators matches, notMatches)"
        raise MissingExtra(feature, "regex") from None
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        msg = f"the pattern {quoted(pattern)} cannot be used: {reason} (RE2 syntax: no look-around, no back-references)"
        raise ValueError(msg) from None
    return lambda text: compiled.search(text) is not None
