"""The settings of a new database, of which some are drawn at random unless the host gives its nonce (R70, R90)."""

import os

from journeyflow.basics.moments import HOUR
from journeyflow.records.suppression import KEY, key_of

GRACE = HOUR
"""How late work may be found before it is softened, in microseconds, unless the host sets another value (R5). A store
in memory has no such limit."""


def new_settings(nonce: str | None) -> dict[str, str]:
    """Return the settings of a new database, sorted by name; nonce and key are drawn if no nonce is given."""
    drawn, key = (draw_nonce(), os.urandom(16).hex()) if nonce is None else (nonce, key_of(nonce))
    return {"grace": str(GRACE), "nonce": drawn, "revision": "0", KEY: key}


def draw_nonce() -> str:
    """Return a random nonce, the start of message ids (R70, R90)."""
    return os.urandom(5).hex()
