"""What a model may give away about its training rows: what is proved, and what an attack finds.

The proof is recomputed from the recorded mechanism (noise, sampling rate, steps), never read from the run. The attack
is made on every model, because a model without a proof is the one that needs it most.
"""

import dataclasses
import math

import dp_accounting
import numpy as np
from dp_accounting.pld import PLDAccountant
from opacus.accountants import PRVAccountant, RDPAccountant
from scipy import stats

from apps.ml import intervals
from apps.ml.figures import CONFIDENCE, NO_LIMITS, Figure, Measured, judge, plain

FALSE_ALARMS = 0.01
AGREEMENT = 0.05
METHOD = {
    "guarantee": "DP-SGD (Abadi and others 2016): clipped gradients of a Poisson sample of rows, Gaussian noise added",
    "epsilon": "privacy random variables (Gopi, Lee and Wutschitz 2021), Opacus: an upper bound, not an estimate",
    "epsilon_pld": "privacy loss distributions (Koskela and others 2020), dp-accounting: computed independently",
    "epsilon_rdp": "Renyi differential privacy (Mironov 2017), Opacus: looser by construction",
    "unit": "one row of the training data",
    "neighbours": "two data sets are neighbours where one has one row more (add or remove one)",
    "attack": "the model's confidence in the true outcome, compared between rows it learned from and rows it did not "
    "(Yeom and others 2018); within each outcome by itself in `attacks`",
    "membership_auc": "chance that a learned row looks more familiar than an unseen one; DeLong's interval",
    "membership_tpr": "share of learned rows found while at most 1 % of unseen rows are accused (Carlini and others "
    "2022); Wilson interval, the bar taken as fixed",
}
ASSUMPTIONS = (
    "Each row stands for one person. A person with several rows has a weaker guarantee.",
    "Batches were Poisson samples of the training rows, and noise came from a generator an attacker cannot predict.",
    "Only the training of this model is counted. Runs compared before choosing it spent privacy of their own; the "
    "budget of the dataset keeps the sum.",
)
NO_GUARANTEE = "No guarantee: this model was trained without differential privacy."


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """A recorded run of DP-SGD: history of (noise multiplier, sampling rate, steps), delta, clipping norm."""

    history: tuple[tuple[float, float, int], ...]
    delta: float
    clip: float
    claimed: float | None = None
    assumptions: tuple[str, ...] = ()


def measure(learned, unseen, mechanism=None, *, limits=NO_LIMITS):
    """learned, unseen: (outcome (n,) bool, probability (n,) of the favourable outcome); mechanism None without DP."""
    attacks = _attacks(
        _confidence(*learned), np.asarray(learned[0], bool), _confidence(*unseen), np.asarray(unseen[0], bool)
    )
    guarantee, figures = _guarantee(mechanism)
    figures += _attack_figures(attacks[0])
    return Measured(
        figures=tuple(judge(figure, limits) for figure in figures),
        detail=plain(
            {
                "guarantee": guarantee,
                "attacks": attacks,
                "confidence": _densities(_confidence(*learned), _confidence(*unseen)),
            }
        ),
        method=METHOD | {"confidence": CONFIDENCE, "false_alarms": FALSE_ALARMS},
        caveats=_caveats(mechanism, guarantee, attacks),
    )


def _confidence(outcome, probability):
    probability = np.asarray(probability, float)
    return np.where(np.asarray(outcome, bool), probability, 1 - probability)


# What is proved


def epsilon_prv(mechanism):
    """Opacus' numerical accountant. Raises where its grid cannot hold the mechanism."""
    accountant = PRVAccountant()
    accountant.history = list(mechanism.history)
    with np.errstate(divide="ignore"):  # its density takes the logarithm of 0 where every row is in every batch
        return float(accountant.get_epsilon(delta=mechanism.delta))


def epsilon_rdp(mechanism):
    """Opacus' Renyi accountant with its own orders."""
    accountant = RDPAccountant()
    accountant.history = list(mechanism.history)
    return float(accountant.get_epsilon(delta=mechanism.delta))


def epsilon_pld(mechanism):
    """Google's dp-accounting, written independently of Opacus."""
    accountant = PLDAccountant(value_discretization_interval=1e-3)
    for noise, rate, steps in mechanism.history:
        accountant.compose(dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise)), int(steps))
    return float(accountant.get_epsilon(mechanism.delta))


ACCOUNTANTS = {"epsilon": epsilon_prv, "epsilon_pld": epsilon_pld, "epsilon_rdp": epsilon_rdp}


def epsilons(mechanism):
    """Every accountant's answer: name -> epsilon, or None where it has none for this mechanism."""
    answers = {name: _answer(accountant, mechanism) for name, accountant in ACCOUNTANTS.items()}
    if answers["epsilon"] is None:
        answers["epsilon"] = answers["epsilon_pld"] if answers["epsilon_pld"] is not None else answers["epsilon_rdp"]
    return answers


def _answer(accountant, mechanism):
    if any(noise <= 0 for noise, _, _ in mechanism.history):
        return None
    try:
        epsilon = accountant(mechanism)
    except (ArithmeticError, RuntimeError, ValueError):  # numerical: the discretization does not reach that far
        return None
    return epsilon if math.isfinite(epsilon) else None


