"""What models are ranked and compared by: Dice at the last step, failed = 0, mask by mask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.trials import Codes, Floats, Trials, divided


@dataclass(frozen=True, slots=True, eq=False)
class LastStep:
    """The last step of one run."""

    masks: Sequence[str]
    """(masks,) names, sorted."""
    patients: Codes
    """(masks,) patient, as in the strata of the table."""
    dice: Floats
    """(masks,), averaged over seeds; NaN where the mask is in no mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Headlines:
    """The last step of several runs, on every mask that any of them has."""

    patients: Codes
    """(masks,)."""
    dice: Mapping[str, Floats]
    """Model -> (masks,); NaN where the model has no part in the mean."""


def last_step(trials: Trials, dice: Floats) -> LastStep:
    """Take the last step of (units,) Dice."""
    last = np.flatnonzero(trials.steps == trials.n_steps - 1)
    masks = trials.units["mask_id"].astype(object).to_numpy()[last]
    return LastStep([str(mask) for mask in masks], trials.patients[last], dice[last])


def align(of_models: Mapping[str, LastStep]) -> Headlines:
    """Put runs beside each other, mask by mask."""
    patient_of = {
        mask: patient
        for one in of_models.values()
        for mask, patient in zip(one.masks, one.patients.tolist(), strict=True)
    }
    row_of = {mask: row for row, mask in enumerate(sorted(patient_of))}
    dice = {}
    for model, one in of_models.items():
        dice[model] = np.full(len(row_of), np.nan)
        dice[model][[row_of[mask] for mask in one.masks]] = one.dice
    return Headlines(np.array([patient_of[mask] for mask in row_of], dtype=np.int64), dice)


def cases(headlines: Headlines, models: Sequence[str], n_patients: int) -> Floats:
    """Return the mean Dice of each patient over the masks that all of some models have: (patients, models).

    A patient without such a mask has NaN.
    """
    table = np.column_stack([headlines.dice[model] for model in models])
    common = np.isfinite(table).all(axis=1)
    columns = [patient_means(column[common], headlines.patients[common], n_patients) for column in table.T]
    return np.column_stack(columns)


def patient_means(values: Floats, patients: Codes, n_patients: int) -> Floats:
    """Return the mean of each patient's masks, NaN where a patient has none: (n_patients,)."""
    kept = np.isfinite(values)
    total = np.bincount(patients[kept], weights=values[kept], minlength=n_patients).astype(np.float64)
    return divided(total, np.bincount(patients[kept], minlength=n_patients).astype(np.float64))
