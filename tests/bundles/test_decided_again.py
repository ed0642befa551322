"""What a sign-off rests on, decided again offline: waivers, corrections, provenance, papers, who signed in which place
and order, the lock, conditions. Each bundle passes; each lie that the holder of its own key could tell is named."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Role
from apps.approvals import actions
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.canonical import canonical, digest
from apps.common.signing import IN_TOTO, envelope
from apps.reports import actions as reports
from tests.approvals import make as sign_offs
from tests.bundles import make
from tests.documents import make as documents
from tests.make import PASSWORD, member

pytestmark = pytest.mark.django_db
POLICY = "name: high-risk\nrisk_class: high\nvalid_days: 9\n"
SIGNERS = "signers: [{role: reviewer, meaning: validated}, {role: reviewer, meaning: approved}]\n"


def published(tenant, rules: str, more: str = SIGNERS):
    sign_offs.policy(tenant)
    return sign_offs.publish(tenant, POLICY + more + f"rules:\n{rules}")


def signed(tenant, approval, **second):
    for signer, meaning, given in ((tenant.reviewer, "validated", {}), (tenant.second_reviewer, "approved", second)):
        tenant.enter(signer)
        read_papers(approval, signer)
        sign_offs.sign(approval, signer, meaning, **given)
    return make.bundle(tenant, make.fetched(tenant, approval.pk))


def read_papers(approval, by):
    from apps.audits import readings
    from apps.documents.models import Statement

    for paper in json.loads(approval.dossier)["documents"]:
        readings.opened(Statement.objects.get(pk=paper["number"]), by=by, digest=paper["digest"])


def lies(tenant, content, folder, *changes, how=make.with_dossier):
    """Each change, by the holder of the key, is named as expected."""
    key = make.key_of(tenant)
    for change, expected in changes:
        said = make.wrong(how(content, key, change), folder, by=make.decider)
        assert expected in said, said


def test_a_waived_rule(acme, tmp_path):
    version = sign_offs.reported(acme, without=["performance"])
    unsure = sign_offs.figure("balanced_accuracy", value=0.6, low=0.5, high=0.7)
    sign_offs.report(version, "performance", measured=[unsure])
    sign_offs.waived(acme, version, 5)
    content = signed(acme, sign_offs.asked_for(acme, version))
    told = make.right(content, tmp_path)
    assert any("of rule 5 (performance balanced_accuracy), until" in one["what"] for one in told["checks"])

    def waiver(**other):
        return lambda dossier: dossier["waivers"][0].update(other)

    lies(
        acme, content, tmp_path,
        (lambda d: d.update(waivers=[]), "rule 5 (performance balanced_accuracy): the figures give inconclusive"),
        (lambda dossier: dossier["policy_body"]["rules"][4].update(waivable=False), "the dossier says waived"),
        (waiver(ends_at="2020-01-01T00:00:00Z"), "was not in force when it was asked for"),
        (waiver(starts_at="2020-01-01T00:00:00Z"), "for more than 90 days"),
        (waiver(approved_by=acme.second_reviewer.pk), "are not three people"),
        (waiver(plan=" "), "does not say its reason"),
        (waiver(monitoring=" "), "does not say its reason"),
        (waiver(policy="0" * 64), "is of another policy"),
        (waiver(rule=6), "the record tells otherwise of waiver"),
        (waiver(waiver=10**6), "the record does not tell that waiver 1000000 was asked for and approved"),
        (lambda dossier: dossier["gates"].update(verdict="pass"), "all rules together give waived"),
    )  # fmt: skip


CORRECTED = """\
  - {report: fairness, figure: demographic_parity_ratio, of: '*', bound: lower, at_least: 0.8, correction: holm}
  - {report: performance, figure: balanced_accuracy, bound: lower, at_least: 0.65, minimum_group_size: 20}
