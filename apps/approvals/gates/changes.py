"""What moved between two dossiers, in sentences. Nothing moved exactly when what they bind is the same bytes."""

from collections.abc import Iterator
from typing import Any

from apps.common.canonical import canonical

Dossier = dict[str, Any]

# What a sign-off speaks about. The rest of a dossier (who asked, when, how the gates stood) tells of the asking.
BOUND = ("organization", "project", "model", "data", "reports", "policy", "waivers", "documents", "incidents")


def differences(old: Dossier, new: Dossier) -> tuple[str, ...]:
    """One sentence for each thing bound by `old` that is otherwise in `new`."""
    if canonical(_bound(old)) == canonical(_bound(new)):
        return ()
    sentences = tuple(sentence for compare in COMPARED for sentence in compare(old, new))
    return sentences or ("What the dossier binds has changed.",)


def _bound(dossier: Dossier) -> Dossier:
    return {part: dossier.get(part) for part in BOUND} | {
        "waivers": dossier.get("waivers") or [],
        "documents": dossier.get("documents") or [],
        "incidents": dossier.get("incidents") or [],
    }


def _project(old: Dossier, new: Dossier) -> Iterator[str]:
    before, after = old["project"], new["project"]
    if before["risk_class"] != after["risk_class"]:
        yield f"The project's risk class was {before['risk_class']} and is now {after['risk_class']}."
    if before["purpose"] != after["purpose"]:
        yield "The project's purpose was rewritten."
    for question in sorted(before["answers"].keys() | after["answers"].keys()):
        was, now = (_word(answers.get(question)) for answers in (before["answers"], after["answers"]))
        if was != now:
            yield f"The project's answer to “{question}” was {was} and is now {now}."
    if after.get("closed") and not before.get("closed"):
        yield "The project was closed."


def _model(old: Dossier, new: Dossier) -> Iterator[str]:
    before, after = old["model"], new["model"]
    name = f"{before['name']} version {before['version']}"
    if (before["name"], before["version"]) != (after["name"], after["version"]):
        yield f"The model was {name} and is now {after['name']} version {after['version']}."
    elif before["artifact_digest"] != after["artifact_digest"]:
        yield (
            f"The model's bytes changed: {name} was {_short(before['artifact_digest'])} and is now "
            f"{_short(after['artifact_digest'])}."
        )
    for file in sorted(before["files"].keys() | after["files"].keys()):
        was, now = before["files"].get(file), after["files"].get(file)
        if was != now:
            yield f"The model's file {file} {_moved(was, now)}."
    if after.get("retired") and not before.get("retired"):
        yield f"{name} was retired."


def _data(old: Dossier, new: Dossier) -> Iterator[str]:
    before, after = ({part["use"]: part for part in dossier["data"]} for dossier in (old, new))
    for use in sorted(before.keys() | after.keys()):
        was, now = before.get(use), after.get(use)
        if was is None or now is None:
            yield f"The {use} data was {'added' if was is None else 'removed'}."
            continue
        name = f"{was['dataset']} version {was['version']}"
        if (was["dataset"], was["version"]) != (now["dataset"], now["version"]):
            yield f"The {use} data was {name} and is now {now['dataset']} version {now['version']}."
        elif was["digest"] != now["digest"]:
            yield f"The bytes of {name} changed: they were {_short(was['digest'])} and are now {_short(now['digest'])}."
        if was["declaration_digest"] != now["declaration_digest"]:
            yield f"What {name} declares (target, sensitive attributes, columns left out) changed."
        if now.get("withdrawn") and not was.get("withdrawn"):
            yield f"{name} was withdrawn."


def _reports(old: Dossier, new: Dossier) -> Iterator[str]:
    before, after = ({report["kind"]: report for report in dossier["reports"]} for dossier in (old, new))
    for kind in sorted(before.keys() | after.keys()):
        was, now = before.get(kind), after.get(kind)
        if was is None or now is None:
            yield (
                f"{'A new' if was is None else 'The'} {kind} report "
                f"{'was finished' if was is None else 'no longer stands'}."
            )
        elif was["digest"] != now["digest"]:
            yield f"The {kind} report {_short(was['digest'])} was superseded by {_short(now['digest'])}."


def _policy(old: Dossier, new: Dossier) -> Iterator[str]:
    before, after = old["policy"], new["policy"]
    if before["digest"] != after["digest"] or before["version"] != after["version"]:
        yield (
            f"The policy was {before['name']} version {before['version']} and is now {after['name']} "
            f"version {after['version']}."
        )
    elif after.get("withdrawn") and not before.get("withdrawn"):
        yield f"The policy {before['name']} version {before['version']} was withdrawn."


def _waivers(old: Dossier, new: Dossier) -> Iterator[str]:
    before, after = ({one["waiver"]: one for one in dossier.get("waivers") or ()} for dossier in (old, new))
    for number in sorted(before.keys() | after.keys()):
        was, now = before.get(number), after.get(number)
        rule = (was or now or {})["rule"]
        if now is None:
            yield f"Waiver {number} of rule {rule} is no longer in force."
        elif was is None:
            yield f"Waiver {number} of rule {rule} came into force."
        elif was != now:
            yield f"Waiver {number} of rule {rule} says something else."


def _documents(old: Dossier, new: Dossier) -> Iterator[str]:
    before, after = (
        {(one["kind"], one["subtype"]): one for one in dossier.get("documents") or []} for dossier in (old, new)
    )
    for kind, subtype in sorted(before.keys() | after.keys()):
        was, now = before.get((kind, subtype)), after.get((kind, subtype))
        name = f"The {kind.replace('_', ' ')}{f' ({subtype})' if subtype else ''}"
        if was is None or now is None:
            yield f"{name} {'was added' if was is None else 'was withdrawn, or its time is over'}."
        elif was["digest"] != now["digest"]:
            yield f"{name} {_short(was['digest'])} was superseded by {_short(now['digest'])}."


def _incidents(old: Dossier, new: Dossier) -> Iterator[str]:
    for number in sorted({*(new.get("incidents") or ())} - {*(old.get("incidents") or ())}):
        yield f"Incident {number}, a serious one, was reported: it is to be signed anew, in the light of it."


COMPARED = (_project, _model, _data, _reports, _policy, _waivers, _documents, _incidents)


def _moved(was: str | None, now: str | None) -> str:
    if was is None or now is None:
        return "was added" if was is None else "is gone"
    return f"was {_short(was)} and is now {_short(now)}"


def _short(digest: str) -> str:
    return digest[:12]


def _word(answer: Any) -> str:
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return "empty" if answer is None or answer == "" else f"“{answer}”"
