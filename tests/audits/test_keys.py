"""The keys the portal signs with: made once, sealed, rotated, never changed."""

import pytest
from django.db import IntegrityError, connection, transaction

from apps.audits import keys
from apps.audits.models import SigningKey
from apps.common import signing

pytestmark = pytest.mark.django_db
KIND = "https://assay.example/test/v1"


def test_an_attestation_opens_under_the_organizations_own_keys_alone(acme, rival):
    signed = keys.attest(acme.organization.pk, KIND, {"said": "so"}, {"thing": "ab" * 32})
    assert keys.attested(acme.organization.pk, signed, KIND)["predicate"] == {"said": "so"}
    rival.enter()
    keys.in_use(rival.organization.pk)
    with pytest.raises(signing.BadSignature):
        keys.attested(rival.organization.pk, signed, KIND)


def test_what_an_older_key_signed_still_verifies_after_rotation(acme):
    before = keys.attest(acme.organization.pk, KIND, {}, {})
    keys.rotate(acme.organization.pk)
    after = keys.attest(acme.organization.pk, KIND, {}, {})
    assert before["signatures"][0]["keyid"] != after["signatures"][0]["keyid"]
    assert keys.attested(acme.organization.pk, before, KIND) == keys.attested(acme.organization.pk, after, KIND)
    assert [row.number for row in SigningKey.objects.order_by("number")] == [1, 2]


def test_a_key_opens_only_with_the_secret_and_in_the_place_it_was_sealed_for(acme, settings):
    row = keys.in_use(acme.organization.pk).row
    with pytest.raises(signing.KeyUnusable):
        signing.unseal(bytes(row.sealed), "organization 999999")
    settings.KEY_SECRET = "another secret"
    with pytest.raises(signing.KeyUnusable, match="ASSAY_KEY_SECRET"):
        keys.in_use(acme.organization.pk)


@pytest.mark.parametrize(
    "change",
    [
        "update audits_signingkey set public = public || public",
        "update audits_signingkey set sealed = '\\x00'",
        "delete from audits_signingkey",
        "truncate audits_signingkey",
    ],
)
def test_the_database_refuses_to_change_a_key(acme, change):
    keys.in_use(acme.organization.pk)
    with pytest.raises(Exception, match=r"signing key|permission denied"), transaction.atomic():
        connection.cursor().execute(change)


def test_a_retired_key_stays_retired(acme):
    keys.in_use(acme.organization.pk)
    keys.rotate(acme.organization.pk)
    with pytest.raises(IntegrityError, match="stays retired"), transaction.atomic():
        SigningKey.objects.filter(number=1).update(retired_at=None)


def test_another_organizations_keys_are_not_seen(acme, rival):
    keys.in_use(acme.organization.pk)
    rival.enter()
    assert not SigningKey.objects.exists()
