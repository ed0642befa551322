"""Objections as errors: those of the rules, and those that only the database can see."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import IntegrityError, transaction

from apps.common.errors import ActionDenied


def refuse(reason: str | None) -> None:
    if reason:
        raise ActionDenied(reason)


@contextmanager
def database_refusals(duplicate: str = "") -> Iterator[None]:
    """What only the database could see, because it happened at this very moment, said in its own sentence."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.RestrictViolation):
            raise ActionDenied(error.__cause__.diag.message_primary or str(error)) from error
        if duplicate and isinstance(error.__cause__, psycopg.errors.UniqueViolation):
            raise ActionDenied(duplicate) from error
        raise
