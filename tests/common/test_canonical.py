"""The same value is the same bytes."""

import hashlib
import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common.canonical import canonical, digest

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)  # fmt: skip


def test_it_writes_the_example_of_the_standard():
    # RFC 8785, section 3.2.2
    value = {"numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", "literals": [None, True, False]}  # fmt: skip
    assert canonical(value) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@given(json_values)
def test_reading_it_back_and_writing_it_again_gives_the_same_bytes(value):
    assert canonical(json.loads(canonical(value))) == canonical(value)


@pytest.mark.parametrize("value", [nan, inf, -inf, 2**53, {1: 2}, "\ud800", object()])
def test_it_refuses_what_json_cannot_say(value):
    with pytest.raises(ValueError, match="no canonical JSON"):
        canonical({"deep": [value]})


def test_a_digest_is_of_bytes_or_of_canonical_json():
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert digest({"b": 1, "a": 2.0}) == digest({"a": 2, "b": 1.0}) == digest(b'{"a":2,"b":1}')
