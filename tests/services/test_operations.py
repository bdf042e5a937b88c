"""Requests as transports bring them: JSON, forms as PHP reads them, and what is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.services.forms import nested
from journeyflow.services.operations import JSON, HttpRequest, body_of


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


PARTS, END = "multipart/form-data; boundary=b", b"\r\n--b--\r\n"


def part(options, value=b"1"):
    """Write a part whose head has some options."""
    return b"\r\n--b\r\nContent-Disposition: form-data%b\r\n\r\n%b" % (options, value)


@pytest.mark.rows(257)
@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        (b"", PARTS, {}),
        (b"--b--", PARTS, {}),
        (part(b'; name="Actions[0][Action]"', b"Wait") + END, PARTS, {"Actions": [{"Action": "Wait"}]}),
        (
            part(b'; name="a"', b" x\r\n\r\n--bc\n") + part(b"; name=b", b"") + END,
            PARTS,
            {"a": " x\r\n\r\n--bc\n", "b": ""},
        ),
        (part(b'; name="a \\"q\\" \\\\"') + END, PARTS, {'a "q" \\': "1"}),
        (b"before" + part(b'; name="a"', "é".encode()) + END + b"after", PARTS, {"a": "é"}),
        (
            part(b'; name="a"').replace(b"--b", b"--b c") + b"\r\n--b c--",
            'Multipart/Form-Data; Boundary="b c"',
            {"a": "1"},
        ),
        (part(b'; name="a"').replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain\r\n\r\n") + END, PARTS, {"a": "1"}),
        (part(b'; name="a"') * 1_000 + END, PARTS, {"a": "1"}),
        (b'{"a": 1}', PARTS, {"a": 1}),
    ],
)
def test_a_form_may_come_in_parts(data, kind, expected):
    """As curl -F sends it, and PHP's cURL an array: values are as they were sent, up to a thousand of them."""
    assert body(data, kind) == expected


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"\xff", None, "not UTF-8"),
        (b"[1]", JSON, "not a JSON object"),
        (b"--b--", "multipart/form-data", "must be multipart/form-data and say its boundary"),
        (b"--b--", "multipart/mixed; boundary=b", "must be multipart/form-data and say its boundary"),
        (b"--b--", "multipart/form-data; boundary=c", "has no end"),
        (part(b'; name="a"'), PARTS, "has no end"),
        (part(b"") + END, PARTS, "has no name"),
        (b"--b\r\n\r\n1" + END, PARTS, "has no name"),
        (b'--b\r\nContent-Disposition: form-data; name="a"' + END, PARTS, "has no name"),
        (part(b'; name="a"; filename="a.txt"') + END, PARTS, "'a' is a file"),
        (part(b"; name=\"a\"; filename*=utf-8''b") + END, PARTS, "'a' is a file"),
        (part(b'; name="a"') * 1_001 + END, PARTS, "more than 1,000 parts"),
        (b'{"a": ', None, "not JSON"),
        (b"{" + b'"a":{' * 60_000, None, "not JSON|nested deeper"),
        (b"a=1&a[b]=2", None, "leads into a text"),
        (b"a" + b"[b]" * 30 + b"=1", None, "20 levels deep"),
    ],
)
def test_what_is_neither_is_refused(data, kind, words):
    """The fault is said in words; nothing else is raised."""
    with pytest.raises(ValueError, match=words):
        body(data, kind)


NAMES = st.text(st.characters(categories=["L", "Nd"]), min_size=1)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8")), min_size=1))
def test_a_form_that_a_client_writes_in_parts_is_read_back(fields):
    """Whatever the values are."""
    httpx = pytest.importorskip("httpx", reason="writes the form; python3 dev.py test installs it")
    parts = [(name, (None, value.encode())) for name, value in fields.items()]
    request = httpx.Request("POST", "http://localhost", files=parts)
    assert body(request.read(), request.headers["content-type"]) == fields


def test_names_of_a_form_lead_into_lists_and_objects():
    """Numbers from 0 on make a list, anything else an object; a name with stray brackets is a name."""
    assert nested([("a[0][b]", "1"), ("a[1][b]", "2"), ("a[1][c][]", "3")]) == {
        "a": [{"b": "1"}, {"b": "2", "c": ["3"]}]
    }
    assert nested([("a[1]", "x")]) == {"a": {"1": "x"}}
    assert nested([("a]b[", "x"), ("", "y")]) == {"a]b[": "x", "": "y"}