"""


def test_a_correction_and_a_small_group(acme, tmp_path):
    published(acme, CORRECTED)
    content = signed(acme, sign_offs.asked_for(acme, sign_offs.reported(acme)))
    make.right(content, tmp_path)

    def outcome(place, **other):
        return lambda dossier: dossier["gates"]["outcomes"][place].update(other)

    def rule(place, **other):
        return lambda dossier: dossier["policy_body"]["rules"][place].update(other)

    lies(
        acme, content, tmp_path,
        (outcome(0, verdict="fail"), "rule 1 (fairness demographic_parity_ratio of *): the figures give pass, pass"),
        (outcome(0, corrected_low=0.849), "its corrected_low is 0.8"),
        (outcome(0, comparisons=1), "its comparisons is"),
        (outcome(2, value=0.99), "rule 2 (performance balanced_accuracy): its value is 0.9, the dossier says 0.99"),
        (outcome(2, threshold=0.9), "its threshold is 0.65"),
        (rule(0, at_least=0.845), "the figures give inconclusive, inconclusive"),  # 0.85 alone would clear it
        (rule(1, minimum_group_size=62), "rule 2 (performance balanced_accuracy): the figures give inconclusive"),
        (rule(0, at_least=0.96), "the figures give fail, fail"),
        (rule(0, at_least=0.96), "it was signed, and its rules give fail"),
        (lambda dossier: dossier.update(sensitive=["race"]), "the data declares other sensitive attributes"),
        (lambda dossier: dossier["gates"]["outcomes"].pop(), "the dossier says nothing"),
    )  # fmt: skip


def test_figures_submitted_from_outside(acme, tmp_path):
    """A sign-off that rests on them verifies, says so, and no lie makes them the portal's own, or younger."""
    published(acme, "  - {report: performance, provenance: submitted, max_age_days: 9}\n")
    version = sign_offs.model_version(acme)
    acme.enter(acme.builder)
    given = {"measured_by": "Example Labs", "measured_on": timezone.now().date(), "method": "Hold-out.",
             "data": "Spring.", "figures": [{"name": "roc_auc", "value": 0.8, "n": 597}]}  # fmt: skip
    submission = reports.submit(version, kind="performance", given=given, by=acme.builder)
    content = signed(acme, sign_offs.asked_for(acme, version))
    make.right(content, tmp_path)
    name = f"reports/performance-{submission.digest[:12]}.json"
    assert make.members(content)[name] == submission.result.encode() and f"{name[:-5]}.pdf" in make.members(content)
    hand = {"person": acme.reviewer.user_id, "name": "Reviewer", "deed": "submitted figures about it"}
    older = (submission.finished_at - timedelta(days=2)).isoformat()
    lies(
        acme, content, tmp_path,
        (lambda d: d["policy_body"]["rules"][0].update(provenance="recomputed"), "the figures give missing"),
        (lambda d: d["gates"]["outcomes"][0].update(provenance="recomputed"), "its provenance is submitted"),
        (lambda d: d["evidence"][0].update(finished_at=older), "figures that were submitted were measured on another"),
        (lambda d: d["hands"].append(hand), "signed, and Reviewer submitted figures about it"),
        (lambda d: d["evidence"][0].update(digest="0" * 64), "otherwise of the performance report that was submitted"),
    )  # fmt: skip


def test_provenance_age_and_papers(acme, tmp_path):
    rules = "  - {report: performance, provenance: submitted, max_age_days: 9}\n  - {statement: intended_purpose}\n"
    published(acme, rules)
    acme.enter(acme.builder)
    documents.stated(acme)
    version = sign_offs.model_version(acme)
    sign_offs.report(version, "performance", provenance="submitted from outside")
    content = signed(acme, sign_offs.asked_for(acme, version))
    make.right(content, tmp_path)
    old = (timezone.now() - timedelta(days=10)).isoformat()
    one, two, nothing = (
        "rule 1 (performance): the figures give",
        "rule 2 (intended_purpose): the figures give",
        "0" * 64,
    )

    def rule(**other):
        return lambda d: d["policy_body"]["rules"][0].update(other)

    def policy(**other):
        return lambda d: d["policy_body"].update(other)

    lies(
        acme, content, tmp_path,
        (rule(provenance="recomputed"), f"{one} missing"),
        (lambda d: d["evidence"][0].update(finished_at=old), f"{one} stale"),
        (lambda d: d.update(papers=[]), f"{two} missing"),
        (lambda d: d["papers"][0].update(valid_until="2020-01-01"), f"{two} stale"),
        (lambda d: d["papers"][0].update(digest=nothing), "the intended purpose that was judged is not bound"),
        (lambda d: d["evidence"][0].update(digest=nothing), "performance report that was judged is not in the bundle"),
        (lambda d: d["documents"][0].update(digest=nothing), "with digest 000000000000 is not in the bundle"),
        (lambda d: d["policy_body"]["rules"].append({"report": "fairness"}), "rule 3 (fairness): the figures"),
        (policy(risk_class="limited"), "the policy is for limited-risk projects"),
        (policy(applies_to={"answered_yes": ["annex_iii"]}), "another answer to “annex_iii”"),
        (lambda d: d["model"].update(retired=True), "its model retired before"),
    )  # fmt: skip


