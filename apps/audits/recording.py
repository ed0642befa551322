"""Write one line of the house's memory, in the transaction of what it remembers."""

from dataclasses import dataclass
from typing import Any

from apps.audits.events import Event
from apps.audits.models import Opening, PersonKey, Record
from apps.common.origin import origin


@dataclass(frozen=True)
class Personal:
    """A word that says who somebody is. The record keeps a commitment to it; the word itself can be erased."""

    subject: str  # "person 12"
    text: str


def personal(whom, text: str | None = None) -> Personal:
    """`text` (their printed name, if none is given) as a word about `whom`: anything with a `personal_subject`."""
    return Personal(whom.personal_subject, str(whom) if text is None else text)


def record(event: Event, *, on, by, **facts) -> None:
    """Remember that `by` (a membership, or None for the portal) did `event` on `on` (a row of any room).

    Called last inside the action's transaction: both happen or neither. `facts` are plain values; wrap what says who
    somebody is in `personal`, so that it can be erased. Free text that people write (a reason) is kept as it is."""
    names: dict[str, Personal] = {}
    if emergency := getattr(by, "emergency", None):  # whatever is done in those hours bears the mark
        facts["emergency_access"] = emergency.pk
    plain = _without_personal(facts, "", names)
    if by is not None:
        names["by"] = personal(by.user)
    if is_person := hasattr(on, "personal_subject"):
        names["on"] = personal(on)
    project = getattr(on, "project", None)
    Record.objects.bulk_create(  # one statement, and no read back: the database sets what proves it
        [
            Record(
                organization_id=on.organization_id,
                event=event,
                by_id=by and by.user_id,
                by_role=by.role if by else "",
                by_token=by.token.pk if by and by.token else None,
                on_type=on._meta.model_name,
                on_id=on.pk,
                thing="" if is_person else getattr(on, "without_names", str(on)),
                project=getattr(project, "slug", ""),
                names={place: [word.subject, word.text] for place, word in names.items()},
                facts=plain,
                origin=origin(),
            )
        ]
    )


def record_again(event: Event, first: Record, **facts) -> None:
    """Let the portal remember more about what record `first` tells."""
    about = {name: getattr(first, name) for name in ("organization_id", "on_type", "on_id", "thing", "project")}
    facts = {"record": first.seq, **facts}
    Record.objects.bulk_create([Record(event=event, by_role="", facts=facts, origin=origin(), **about)])


def _without_personal(value: Any, path: str, names: dict[str, Personal]) -> Any:
    """`value` without its personal words, which are put into `names` under their paths."""
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        if isinstance(inner, Personal):
            names[f"{path}.{name}"] = inner
        else:
            kept[name] = _without_personal(inner, f"{path}.{name}", names)
    return kept


def is_told(event: Event, *, on, **facts) -> bool:
    """Whether the record says this of a thing already, with these facts among others. Whoever asks so as to say it once
    holds the thing's row."""
    said = Record.objects.filter(
        organization_id=on.organization_id, on_type=on._meta.model_name, on_id=on.pk, event=event, facts__contains=facts
    )
    return said.exists()


def erase(organization_id: int, subjects: list[str]) -> int:
    """Delete the keys and the words of these subjects ("person 12") for good; how many words went.

    Records, digests and proofs stay as they are: a commitment without its key says nothing. The database refuses it
    for members and under a legal hold."""
    words = Opening.objects.filter(organization_id=organization_id, person__subject__in=subjects).count()
    PersonKey.objects.filter(organization_id=organization_id, subject__in=subjects).delete()
    return words


def is_kept(organization_id: int, subject: str) -> bool:
    """Whether anything of this subject can still be erased."""
    return PersonKey.objects.filter(organization_id=organization_id, subject=subject).exists()
