"""What the house says when it says no. Every door turns these into its own answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import IntegrityError, transaction


class ActionDenied(Exception):
    """The rules object; the sentence says why and what to do. HTTP 409."""


class NotPermitted(ActionDenied):
    """This person's role, or this token's scope, does not allow it. HTTP 403."""


class BadInput(Exception):
    """What was given cannot be used: {field: sentence}; the field "" stands for the whole. HTTP 400."""

    def __init__(self, problems: dict[str, str]):
        super().__init__(" ".join(dict.fromkeys(problems.values())))
        self.problems = problems


class NotProved(BadInput):
    """Whoever this is did not prove that they are who they say: a password or a code is wrong. HTTP 400.

    `whose`: the person a proof is of, where it says so itself."""

    whose: Any = None


class NothingThere(BadInput):
    """The input names a thing that does not exist, or is another organization's: the answer is the same. HTTP 404."""


class WorkProblem(Exception):
    """Slow work cannot be done, and trying again would not help; the sentence says why."""


def refuse(reason: str | None) -> None:
    """A rule's objection, where it has one, as the refusal it is."""
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