def test_who_signs_in_which_place_and_order(acme, tmp_path):
    source = sign_offs.policy(acme).source + "\norder: sequence\ndeadline_days: 5\non_deadline: return\n"
    sign_offs.publish(acme, source)
    version = sign_offs.reported(acme)
    [report] = version.reports.filter(kind="privacy")
    record(Event.REPORT_FINISHED, on=report, by=None, digest=report.digest)
    content = signed(acme, sign_offs.asked_for(acme, version))
    make.right(content, tmp_path)

    def privacy(**other):
        return lambda d: next(one for one in d["evidence"] if one["kind"] == "privacy").update(other)

    def hand(person, deed):
        return lambda d: d["hands"].append({"person": person.user_id, "name": "A. Nonym", "deed": deed})

    future = (timezone.now() + timedelta(hours=1)).isoformat()
    past = (timezone.now() - timedelta(days=6)).isoformat()
    lies(
        acme, content, tmp_path,
        (hand(acme.reviewer, "trained this model"), "Reviewer signed, and A. Nonym trained this model"),
        (lambda d: d["asked"].update(person=acme.second_reviewer.user_id), "asked for this sign-off"),
        (lambda d: d["policy_body"]["signers"][1].update(count=2), "with 2 of 3 signatures"),
        (lambda d: d["policy_body"]["signers"][0].update(meaning="reviewed"), "not what the policy asks there"),
        (lambda d: d["policy_body"].update(valid_days=7), "not what policy and record give"),
        (lambda d: d["asked"].update(at=past), "signed after the deadline"),
        (lambda d: d["asked"].update(at=future), "signed without opening the"),
        (privacy(finished_at=future), "tells otherwise of the privacy report and when it was finished"),
        (privacy(digest="0" * 64), "tells otherwise of the privacy report and when it was finished"),
    )  # fmt: skip
    lies(
        acme, content, tmp_path,
        (lambda said: said["signatures"].reverse(), "they signed in another order than the policy asks for"),
        (lambda said: said["signatures"][0].update(signer=acme.second_reviewer.user_id), "signed it before"),
        (lambda said: said["signatures"][0].update(printed_name="Else"), "given with another printed name"),
        (lambda said: said["signatures"][1].update(decision="return"), "and somebody refused"),
        how=make.with_printed,
    )  # fmt: skip


def test_a_place_that_was_handed_on(acme, tmp_path):
    stand_in = member(acme.organization, "stan.inn", Role.BUILDER)
    approval, now = sign_offs.asked(acme), timezone.now()
    acme.enter(acme.reviewer)
    until = {"starts_at": now, "ends_at": now + timedelta(days=9)}
    delegation = actions.delegate(
        stand_in, project=acme.project, reason="Away.", password=PASSWORD, by=acme.reviewer, **until
    )
    acme.enter(stand_in)
    sign_offs.sign(approval, stand_in)
    acme.enter(acme.second_reviewer)
    sign_offs.sign(approval, acme.second_reviewer, "approved")
    content = make.bundle(acme, make.fetched(acme, approval.pk))
    make.right(content, tmp_path)
    giver = {"person": acme.reviewer.user_id, "name": "Reviewer", "deed": "trained this model"}
    lies(
        acme,
        content,
        tmp_path,
        (lambda d: d["hands"].append(giver), "Stan Inn signed, and Reviewer trained this model"),
    )
    lies(
        acme, content, tmp_path,
        (lambda said: said["signatures"][1].update(signer=acme.reviewer.user_id), "joined with them by a delegation"),
        (lambda said: said["delegations"][0].update(ended_at="2020-01-01T00:00:00Z"), "does not let Stan Inn sign at"),
        (lambda said: said.update(delegations=[]), "under which Stan Inn signed is not in the bundle"),
        how=make.with_printed,
    )  # fmt: skip
    for change, expected in (
        (lambda meant: meant.update(project="another"), " is for another project"),
        (lambda meant: meant["authentication"].update(components=["password", "passkey"], passkey=NO_ANSWER),
         " was made with a passkey that did not answer for it"),
    ):  # fmt: skip
        said = make.wrong(handed_on_otherwise(acme, content, change), tmp_path, by=make.decider)
        assert f"signatures/delegation-{delegation.pk}.dsse.json{expected}" in said


NO_ANSWER = dict.fromkeys(("client_data", "authenticator_data", "signature", "public_key"), "e30=") | {
    "relying_party": "", "nonce": "", "about": {}, "authenticator_data": base64.b64encode(bytes(37)).decode(),
}  # fmt: skip


def handed_on_otherwise(tenant, content, change):
    key, found = make.key_of(tenant), make.members(content)
    [name] = [name for name in found if name.startswith("signatures/delegation-")]
    said = json.loads(base64.b64decode(json.loads(found[name])["payload"]))
    change(said["predicate"])
    return make.signed_again(found | {name: canonical(envelope(canonical(said), IN_TOTO, key))}, key)


