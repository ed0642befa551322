"""Documents (4.4), cards and datasheets (4.5), the life of a sign-off, waivers, revocation (4.6)."""

PROVED: dict[str, tuple[str, ...]] = {}
OTHERWISE: dict[str, str] = {}
OPEN = {
    *(f"WF-DOC-{number}" for number in range(1, 5)),
    *(f"WF-MC-{number}" for number in range(1, 3)),
    *(f"WF-DS-{number}" for number in range(1, 3)),
    *(f"WF-APP-{number}" for number in range(1, 7)),
    *(f"WF-WVR-{number}" for number in range(1, 6)),
    *(f"WF-REV-{number}" for number in range(1, 5)),
}
