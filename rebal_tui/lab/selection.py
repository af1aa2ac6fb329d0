"""Whether the best of many policies earns more than the first one, and how one chosen on the first half does later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.lab.history import Floats


@dataclass(frozen=True, slots=True)
class Selection:
    """The policy with the highest return among `tried` policies, all compared with the first one.

    `best` is the index of that policy, and `best_difference` its return a year less the first policy's, as a fraction.
    `p_value` is that of Hansen's test (SPA): the probability of a difference of at least this size if no policy is
    better. `chosen` is the index of the policy with the highest return in the first half of the sessions, and
    `later_difference` its return a year in the second half less the first policy's.
    """

    tried: int
    best: int
    best_difference: float
    p_value: float
    chosen: int
    later_difference: float

    def sentences(self, labels: tuple[str, ...], own: str) -> tuple[str, str]:
        """The result in two sentences: on the best policy, and on the one chosen on the first half.

        `labels` has a name for each policy; `own` names the first one in a sentence, such as `yours`.
        """
        best = (
            f"Highest return of {self.tried} policies: {labels[self.best]}, {1e4 * self.best_difference:+.0f} bp a "
            f"year vs {own}; by luck alone with probability {self.p_value:.2f} (SPA)."
        )
        carried = "it carries over" if self.later_difference > 0 else "it does not carry over"
        if self.chosen == 0:
            return best, f"Chosen on the first half: {own}."
        later = f"{1e4 * self.later_difference:+.0f} bp a year vs {own} on the second: {carried}."
        return best, f"Chosen on the first half: {labels[self.chosen]}, {later}"


def selection_of(logs: Floats, drawn: Floats, per_year: float) -> Selection:
    """Compare policies with the first one by log returns.

    `logs` has a row per session and a column per policy; `drawn` has the means of these log returns in each resampled
    history, one row each. The test is the studentized one of Hansen (2005), "A Test for Superior Predictive Ability",
    with his consistent centering: a policy that is clearly worse keeps its mean, the means of the others are set to 0.
    Standard errors and centers are those of the resampled histories. `per_year` is the number of sessions a year.
    """
    sessions = len(logs)
    differences = logs - logs[:, :1]
    means = differences.mean(axis=0)
    resampled = drawn - drawn[:, :1]
    errors = resampled.std(axis=0)
    used = errors > 1e-15
    p_value = 1.0
    if used.any():
        scores = means[used] / errors[used]
        bound = np.sqrt(2 * np.log(np.log(max(sessions, 16))))
        kept = np.where(scores >= -bound, 0.0, means[used])
        maxima = ((resampled[:, used] - resampled[:, used].mean(axis=0) + kept) / errors[used]).max(axis=1)
        p_value = float((np.maximum(maxima, 0) >= max(float(scores.max()), 0)).mean())
    best = int(means.argmax())
    half = sessions // 2
    chosen = int(differences[:half].mean(axis=0).argmax())
    own, other = (float(np.expm1(logs[half:, number].mean() * per_year)) for number in (0, chosen))
    whole_own, whole_best = (float(np.expm1(logs[:, number].mean() * per_year)) for number in (0, best))
    return Selection(logs.shape[1], best, whole_best - whole_own, p_value, chosen, other - own)
