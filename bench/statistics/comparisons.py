"""Every two models on the masks that both did: how far apart they are, and how sure that is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from bench.statistics.bootstrap import MIN_PATIENTS, Strata, interval, means
from bench.statistics.figures import FEW_PATIENTS, NO_MASK
from bench.statistics.headline import Headlines, patient_means
from bench.statistics.signed_rank import ALPHA, holm
from bench.statistics.trials import Floats

_DECIMALS: Final = 6
_EQUAL: Final = 9


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pair of models, `better` before `worse` by the mean difference over the common masks."""

    better: str
    worse: str
    both_ranked: bool
    difference: float | None
    """Mean over the common masks of better - worse; None without common masks."""
    low: float | None
    high: float | None
    n_masks: int
    n_patients: int
    n_datasets: int
    p: float | None
    """Two-sided Wilcoxon signed-rank test on patients' means."""
    p_holm: float | None
    """The same, corrected over all pairs of ranked models, or over all pairs with a model that is not ranked."""
    p_false_claim: float | None
    """Probability that the model with the larger mean over patients is not the better one."""
    why: str | None = None
    """Why there is no test and no interval."""


def compare(headlines: Headlines, ranked: Collection[str], strata: Strata) -> tuple[Comparison, ...]:
    """Compare every two models.

    Args:
        headlines: Dice of every model.
        ranked: The models that have a rank.
        strata: Patients and their resamples.

    Returns:
        Pairs in the order of the models' names; Holm's correction is within pairs of ranked models, and within the
        others, so that a model of partial coverage changes nothing between those that are ranked.
    """
    pairs = [
        _compare(pair, headlines, set(pair) <= set(ranked), strata) for pair in combinations(sorted(headlines.dice), 2)
    ]
    corrected: dict[int, float] = {}
    for both_ranked in (True, False):
        family = [at for at, pair in enumerate(pairs) if pair.both_ranked is both_ranked and pair.p is not None]
        p = holm(np.array([pairs[at].p for at in family], dtype=np.float64))
        corrected |= {at: float(value) for at, value in zip(family, p, strict=True)}
    return tuple(replace(pair, p_holm=corrected.get(at)) for at, pair in enumerate(pairs))


def tie_groups(models: Sequence[str], comparisons: Sequence[Comparison]) -> tuple[tuple[str, ...], ...]:
    """Group models that no test separates from the best of their group.

    The first group is the best model and every model that is not significantly different from it; the next one starts
    with the best model that is left.

    Args:
        models: Best first.
        comparisons: Of `compare`.
    """
    apart = {
        frozenset((one.better, one.worse)) for one in comparisons if one.p_holm is not None and one.p_holm <= ALPHA
    }
    left, groups = list(models), []
    while left:
        group = [model for model in left if frozenset((left[0], model)) not in apart]
        groups.append(tuple(group))
        left = [model for model in left if model not in group]
    return tuple(groups)


def false_claim(differences: Floats) -> float:
    """Return the probability that the model with the larger sample mean is not the better one.

    The posterior of the true difference is Student's t with n - 1 degrees of freedom around the sample's, scaled by its
    standard error: the closed form for segmentation of Christodoulou et al., arXiv 2505.04720, with the variance of the
    paired differences in place of its variances and correlation.

    Args:
        differences: (n,) paired differences, n of at least 2.
    """
    from scipy.stats import t

    mean, deviation = abs(float(differences.mean())), float(differences.std(ddof=1))
    if deviation == 0:
        return 0.0 if mean else 0.5
    return float(t.sf(np.sqrt(len(differences)) * mean / deviation, len(differences) - 1))


def _compare(models: tuple[str, str], headlines: Headlines, both_ranked: bool, strata: Strata) -> Comparison:
    differences, patients = headlines.dice[models[0]] - headlines.dice[models[1]], headlines.patients
    kept = np.isfinite(differences)
    if not kept.any():
        return Comparison(*models, both_ranked, None, None, None, 0, 0, 0, None, None, None, NO_MASK)
    n_patients = len(strata.patients)
    sums = np.bincount(patients[kept], weights=differences[kept], minlength=n_patients).astype(np.float64)
    counts = np.bincount(patients[kept], minlength=n_patients).astype(np.float64)
    mean = float(means(sums[None], counts[None], strata, resampled=False)[0][0, 0])
    sign = -1.0 if round(mean, _EQUAL) < 0 else 1.0
    of_patients = np.round(patient_means(differences, patients, n_patients)[counts > 0], _EQUAL)
    low, high, p, claim = None, None, None, None
    if enough := len(of_patients) >= MIN_PATIENTS:
        resampled = sign * means(sums[None], counts[None], strata, resampled=True)[0]
        low, high = (round(float(end[0]), _DECIMALS) + 0.0 for end in interval(resampled))
        p, claim = _wilcoxon(of_patients), false_claim(of_patients)
    n = (int(kept.sum()), len(of_patients), sum(bool(counts[part].any()) for part in strata.parts))
    names = models if sign > 0 else models[::-1]
    value = round(sign * mean, _DECIMALS) + 0.0
    return Comparison(*names, both_ranked, value, low, high, *n, p, None, claim, None if enough else FEW_PATIENTS)


def _wilcoxon(differences: Floats) -> float:
    """Test two-sided: exactly for few patients, else by the normal approximation, as scipy chooses."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences, correction=True).pvalue) if differences.any() else 1.0
