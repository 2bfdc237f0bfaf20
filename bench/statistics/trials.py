"""The masks of one run, step by step: the repeated trials of a mask become one number before anything is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.finished import FinishedRun
from bench.statistics.bootstrap import Strata

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Rows of a run, and the (mask, step) that each belongs to; n counts masks, however many seeds they have."""

    rows: "pd.DataFrame"
    """(rows), sorted by mask, step and seed."""
    unit_of_row: Codes
    """(rows,) number of the row's (mask, step)."""
    firsts: Codes
    """(units,) the first row of each (mask, step)."""
    curve_of_row: Codes
    """(rows,) number of the row's (mask, seed): the scores of one curve have one number."""
    step_of_row: Codes
    """(rows,) number of the row's step in the steps of the table."""
    n_steps: int
    patients: Codes
    """(units,) patient, as in the strata."""
    datasets: Codes
    """(units,) dataset, as in the strata."""
    targets: Codes
    """(units,) number of the target within the run; -1 where the run does not tell."""

    @property
    def steps(self) -> Codes:
        """(units,) number of the step."""
        return self.step_of_row[self.firsts]

    @property
    def units(self) -> "pd.DataFrame":
        """One row per (mask, step): what the mask is does not depend on the seed."""
        return self.rows.iloc[self.firsts]

    @property
    def repeated(self) -> bool:
        """True when some mask has more than one seed."""
        return len(self.firsts) < len(self.rows)

    def over_seeds(self, values: Floats) -> Floats:
        """Average (rows,) numbers over the seeds of each (mask, step), NaN left out: (units,)."""
        if not self.repeated:
            return values
        total, number = self._sums(values)
        return divided(total, number)

    def sd_between_seeds(self, values: Floats) -> Floats:
        """Return the standard deviation (n - 1) over the seeds of each (mask, step); NaN below two seeds."""
        centred = values - self.over_seeds(values)[self.unit_of_row]
        total, number = self._sums(centred**2)
        return np.sqrt(divided(total, np.where(number > 1, number - 1, 0)))

    def _sums(self, values: Floats) -> tuple[Floats, Floats]:
        kept, n_units = np.isfinite(values), len(self.firsts)
        total = np.bincount(self.unit_of_row[kept], weights=values[kept], minlength=n_units)
        return total.astype(np.float64), np.bincount(self.unit_of_row[kept], minlength=n_units).astype(np.float64)


def divided(top: Floats, bottom: Floats) -> Floats:
    """Divide; NaN where nothing is divided by."""
    quotient = np.full(np.shape(top), np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient


def trials(run: FinishedRun, strata: Strata, steps: Sequence[int]) -> Trials:
    """Number the masks, curves and patients of a run.

    Args:
        run: The run.
        strata: Patients of every run of the table.
        steps: Steps of the table, ascending.
    """
    import pandas as pd

    rows = run.scores
    masks, at = rows["mask_id"].cat.codes.to_numpy(dtype=np.int64), rows["step"].to_numpy(dtype=np.int64)
    new = np.r_[True, (masks[1:] != masks[:-1]) | (at[1:] != at[:-1])]
    firsts = np.flatnonzero(new)
    seeds = rows["seed"].to_numpy(dtype=np.int64)
    curves = pd.factorize(masks * (seeds.max() + 1) + seeds)[0].astype(np.int64)
    number_of = {key: number for number, key in enumerate(strata.patients)}
    people = rows[["dataset", "patient_id"]].iloc[firsts].astype(object)
    keys = zip(people["dataset"], people["patient_id"], strict=True)
    patients = np.fromiter((number_of[key] for key in keys), dtype=np.int64, count=len(firsts))
    datasets = np.searchsorted([part.stop for part in strata.parts], patients, side="right").astype(np.int64)
    step_codes = np.searchsorted(np.asarray(steps), at).astype(np.int64)
    targets = np.array(rows["target"].cat.codes, dtype=np.int64)[firsts]
    return Trials(rows, np.cumsum(new) - 1, firsts, curves, step_codes, len(steps), patients, datasets, targets)
