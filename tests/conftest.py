"""A real PostgreSQL, made by its owner and used as the web role; two organizations with every role."""

import contextlib
import fcntl
import gc
import os
import tempfile
import warnings
from pathlib import Path

# the tests' own folder: database, files, secret. The settings are named only after it, because pytest-django reads them
# as soon as they have a name, and a name in pyproject.toml would be earlier than this.
HOME = Path(os.environ.get("ASSAY_TEST_HOME") or Path(tempfile.gettempdir()) / "assay-tests")
(HOME / "static").mkdir(parents=True, exist_ok=True)
os.environ["ASSAY_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
os.environ.pop("ASSAY_DB_POOL", None)

import django
import pytest

django.setup()

SHARED_DATA = Path(os.environ.get("ASSAY_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_collection_finish():
    """What was imported stays to the end; looking through it for garbage again and again took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets for developers; without it, the tests that need it are left out, loudly."""
    if not (SHARED_DATA / "adult-train.csv").exists():
        warnings.warn(
            pytest.PytestWarning(f"NOT RUN: no real data at {SHARED_DATA} (set ASSAY_TEST_DATA)"), stacklevel=1
        )
        pytest.skip("the folder of real data sets is absent")
    return SHARED_DATA


@contextlib.contextmanager
def _one_at_a_time():
    """Roles belong to the whole server: two test processes do not grant them at once."""
    with open(Path(os.environ["ASSAY_HOME"]) / "setup.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """A fresh test database, made and migrated through `owner`; `default` works on it as the web role."""
    from django.db import connections

    with django_db_blocker.unblock():
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        owner, web = connections["owner"], connections["default"]
        owner.settings_dict["TEST"]["NAME"] = f"test_assay_{worker or os.getpid()}"
        with _one_at_a_time():
            name = owner.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        web.close()
        original, web.settings_dict["NAME"] = web.settings_dict["NAME"], name
        yield
        web.close()
        web.settings_dict["NAME"] = original
        owner.creation.destroy_test_db(original, verbosity=0)


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path):
    """Each test keeps its files in a folder of its own, and static files need no manifest."""
    settings.STORAGES = {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path


@pytest.fixture(scope="session")
def object_server():
    """A server that speaks S3."""
    from tests.objects import ObjectServer

    with tempfile.TemporaryDirectory(prefix="assay-objects-") as folder:
        server = ObjectServer(Path(folder)).start()
        yield server
        server.stop()


@pytest.fixture
def bucket(object_server, settings, monkeypatch):
    """The test's files lie in a bucket of their own instead of a folder; what it is called."""
    from tests.objects import use

    return use(object_server, settings, monkeypatch)


@pytest.fixture(autouse=True)
def _quick_passwords(settings):
    """Hashing is slow on purpose, and every signature of a test checks a password; the journeys keep it slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _no_session_is_noted(settings):
    """Where a session is at work is noted every five minutes; what a page asks of the database is counted without."""
    settings.SEEN_EVERY = None


@pytest.fixture
def acme(db):
    from tests import make

    return make.tenant("acme")


@pytest.fixture
def rival(acme):
    """Another organization, with all the same things; the transaction is left acting for acme."""
    from tests import make

    other = make.tenant("rival")
    acme.enter()
    return other


@pytest.fixture
def api_client():
    from rest_framework.test import APIClient

    return APIClient(enforce_csrf_checks=False)


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """Real commits, for threads and other processes. Nothing is flushed: what is append-only stays, so that each
    test makes an organization of its own (see `living`)."""
    from django.db import connections

    with django_db_blocker.unblock():
        yield
        connections.close_all()


@pytest.fixture
def living(committed):
    """An organization of its own name whose rows are committed."""
    import uuid

    from django.db import transaction

    from tests import make

    with transaction.atomic():
        return make.tenant(f"t{uuid.uuid4().hex[:12]}")
