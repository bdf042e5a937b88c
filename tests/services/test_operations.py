"""Requests as transports bring them: JSON, forms as PHP reads them, and what is neither."""

import pytest

from journeyflow.services.operations import JSON, HttpRequest, body_of, nested


def body(data, kind=None):
    """Read a body of a type."""
    return body_of(HttpRequest("POST", "/", headers={} if kind is None else {"Content-Type": kind}, body=data))


def test_a_body_is_an_object_or_a_form():
    """A body that begins with a brace is JSON whatever its type says; a mapping is taken as it is."""
    assert body(b'{"a": 1}') == {"a": 1}
    assert body(b' {"a": 1}', "application/x-www-form-urlencoded") == {"a": 1}
    assert body(b"a=1&b=") == {"a": "1", "b": ""}
    assert body({"a": 1}) == body(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert body(None) == body(b"") == {}


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"\xff", None, "not UTF-8"),
        (b"[1]", JSON, "not a JSON object"),
        (b"--b\r\n", "multipart/form-data; boundary=b", "send JSON, or a form"),
        (b'{"a": ', None, "no JSON"),
        (b"{" + b'"a":{' * 60_000, None, "no JSON|nested deeper"),
        (b"a=1&a[b]=2", None, "leads into a text"),
        (b"a" + b"[b]" * 30 + b"=1", None, "20 levels deep"),
    ],
)
def test_what_is_neither_is_refused(data, kind, words):
    """The fault is said in words; nothing else is raised."""
    with pytest.raises(ValueError, match=words):
        body(data, kind)


def test_names_of_a_form_lead_into_lists_and_objects():
    """Numbers from 0 on make a list, anything else an object; a name with stray brackets is a name."""
    assert nested([("a[0][b]", "1"), ("a[1][b]", "2"), ("a[1][c][]", "3")]) == {
        "a": [{"b": "1"}, {"b": "2", "c": ["3"]}]
    }
    assert nested([("a[1]", "x")]) == {"a": {"1": "x"}}
    assert nested([("a]b[", "x"), ("", "y")]) == {"a]b[": "x", "": "y"}
