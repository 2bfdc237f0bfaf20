"""Metrics over clicks: what a curve of scores says as one number, and how many clicks a quality costs.

A curve is one target's scores after given numbers of clicks (or user actions). A click without a score, because the
model failed or the score does not exist, holds None; whether that counts as 0 is said by `failed_as`, never assumed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.metrics.registry import Direction
from curate.errors import UsageError

Curve = Mapping[int, float | None]
"""Clicks -> score, 0 to 1; None where there is none."""

THRESHOLDS = (0.80, 0.85, 0.90)
"""The Dice to which clicks are counted."""


@dataclass(frozen=True, slots=True)
class ClickMetric:
    """One metric over clicks, as it is listed."""

    name: str
    unit: str
    better: Direction
    definition: str


CLICK_METRICS = (
    ClickMetric(
        "nauc",
        "1",
        "higher",
        "area under a score's curve over an explicit grid of clicks, by the trapezoid rule, over the grid's length",
    ),
    *(
        ClickMetric(
            f"noc_{threshold * 100:.0f}",
            "clicks",
            "lower",
            f"clicks until a Dice of {threshold:.2f} or more; where none has it, the last tried, counted as censored",
        )
        for threshold in THRESHOLDS
    ),
    ClickMetric(
        "failure_rate",
        "1",
        "lower",
        "rows with status failed, timeout or out_of_memory over those not unsupported or not_applicable",
    ),
)
"""What the functions here compute, for `bench list metrics`."""


@dataclass(frozen=True, slots=True)
class ClicksTo:
    """How many clicks one target took to reach a score."""

    clicks: int
    """The first number of clicks that reached it; the last that was tried where none did."""
    censored: bool
    """No click reached it, so the true number is larger than `clicks`, or there is none."""


@dataclass(frozen=True, slots=True)
class ClicksSummary:
    """Clicks to a score over many targets."""

    mean: float
    """Mean of `clicks`, with censored targets at the last click tried: a lower bound where any is censored."""
    censored_share: float
    """Share of the targets that never reached the score."""
    targets: int


def normalised_area(curve: Curve, grid: Sequence[int], *, failed_as: float | None = None) -> float | None:
    """Return the area under a curve over its grid by the trapezoid rule, over the length of the grid: 0 to 1.

    Args:
        curve: Scores; must hold every click of the grid.
        grid: Clicks, ascending, at least two. Other clicks of the curve play no part.
        failed_as: What a click without a score counts as; None makes the whole area None.

    Raises:
        UsageError: If the grid is no grid, or the curve lacks one of its clicks.
    """
    if len(grid) < 2 or any(a >= b for a, b in pairwise(grid)):
        raise UsageError(f"the grid of an area under the curve must be two ascending clicks or more, found {grid}")
    lacking = [click for click in grid if click not in curve]
    if lacking:
        raise UsageError(
            f"the curve has no score at click {lacking[0]}; score it, or take a grid among {sorted(curve)}"
        )
    values = [failed_as if curve[click] is None else curve[click] for click in grid]
    if None in values:
        return None
    return float(np.trapezoid(np.array(values, dtype=np.float64), grid) / (grid[-1] - grid[0]))


def clicks_to(curve: Curve, threshold: float) -> ClicksTo:
    """Return the first number of clicks whose score is `threshold` or more; a click without a score never reaches it.

    Raises:
        UsageError: If the curve is empty.
    """
    if not curve:
        raise UsageError("a curve without clicks reaches no score; score at least one step")
    reached = [click for click in sorted(curve) if (score := curve[click]) is not None and score >= threshold]
    return ClicksTo(reached[0], censored=False) if reached else ClicksTo(max(curve), censored=True)


def summarise(targets: Iterable[ClicksTo]) -> ClicksSummary | None:
    """Return mean clicks and the censored share; None where there is no target."""
    found = list(targets)
    if not found:
        return None
    return ClicksSummary(
        mean=sum(one.clicks for one in found) / len(found),
        censored_share=sum(one.censored for one in found) / len(found),
        targets=len(found),
    )


def failure_rate(statuses: Iterable[str]) -> float | None:
    """Return the share of rows in which the model was asked and gave no usable answer; None where none was asked.

    Rows of `bench.schema.STATUSES`: failed, timeout and out_of_memory are failures; unsupported and not_applicable
    were never asked and are left out.
    """
    asked = [status for status in statuses if status not in {"unsupported", "not_applicable"}]
    return sum(status != "ok" for status in asked) / len(asked) if asked else None
