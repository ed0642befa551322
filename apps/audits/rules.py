"""Who may take the record away, and who may have it verified.

The table of roles lies above this room; it is asked through `by.may`."""


def why_not_export(*, by) -> str | None:
    return _why_not(by, "record.export", "export the record")


def why_not_verify(*, by) -> str | None:
    return _why_not(by, "record.verify", "verify the record")


def why_not_witness(*, by) -> str | None:
    return _why_not(by, "witness.change", "name or end witnesses")


def why_not_rotate(*, by) -> str | None:
    return _why_not(by, "key.rotate", "put a new signing key in place of the old")


def why_not_attest(*, by) -> str | None:
    return _why_not(by, "isolation.attest", "have the walls tried, nor take the result away")


def why_not_take_attestation(attestation, *, by) -> str | None:
    if reason := why_not_attest(by=by):
        return reason
    return None if attestation.envelope else "There is no signed result to take away."


def _why_not(by, word: str, deed: str) -> str | None:
    if by.may(word):
        return None
    holder = f"This token may not {deed}: it needs" if by.token else f"As {by.role} you may not {deed}: that needs"
    return f"{holder} the right “{word}”. The page “Who may do what” says who has it."
