"""Plain SQL, as the web role, from somebody who means harm."""

import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Reentry
from apps.approvals import queries
from apps.approvals.actions.signing import signed
from apps.common.canonical import canonical, digest
from tests.approvals import make


def attack(sql: str, *values) -> str:
    """What the database answers; an attack that it lets pass fails the test."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(refusal.value)


def rows(sql: str, *values) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount


SIGN = """
insert into approvals_signature (id, organization_id, approval_id, signer_id, printed_name, role, decision, meaning,
                                 reason, dossier_digest, signed_at, place, conditions, authentication_id, envelope,
                                 digest, key_id)
values (%(id)s, %(organization)s, %(approval)s, %(signer)s, %(name)s, %(role)s, %(decision)s, %(meaning)s, %(reason)s,
        %(dossier)s, now(), %(place)s, %(conditions)s, %(proof)s, %(envelope)s, %(digest)s, %(key)s)
"""


def signature(approval, signer, meaning="validated", *, read=True, **forged):
    """The columns of an honest signature, but for what is `forged`."""
    if read:
        make.read(approval, signer)
    proof = Reentry.objects.create(user_id=signer.user_id, components=["password"])
    row = queries.approvals(viewer=signer).filter(pk=approval.pk).first() or approval
    case = queries.case(row, viewer=signer)
    honest = signed(case, "sign", meaning, "Because.", proof=proof, by=signer)
    return {
        "id": honest.pk, "organization": approval.organization_id, "approval": approval.pk, "signer": signer.pk,
        "name": signer.user.name, "role": signer.role, "decision": "sign", "meaning": meaning, "reason": "Because.",
        "dossier": approval.dossier_digest, "place": honest.place or 1, "conditions": "[]", "proof": proof.pk,
        "envelope": json.dumps(honest.envelope), "digest": honest.digest, "key": honest.key_id,
    } | forged  # fmt: skip


def forge(approval, signer, meaning="validated", **forged) -> str:
    return insert(signature(approval, signer, meaning, **forged))


def insert(given: dict) -> str:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SIGN, given)
    return str(refusal.value)


ASK = """
insert into approvals_approval (organization_id, project_id, model_version_id, policy_version_id, state, note, dossier,
                                dossier_digest, requested_by_id, requested_at, ended_reason)
values (%(organization)s, %(project)s, %(version)s, %(policy)s, %(state)s, '', %(dossier)s, %(digest)s, %(by)s,
        now(), '')
"""


def question(acme, version, policy, /, **forged):
    acme.enter(acme.builder)
    dossier = canonical(queries.draft(version, policy, by=acme.builder, note="", at=timezone.now())).decode()
    dossier = forged.pop("edit", lambda text: text)(dossier)
    return {
        "organization": acme.organization.pk, "project": version.project_id, "version": version.pk, "policy": policy.pk,
        "state": "open", "dossier": dossier, "digest": digest(dossier.encode()), "by": acme.builder.pk,
    } | forged  # fmt: skip


def ask(values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ASK, values)
