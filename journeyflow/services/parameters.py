"""Parameters of operations: what each may be, how it is read, and how it is described. All services share this table.

A service has kinds of values by name and lists of parameters that use them. What is answered for a parameter that is
missing or invalid is a code of the service's own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from attrs import frozen

CodeType = TypeVar("CodeType")


@frozen
class Kind:
    """What a value may be: the function that reads it, which raises ValueError with a sentence, and its JSON Schema.

    An empty text counts as absent unless `empty` says that it is a value like others.
    """

    read: Callable[[Any], Any]
    schema: Mapping[str, object]
    empty: bool = False


Kinds = Mapping[str, Kind]


@frozen
class Parameter(Generic[CodeType]):
    """A parameter: its name, the name of its kind, and the codes for a missing and for an invalid value.

    Without `missing` it may be absent, and then has the value `default`, if that is not None. Without `invalid`, a
    value that cannot be counts as absent, or has the code of `missing` if there is one.
    """

    name: str
    kind: str
    missing: CodeType | None = None
    invalid: CodeType | None = None
    description: str = ""
    default: object = None

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.missing is not None


class Faulty(NamedTuple, Generic[CodeType]):
    """One fault: the name of the parameter, the code, and a sentence."""

    name: str
    code: CodeType
    sentence: str


def read(
    parameters: Iterable[Parameter[CodeType]], given: Mapping[str, object], kinds: Kinds
) -> tuple[dict[str, Any], list[Faulty[CodeType]]]:
    """Read parameters; return those that are there, by name, and every fault, in the order of the parameters.

    >>> kinds = {"whole": Kind(int, {"type": "integer"})}
    >>> read([Parameter("skip", "whole", invalid=7), Parameter("take", "whole", default=25)], {"skip": "x"}, kinds)
    ({'take': 25}, [Faulty(name='skip', code=7, sentence="invalid literal for int() with base 10: 'x'")])
    """
    found: dict[str, Any] = {}
    faults: list[Faulty[CodeType]] = []
    for each in parameters:
        kind, value = kinds[each.kind], given.get(each.name)
        if value is None or (value == "" and not kind.empty):
            faults += _fault(each, each.missing, "missing")
            found |= {} if each.default is None else {each.name: each.default}
            continue
        try:
            found[each.name] = kind.read(value)
        except (ValueError, RecursionError) as error:
            faults += _fault(each, each.invalid if each.invalid is not None else each.missing, str(error))
    return found, faults


def _fault(parameter: Parameter[CodeType], code: CodeType | None, sentence: str) -> list[Faulty[CodeType]]:
    return [] if code is None else [Faulty(parameter.name, code, sentence)]


def described(parameters: Sequence[Parameter[Any]], kinds: Kinds) -> dict[str, Any]:
    """Return the JSON Schema of an object that holds parameters."""
    required = [each.name for each in parameters if each.required]
    return {
        "type": "object",
        "properties": {each.name: _schema(each, kinds) for each in parameters},
        **({"required": required} if required else {}),
    }


def in_query(parameters: Iterable[Parameter[Any]], kinds: Kinds) -> list[dict[str, Any]]:
    """Return parameters of a query as OpenAPI lists them."""
    return [
        {"name": each.name, "in": "query", "required": each.required, "schema": _schema(each, kinds)}
        for each in parameters
    ]


def _schema(parameter: Parameter[Any], kinds: Kinds) -> dict[str, object]:
    words = {"description": parameter.description, "default": parameter.default}
    return {**kinds[parameter.kind].schema, **{name: word for name, word in words.items() if word not in {None, ""}}}
