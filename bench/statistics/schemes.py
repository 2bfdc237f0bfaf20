"""Ranking under several schemes, because the winner may change with the scheme.

Schemes are those of Wiesenfarth et al., Methods and software for visualising and analysing results of biomedical image
analysis challenges, Scientific Reports 11:2369, 2021: aggregate then rank, rank then aggregate, test then rank. Equal
models share the better place. A case is a patient of a dataset.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np

from bench.statistics.aggregate import HEADLINE, Aggregate
from bench.statistics.bootstrap import MIN_PATIENTS, Strata
from bench.statistics.figures import AGGREGATIONS, ALL, Key
from bench.statistics.headline import Headlines, cases
from bench.statistics.ranking import DECIMALS, Rank, places, rank
from bench.statistics.signed_rank import significant_wins
from bench.statistics.trials import Floats

BY_MEAN_RANK, BY_MEDIAN_RANK, BY_TESTS = "mean of patients' ranks", "median of patients' ranks", "tests won"
"""Schemes beside the three aggregations of `bench.statistics.figures`, which take a mean first and rank then."""


def rank_all(aggregates: Mapping[str, Aggregate], rivals: Headlines, strata: Strata) -> dict[str, dict[str, Rank]]:
    """Rank models by Dice at the last step, failed = 0, under every scheme.

    Args:
        aggregates: Model -> figures, of the models that are to be ranked.
        rivals: Their Dice, mask by mask.
        strata: Patients and their resamples.

    Returns:
        Scheme -> model -> rank. The schemes of single patients are absent where no mask has a Dice of every model.
    """
    models = sorted(aggregates)
    ranks = {aggregation: _rank_means(aggregates, aggregation) for aggregation in AGGREGATIONS}
    of_patients = cases(rivals, models, len(strata.patients))
    n_patients = int(np.isfinite(of_patients).all(axis=1).sum())
    if n_patients:
        ranks |= rank_cases(models, of_patients, strata, enough=n_patients >= MIN_PATIENTS)
    return ranks


def rank_cases(models: Sequence[str], cases: Floats, strata: Strata, *, enough: bool) -> dict[str, dict[str, Rank]]:
    """Rank models by the places that they have with each patient, and by the tests that they win.

    Args:
        models: Names, sorted.
        cases: (patients, models) score of each patient, more is better; NaN where a patient has none.
        strata: Patients and their resamples.
        enough: False for no intervals.

    Returns:
        Scheme -> model -> rank.
    """
    known = np.isfinite(cases).all(axis=1)
    weights = np.concatenate(strata.weights, axis=1)[:, known]
    once = np.ones((1, int(known.sum())))
    scores = np.round(cases[known], DECIMALS)
    of_patients = places(scores).astype(np.float64)
    schemes: dict[str, Callable[[Floats], Floats]] = {
        BY_MEAN_RANK: lambda drawn: -_weighted_means(of_patients, drawn),
        BY_MEDIAN_RANK: lambda drawn: -_weighted_medians(of_patients, drawn),
        BY_TESTS: lambda drawn: significant_wins(scores, drawn),
    }
    ranks = {}
    for scheme, score in schemes.items():
        sample = dict(zip(models, score(once)[0].tolist(), strict=True))
        ranks[scheme] = rank(sample, dict(zip(models, score(weights).T, strict=True)) if enough else None)
    return ranks


def agreement(ranks: Mapping[str, Mapping[str, Rank]]) -> dict[tuple[str, str], float | None]:
    """Return Kendall's tau-b between the places of every two schemes; None where all models of one are equal.

    Args:
        ranks: Scheme -> model -> rank, the same models in each.
    """
    from scipy.stats import kendalltau

    found: dict[tuple[str, str], float | None] = {}
    for one, other in combinations(ranks, 2):
        models = sorted(ranks[one])
        both = [[ranks[scheme][model].place for model in models] for scheme in (one, other)]
        varied = all(len(set(column)) > 1 for column in both)
        found[one, other] = round(float(kendalltau(*both).statistic), DECIMALS) if varied else None
    return found


def _rank_means(aggregates: Mapping[str, Aggregate], aggregation: str) -> dict[str, Rank]:
    """Rank by one way of taking the mean."""
    lead = {}
    for model, one in aggregates.items():
        last = max(key.step for key in one.figures)
        lead[model] = one.figures[Key(model, ALL, ALL, last, *HEADLINE, aggregation)]
    values = {model: figure.value for model, figure in lead.items() if figure.value is not None}
    enough = all(figure.n_patients >= MIN_PATIENTS for figure in lead.values())
    return rank(values, {model: aggregates[model].headline[aggregation] for model in values} if enough else None)


def _weighted_means(values: Floats, weights: Floats) -> Floats:
    return np.asarray(weights @ values / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def _weighted_medians(values: Floats, weights: Floats) -> Floats:
    """Return (resamples, models) medians of (patients, models) values that are drawn `weights` times each."""
    total = weights.sum(axis=1)
    lower, upper = np.floor((total - 1) / 2), np.floor(total / 2)
    medians = np.empty((len(weights), values.shape[1]))
    for model, column in enumerate(values.T):
        order = np.argsort(column, kind="stable")
        reached = np.cumsum(weights[:, order], axis=1)
        ends = [column[order][(reached <= end[:, None]).sum(axis=1)] for end in (lower, upper)]
        medians[:, model] = (ends[0] + ends[1]) / 2
    return medians
