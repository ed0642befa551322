"""The policy it is signed under, the sign-off, what serves on it and who outside sees it."""

from datetime import timedelta

from django.utils import timezone

from apps.approvals.gates.defaults import built_in
from apps.approvals.models import Approval
from apps.models.models import ModelVersion
from portal.isolation.canaries.canary import Canary
from portal.isolation.doors import PASSWORD


def sign_off(canary: Canary) -> None:
    version, now = canary.rows[ModelVersion].pk, timezone.now()
    source = built_in("minimal").replace("name: minimal-risk", f"name: {canary.word('policy')}") + "\nconditions: {}\n"
    source = source.replace("max_age_days: 365", f"max_age_days: 365\n    why: {canary.word('why')}", 1)
    policy = canary.do("owner", "api-policies", source=source)["id"]
    canary.do("partner", "api-policy-publication", policy)
    terms = {name: canary.word("waiver" + name) for name in ("reason", "risk", "measure", "monitoring", "plan")}
    ends = (now + timedelta(days=9)).isoformat()
    canary.do("builder", "api-waivers", project=canary.project, policy=policy, rule=2, model_version=version,
              owner=canary.members["second"].pk, ends_at=ends, **terms)  # fmt: skip
    asked = canary.do("builder", "api-approvals", model_version=version, note=canary.word("note"))["id"]
    told = canary.do("reviewer", "api-approval", asked, verb="get")
    for evidence in told["reading"]:  # who has not read it does not sign
        canary.clients["reviewer"].get(f"/api/v1/{canary.slug}/{evidence['rest']}")
    condition = {"text": canary.word("condition"), "owner": canary.members["builder"].pk, "due_at": ends}
    canary.do("reviewer", "api-approval-signatures", asked, decision="sign", meaning="approved", password=PASSWORD,
              reason=canary.word("verdict"), dossier_digest=told["dossier_digest"],
              conditions=[condition | {"consequence": "escalate"}])  # fmt: skip
    canary.do("builder", "api-approval-fulfilments", asked, condition=1, evidence=canary.word("fulfilment"))
    place = {"delegate": canary.members["second"].pk, "reason": canary.word("delegation"), "password": PASSWORD}
    days = {"starts_at": ends, "ends_at": (now + timedelta(days=10)).isoformat()}
    canary.do("reviewer", "api-delegations", **place, **days)


def serving_and_sharing(canary: Canary) -> None:
    canary.enter()
    approval = Approval.objects.get(organization=canary.organization).pk
    canary.do("builder", "api-deployments", approval=approval, name=canary.word("deployment"))
    canary.do("reviewer", "api-approval-suspension", approval, drill=True, reason=canary.word("suspension"))
    canary.do("builder", "api-approval-tellings", approval, who=canary.word("told"), how=canary.word("how"))
    canary.do("builder", "api-approval-resumption", approval, reason=canary.word("resumption"))
    canary.do("reviewer", "api-approval-resumption-grant", approval)
    until = f"{timezone.now() + timedelta(days=20):%Y-%m-%d}"
    shown = {"approvals": [approval], "addressee": canary.word("addressee"), "note": canary.word("shared")}
    link = canary.do("reviewer", "api-shares", until=until, **shown)["link"]
    canary.secrets["share"] = link.rstrip("/").rsplit("/", 1)[-1]
