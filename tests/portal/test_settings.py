"""What the environment says, the settings do."""

import os
import subprocess
import sys

import pytest

MAIL = (
    "from portal import settings as s;"
    "print(s.EMAIL_BACKEND.split('.')[-2], s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_USE_TLS, s.DEFAULT_FROM_EMAIL)"
)


@pytest.mark.parametrize(
    "given, told",
    [
        ({}, "console  587 True assay@assay.example"),
        ({"ASSAY_EMAIL_HOST": "mail.example"}, "smtp mail.example 587 True assay@assay.example"),
        (
            {
                "ASSAY_EMAIL_HOST": "mail.example",
                "ASSAY_EMAIL_PORT": "25",
                "ASSAY_EMAIL_TLS": "0",
                "ASSAY_EMAIL_FROM": "a@b.example",
            },
            "smtp mail.example 25 False a@b.example",
        ),
    ],
)
def test_mail_goes_to_the_server_that_is_named_and_is_printed_without_one(tmp_path, given, told):
    kept = {name: said for name, said in os.environ.items() if not name.startswith("ASSAY_EMAIL")}
    here = {
        "ASSAY_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://nowhere/none",
        "ASSAY_URL": "https://assay.example",
    }
    done = subprocess.run(
        [sys.executable, "-c", MAIL], env=kept | here | given, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == told
