"""Pages of documents: all about one model version, one document, and its files."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.audits import readings
from apps.common.errors import ActionDenied
from apps.common.pages import attempt, listed, page, row_number, see
from apps.documents import actions, downloads, forms, queries, rules
from apps.documents.models import DocumentKind
from apps.models import queries as models


def document_list(request):
    """What is written about one model version, what is missing, and the form that has it built."""
    viewer, project = request.membership, request.project
    version = _version(request)
    form = forms.Build(request.POST or None, version=version)
    if form.is_valid() and version and (made := attempt(form, form.build, actions.build, version, by=viewer)):
        return see(made)
    context = {"version": version, "form": form, "why_not": rules.why_not_build(project, by=viewer)}
    if version:
        written = queries.written(version)
        context |= listed(request, queries.of_version(version))
        context |= {"standing": _standing(written), "current": queries.current(version, written)}
        context["waiting"] = any(not document.is_over for document in context["rows"])
    status = 400 if form.errors else 200
    return page(
        request, "documents/document_list.html", part="list", context=context, status=status, about=version
    )  # fmt: skip


def _standing(written) -> list[dict]:
    """Each kind of document with the newest that was built, and why it holds no longer."""
    newest: dict[str, list] = {}
    for document, changes in written:
        newest.setdefault(document.kind, []).append((document, changes))
    return [
        {"kind": kind, "document": document, "changes": changes, "words": rules.QUESTIONS[kind]}
        for kind in DocumentKind
        for document, changes in newest.get(kind, [(None, [])])
    ]  # fmt: skip


@require_safe
def document_detail(request, pk):
    """One document: whether it still holds, what is not in it, what it was filled from."""
    document = _document(request, pk)
    readings.opened(document, by=request.membership, digest=document.digest)
    context = {
        "document": document,
        "changes": queries.changes(document) if document.digest else [],
        "why_not_download": rules.why_not_download(document, by=request.membership),
    }
    return page(
        request, "documents/document_detail.html", part="state", context=context, about=document.model_version
    )  # fmt: skip


@require_safe
def document_pdf(request, pk):
    """The PDF, its JSON inside."""
    return _download(request, pk, "pdf")


@require_safe
def document_json(request, pk):
    """The same for machines."""
    return _download(request, pk, "json")


def _download(request, pk, form):
    document = _document(request, pk)
    try:
        return downloads.attachment(document, form, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(document)


def _document(request, pk):
    return get_object_or_404(queries.documents(viewer=request.membership, project=request.project), pk=pk)


def _version(request):
    """The model version that the address names, or the newest."""
    found, asked = models.versions(viewer=request.membership, project=request.project), request.GET.get("model", "")
    if not asked:
        return found.first()
    return get_object_or_404(found, pk=row_number(asked) or 0)