def test_the_lock(acme, tmp_path):
    sign_offs.policy(acme)
    version = sign_offs.reported(acme)
    later = sign_offs.policy(acme).source.replace("at_least: 0.65", "at_least: 0.6")
    sign_offs.publish(acme, later)
    content = signed(acme, sign_offs.asked_for(acme, version))
    told = make.right(content, tmp_path)
    changed = "1 change(s) of the policy after the rows were opened: Changed: "
    assert any(changed in one["what"] for one in told["checks"])
    assert "policy/high-risk-v1.json" in make.members(content)

    def lock(**other):
        return lambda d: d["lock"].update(other)

    lies(
        acme, content, tmp_path,
        (lock(kept=True), "says that the policy was kept, and names changes"),
        (lock(kept=True, changes=[]), "the policy that counted when the rows were opened decides otherwise"),
        (lock(opened_at=(timezone.now() + timedelta(hours=1)).isoformat()), "a report was finished before its rows"),
        (lock(opened_at=(timezone.now() - timedelta(hours=1)).isoformat()), "was published later"),
        (lock(opened_at=None), "names no moment"),
        (lambda d: d["lock"]["policy"].update(digest="0" * 64), "that counted then is not in the bundle"),
        (lambda d: d["lock"]["changes"][0].update(digest=d["lock"]["policy"]["digest"]), "its changes lead to"),
    )  # fmt: skip


def test_conditions(acme, tmp_path):
    published(acme, "  - {report: performance}\n", SIGNERS + "conditions: {at_most: 2, due_days: 30}\n")
    approval = sign_offs.asked_for(acme, sign_offs.reported(acme, without=("explainability",)))
    due = timezone.now() + timedelta(days=9)
    check = {"report": "explainability", "figure": "stability", "bound": "lower", "at_least": 0.7}
    conditions = [
        {"text": "Measure robustness.", "owner": acme.builder.pk, "due_at": due, "consequence": "block"},
        {"text": "It stays as good.", "check": check, "due_at": due, "consequence": "suspend"},
    ]
    signed(acme, approval, conditions=conditions)
    acme.enter(acme.builder)
    actions.fulfil(approval, 1, evidence="Report 7.", by=acme.builder)
    stable = sign_offs.figure("stability", value=0.95, low=0.9, high=0.99)
    sign_offs.report(approval.model_version, "explainability", measured=[stable])
    third = sign_offs.another_reviewer(acme)
    actions.confirm(approval, 1, by=third)
    content = make.bundle(acme, make.fetched(acme, approval.pk))
    told = [one["what"] for one in make.right(content, tmp_path)["checks"] if one["check"] == "conditions"]
    assert len(told) == 2 and all("met 2" in what for what in told), told
    lies(
        acme, content, tmp_path,
        (lambda d: d["policy_body"].pop("conditions"), "on conditions that the policy does not allow"),
        (lambda d: d["policy_body"]["conditions"].update(at_most=1), "on conditions that the policy does not allow"),
        (lambda d: d["policy_body"]["conditions"].update(due_days=1), "due outside of what the policy allows"),
    )  # fmt: skip
    key = make.key_of(acme)
    for change in (
        lambda said: said["fulfilments"][0].update(confirmed_by=said["fulfilments"][0]["fulfilled_by"]),
        lambda said: said["fulfilments"][0].update(confirmed_at="2099-01-01T00:00:00+00:00"),
        lambda said: said.update(measured=[]),
    ):
        told = make.checked(make.with_printed(content, key, change), tmp_path)
        assert any("not met by what is here" in one["what"] for one in told["checks"])
    found = make.members(content)
    [name] = [name for name in found if name.startswith("reports/explainability-") and name.endswith(".json")]
    brought = canonical(json.loads(found[name]) | {"provenance": "submitted from outside"})
    lied = make.with_printed(
        make.signed_again(found | {name: brought}, key), key,
        lambda said: said["measured"][0].update(digest=digest(brought)),
    )  # fmt: skip
    told = [one["what"] for one in make.right(lied, tmp_path)["checks"] if one["check"] == "conditions"]
    met, not_met = sorted(told, key=lambda what: "not met" in what)
    assert "“Measure robustness.”" in met and "“It stays as good.”" in not_met

    def overdue(said):
        signature, now = said["signatures"][1], timezone.now()
        signature["signed_at"] = (now - timedelta(hours=2)).isoformat()
        for condition in signature["conditions"]:
            condition["due_at"] = (now - timedelta(hours=1)).isoformat()
        said.update(fulfilments=[], measured=[])

    said = make.wrong(make.with_printed(content, key, overdue), tmp_path, by=make.decider)
    for text in ("Measure robustness.", "It stays as good."):
        assert f"the condition “{text}” passed its day unmet, and it is said to stand" in said
