"""Two organizations with everything in them, made once for the tests of a file; each test undoes what it does."""

import copy

import pytest
from django.db import transaction
from django.test import override_settings

from tests import make
from tests.house.things import everything


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker, tmp_path_factory):
    """(acme, rival, {model: row} of acme, the same of rival, where their files lie), in a transaction of their own."""
    where = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
    where["default"]["OPTIONS"] = {"location": tmp_path_factory.mktemp("files")}
    quick = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # as in each test
    how = override_settings(STORAGES=where, PASSWORD_HASHERS=quick)
    with django_db_blocker.unblock(), how, transaction.atomic():
        tenants = make.tenant("acme"), make.tenant("rival")
        yield *tenants, *(everything(tenant.enter()) for tenant in tenants), where
        transaction.set_rollback(True)


@pytest.fixture
def house(made, db, settings):
    """The same as nobody has touched it yet, with nobody acting."""
    *things, where = made
    settings.STORAGES = settings.STORAGES | where
    return copy.deepcopy(things)


@pytest.fixture
def acme(house):
    return house[0].enter()


@pytest.fixture
def rival(house):
    return house[1]


@pytest.fixture
def both(house):
    """{model: row} of acme and of rival."""
    return house[2], house[3]
