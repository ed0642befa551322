"""Whatever is sent is refused in a sentence."""

import json

import pytest
from fido2.utils import websafe_encode
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from apps.accounts import passkeys
from apps.accounts.passkeys.answers import UNREADABLE
from apps.common.errors import BadInput
from tests.accounts.test_passkeys import ABOUT

WORDS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.binary(max_size=120).map(websafe_encode) | WORDS
RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "clientDataJSON": TEXT | WORDS.map(lambda said: websafe_encode(json.dumps({"challenge": said}).encode())),
        "authenticatorData": TEXT,
        "attestationObject": TEXT,
        "signature": TEXT,
        "userHandle": TEXT,
    },
)


@pytest.mark.django_db
@trying(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=WORDS | st.fixed_dictionaries({}, optional={"rawId": TEXT, "id": TEXT, "type": TEXT, "response": RESPONSE}))
def test_whatever_is_sent_is_refused_in_a_sentence(said):
    for act in (lambda: passkeys.prove(None, json.dumps(said), ABOUT), lambda: passkeys.made(NOBODY, json.dumps(said))):
        with pytest.raises(BadInput):
            act()


class NOBODY:
    pk = 0


def test_a_number_is_not_taken_for_a_size(person):
    """fido2 would set so many bytes aside."""
    client = websafe_encode(json.dumps({"challenge": 2**40}).encode())
    for response in ({"clientDataJSON": 2**40}, {"clientDataJSON": client}):
        parts = {"authenticatorData": "", "signature": "", **response}
        with pytest.raises(BadInput, match=UNREADABLE):
            passkeys.prove(person, json.dumps({"rawId": "", "response": parts}), ABOUT)


@pytest.mark.parametrize("said", ["", "{", "[" * 19_000, "x" * 20_001, "null"])
def test_what_is_no_answer_is_unreadable(person, device, said):
    with pytest.raises(BadInput, match=UNREADABLE):
        passkeys.prove(person, said, ABOUT)
