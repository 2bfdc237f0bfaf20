"""Metrics over steps for many curves at once; `bench.metrics.clicks` defines each of them for one curve."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def area(scores: Floats, steps: NDArray[np.int64]) -> Floats:
    """Return the area under each curve over the grid of steps, over the length of the grid: 0 to 1.

    Args:
        scores: (curves, steps); NaN where a step has no score.
        steps: (steps,), ascending.

    Returns:
        (curves,); NaN where a score of the curve is missing, or the grid has one step only.
    """
    if len(steps) < 2:
        return np.full(len(scores), np.nan)
    return np.asarray(np.trapezoid(scores, steps, axis=1) / (steps[-1] - steps[0]), dtype=np.float64)


def steps_to(scores: Floats, steps: NDArray[np.int64], threshold: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the first step at which each curve reaches a score, and whether none does.

    Args:
        scores: (curves, steps); NaN, which reaches nothing, where a step has no score.
        steps: (steps,), ascending.
        threshold: The score to reach.

    Returns:
        (curves,) steps, the last one where no step reaches it, and (curves,) True there: the true number is larger.
    """
    reached: NDArray[np.bool_] = scores >= threshold
    censored: NDArray[np.bool_] = np.logical_not(reached.any(axis=1))
    first = np.where(censored, len(steps) - 1, reached.argmax(axis=1))
    return steps[first].astype(np.float64), censored
