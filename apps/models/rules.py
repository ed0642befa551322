"""Who may take a model away or retire it, and when."""

from apps.accounts.permissions import Permission, why_not


def why_not_retire(version, kept: str | None, *, by) -> str | None:
    """`kept`: why the model is not altered now, if it is evidence."""
    if reason := why_not(by, Permission.MODEL_RETIRE):
        return reason
    if version.retired_at:
        return f"{version} is retired already."
    return kept


def why_not_download(version, *, by) -> str | None:
    """Retired models can still be taken away: what they decided may have to be explained later."""
    return why_not(by, Permission.MODEL_DOWNLOAD)
