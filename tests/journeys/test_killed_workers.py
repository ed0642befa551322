"""kill -9 of a real worker in the middle of each kind of slow work: it is taken up again, as if nothing had been."""

import pytest

from portal.demo.story import DECLARATION, mortgages

OVER = ("finished", "failed", "cancelled")
LONG = {  # several seconds, without early stopping
    "network": {"estimator": "network", "hyper": {"epochs": 250, "patience": 0, "layers": [32]}},
    "private": {
        "estimator": "private_network",
        "hyper": {"epochs": 120, "noise": 2.0, "batch": 128, "layers": [16], "randomness": "seeded"},
    },
}


@pytest.fixture
def builder(client_of):
    return client_of("Ben Ortiz")


def killed_while(portal, builder, path, reached):
    """kill -9 of all workers once the thing at `path` has come so far, and what it was at that moment."""
    thing = builder.wait(path, lambda it: reached(it) or over(it), seconds=120, every=0.05)
    assert not over(thing), f"it was over before it could be interrupted: {thing}"
    portal.kill_workers()
    return thing


def over(thing):
    return (thing.get("profile") or thing)["state"] in OVER


def running(thing):
    return (thing.get("profile") or thing)["state"] == "running"


def finished(builder, path):
    return builder.wait(path, over, seconds=240)


def test_01_a_profile_is_taken_up_again(portal, builder, said):
    answers = {question["name"]: False for question in builder.get("risk-questions/")["results"]}
    builder.post("projects/", slug="killed", name="Killed", purpose="See what outlives a dead worker.", answers=answers)
    version = builder.upload("datasets/", "loanapp.csv", mortgages(), project="killed", name="loanapp")
    path = said["data"] = f"dataset-versions/{version['id']}/"
    killed_while(portal, builder, path, running)
    assert finished(builder, path)["profile"]["state"] == "finished"
    builder.post(f"{path}declaration/", **DECLARATION)
    assert finished(builder, path)["digest"] == version["digest"]
    said["id"] = version["id"]


@pytest.mark.parametrize("kind", LONG)
def test_02_a_run_goes_on_where_it_was_and_becomes_the_same_model(portal, builder, said, kind):
    def launch():
        run = builder.post(
            "runs/", project="killed", model=f"killed-{kind}", dataset_version=said["id"], recipe=LONG[kind], gpu=False
        )
        return f"runs/{run['id']}/"

    path = launch()
    interrupted = killed_while(portal, builder, path, lambda run: run["progress"].get("epoch", 0) > 30)
    resumed = finished(builder, path)
    assert (resumed["state"], resumed["attempt"]) == ("finished", 2), resumed["problem"]
    assert [line["epoch"] for line in resumed["history"]] == list(range(1, LONG[kind]["hyper"]["epochs"] + 1))
    log = [line["text"] for line in builder.get(f"{path}log/?limit=200")["results"]]
    assert "Taken up again from the last epoch that was kept." in log
    begun_again = log[: log.index("Taken up again from the last epoch that was kept.")]
    first = min(int(text.split()[1]) for text in begun_again if text.startswith("epoch"))
    assert first > 1, f"it had come to epoch {interrupted['progress']['epoch']} and began at the beginning"
    whole = finished(builder, launch())
    digests = [builder.get(f"model-versions/{run['model_version']}/")["artifact_digest"] for run in (resumed, whole)]
    assert digests[0] == digests[1], "interrupted or not, the same bytes"
    assert resumed["spent"] == whole["spent"]
    said["model"] = resumed["model_version"]


def test_03_a_report_is_taken_up_again(portal, builder, said):
    report = builder.post("reports/", model_version=said["model"], kinds=["explainability"])["results"][0]
    path = f"reports/{report['id']}/"
    killed_while(portal, builder, path, running)
    done = finished(builder, path)
    assert done["state"] == "finished", done["problem"]
    assert done["result"]["inputs"]["n"] == 597


def test_04_a_run_cancelled_while_its_worker_is_dead_is_ended_by_the_next(portal, builder, said):
    run = builder.post(
        "runs/", project="killed", model="killed-cancelled", dataset_version=said["id"], recipe=LONG["private"],
        gpu=False,
    )  # fmt: skip
    path = f"runs/{run['id']}/"
    killed_while(portal, builder, path, lambda run: run["progress"].get("epoch", 0) > 30)
    builder.post(f"{path}cancellation/")
    ended = finished(builder, path)
    assert (ended["state"], ended["model_version"]) == ("cancelled", None)
    assert ended["spent"]["epsilon"] > 0, "what the dead worker spent is charged"
