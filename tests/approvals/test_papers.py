"""What a dossier binds: every byte of it, the papers, the waivers' hands, and the record at that moment."""

import copy
import json

import pytest
from django.db import connection
from django.utils import timezone

from apps.approvals import actions, queries
from apps.approvals.gates.changes import BOUND, differences
from apps.approvals.models import Approval
from apps.audits import checkpoints
from apps.audits.models import Checkpoint
from apps.common.errors import ActionDenied
from apps.documents.models import Document, Statement
from tests.approvals import make
from tests.documents import make as documents


def leaves(value, path=()):
    """Every (path, value) that is no container."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, place))
    else:
        yield path, value


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return ("0" if value[:1] != "0" else "1") + value[1:] if value else "x"


def case(approval, viewer):
    return queries.case(queries.approvals(viewer=viewer).get(pk=approval.pk), viewer=viewer)


def test_every_bound_value_that_changes_is_a_sentence(acme):
    documents.stated(acme)
    approval = make.approved(acme)
    dossier = json.loads(approval.dossier)
    bound = {part: dossier[part] for part in BOUND}
    assert differences(dossier, bound) == () and len(bound["documents"]) == 1
    seen = 0
    for path, value in leaves(bound):
        if value is None:
            continue
        other = copy.deepcopy(bound)
        inner = other
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = changed(value)
        said = differences(dossier, other)
        assert said and all(sentence.endswith(".") for sentence in said), path
        seen += 1
    assert seen > 30


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("update projects_project set purpose = purpose || '.'", "The project's purpose was rewritten."),
        ("update models_modelversion set retired_at = now()", "was retired."),
        ("update datasets_datasetversion set withdrawn_at = now()", "was withdrawn."),
        ("update approvals_policyversion set withdrawn_at = now()", "was withdrawn."),
        ("update documents_statement set withdrawn_at = now(), withdrawn_by_id = stated_by_id, withdrawn_reason = 'x'",
         "was withdrawn, or its time is over."),
    ],
)  # fmt: skip
def test_what_is_bound_and_changes_takes_it_down_in_the_database_too(acme, sql, sentence):
    statement = documents.stated(acme)
    approval = make.approved(acme)
    assert case(approval, acme.owner).stands
    acme.enter(statement.stated_by if "statement" in sql else acme.owner)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    found = case(approval, acme.owner)
    assert not found.stands and not found.approval.stands
    assert any(sentence in said for said in found.changes), found.changes


def test_a_paper_of_a_new_kind_is_no_change(acme):
    approval = make.approved(acme)
    documents.stated(acme)
    assert case(approval, acme.owner).stands


def test_a_document_that_is_superseded_takes_it_down(acme):
    version = make.reported(acme, number=3)
    make.policy(acme)
    own = {"organization": acme.organization, "project": acme.project, "started_by": acme.builder, "state": "finished"}
    acme.enter(acme.builder)
    Document.objects.create(**own, kind="model_card", model_version=version, digest="a" * 64)
    approval = actions.ask(version, note="", by=acme.builder)
    assert not case(approval, acme.builder).changes
    Document.objects.create(**own, kind="model_card", model_version=version, digest="b" * 64)
    assert case(approval, acme.builder).changes == ("The model card aaaaaaaaaaaa was superseded by bbbbbbbbbbbb.",)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="no longer says what is so"):
        make.sign(approval, acme.reviewer)


def test_the_dossier_names_the_record_at_that_moment(acme):
    approval = make.asked(acme)
    said = json.loads(approval.dossier)["checkpoint"]
    kept = Checkpoint.objects.get(organization_id=acme.organization.pk, size=said["size"])
    assert said == {
        "origin": checkpoints.origin(acme.organization.pk),
        "size": kept.size,
        "root": bytes(kept.root).hex(),
    }


def test_a_resubmission_says_what_is_different(client, acme):
    approval = make.asked(acme, without=("privacy",))
    acme.enter(acme.reviewer)
    given = {"reason": "Privacy?", "dossier_digest": approval.dossier_digest, "password": make.PASSWORD}
    actions.send_back(approval, by=acme.reviewer, **given)
    acme.enter(acme.builder)
    make.report(approval.model_version, "privacy")
    again = actions.ask(approval.model_version, note="", by=acme.builder)
    last, different = queries.since_last(again, json.loads(again.dossier))
    assert last.pk == approval.pk
    assert "A new privacy report was finished." in different
    assert any("was missing and is now pass" in said for said in different)
    client.force_login(acme.reviewer.user)
    page = client.get(again.get_absolute_url()).content.decode()
    assert "What is different from the last request" in page and "A new privacy report was finished." in page
    assert Approval.objects.count() == 2 and Statement.objects.count() == 0 and timezone.now() > again.requested_at
