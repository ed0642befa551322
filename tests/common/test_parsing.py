"""What the REST door reads, and what it refuses before anything is looked up."""

import io

import pytest
from rest_framework.exceptions import ParseError

from apps.common.parsing import Json


def read(body: bytes):
    return Json().parse(io.BytesIO(body))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\ud835\\udec6"', "𝛆"),
        ("ä".join('""').encode(), "ä"),
    ],
)
def test_it_reads_json(body, value):
    assert read(body) == value


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b'{"a":' * 5000, "nested too deeply"),
        (b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b'{"a": "x\\u0000"}', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'"\\ud800"', "surrogate"),
        (b'"\\uDC00"', "surrogate"),
        (b'"\xff"', "UTF-8"),
        (b"NaN", "not JSON"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_it_refuses_what_cannot_be_kept(body, why):
    with pytest.raises(ParseError, match=why):
        read(body)
