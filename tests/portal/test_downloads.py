"""Whatever is downloaded: its bytes and a record of it, or a refusal and none."""

import hashlib

import pytest
from django.core.files.storage import default_storage

from apps.audits.models import Record
from apps.common import storage
from tests.datasets import make as datasets
from tests.documents import make as documents
from tests.models import make as models

pytestmark = pytest.mark.django_db
PLACES = {
    "data": ("/acme/lending/datasets/{}/file/", "/api/v1/acme/dataset-versions/{}/file/"),
    "model": ("/acme/lending/models/{}/files/model.json", "/api/v1/acme/model-versions/{}/files/model.json/"),
    "document": ("/acme/lending/documents/{}/json/", "/api/v1/acme/documents/{}/json/"),
}


@pytest.fixture(params=PLACES)
def wanted(request, acme, client):
    """(its page, its REST address, its digest) of one thing that a builder may download."""
    acme.enter(acme.builder)
    client.force_login(acme.builder.user)
    data = datasets.version(acme.builder, acme.project, declaration=datasets.SAID)
    if request.param == "data":
        thing, digest = data, data.digest
    elif request.param == "model":
        thing = models.version(acme, on=data)
        digest = thing.files["model.json"]["digest"]
    else:
        thing = documents.built(acme, "dataset_datasheet", data)
        digest = thing.body_digest
    return *(place.format(thing.pk) for place in PLACES[request.param]), digest


def downloads() -> int:
    return Record.objects.filter(event__endswith=".downloaded").count()


def test_a_download_is_its_bytes_and_a_record(wanted, client, acme):
    for number, place in enumerate(wanted[:2], 1):
        answer = client.get(place)
        content = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code == 200 and hashlib.sha256(content).hexdigest() == wanted[2]
        assert downloads() == number


def test_bytes_that_are_gone_are_refused_and_no_download_is_remembered(wanted, client, acme):
    page, rest, digest = wanted
    default_storage.delete(storage._name(acme.organization.pk, digest))
    told = client.get(page, follow=True)
    assert told.status_code == 200 and "The stored bytes are gone; the operator" in told.content.decode()
    refused = client.get(rest)
    assert refused.status_code == 409 and "are gone" in refused.json()["detail"]
    assert downloads() == 0
