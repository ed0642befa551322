"""Where the thing that a record is about is shown. Rooms above are known here by the names of their addresses only."""

from django.urls import NoReverseMatch, reverse

IN_PROJECT = {
    "datasetversion": "dataset",
    "modelversion": "model",
    "trainingrun": "run",
    "report": "report",
    "statement": "statement",
    "document": "document",
    "approval": "approval",
    "waiver": "waiver",
    "deployment": "deployment",
    "incident": "incident",
}
IN_ORGANIZATION = {
    "policyversion": "policy",
    "membership": "member",
    "emergencyaccess": "emergency",
    "accessreview": "access-review",
    "share": "share",
    "attestation": "attestation",
}
LISTS = {
    "organization": "organization",
    "signingkey": "keys",
    "witness": "witnesses",
    "invitation": "members",
    "token": "tokens",
    "delegation": "delegations",
}


def address(record, organization: str) -> str | None:
    """The page of the record's thing in the organization of that slug; None where things of its kind have none."""
    kind, number, project = record.on_type, record.on_id, record.project
    try:
        if kind == "project":
            return reverse("project", args=[organization, project])
        if kind in LISTS:
            return reverse(LISTS[kind], args=[organization])
        if kind in IN_ORGANIZATION:
            return reverse(IN_ORGANIZATION[kind], args=[organization, number])
        if kind in IN_PROJECT:
            return reverse(IN_PROJECT[kind], args=[organization, project, number])
    except NoReverseMatch:  # written when a project still had another kind of slug
        return None
    return None
