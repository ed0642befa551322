"""Another organization's id in a body is nothing: generated from the schema of every operation that takes a body."""

import json
import re

import pytest
from django.apps import apps

from apps.common.tenancy import TenantModel
from apps.projects.models import Project
from portal.isolation.bodies import every, names, schema, send
from portal.isolation.doors import undone
from tests.house.things import place

pytestmark = pytest.mark.django_db

# whole numbers that name nothing, each with what it counts
NUMBERS = {
    "n": "rows behind a figure",
    "smallest_group": "rows behind a figure",
    "rule": "a place in a policy, from 1",
    "days": "a token's life",
    "condition": "each sign-off counts its own from 1",
    "seq": "each organization counts its own records from 1",
    "seed": "of a run",
    "folds": "of a run",
    "rows": "a deployment's limit",
    "requests_per_minute": "a deployment's limit",
    "minutes": "how long emergency access lasts",
    "after": "the record after which a destination begins; each organization counts its own",
    "maximum_personal": "days that personal data are kept at most",
    "supersedes": "the statement its author was shown; any other than the newest is refused alike",
}
NOBODYS = {True: "nobody-has-this-slug", False: 2**40}


@pytest.fixture(scope="module")
def bodies() -> list:
    """(address, method, field's path, shape) of every value that any door takes in its body."""
    return every(schema())


def test_every_whole_number_in_a_body_names_a_thing_or_is_known_not_to(bodies):
    numbers = {path for _, _, path, shape in bodies if "integer" in shape.get("type", "") and names(path) is None}
    assert {path[-1] for path in numbers} - set(NUMBERS) == set()


def test_another_organizations_id_in_a_body_is_nothing(bodies, both, client, acme):
    """The same 404 by field as for an id that nobody has; and nothing is written."""
    theirs, wrong, counted = both[1], [], set()
    for address, method, path, _ in (one for one in bodies if names(one[2])):
        row = theirs[names(path)]
        foreign = row.slug if isinstance(row, Project) else row.pk
        found = set()
        for member in acme.members.values():
            client.force_login(member.user)
            answers = []
            for given in (foreign, NOBODYS[isinstance(foreign, str)]):
                with undone():
                    before = rows_now()
                    where = place(address, both[0])
                    answer = send(client, address, method, where, path=path, given=given, rows=both[0])
                    if rows_now() != before:
                        wrong.append(f"{member.role} {method} {address} {path}: something was written")
                answers.append((answer.status_code, without(answer.content.decode(), given)))
            found.add(answers[0][0])
            if answers[0] != answers[1] or answers[0][0] not in (403, 404):
                wrong.append(f"{member.role} {method} {address} {path}: {answers}")
            said = json.loads(answers[0][1]).get("errors", {})
            if answers[0][0] == 404 and not {".".join(map(str, path)), path[0]} & set(said):
                wrong.append(f"{member.role} {method} {address} {path}: not by field: {answers[0]}")
        counted.add((address.name, path))
        if 404 not in found:
            wrong.append(f"{method} {address} {path}: nobody came past the permission: {found}")
    assert not wrong, "\n".join(wrong)
    assert counted


def without(said: str, given) -> str:
    """An answer without what was sent, nor its own id; a number is a whole one, and not the status."""
    said, sent = re.sub(r'"request":"\w+"', '"request":"…"', said), re.escape(json.dumps(given))
    return re.sub(sent if isinstance(given, str) else rf'(?<!"status":)(?<!\d){sent}(?!\d)', '"…"', said)


def rows_now() -> dict[str, int]:
    """How many rows of each tenant's table whoever is acting sees."""
    tables = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    return {model._meta.db_table: model._default_manager.count() for model in tables}
