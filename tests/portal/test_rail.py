"""The rail: each stop's state and words, from what is in the project."""

import pytest

from portal import rail

EMPTY = {"data": None, "usable": None, "version": None, "run": None, "reports": [], "approval": None, "serving": None}
V1 = {"pk": 1, "name": "savings", "number": 1}
PASSED = [{"kind": kind, "state": "finished", "verdict": "pass"} for kind in ("performance", "fairness", "privacy")]
LAST = {"kind": "explainability", "state": "finished", "verdict": "pass"}
ASKED = {
    "pk": 3,
    "state": "open",
    "stands": False,
    "signed": 1,
    "wanted": [{"count": 2}, {}],
    "model": "savings",
    "number": 1,
}


@pytest.mark.parametrize(
    ("told", "known", "state", "note"),
    [
        (rail._data, {}, "", "none yet"),
        (rail._data, {"data": V1}, "open", "savings v1, not declared"),
        (rail._data, {"data": V1, "usable": V1}, "done", "savings v1"),
        (rail._model, {}, "", "none yet"),
        (rail._model, {"run": {"pk": 1, "name": "savings", "state": "running"}}, "open", "savings running"),
        (rail._model, {"run": {"pk": 1, "name": "savings", "state": "failed"}}, "shut", "a run failed"),
        (rail._model, {"version": V1}, "done", "savings v1"),
        (rail._reports, {}, "", "no model yet"),
        (rail._reports, {"version": V1}, "", "none yet"),
        (rail._reports, {"version": V1, "reports": [{**LAST, "state": "running"}]}, "open", "being measured"),
        (rail._reports, {"version": V1, "reports": PASSED}, "open", "3 of 4 pass"),
        (rail._reports, {"version": V1, "reports": [*PASSED, LAST]}, "done", "4 of 4 pass"),
        (rail._reports, {"version": V1, "reports": [{**LAST, "verdict": "fail"}]}, "shut", "explainability: fail"),
        (rail._sign_off, {}, "", "not asked for"),
        (rail._sign_off, {"approval": ASKED}, "open", "savings v1: 1 of 3 signed"),
        (rail._sign_off, {"approval": {**ASKED, "state": "approved"}}, "shut", "savings v1: no longer stands"),
        (rail._sign_off, {"approval": {**ASKED, "state": "approved", "stands": True}}, "done", "savings v1: stands"),
        (rail._sign_off, {"approval": {**ASKED, "state": "returned"}}, "shut", "savings v1: sent back"),
        (rail._deployed, {}, "", "nothing serves"),
        (rail._deployed, {"serving": {**ASKED, "stands": True}}, "done", "savings v1 serves"),
        (rail._deployed, {"serving": ASKED}, "shut", "savings v1 refuses: its sign-off no longer stands"),
    ],
)  # fmt: skip
def test_it_tells_how_far_each_stop_is(told, known, state, note):
    assert told({**EMPTY, **known})[:2] == (state, note)
