"""What the questions' SQL means in PostgreSQL: its parameters, and functions in the schema for those of SQLite.

The questions are written once (R80), in SQL that both databases read. What only SQLite has by itself, PostgreSQL gets
here: a few words are put into its own, the rest are functions and operators in the schema of the store, which is on
the search path. Values from JSON come as text, so a question casts what it takes for a number.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

_TOKENS = re.compile(
    r"""'(?:[^']|'')*' | "[^"]*" | (?P<named>(?<![:\w]):[a-z_]\w*) | (?P<place>\?) | (?P<percent>%)
    | (?P<word>\b(?:ifnull\(|AS\s+INTEGER\b|IS\s+NOT\b(?!\s+(?:NULL|TRUE|FALSE)\b)
        | CROSS\s+JOIN(?=\s+\w+\s+\w+\s+ON\b) | CROSS\s+JOIN(?=\s+\([^?]*\)\s+\w+\s+ON\b) ))
    | (?P<limit>\bLIMIT\s+(?:\?|:\w+))""",
    re.VERBOSE,
)

_WORDS: Mapping[str, str] = {
    "ifnull(": "coalesce(",
    "AS INTEGER": "AS bigint",
    "IS NOT": "IS DISTINCT FROM",
    "CROSS JOIN": "JOIN",
}
"""Words that PostgreSQL has others for; in SQLite, a join with CROSS keeps the order of its tables."""


@lru_cache(maxsize=1_000)
def asked(sql: str) -> str:
    """Return a question as the driver takes it, with its parameters.

    >>> asked("SELECT a % 2, '50%' FROM t WHERE b = ? AND c <> ':x' AND d = :d")
    "SELECT a %% 2, '50%%' FROM t WHERE b = %s AND c <> ':x' AND d = %(d)s"
    """
    return _TOKENS.sub(_put, sql)


def _put(found: re.Match[str]) -> str:
    text = found[0]
    put: dict[str, Callable[[], str]] = {
        "named": lambda: f"%({text[1:]})s",
        "place": lambda: "%s",
        "word": lambda: _WORDS[" ".join(text.split())],
        "limit": lambda: f"LIMIT nullif({asked(text[5:].strip())}, -1)",
    }
    return put[found.lastgroup]() if found.lastgroup in put else text.replace("%", "%%")


def translated(script: str) -> str:
    """Return a script without parameters in the words of PostgreSQL.

    >>> translated("SELECT ifnull(a, CAST(b AS INTEGER)) % 2")
    'SELECT coalesce(a, CAST(b AS bigint)) % 2'
    """
    return asked(script).replace("%%", "%")


FUNCTIONS = """
CREATE FUNCTION iif(condition boolean, one anycompatible, other anycompatible) RETURNS anycompatible
LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN condition THEN one ELSE other END';

CREATE FUNCTION max(one bigint, other bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN CASE WHEN one IS NOT NULL AND other IS NOT NULL THEN greatest(one, other) END;

CREATE FUNCTION min(one bigint, other bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN CASE WHEN one IS NOT NULL AND other IS NOT NULL THEN least(one, other) END;

CREATE FUNCTION unicode(part text) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN nullif(ascii(part), 0);

CREATE FUNCTION quote(part text) RETURNS text LANGUAGE sql IMMUTABLE RETURN quote_literal(part);

CREATE FUNCTION instr(whole text, part text) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN strpos(whole, part);

CREATE FUNCTION substr(whole text, start bigint) RETURNS text
LANGUAGE sql IMMUTABLE RETURN pg_catalog.substr(whole, start::int);

CREATE FUNCTION substr(whole text, start bigint, size bigint) RETURNS text
LANGUAGE sql IMMUTABLE RETURN pg_catalog.substr(whole, start::int, size::int);

CREATE FUNCTION strftime(form text, seconds bigint, zone text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN CASE WHEN zone = 'unixepoch' THEN CASE
    WHEN form = '%Y-%m-%dT%H:%M:%S'
    THEN to_char(to_timestamp(seconds) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    WHEN form = '%Y-%m-%d' THEN to_char(to_timestamp(seconds) AT TIME ZONE 'UTC', 'YYYY-MM-DD') END END;

CREATE FUNCTION date(seconds bigint, zone text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN strftime('%Y-%m-%d', seconds, zone);

CREATE FUNCTION printf(form text, number bigint) RETURNS text
LANGUAGE sql IMMUTABLE RETURN CASE WHEN form = '.%06dZ' THEN '.' || lpad(number::text, 6, '0') || 'Z' END;

CREATE FUNCTION json_valid(document text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN document IS JSON;

CREATE FUNCTION json_keys(path text) RETURNS text[]
LANGUAGE sql IMMUTABLE RETURN CASE WHEN path LIKE '$%'
    THEN string_to_array(ltrim(replace(replace(replace(substr(path, 2), '[#', '.'), '[', '.'), ']', ''), '.'), '.')
    ELSE ARRAY[path] END;

CREATE FUNCTION json_scalar_of(value json) RETURNS text
LANGUAGE sql IMMUTABLE RETURN CASE value #>> '{}' WHEN 'true' THEN CASE json_typeof(value) WHEN 'boolean' THEN '1'
    ELSE 'true' END WHEN 'false' THEN CASE json_typeof(value) WHEN 'boolean' THEN '0' ELSE 'false' END
    ELSE value #>> '{}' END;

CREATE FUNCTION json_type_of(value json) RETURNS text
LANGUAGE sql IMMUTABLE RETURN CASE json_typeof(value) WHEN 'string' THEN 'text' WHEN 'boolean' THEN value #>> '{}'
    WHEN 'number' THEN CASE WHEN (value #>> '{}') ~ '^-?[0-9]+$' THEN 'integer' ELSE 'real' END
    ELSE json_typeof(value) END;

CREATE FUNCTION json_extract(document text, path text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN json_scalar_of(document::json #> json_keys(path));

CREATE FUNCTION json_at(document text, place int) RETURNS text
LANGUAGE sql IMMUTABLE RETURN json_scalar_of(document::json -> place);

CREATE OPERATOR ->> (LEFTARG = text, RIGHTARG = text, FUNCTION = json_extract);

CREATE OPERATOR ->> (LEFTARG = text, RIGHTARG = int, FUNCTION = json_at);

-- a number in JSON; large floats, whose last digits JSON rounds, as what they stand for
CREATE FUNCTION number_of(value text, nothing int) RETURNS numeric
LANGUAGE sql IMMUTABLE RETURN CASE
    WHEN value ~ '[.e]' AND abs(value::numeric) BETWEEN 9007199254740992 AND 9223372036854774784
    THEN value::double precision::bigint ELSE value::numeric END;

CREATE OPERATOR + (LEFTARG = text, RIGHTARG = int, FUNCTION = number_of);

CREATE FUNCTION json_type(document text) RETURNS text LANGUAGE sql IMMUTABLE RETURN json_type_of(document::json);

CREATE FUNCTION json_type(document text, path text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN json_type_of(document::json #> json_keys(path));

CREATE FUNCTION json_array_length(document text) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN CASE json_typeof(document::json) WHEN 'array'
    THEN pg_catalog.json_array_length(document::json) ELSE 0 END;

CREATE FUNCTION json_array_length(document text, path text) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN CASE json_typeof(document::json #> json_keys(path)) WHEN 'array'
    THEN pg_catalog.json_array_length(document::json #> json_keys(path)) END;

CREATE TYPE json_part AS (key text COLLATE "C", value text COLLATE "C", type text COLLATE "C", atom text COLLATE "C");

CREATE FUNCTION json_each(document text, path text DEFAULT '$') RETURNS SETOF json_part
LANGUAGE sql IMMUTABLE BEGIN ATOMIC
    WITH inner_ AS (SELECT document::json #> json_keys(path) AS it), parts AS (
        SELECT (e.n - 1)::text AS name, e.part FROM inner_, json_array_elements(
            CASE json_typeof(it) WHEN 'array' THEN it ELSE '[]' END) WITH ORDINALITY AS e (part, n)
        UNION ALL SELECT o.name, o.part FROM inner_, pg_catalog.json_each(
            CASE json_typeof(it) WHEN 'object' THEN it ELSE '{}' END) AS o (name, part)
        UNION ALL SELECT NULL, it FROM inner_ WHERE json_typeof(it) NOT IN ('array', 'object'))
    SELECT name, json_scalar_of(part), json_type_of(part),
           CASE WHEN json_typeof(part) NOT IN ('array', 'object') THEN json_scalar_of(part) END FROM parts;
END;

CREATE FUNCTION json_tree(document text) RETURNS SETOF json_part LANGUAGE sql IMMUTABLE BEGIN ATOMIC
    WITH RECURSIVE tree AS (
        SELECT NULL::text AS name, document::json AS part
        UNION ALL SELECT child.name, child.part FROM tree, LATERAL (
            SELECT (e.n - 1)::text AS name, e.part FROM json_array_elements(
                CASE json_typeof(tree.part) WHEN 'array' THEN tree.part ELSE '[]' END) WITH ORDINALITY AS e (part, n)
            UNION ALL SELECT o.name, o.part FROM pg_catalog.json_each(
                CASE json_typeof(tree.part) WHEN 'object' THEN tree.part ELSE '{}' END) AS o (name, part)) child)
    SELECT name, json_scalar_of(part), json_type_of(part),
           CASE WHEN json_typeof(part) NOT IN ('array', 'object') THEN json_scalar_of(part) END FROM tree;
END;
"""
"""What SQLite has by itself, as far as questions use it."""
