"""Names that addresses use themselves, and that no organization or project may take."""

NOT_ORGANIZATIONS = {"accounts", "api", "health", "invitations", "shared", "static", "start", "portal", "assay"}
NOT_PROJECTS = {
    "members",
    "invitations",
    "permissions",
    "tokens",
    "workers",
    "records",
    "policies",
    "projects",
    "settings",
    "controls",
    "frameworks",
    "retention",
    "holds",
    "incidents",
    "emergencies",
    "access-reviews",
    "shares",
    "waivers",
}
