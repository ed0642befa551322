"""What DP-SGD spends: the subsampled Gaussian mechanism, composed, by three accountants.

Neighbouring tables differ by one row added or removed; each step takes every row with probability `rate`
(Poisson sampling) and adds Gaussian noise of `noise` times the clipping norm to the sum of clipped gradients.
"""

import math
import warnings
from dataclasses import dataclass

from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent, SelfComposedDpEvent
from dp_accounting.pld import PLDAccountant
from opacus.accountants import PRVAccountant, RDPAccountant

from apps.ml.estimators.lesson import TrainingProblem

LEAST_NOISE, MOST_NOISE = 0.2, 256.0
CLOSE_ENOUGH = 1e-3  # relative width at which the search for a noise multiplier ends


@dataclass(frozen=True)
class Mechanism:
    """`steps` steps of the subsampled Gaussian mechanism."""

    noise: float
    rate: float
    steps: int

    def prv(self, delta):
        """Upper bound of epsilon by privacy random variables (Gopi, Lee and Wutschitz 2021), Opacus."""
        return self._opacus(PRVAccountant(), delta)

    def rdp(self, delta):
        """Upper bound of epsilon by Rényi divergences (Mironov 2017), Opacus."""
        return self._opacus(RDPAccountant(), delta)

    def pld(self, delta):
        """Upper bound of epsilon by privacy loss distributions (Meiser and Mohammadi 2018), dp-accounting."""
        if not self.steps:
            return 0.0
        step = PoissonSampledDpEvent(self.rate, GaussianDpEvent(self.noise))
        return float(PLDAccountant().compose(SelfComposedDpEvent(step, self.steps)).get_epsilon(delta))

    def _opacus(self, accountant, delta):
        if not self.steps:
            return 0.0
        accountant.history = [(self.noise, self.rate, self.steps)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "optimal order is the largest alpha": the bound is loose, not wrong
            return float(accountant.get_epsilon(delta=delta))


def noise_for(epsilon, delta, *, rate, steps):
    """The least noise multiplier, to 0.1 %, whose epsilon is at most the target by PRV. Raises TrainingProblem."""

    def enough(noise):
        return Mechanism(noise, rate, steps).prv(delta) <= epsilon

    high = 1.0
    while not enough(high):
        high *= 2
        if high > MOST_NOISE:
            raise TrainingProblem(
                f"No noise up to {MOST_NOISE:g} times the clipping norm keeps {steps:,} steps at a sampling rate of "
                f"{rate:.4g} within epsilon {epsilon:g} at delta {delta:g}: allow a larger epsilon, fewer epochs or "
                "smaller batches."
            )
    low = high / 2
    while low > LEAST_NOISE and enough(low):
        low, high = low / 2, low
    while high / low > 1 + CLOSE_ENOUGH:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
