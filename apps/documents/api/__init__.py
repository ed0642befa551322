"""Programs' door to statements and documents."""

from apps.documents.api.documents import DocumentDetail, DocumentFile, DocumentList
from apps.documents.api.statements import StatementDetail, StatementKinds, StatementList, StatementWithdrawal

__all__ = [
    "DocumentDetail",
    "DocumentFile",
    "DocumentList",
    "StatementDetail",
    "StatementKinds",
    "StatementList",
    "StatementWithdrawal",
]
