"""The same POST sent twice with one Idempotency-Key happens once, and both get the same answer.

After the IETF draft "The Idempotency-Key HTTP Header Field". The key's row is written in the transaction of the action
it stands for: two at once wait for each other at its unique index, and a refusal leaves neither. An answer that holds a
secret is kept without it: the view names what to keep in `response.kept` (see `shown_once`)."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from apps.accounts.models import IdempotencyKey
from apps.common import problems

LONGEST = 200
KEPT = timedelta(days=7)  # after which a key is forgotten


def shown_once(response, **without):
    """Mark a REST answer whose secret must not be kept; `without` is what stands in its place when it is repeated."""
    response.kept = {**response.data, **without}
    return response


class Once:
    def __init__(self, request, key: str):
        self.request, self.key = request, key
        head = f"{request.method} {request.get_full_path()} {request.content_type}\n".encode()
        self.digest = hashlib.sha256(head + _sent(request)).hexdigest()

    def answer(self, act: Callable[[], HttpResponse]) -> HttpResponse:
        if len(self.key) > LONGEST:
            return _problem(400, f"An Idempotency-Key has at most {LONGEST} characters.")
        self._forget_old()
        try:
            with transaction.atomic():
                row = IdempotencyKey.objects.create(
                    organization_id=self.request.membership.organization_id,
                    membership=self.request.membership,
                    key=self.key,
                    request_digest=self.digest,
                )
        except IntegrityError:
            return self._again()
        return self._keep(row, act())

    def _forget_old(self) -> None:
        """Past those another request is forgetting just now: a long one must not make this one wait."""
        mine = IdempotencyKey.objects.filter(membership=self.request.membership)
        old = mine.filter(created_at__lt=timezone.now() - KEPT).select_for_update(skip_locked=True)
        mine.filter(pk__in=old.values("pk")).delete()

    def _keep(self, row: IdempotencyKey, response: HttpResponse) -> HttpResponse:
        if hasattr(response, "render") and callable(response.render):
            response = response.render()
        if response.status_code >= 400 or response.streaming or connection.needs_rollback:
            if not connection.needs_rollback:
                row.delete()  # nothing happened: the key may be used again
            return response
        kept = json.dumps(response.kept).encode() if hasattr(response, "kept") else response.content
        row.status, row.body = response.status_code, kept
        row.content_type = response.headers.get("Content-Type", "")
        row.save()
        return response

    def _again(self) -> HttpResponse:
        row = IdempotencyKey.objects.get(membership=self.request.membership, key=self.key)
        if row.request_digest != self.digest:
            return _problem(422, "This Idempotency-Key was used for another request. Take a new one.")
        response = HttpResponse(bytes(row.body), status=row.status, content_type=row.content_type)
        response.headers["Idempotency-Replayed"] = "true"
        return response


def _sent(request) -> bytes:
    """What was sent, the same bytes for the same request: of a form its fields and its files' digests, since the
    boundary between them is drawn anew each time."""
    if not request.content_type.startswith("multipart/"):
        return request.body
    files = [(name, file.name, file.sha256) for name, found in request.FILES.lists() for file in found]
    return json.dumps([sorted(request.POST.lists()), sorted(files)]).encode()


def _problem(status: int, detail: str) -> HttpResponse:
    return problems.answer(status, "Idempotency key", detail)
