"""On a worker: read the evidence, write the document, keep both its forms by their digests."""

from apps.common import storage, work
from apps.common.canonical import canonical
from apps.common.errors import WorkProblem
from apps.common.storage import DamagedFile
from apps.common.tenancy import as_organization
from apps.documents import actions, printing, queries, rules, sheets
from apps.documents.models import Document, DocumentKind
from apps.documents.queries.evidence import SLOTS


def run(organization_id: int, work_id: int) -> None:
    work.carry_out(Document, organization_id, work_id, _build, fail=actions.fail)


def _build(document, pulse):
    pulse.progress(words="reading the evidence", share=0.1, at_once=True)
    with as_organization(document.organization_id):
        asked = queries.documents(viewer=document).get(pk=document.pk)
        evidence = queries.about(asked)
    measured = _measured(asked) if asked.kind == DocumentKind.BIAS_AUDIT else None
    content = sheets.content(asked.kind, evidence, measured)
    body = canonical(content)
    pulse.progress(words="setting the pages", share=0.6, at_once=True)
    printed = printing.pdf(content, body)
    kept = [storage.put(document.organization_id, written) for written in (printed, body)]
    with as_organization(document.organization_id):
        actions.keep(
            document, digest=kept[0].digest, body_digest=kept[1].digest, inputs=evidence.manifest(SLOTS[asked.kind]),
            gaps=[gap["says"] for gap in content["gaps"]], template_digest=printing.template_digest(),
            libraries=printing.libraries(),
        )  # fmt: skip


def _measured(document) -> dict:
    """The counts of a bias audit, recomputed from the registered bytes on rows the model has not seen."""
    from apps.ml import artifacts, bias_audit, tables
    from apps.reports.runs import gather

    try:
        evidence = gather(document.model_version)
        attributes = rules.audited(evidence.declaration.to_json(), document.parameters)
        frame = evidence.unseen.frame
        labels = {
            name: tables.groups(frame, attribute)
            for name, attribute in _declared(evidence.declaration, attributes).items()
        }
        score = evidence.model.probability(frame)
    except (artifacts.ArtifactProblem, tables.TableProblem, DamagedFile, FileNotFoundError) as problem:
        raise WorkProblem(str(problem)) from problem
    if len(labels) == 2:
        labels["both"] = tables.intersection([labels["sex"], labels["race"]])
    chosen = {"selection": score >= evidence.model.threshold, "scoring": bias_audit.above_median(score)}
    found = {way: {name: bias_audit.table(who, of) for name, of in labels.items()} for way, who in chosen.items()}
    return {
        **found,
        "absent": {name: rules.NOT_DECLARED[name] for name in rules.NOT_DECLARED if name not in labels},
        "attributes": attributes,
        "threshold": float(evidence.model.threshold),
        "inputs": evidence.inputs,
        "method": bias_audit.METHOD,
        "provenance": "recomputed by the portal",
    }


def _declared(declaration, attributes) -> dict:
    named = {attribute.name: attribute for attribute in declaration.sensitive}
    return {which: named[name] for which, name in attributes.items() if name}