def _guarantee(mechanism):
    if mechanism is None:
        return {"given": False, "sentence": NO_GUARANTEE}, [Figure("epsilon", None, None, None, 0, note=NO_GUARANTEE)]
    answers = epsilons(mechanism)
    steps = sum(int(steps) for _, _, steps in mechanism.history)
    note = f"upper bound by proof, over {steps:,} steps"
    figures = [Figure(name, epsilon, epsilon, epsilon, steps, note=note) for name, epsilon in answers.items()]
    figures.append(Figure("delta", *[mechanism.delta] * 3, steps, note="as chosen before the run"))
    given = answers["epsilon"] is not None
    sentence = (
        f"Epsilon is at most {answers['epsilon']:.3g} at delta {mechanism.delta:g}."
        if given
        else ("No guarantee: no accountant finds a finite epsilon for the recorded mechanism.")
    )
    noise, rate, _ = mechanism.history[-1]
    allowed = _allowed(answers["epsilon"], mechanism.delta)
    return {
        "given": given,
        "sentence": sentence,
        "delta": mechanism.delta,
        "clip": mechanism.clip,
        "noise": noise,
        "sample_rate": rate,
        "steps": steps,
        "claimed": mechanism.claimed,
        "epsilons": answers,
        "history": [list(part) for part in mechanism.history],
        "allowed": allowed,
        "assumptions": list(mechanism.assumptions or ASSUMPTIONS),
    }, figures


def _allowed(epsilon, delta):
    """The best any attack could do against this guarantee: its AUC and its hits at 1 % false alarms (Kairouz 2015)."""
    if epsilon is None or epsilon > 50:
        return None
    alarms = np.linspace(0, 1, 20001)
    hits = np.minimum(np.exp(epsilon) * alarms + delta, 1 - np.exp(-epsilon) * (1 - delta - alarms)).clip(0, 1)
    return {
        "membership_auc": float(np.trapezoid(hits, alarms)),
        "membership_tpr": float(np.interp(FALSE_ALARMS, alarms, hits)),
    }


# What an attack finds


def _attacks(learned, learned_outcome, unseen, unseen_outcome):
    """The attack on all rows, then within each outcome."""
    parts = [
        ("all rows", slice(None), slice(None)),
        ("favourable outcome", learned_outcome, unseen_outcome),
        ("unfavourable outcome", ~learned_outcome, ~unseen_outcome),
    ]
    return [{"rows": name} | _attack(learned[mine], unseen[theirs]) for name, mine, theirs in parts]


def _attack(learned, unseen):
    if min(learned.size, unseen.size) < 2:
        return {"learned": learned.size, "unseen": unseen.size, "auc": None, "low": None, "high": None, "hits": None}
    member = np.repeat([True, False], [learned.size, unseen.size])
    auc, low, high = intervals.roc_auc(member, np.concatenate([learned, unseen]))
    return {
        "learned": learned.size,
        "unseen": unseen.size,
        "auc": auc,
        "low": low,
        "high": high,
        "hits": _hits(learned, unseen),
        "p_value": float(stats.norm.sf(_distance_from_blind(auc, low, high))),
    }


def _distance_from_blind(auc, low, high):
    """Standard errors above 0.5, read off the interval on the logit scale."""
    bounds = np.clip([low, auc, high], 1e-12, 1 - 1e-12)
    logit = np.log(bounds / (1 - bounds))
    return logit[1] / max((logit[2] - logit[0]) / (2 * intervals.quantile()), 1e-12)


def _hits(learned, unseen):
    """Share of learned rows above the bar that at most 1 % of unseen rows exceed."""
    bar = np.sort(unseen)[::-1][int(FALSE_ALARMS * unseen.size)]
    found = int((learned > bar).sum())
    low, high = intervals.wilson(found, learned.size)
    return {"value": found / learned.size, "low": low, "high": high, "alarms": float((unseen > bar).mean())}


def _attack_figures(attack):
    n, fewer = attack["learned"] + attack["unseen"], min(attack["learned"], attack["unseen"])
    if attack["auc"] is None:
        return [Figure("membership_auc", None, None, None, n, smallest_group=fewer, note="Too few rows to attack.")]
    hits = attack["hits"]
    return [
        Figure("membership_auc", attack["auc"], attack["low"], attack["high"], n, smallest_group=fewer),
        Figure(
            "membership_tpr",
            hits["value"],
            float(hits["low"]),
            float(hits["high"]),
            n,
            smallest_group=fewer,
            note="at most 1 % of unseen rows accused",
        ),
    ]


def _densities(learned, unseen, bars=25):
    edges = np.linspace(0, 1, bars + 1)
    shares = [np.histogram(part, edges)[0] / max(part.size, 1) for part in (learned, unseen)]
    return [
        {"from": edges[i], "to": edges[i + 1], "learned": shares[0][i], "unseen": shares[1][i]} for i in range(bars)
    ]


def _caveats(mechanism, guarantee, attacks):
    caveats = [
        "The attack is one attack: it shows leakage where it succeeds and proves nothing where it fails.",
        "Where unseen rows come from another source than learned rows, the attack also sees that difference.",
    ]
    if min(attacks[0]["learned"], attacks[0]["unseen"]) < 1000:
        caveats.append("Fewer than 1,000 rows on one side: the share found at 1 % false alarms rests on very few.")
    if mechanism is not None:
        caveats += _disagreements(mechanism, guarantee)
    return tuple(caveats)


def _disagreements(mechanism, guarantee):
    prv, pld = guarantee["epsilons"]["epsilon"], guarantee["epsilons"]["epsilon_pld"]
    if prv is not None and pld is not None and abs(prv - pld) > max(AGREEMENT * pld, 0.02):
        yield f"The accountants disagree: {prv:.3f} and {pld:.3f}. Take the larger until it is understood."
    if prv is not None and mechanism.claimed is not None and mechanism.claimed < prv - max(AGREEMENT * prv, 0.02):
        yield f"The run recorded epsilon {mechanism.claimed:.3f}; recomputed it is {prv:.3f}."
    if mechanism.delta > 1e-3:
        yield f"Delta {mechanism.delta:g} is large: it is the chance that the guarantee does not hold at all."
