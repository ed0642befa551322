"""Another organization's things, sought at every address: by the address, an id, a filter, a body, a token, a link.

What is answered about another's thing must be what is answered about a thing that nobody has: whoever cannot tell the
two apart has learned nothing. And every word of the other's in any answer is a hole, whatever else it says."""

import re
from collections import defaultdict
from types import SimpleNamespace

from django.conf import settings
from django.shortcuts import resolve_url

from apps.approvals.models import Approval
from apps.projects.models import Project
from portal.isolation import bodies, canaries, reading
from portal.isolation.addresses import METHODS, Address, every
from portal.isolation.canaries import NOBODY, OUTSIDER, ROLES, Canary
from portal.isolation.doors import ask, asked_with, content_of, knock, undone
from portal.isolation.things import FILTERS, IDS, LISTS, names_a_thing, place

NOBODYS_ID, NOBODYS_SLUG = 2**40, "nobody-has-this-slug"
NOBODYS = defaultdict(lambda: SimpleNamespace(pk=NOBODYS_ID, slug=NOBODYS_SLUG))
IN_FORMS = IDS | LISTS
EXPORTS = ("?format=csv", "?format=jsonl", "?format=pdf")


def all_of(trial) -> None:
    for stage in (seen_by_its_own, in_the_address, as_an_id, as_a_project, in_the_question, in_the_body, in_a_form,
                  by_token, by_link, found_by_its_own):  # fmt: skip
        trial.say(stage.__doc__)
        stage(trial)


def seen_by_its_own(trial) -> None:
    """every page and file, read by its own organization's people"""
    for address in trial.addresses:
        for question in EXPORTS if address.name.endswith("records-export") else ("",):
            for role in ROLES:  # whoever may read it first will do, where it is only to be seen that it is shown
                if _shown(trial, trial.theirs, address, role, question=question) == 200:
                    break
            for role in ROLES:
                _shown(trial, trial.ours, address, role, question=question)


def _shown(trial, canary: Canary, address: Address, role: str, *, question: str) -> int:
    where = place(address, canary.rows, canary.slug, canary.project)
    with undone():
        answer = ask(canary.clients[role], "get", where + (question or asked_with(address, canary.rows)))
        content = reading.plain(content_of(answer))
    _own(trial, canary, address, answer.status_code, content, who=role)
    return answer.status_code


def _own(trial, canary: Canary, address: Address, status: int, content: bytes, *, who: str) -> None:
    if canary is trial.theirs:
        trial.seen |= canary.met_in(content)
    elif words := trial.theirs.met_in(content):
        trial.tally.found(address, "get", f"holds {_listed(words)}", who=who, thing="own")
    trial.tally.answered(address, "get", thing="own", who=who, status=status)


def in_the_address(trial) -> None:
    """every address of another organization, by every verb"""
    clients = {role: trial.ours.clients[role] for role in ROLES}
    clients |= {OUTSIDER: canaries.outsider(), NOBODY: canaries.client()}
    for address in trial.addresses:
        where = place(address, trial.theirs.rows, trial.theirs.slug, trial.theirs.project)
        for who, client in clients.items():
            for verb in METHODS:
                answer = ask(client, verb, where)
                right = answer.status_code == 404 if who != NOBODY else _asked_to_sign_in(address, answer)
                _judge(trial, address, verb, answer, who=who, thing="address", right=right, asked=where)


def _asked_to_sign_in(address: Address, answer) -> bool:
    if address.is_rest:
        return answer.status_code == 401
    return answer.status_code == 302 and answer["Location"].startswith(resolve_url(settings.LOGIN_URL))


def as_an_id(trial) -> None:
    """every id of another organization, inside one's own"""
    ours, theirs = trial.ours, trial.theirs
    for address in filter(names_a_thing, trial.addresses):
        there, nowhere = (place(address, rows, ours.slug, ours.project) for rows in (theirs.rows, NOBODYS))
        for role in ROLES:
            for verb in METHODS:
                answer = _sent(trial, role, verb, address, there)
                right = answer.status_code in (404, 405) or _same(answer, _sent(trial, role, verb, address, nowhere))
                _judge(trial, address, verb, answer, who=role, thing="id", right=right, asked=there)


