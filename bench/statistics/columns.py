"""One number per mask and step for each statistic, from the rows of a run; NaN where a mask has no part in it."""

import numpy as np
from numpy.typing import NDArray

from bench.metrics.clicks import THRESHOLDS
from bench.statistics.coverage import COUNTED
from bench.statistics.curves import area, steps_to
from bench.statistics.figures import FAILED_IS_ZERO, Statistic
from bench.statistics.trials import Floats, Trials


def column(trials: Trials, statistic: Statistic, steps: NDArray[np.int64]) -> Floats:
    """Return (units,) numbers of one statistic, averaged over seeds.

    Args:
        trials: The masks of the run.
        statistic: What to compute.
        steps: Steps of the table, ascending: the grid of what is computed over curves.
    """
    if statistic.over == "curve":
        return trials.over_seeds(_of_curves(trials, statistic, steps))
    rows = _of_rows(trials, statistic)
    return trials.sd_between_seeds(rows) if statistic.over == "seeds" else trials.over_seeds(rows)


def _of_rows(trials: Trials, statistic: Statistic) -> Floats:
    rows = trials.rows
    ok = (rows["status"] == "ok").to_numpy(dtype=bool)
    counted = rows["status"].isin(COUNTED).to_numpy(dtype=bool)
    if statistic.column == "failed":
        return np.where(counted, ~ok, np.nan).astype(np.float64)
    scores = rows[statistic.column].to_numpy(dtype=np.float64, na_value=np.nan)
    values = np.where(ok, np.abs(scores) if statistic.absolute else scores, np.nan)
    if statistic.unit == "mm":
        values[(rows["distance_unit"] != "mm").to_numpy(dtype=bool, na_value=True)] = np.nan
    if statistic.policy == FAILED_IS_ZERO:
        values[counted & ~ok] = 0.0
    return values


def _of_curves(trials: Trials, statistic: Statistic, steps: NDArray[np.int64]) -> Floats:
    """Return (rows,) numbers: that of the curve at the row of its last step, NaN at the others."""
    dice = _of_rows(trials, Statistic("dice", "dice", statistic.policy))
    at = (trials.curve_of_row, trials.step_of_row)
    table = np.full((int(trials.curve_of_row.max()) + 1, trials.n_steps), np.nan)
    table[at] = dice
    if statistic.column == "area":
        of_curve = area(table, steps)
    else:
        asked = np.zeros(table.shape, dtype=bool)
        asked[at] = trials.rows["status"].isin(COUNTED).to_numpy(dtype=bool)
        what, threshold = _named(statistic)
        reached, censored = steps_to(table, steps, threshold)
        known = asked.all(axis=1) & np.isfinite(table).any(axis=1)
        of_curve = np.where(known, reached if what == "steps_to_dice" else censored, np.nan).astype(np.float64)
    last = trials.step_of_row == trials.n_steps - 1
    return np.where(last, of_curve[trials.curve_of_row], np.nan)


def _named(statistic: Statistic) -> tuple[str, float]:
    """Split a column such as `steps_to_dice_0.8` into what is counted and the threshold."""
    what, _, number = statistic.column.rpartition("_")
    return what, next(one for one in THRESHOLDS if str(one) == number)
