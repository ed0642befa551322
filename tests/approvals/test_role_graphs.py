"""Who may sign, whoever is who: roles, deeds and delegations are drawn, and the rules, the door and the database say
what a reckoning of its own says: nobody joined with a deed signs, and two who sign are joined by nothing."""

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.accounts import actions as accounts
from apps.accounts import reentry
from apps.accounts.models import Reentry
from apps.approvals import queries, rules
from apps.approvals.actions.signing import signed
from apps.common.errors import ActionDenied
from tests.approvals import make
from tests.approvals.test_delegations import hand_on
from tests.make import member

pytestmark = pytest.mark.django_db
PEOPLE = 5
who = st.integers(0, PEOPLE - 1)
role = st.sampled_from(["reviewer", "reviewer", "reviewer", "builder", "owner", "auditor"])
graphs = st.fixed_dictionaries({
    "roles": st.lists(role, min_size=PEOPLE, max_size=PEOPLE),
    "trained": st.none() | who,  # none of them: the builder who asks
    "uploaded": st.none() | who,
    "handed": st.lists(st.tuples(who, who), max_size=3),
    "risen": st.none() | who,  # becomes a reviewer after the request
})  # fmt: skip


class Reckoning:
    """What the drawn graph itself says, in sets: no database, and none of the portal's rules."""

    def __init__(self, people, deeds, joined, risen):
        self.people, self.deeds, self.joined, self.risen = people, deeds, joined, risen

    def kin(self, person: int) -> set[int]:
        found, before = {person}, set()
        while found != before:
            before = set(found)
            found |= {one for pair in self.joined for one in pair if found & set(pair)}
        return found

    def has_a_place(self, person: int) -> bool:
        if self.people[person].role == "reviewer":
            return person != self.risen
        givers = [giver for giver, taker in self.joined if taker == person]
        return any(self.people[giver].role == "reviewer" and giver != self.risen for giver in givers)

    def may_sign(self, person: int, done: set[int]) -> bool:
        return self.has_a_place(person) and not self.kin(person) & (self.deeds | done)


def drawn(acme, graph) -> tuple:
    """The people with their deeds, the request, and the delegations that were taken."""
    people = [member(acme.organization, f"person.{at}", word) for at, word in enumerate(graph["roles"])]
    make.policy(acme)
    acme.enter(acme.builder)
    by = {deed: acme.builder if graph[deed] is None else people[graph[deed]] for deed in ("trained", "uploaded")}
    data = make.dataset_version(acme, by=by["uploaded"])
    approval = make.asked_for(acme, make.reported(acme, data=data, by=by["trained"]))
    joined = []
    for giver, taker in graph["handed"]:
        try:
            with transaction.atomic():
                hand_on(acme, people[giver], people[taker])
        except ActionDenied:
            continue
        joined.append((giver, taker))
    risen = graph["risen"]
    if risen is not None and people[risen].role != "reviewer":
        acme.enter(acme.owner)
        accounts.change_role(people[risen], role="reviewer", by=acme.owner)
        people[risen].refresh_from_db()
    else:
        risen = None
    deeds = {graph[deed] for deed in ("trained", "uploaded")} - {None}
    return approval, people, Reckoning(people, deeds, joined, risen)


def told_by_the_rules(approval, person, meaning: str) -> bool:
    found = queries.approvals(viewer=person).get(pk=approval.pk)
    return rules.why_not_sign(queries.case(found, viewer=person), by=person, meaning=meaning) is None


def told_by_the_door(approval, person, meaning: str) -> bool:
    try:
        with transaction.atomic():
            make.sign(approval, person, meaning)
            transaction.set_rollback(True)
    except ActionDenied:
        return False
    return True


def told_by_the_database(approval, person, meaning: str) -> bool:
    """A row with an honest envelope, past every rule."""
    try:
        with transaction.atomic():
            case = queries.case(queries.approvals(viewer=person).get(pk=approval.pk), viewer=person)
            proof = Reentry.objects.create(user_id=person.user_id, components=["password"])
            row = signed(case, "sign", meaning, "Because.", proof=proof, by=person)
            row.place = row.place or 1
            row.save(force_insert=True)
            transaction.set_rollback(True)
    except DatabaseError:
        return False
    return True


ASKED = (told_by_the_rules, told_by_the_door, told_by_the_database)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(graph=graphs)
def whoever_is_who(acme, heard, graph):
    with transaction.atomic():
        approval, people, reckoning = drawn(acme, graph)
        done: set[int] = set()
        for meaning in ("validated", "approved"):
            allowed = [at for at in range(PEOPLE) if reckoning.may_sign(at, done)]
            for at, person in enumerate(people):
                acme.enter(person)
                make.read(approval, person)
                answers = {ask.__name__: ask(approval, person, meaning) for ask in ASKED}
                assert set(answers.values()) == {at in allowed}, (person, meaning, answers, reckoning.joined)
                heard.append((at in allowed, bool(reckoning.has_a_place(at)), meaning))
            if not allowed:
                break
            acme.enter(people[allowed[0]])
            make.sign(approval, people[allowed[0]], meaning)
            done.add(allowed[0])
        approval.refresh_from_db()
        assert (approval.state == "approved") == (len(done) == 2)
        assert len(done) < 2 or not set.intersection(*(reckoning.kin(at) for at in done))
        transaction.set_rollback(True)


def test_whoever_is_who_rules_door_and_database_say_the_same(acme, monkeypatch):
    def proved(user, password, code="", passkey="", *, about):
        return Reentry.objects.create(user_id=user.pk, components=["password"])

    monkeypatch.setattr(reentry, "check", proved)  # hashing is slow on purpose
    heard: list[tuple] = []
    whoever_is_who(acme, heard)
    assert {(True, True, "validated"), (True, True, "approved"), (False, True, "validated"), (False, True, "approved"),
            (False, False, "validated")} <= set(heard), "a test of one answer alone would prove little"  # fmt: skip
