"""Builders: statements of every kind, and documents about a model trained for real."""

import json

import pypdfium2

from apps.common import storage
from apps.datasets.models import Profile
from apps.documents import actions, queries
from apps.documents.kinds import KINDS, About
from apps.documents.models import Document, Statement
from apps.reports.models import Kind
from tests.make import Tenant
from tests.reports import make as reports


def answers(kind, *, saying="", **given) -> dict:
    """A text for every question that needs one, and those `given` over them."""
    return {one.name: saying or f"{one.title}, said." for one in kind.questions if one.needed} | given


def stated(
    tenant: Tenant, key="intended_purpose", *, version=None, data=None, by=None, until=None, **given
) -> Statement:
    """One statement; `version` and `data` are used by the kinds that are about one."""
    kind = KINDS[key]
    about = {
        "model_version": version if kind.about == About.MODEL else None,
        "dataset_version": data if kind.about == About.DATA else None,
    }
    return actions.state(
        tenant.project, kind, answers=answers(kind, **given), by=by or tenant.builder, valid_until=until, **about
    )


def everything_stated(tenant: Tenant, version) -> dict[str, Statement]:
    """A statement of every kind about one model version, its data and its project."""
    return {key: stated(tenant, key, version=version, data=version.dataset_version) for key in KINDS}


def measured(tenant: Tenant):
    """A model trained on real mortgage decisions, with all its reports and the profile of its data."""
    version = reports.model_version(tenant.builder, project=tenant.project)
    for kind in Kind:
        reports.report(tenant.builder, version, kind)
    profile(tenant, version.dataset_version)
    return version


def profile(tenant: Tenant, data) -> Profile:
    from apps.datasets import runs

    own = {"organization": tenant.organization, "project": tenant.project}
    asked = Profile.objects.create(**own, version=data, declared=True, started_by=tenant.builder)
    runs.run(tenant.organization.pk, asked.pk)
    asked.refresh_from_db()
    assert asked.state == "finished", asked.problem
    return asked


def built(tenant: Tenant, kind, about, *, by=None, **how) -> Document:
    """A document, built at once."""
    from apps.documents import runs

    word = "dataset_version" if kind == "dataset_datasheet" else "model_version"
    document = actions.build(kind, by=by or tenant.builder, **{word: about}, **how)
    runs.run(tenant.organization.pk, document.pk)
    return queries.documents(viewer=tenant.builder).get(pk=document.pk)


def body(document: Document) -> dict:
    return json.loads(storage.read(document.organization_id, document.body_digest))


def text(document: Document) -> str:
    """What the PDF says, with its lines joined."""
    pdf = storage.read(document.organization_id, document.digest)
    return joined(printed(pdf))


def printed(pdf: bytes) -> str:
    """Its text, page by page, as a reader's search finds it."""
    with pypdfium2.PdfDocument(pdf) as read:
        return "\n".join(page.get_textpage().get_text_range() for page in read)


def joined(words: str) -> str:
    return " ".join(words.replace("\u200b", "").split())