def as_a_project(trial) -> None:
    """every project of another organization, inside one's own"""
    ours = trial.ours
    for address in (found for found in trial.addresses if "project" in found.parameters):
        where = place(address, ours.rows, ours.slug, trial.theirs.project)
        for role in ROLES:
            for verb in METHODS:
                answer = _sent(trial, role, verb, address, where)
                right = answer.status_code in (404, 405)
                _judge(trial, address, verb, answer, who=role, thing="project", right=right, asked=where)


def in_the_question(trial) -> None:
    """every filter and cursor of a list, with another organization's ids"""
    ours, theirs = trial.ours, trial.theirs
    last = max(row.pk for row in theirs.rows.values() if row is not None)
    named = {name: (theirs.rows[model].pk, NOBODYS_ID) for name, model in FILTERS.items()}
    named |= {"project": (theirs.project, NOBODYS_SLUG), "after": (last + 1, NOBODYS_ID), "before": (0, 0)}
    for address in trial.addresses:
        if set(address.parameters) - {"organization", "project"}:
            continue
        where = place(address, ours.rows, ours.slug, ours.project)
        for role in ROLES:
            client = ours.clients[role]
            for name, (there, nowhere) in named.items():
                answer = client.get(f"{where}?{name}={there}")
                right = answer.status_code < 500
                if right and address.is_rest and name not in ("after", "before"):
                    right = _same(answer, client.get(f"{where}?{name}={nowhere}"))
                _judge(trial, address, "get", answer, who=role, thing="question", right=right, asked=str(there))


def in_the_body(trial) -> None:
    """every field of a body that names a thing, with another organization's"""
    ours = trial.ours
    for address, verb, path, _shape in bodies.every(bodies.schema()):
        named = bodies.names(path)
        if named is None or address not in trial.addresses:
            continue
        where = place(address, ours.rows, ours.slug, ours.project)
        there, nowhere = (_named(rows[named]) for rows in (trial.theirs.rows, NOBODYS))
        for role in ROLES:
            answers = []
            for given in (there, nowhere):
                with undone():
                    answers.append(
                        bodies.send(ours.clients[role], address, verb, where, path=path, given=given, rows=ours.rows,
                                    project=ours.project)
                    )  # fmt: skip
            right = answers[0].status_code in (403, 404) and _same(*answers)
            _judge(trial, address, verb, answers[0], who=role, thing="body", right=right, asked=str(there))


def in_a_form(trial) -> None:
    """every field of a form that names a thing, with another organization's"""
    ours, theirs = trial.ours, trial.theirs
    for address in (found for found in trial.addresses if not found.is_rest):
        where = place(address, ours.rows, ours.slug, ours.project)
        with undone():
            if ask(ours.clients["owner"], "post", where).status_code == 405:
                continue
        for role in ROLES:
            page = ask(ours.clients[role], "get", where)
            shown = content_of(page) if page.status_code == 200 else b""
            for field, model in IN_FORMS.items():
                if shown and f'name="{field}"'.encode() not in shown:
                    continue  # this page's form has no such field
                there, nowhere = _named(theirs.rows[model]), _named(NOBODYS[model])
                answer = _typed(trial, role, address, where, {field: there})
                right = answer.status_code < 500
                if answer.status_code == 303:  # it was done, or refused with a message
                    right = _typed(trial, role, address, where, {field: nowhere}).status_code == 303
                _judge(trial, address, "post", answer, who=role, thing="form", right=right, asked=str(there))


def _typed(trial, role: str, address: Address, where: str, field: dict):
    more = {"project": trial.ours.project, "password": "", **field}
    with undone():
        return knock(trial.ours.clients[role], "post", address, where, trial.ours.rows, more=more)


