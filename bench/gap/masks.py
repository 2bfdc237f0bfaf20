"""One Dice per mask at one step, and the patient that a resample draws the mask with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.finished import FinishedRun
from bench.statistics.bootstrap import Strata
from bench.statistics.coverage import COUNTED

if TYPE_CHECKING:
    import pandas as pd

_FACTS = (
    *("mask_id", "dataset", "patient_id", "target", "modality", "kind", "anatomy_group", "suite_group"),
    *("reference_voxels", "seen_target", "seen_modality", "seen_dataset", "seen_image"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """The masks of one run that count at one step: answered ones, and failures, whose Dice is 0."""

    frame: "pd.DataFrame"
    """One row per mask, sorted by mask: what the mask is, the four answers, and `dice`."""
    patients: NDArray[np.int64]
    """(masks,) place of the patient in the strata."""

    @property
    def dice(self) -> NDArray[np.float64]:
        """(masks,) Dice, 0 to 1; the mean of the seeds where a mask has several."""
        return self.frame["dice"].to_numpy(dtype=np.float64)

    def have(self, column: str, value: str) -> NDArray[np.bool_]:
        """Return (masks,) True where a column has a value."""
        return (self.frame[column] == value).to_numpy(dtype=bool, na_value=False)

    def where(self, chosen: NDArray[np.bool_]) -> "Masks":
        """Return the chosen masks alone."""
        return Masks(self.frame[chosen].reset_index(drop=True), self.patients[chosen])


def masks_at(run: FinishedRun, step: int, strata: Strata) -> Masks:
    """Take the masks of a run at one step by the policy failed = 0, several seeds of a mask averaged.

    Masks that are unsupported or not applicable, and answers whose Dice is undefined, have no part, as in a
    leaderboard's means.

    Args:
        run: The run.
        step: Prompting step.
        strata: Patients and their resamples; they hold the patients of the run.
    """
    rows = run.scores[(run.scores["step"] == step) & run.scores["status"].isin(COUNTED)]
    dice = rows["dice"].where(rows["status"] == "ok", 0.0)
    mean = dice.groupby(rows["mask_id"], observed=True).mean().rename("dice").dropna()
    facts = rows[list(_FACTS)].drop_duplicates("mask_id").set_index("mask_id")
    frame = facts.join(mean, how="inner").sort_index().reset_index()
    place = {key: at for at, key in enumerate(strata.patients)}
    keys = zip(frame["dataset"].astype(str), frame["patient_id"].astype(str), strict=True)
    return Masks(frame, np.fromiter((place[key] for key in keys), dtype=np.int64, count=len(frame)))
