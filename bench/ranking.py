"""Ranks of models, and how far they would move with other patients."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.bootstrap import LEVEL

_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Rank:
    """Place of one model; 1 is best, equal models share the better place."""

    place: int
    low: int | None
    """Ends of the 95 % interval over the resamples; None where there are too few patients."""
    high: int | None
    first: float | None
    """Share of resamples in which the model is first, alone or with others."""


def rank(values: Mapping[str, float], replicates: Mapping[str, NDArray[np.float64]] | None) -> dict[str, Rank]:
    """Rank models by a score where more is better.

    Args:
        values: Model -> score.
        replicates: Model -> (RESAMPLES,) scores of the same resamples for every model, or None for no intervals.
    """
    models = sorted(values)
    places = _places(np.array([[values[model] for model in models]]))[0]
    if replicates is None or not models:
        return {model: Rank(int(place), None, None, None) for model, place in zip(models, places, strict=True)}
    resampled = _places(np.column_stack([replicates[model] for model in models]))
    low, high = np.quantile(resampled, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0, method="inverted_cdf")
    first = (resampled == 1).mean(axis=0)
    return {model: Rank(int(places[i]), int(low[i]), int(high[i]), float(first[i])) for i, model in enumerate(models)}


def _places(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Turn (n, models) scores into places: one more than the number of models that are better."""
    rounded = np.round(scores, _DECIMALS)
    return 1 + np.asarray((rounded[:, None, :] > rounded[:, :, None]).sum(axis=2), dtype=np.int64)
