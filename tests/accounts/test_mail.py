"""Mail that cannot be sent: the page says no more and no less than where it can."""

import pytest
from django.core import mail

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"


def asked(client, email):
    answer = client.post(RESET, {"email": email})
    return answer.status_code, answer.get("Location")


def test_a_forgotten_password_is_answered_alike_whoever_asks_and_whether_mail_goes_out(client, acme, settings):
    settings.ACCOUNT_RATE_LIMITS = False
    known, unknown = acme.builder.user.email, "nobody@elsewhere.example"
    sent = asked(client, known)
    assert any(known in message.to for message in mail.outbox)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nothing listens there
    assert sent == asked(client, known) == asked(client, unknown)
    assert sent[0] == 302
