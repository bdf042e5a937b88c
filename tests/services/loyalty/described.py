"""What the OpenAPI document of the loyalty platform's interface says of an answer."""

from typing import Any

from jsonschema import Draft202012Validator

from journeyflow.services.loyalty import openapi
from journeyflow.services.loyalty.table import Endpoint

RESPONSES = {each["operationId"]: each["responses"] for path in openapi()["paths"].values() for each in path.values()}

VALIDATORS = {
    (name, int(status)): Draft202012Validator(told["content"]["application/json"]["schema"])
    for name, responses in RESPONSES.items()
    for status, told in responses.items()
    if "content" in told
}


def is_described(operation: Endpoint, status: int, body: Any) -> None:
    """Compare an answer with what is described for an operation."""
    assert str(status) in RESPONSES[operation.name], (operation.name, status)
    if (operation.name, status) in VALIDATORS:
        VALIDATORS[operation.name, status].validate(body)
    else:
        assert body is None
