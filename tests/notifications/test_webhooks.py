"""Signatures of Standard Webhooks, against the example vectors of its own libraries (standard-webhooks/libraries)."""

import base64

from apps.notifications import webhooks
from tests.notifications.receiver import verifies

ID, AT, PAYLOAD = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SHARED = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
PAIR = base64.b64decode("VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")
BY_SHARED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
BY_PAIR = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="


def signature(scheme, *secrets) -> str:
    return webhooks.headers(ID, AT, PAYLOAD, scheme=scheme, secrets=list(secrets))["webhook-signature"]


def test_a_shared_secret_signs_as_the_specifications_vector():
    assert signature(webhooks.SHARED, SHARED) == BY_SHARED
    assert webhooks.told(SHARED) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_key_pair_signs_as_the_specifications_vector():
    assert signature(webhooks.PAIR, PAIR) == BY_PAIR
    assert webhooks.verifier(PAIR).startswith("whpk_")
    assert base64.b64encode(PAIR).decode() not in webhooks.verifier(PAIR)


def test_two_secrets_sign_side_by_side_and_either_verifies(monkeypatch):
    monkeypatch.setattr("tests.notifications.receiver.time.time", lambda: AT)
    other = b"another secret of enough bytes.."
    given = webhooks.headers(ID, AT, PAYLOAD, scheme=webhooks.SHARED, secrets=[other, SHARED])
    assert given["webhook-signature"].split(" ")[1] == BY_SHARED
    assert verifies(given, PAYLOAD, webhooks.told(SHARED)) and verifies(given, PAYLOAD, webhooks.told(other))
    assert not verifies(given, PAYLOAD, webhooks.told(b"a third secret, given to nobody."))
    assert not verifies(given, PAYLOAD + b" ", webhooks.told(SHARED))
