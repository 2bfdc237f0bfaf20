"""Wilcoxon's signed-rank test for every two models and every resample at once, and Holm's correction.

The test is the normal approximation with tie and continuity correction (Hollander, Wolfe and Chicken, Nonparametric
Statistical Methods, 3rd edition, section 3.1); differences of zero are left out. Holm: Scandinavian Journal of
Statistics 6(2), 65, 1979.
"""

from itertools import combinations

import numpy as np

from bench.statistics.trials import Floats, divided

ALPHA = 0.05
"""Below this corrected p a difference is called significant."""


def holm(p: Floats) -> Floats:
    """Correct p-values for their number: (..., tests) to the same shape, each row a family of its own."""
    order = np.argsort(p, axis=-1, kind="stable")
    n = p.shape[-1]
    scaled = np.take_along_axis(p, order, axis=-1) * np.arange(n, 0, -1)
    corrected = np.minimum(np.maximum.accumulate(scaled, axis=-1), 1.0)
    found = np.empty_like(corrected)
    np.put_along_axis(found, order, corrected, axis=-1)
    return found


def significant_wins(scores: Floats, weights: Floats) -> Floats:
    """Count the rivals that each model beats by one-sided tests, corrected over all ordered pairs of models.

    Args:
        scores: (patients, models), more is better.
        weights: (resamples, patients), how often each patient was drawn.

    Returns:
        (resamples, models).
    """
    n_models = scores.shape[1]
    pairs = list(combinations(range(n_models), 2))
    wins = np.zeros((len(weights), n_models))
    if not pairs:
        return wins
    p = np.stack([side for a, b in pairs for side in one_sided(scores[:, a] - scores[:, b], weights)], axis=1)
    won = holm(p) <= ALPHA
    winners = [model for pair in pairs for model in pair]
    for number, model in enumerate(winners):
        wins[:, model] += won[:, number]
    return wins


def one_sided(differences: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Test whether differences are above zero, and whether they are below.

    Args:
        differences: (patients,); equal ones must be equal to the bit.
        weights: (resamples, patients), how often each patient was drawn.

    Returns:
        p of both tests, (resamples,) each; 1 where every difference is zero.
    """
    from scipy.stats import norm

    kept = np.flatnonzero(differences)
    order = kept[np.argsort(np.abs(differences[kept]), kind="stable")]
    sizes = np.abs(differences[order])
    starts = np.flatnonzero(np.r_[True, sizes[1:] != sizes[:-1]]) if len(order) else np.array([], dtype=np.int64)
    if not len(starts):
        return np.ones(len(weights)), np.ones(len(weights))
    drawn = weights[:, order]
    positive = drawn * (differences[order] > 0)
    tied, above = (np.add.reduceat(table, starts, axis=1) for table in (drawn, positive))
    reached = np.cumsum(tied, axis=1)
    n = reached[:, -1]
    statistic = np.einsum("rg,rg->r", above, reached - tied / 2 + 0.5)
    mean = n * (n + 1) / 4
    ties = np.einsum("rg,rg,rg->r", tied, tied, tied) - n
    deviation = np.sqrt(n * (n + 1) * (2 * n + 1) / 24 - ties / 48)
    sides = []
    for centred in (statistic - mean, mean - statistic):
        z = divided(centred - 0.5, deviation)
        sides.append(np.where(np.isfinite(z), norm.sf(z), 1.0))
    return sides[0], sides[1]
