"""What moved between two dossiers."""

from copy import deepcopy

import pytest

from apps.approvals.gates.changes import differences

DOSSIER = {
    "organization": {"slug": "acme", "name": "Acme Bank"},
    "project": {"slug": "lending", "purpose": "Screen loans", "risk_class": "high", "answers": {"credit": True}},
    "model": {"name": "screening", "version": 7, "artifact_digest": "a" * 64, "files": {"model.json": "b" * 64}},
    "data": [{"use": "training", "dataset": "loanapp", "version": 3, "digest": "c" * 64,
              "declaration_digest": "d" * 64}],
    "reports": [{"kind": "fairness", "digest": "e" * 64}],
    "policy": {"name": "High risk", "version": 4, "digest": "f" * 64},
    "asked": {"by": "Ada", "at": "2026-11-22T00:00:00Z"},
}  # fmt: skip


def moved(change):
    new = deepcopy(DOSSIER)
    change(new)
    return differences(DOSSIER, new)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d["project"].update(risk_class="limited"), "The project's risk class was high and is now limited."),
        (lambda d: d["project"].update(purpose="Price loans"), "The project's purpose was rewritten."),
        (lambda d: d["project"]["answers"].update(credit=False),
         "The project's answer to “credit” was yes and is now no."),
        (lambda d: d["project"]["answers"].update(minors="some"),
         "The project's answer to “minors” was empty and is now “some”."),
        (lambda d: d["project"].update(closed=True), "The project was closed."),
        (lambda d: d["model"].update(version=8), "The model was screening version 7 and is now screening version 8."),
        (lambda d: d["model"].update(artifact_digest="9" * 64),
         "The model's bytes changed: screening version 7 was aaaaaaaaaaaa and is now 999999999999."),
        (lambda d: d["model"]["files"].update({"model.json": "9" * 64}),
         "The model's file model.json was bbbbbbbbbbbb and is now 999999999999."),
        (lambda d: d["model"]["files"].pop("model.json"), "The model's file model.json is gone."),
        (lambda d: d["model"].update(retired=True), "screening version 7 was retired."),
        (lambda d: d["data"].clear(), "The training data was removed."),
        (lambda d: d["data"][0].update(version=4),
         "The training data was loanapp version 3 and is now loanapp version 4."),
        (lambda d: d["data"][0].update(digest="9" * 64),
         "The bytes of loanapp version 3 changed: they were cccccccccccc and are now 999999999999."),
        (lambda d: d["data"][0].update(declaration_digest="9" * 64),
         "What loanapp version 3 declares (target, sensitive attributes, columns left out) changed."),
        (lambda d: d["data"][0].update(withdrawn=True), "loanapp version 3 was withdrawn."),
        (lambda d: d["reports"].clear(), "The fairness report no longer stands."),
        (lambda d: d["reports"].append({"kind": "privacy", "digest": "1" * 64}), "A new privacy report was finished."),
        (lambda d: d["reports"][0].update(digest="9" * 64),
         "The fairness report eeeeeeeeeeee was superseded by 999999999999."),
        (lambda d: d["policy"].update(version=5), "The policy was High risk version 4 and is now High risk version 5."),
        (lambda d: d["policy"].update(withdrawn=True), "The policy High risk version 4 was withdrawn."),
        (lambda d: d["organization"].update(name="Other"), "What the dossier binds has changed."),
    ],
)  # fmt: skip
def test_it_names_what_moved(change, sentence):
    assert moved(change) == (sentence,)


def test_it_is_silent_when_nothing_bound_moved():
    assert moved(lambda d: None) == ()
    assert moved(lambda d: d["asked"].update(by="Grace")) == ()


def test_it_names_everything_that_moved():
    def change(dossier):
        dossier["model"]["artifact_digest"] = "9" * 64
        dossier["reports"][0]["digest"] = "8" * 64

    assert len(moved(change)) == 2
