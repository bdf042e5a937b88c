"""Forms as PHP reads them: urlencoded or in parts, with names that lead into lists and objects."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

from journeyflow.formats.json_parts import JsonObject

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"

MAX_LEVELS = 20
"""How deep the names of a form may lead."""

MAX_PARTS = 1_000
"""How many parts a form may have; PHP reads as many."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))', re.IGNORECASE)

_DISPOSITION = re.compile(r"^content-disposition:[ \t]*form-data[ \t]*;(.*)$", re.IGNORECASE | re.MULTILINE)

_OPTION = re.compile(r'([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))')


def form_of(text: str, kind: str) -> JsonObject:
    r"""Return the parameters of a form of a content type. Raises ValueError for one that cannot be read.

    >>> form_of("JourneyIDs=12,34&NameSuffix=- backup", FORM)
    {'JourneyIDs': '12,34', 'NameSuffix': '- backup'}
    >>> part = 'Content-Disposition: form-data; name="JourneyIDs"'
    >>> form_of("\r\n".join(["--x", part, "", "12,34", "--x--", ""]), "multipart/form-data; boundary=x")
    {'JourneyIDs': '12,34'}
    """
    if kind.lower().startswith("multipart/"):
        return nested(_parts(text, kind))
    return nested(parse_qsl(text.strip(), keep_blank_values=True))


def _parts(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each part."""
    found = _BOUNDARY.search(kind)
    if not kind.lower().startswith(MULTIPART) or found is None:
        msg = f"a body in parts must be {MULTIPART} and say its boundary"
        raise ValueError(msg)
    between = rf"\r\n--{re.escape(found[1] or found[2])}(?=--|[ \t]*\r\n)"
    _, *parts = re.split(between, f"\r\n{text}", maxsplit=MAX_PARTS + 2)
    if len(parts) > MAX_PARTS + 1:
        msg = f"the form has more than {MAX_PARTS:,} parts"
        raise ValueError(msg)
    if not parts or not parts[-1].startswith("--"):
        msg = "the body in parts has no end"
        raise ValueError(msg)
    yield from map(_part, parts[:-1])


def _part(part: str) -> tuple[str, str]:
    head, gap, value = part.partition("\r\n\r\n")
    line = _DISPOSITION.search(head.replace("\r\n", "\n"))
    options = {name.lower(): quoted or plain for name, quoted, plain in _OPTION.findall(line[1] if line else "")}
    if not gap or "name" not in options:
        msg = "a part of the body has no name"
        raise ValueError(msg)
    name = re.sub(r'\\(["\\])', r"\1", options["name"])
    if options.keys() & {"filename", "filename*"}:
        msg = f"the part {name!r} is a file; parameters are texts"
        raise ValueError(msg)
    return name, value


def nested(pairs: Iterable[tuple[str, str]]) -> JsonObject:
    """Return the parameters of a form, whose names may lead into lists and objects as in PHP.

    >>> nested([("Actions[0][ActionID]", "1"), ("Actions[0][Published]", "true"), ("Tags[]", "a"), ("Tags[]", "b")])
    {'Actions': [{'ActionID': '1', 'Published': 'true'}], 'Tags': ['a', 'b']}
    """
    found: JsonObject = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        keys = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else [name]
        if len(keys) > MAX_LEVELS:
            msg = f"a name of the form leads more than {MAX_LEVELS} levels deep"
            raise ValueError(msg)
        inner = found
        for key in keys[:-1]:
            inner = inner.setdefault(key or str(len(inner)), {})
            if isinstance(inner, str):
                msg = f"the name {name!r} of the form leads into a text"
                raise ValueError(msg)  # noqa: TRY004 the form is malformed, whatever the types
        inner[keys[-1] if len(keys) == 1 else keys[-1] or str(len(inner))] = value
    return {key: _listed(value) for key, value in found.items()}


def _listed(value: object) -> object:
    """Return an object whose names are 0, 1, 2, ... as a list, inside too."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    return list(inner.values()) if list(inner) == [str(number) for number in range(len(inner))] else inner