def by_token(trial) -> None:
    """every address of REST, with a token of another organization"""
    stranger = canaries.client()
    for address in (found for found in trial.addresses if found.is_rest):
        for canary, key in ((trial.theirs, trial.ours), (trial.ours, trial.theirs)):
            where = place(address, canary.rows, canary.slug, canary.project)
            for role in ROLES:
                for verb in METHODS:
                    answer = ask(stranger, verb, where, HTTP_AUTHORIZATION=f"Bearer {key.secrets[role]}")
                    right = answer.status_code == 404
                    _judge(trial, address, verb, answer, who=role, thing="token", right=right, asked=where)


def by_link(trial) -> None:
    """every address that a link opens, for another organization's sign-off"""
    stranger = canaries.client()
    opened = [address for address in every() if "secret" in address.parameters and address.name.startswith("shared")]
    for address in opened:
        for canary in (trial.theirs, trial.ours):
            values = {"secret": canary.secrets["share"], "pk": canary.rows[Approval].pk, "name": "manifest.json"}
            content = reading.plain(content_of(answer := stranger.get(address.at(**values))))
            _own(trial, canary, address, answer.status_code, content, who="whoever has the link")
        if "pk" in address.parameters:
            values["pk"] = trial.theirs.rows[Approval].pk
            answer = stranger.get(address.at(**values))
            _judge(trial, address, "get", answer, who="whoever has the link", thing="id",
                   right=answer.status_code in (404, 410), asked="")  # fmt: skip


def found_by_its_own(trial) -> None:
    """the counterpart: each verb finds one's own thing, or nothing was proved by not finding another's"""
    ours = trial.ours
    for address in filter(names_a_thing, trial.addresses):
        where = place(address, ours.rows, ours.slug, ours.project)
        for verb in METHODS:
            found = []
            for role in ROLES:
                answer = _sent(trial, role, verb, address, where)
                trial.tally.answered(address, verb, thing="own", who=role, status=answer.status_code)
                found.append(answer.status_code)
                if found[-1] not in (403, 404):
                    break
            if found[-1] in (404, 500) or set(found) <= {403, 404}:
                trial.tally.not_tried(address, verb, f"one's own thing is answered {found[-1]} here, to every role")


def _sent(trial, role: str, verb: str, address: Address, where: str):
    """A well-formed request of one of us, undone."""
    client, canary = trial.ours.clients[role], trial.ours
    with undone():
        if address.is_rest or verb in ("get", "post"):
            answer = knock(client, verb, address, where, canary.rows, more={"project": canary.project, "password": ""})
        else:
            answer = ask(client, verb, where)
        if answer.streaming:
            answer.kept = content_of(answer)
    return answer


def _judge(trial, address, verb, answer, *, who, thing, right, asked) -> None:
    content = getattr(answer, "kept", None) or content_of(answer)
    trial.go_on()
    trial.tally.answered(address, verb, thing=thing, who=who, status=answer.status_code)
    told = reading.plain(content) + str(answer.headers).encode()
    if words := trial.theirs.met_in(told, asked=asked):
        trial.tally.found(address, verb, f"answered {answer.status_code} with {_listed(words)}", who=who, thing=thing)
    elif not right:
        says = f"answered {answer.status_code}, and otherwise about what nobody has"
        trial.tally.found(address, verb, says, who=who, thing=thing)


def _same(answer, other) -> bool:
    """Whether two answers differ in nothing but the thing that was asked for; pages carry words made anew each time."""
    if answer.status_code != other.status_code or answer.status_code >= 500:
        return False
    kinds = [one.get("Content-Type", "") for one in (answer, other)]
    return "json" not in kinds[0] or _plain(answer) == _plain(other)


def _plain(answer) -> bytes:
    """A REST answer without what was asked for (ids, slugs), the request's own identifier, the moment, and digests of
    what holds either."""
    said = content_of(answer)
    for own in (answer.wsgi_request.get_full_path(), answer.headers["X-Request-ID"]):
        said = said.replace(own.encode(), b"")
    return re.sub(rb"[0-9a-f]{64}|[0-9]{1,19}|nobody-has-this-slug|zq[a-z]+", b"_", said)


def _named(row) -> object:
    """How a body names a thing: a project by its slug, all else by number."""
    return row.slug if isinstance(row, Project) or not row.pk else row.pk


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words))
