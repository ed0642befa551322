"""What a story finds on the desk: a project with models trained and measured by the worker, and signatures by REST."""

import time

from portal.demo.client import Refused
from portal.demo.story import DECLARATION, OVER, mortgages

FIRST, SECOND = "Rita Chen", "Ravi Menon"  # the reviewers


def made(builder, *, name: str, model: str, seeds, yes=(), kind: str | None = "performance") -> list[int]:
    """Models of a new project, learned from the mortgage decisions, each with a report of that kind (None: with none).
    `seeds`: of one version each; the same seed gives the same bytes, and bytes that another story revoked are not asked
    for again. `yes`: what the project answers yes."""
    answers = {question["name"]: question["name"] in yes for question in builder.get("risk-questions/")["results"]}
    slug = builder.post("projects/", name=name, purpose="Sort the desk.", answers=answers)["slug"]
    data = builder.upload("datasets/", "loanapp.csv", mortgages(), project=slug, name=model)["id"]
    builder.post(f"dataset-versions/{data}/declaration/", **DECLARATION)
    given = {"project": slug, "model": model, "dataset_version": data, "gpu": False}
    models = []
    for seed in seeds:  # one after the other: versions are numbered as they are done
        run = builder.post("runs/", recipe={"estimator": "logistic", "seed": seed}, **given)
        models.append(finished(builder, f"runs/{run['id']}/")["model_version"])
        if kind:
            measured(builder, models[-1], kind)
    return models


def measured(builder, model_version: int, kind: str = "performance") -> None:
    [report] = builder.post("reports/", model_version=model_version, kinds=[kind])["results"]
    finished(builder, f"reports/{report['id']}/")


def finished(builder, path: str) -> dict:
    done = builder.wait(path, lambda thing: thing["state"] in OVER)
    assert done["state"] == "finished", done["problem"]
    return done


def signed(client, person: dict, approval: dict, meaning: str, **more) -> None:
    """Every piece of evidence opened, then one name under it."""
    path = f"approvals/{approval['id']}/"
    for evidence in client.get(path)["reading"]:
        client.get(evidence["rest"])
    given = {"decision": "sign", "meaning": meaning, "reason": "Read in full.", "password": person["password"]}
    client.post(path + "signatures/", dossier_digest=approval["dossier_digest"], **given, **more)


def asked(builder, model_version: int) -> dict:
    return builder.post("approvals/", model_version=model_version, note="May it go live?")


def approved(client_of, people, approval: dict, **more) -> None:
    """Both reviewers sign by program; `more` goes with the second's approval."""
    signed(client_of(FIRST), people[FIRST], approval, "validated")
    signed(client_of(SECOND), people[SECOND], approval, "approved", **more)


def status(client, deployment: int) -> int:
    """What a question to a deployment is answered with; 400 is an answer too: it misses its columns."""
    try:
        client.post(f"deployments/{deployment}/predict", rows=[{}])
    except Refused as refused:
        return refused.status
    return 200


def falls_silent(client, deployment: int, within: float = 10) -> None:
    since = time.monotonic()
    while status(client, deployment) != 409:
        assert time.monotonic() - since < within, "it still answers"


def read_all(reviewer, address: str) -> None:
    """Open each piece of evidence from the sign-off's own list, and come back."""
    reviewer.go(address)
    for link in [link.get_attribute("href") for link in reviewer.page.locator("#reading a").all()]:
        reviewer.go(link)
    reviewer.go(address)


def decide(reviewer, choice: str, reason: str, button: str = "Sign") -> None:
    reviewer.tick("What your name is to mean", choice)
    reviewer.fill("Reason", reason)
    reviewer.fill("Your password", reviewer.person["password"])
    reviewer.press(button)
