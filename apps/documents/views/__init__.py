"""People's door to statements and documents."""

from apps.documents.views.documents import document_detail, document_json, document_list, document_pdf
from apps.documents.views.statements import statement_detail, statement_list, statement_new

__all__ = [
    "document_detail",
    "document_json",
    "document_list",
    "document_pdf",
    "statement_detail",
    "statement_list",
    "statement_new",
]
