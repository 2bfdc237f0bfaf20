"""Places of models by a score, and how far they would move with other patients."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.statistics.bootstrap import LEVEL
from bench.statistics.trials import Floats

DECIMALS = 9
"""Scores that agree in so many are equal."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Place of one model; 1 is best, equal models share the better place."""

    place: int
    low: int | None
    """Ends of the 95 % interval over the resamples; None where there are too few patients."""
    high: int | None
    shares: tuple[float, ...] | None
    """Share of the resamples in which the model has place 1, 2, ...: one number per ranked model, summing to 1."""

    @property
    def first(self) -> float | None:
        """Share of resamples in which the model is first, alone or with others."""
        return self.shares[0] if self.shares else None


def rank(values: Mapping[str, float], replicates: Mapping[str, Floats] | None) -> dict[str, Rank]:
    """Rank models by a score where more is better.

    Args:
        values: Model -> score.
        replicates: Model -> (RESAMPLES,) scores of the same resamples for every model, or None for no intervals.
    """
    models = sorted(values)
    found = places(np.array([[values[model] for model in models]]))[0]
    if replicates is None or not models:
        return {model: Rank(int(place), None, None, None) for model, place in zip(models, found, strict=True)}
    resampled = places(np.column_stack([replicates[model] for model in models]))
    low, high = np.quantile(resampled, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0, method="inverted_cdf")
    shares = [tuple(float((column == place).mean()) for place in range(1, len(models) + 1)) for column in resampled.T]
    return {model: Rank(int(found[i]), int(low[i]), int(high[i]), shares[i]) for i, model in enumerate(models)}


def places(scores: Floats) -> NDArray[np.int64]:
    """Turn (n, models) scores into places: one more than the number of models that are better."""
    rounded = np.round(scores, DECIMALS)
    return 1 + np.asarray((rounded[:, None, :] > rounded[:, :, None]).sum(axis=2), dtype=np.int64)
