"""The figures of a leaderboard, as data: what is measured, over what, by which policy, and why one may be missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.bootstrap import MIN_PATIENTS

OVER_MASKS, OVER_DATASETS = "mean over masks", "mean over datasets"
FAILED_IS_ZERO, OK_ONLY = "failed = 0", "ok only"
ALL, GAP = "all", "seen - unseen"
LEVELS = ("seen_target", "seen_modality", "seen_dataset", "seen_image")
GROUPS = ("suite_group", "dataset", "modality", "anatomy_group")
NO_GROUP = "outside the taxonomy"

NO_MASK = "no mask with this score"
NO_SIDE = "needs seen and unseen masks"
FEW_PATIENTS = f"n < {MIN_PATIENTS} patients"
NO_MEDIAN_INTERVAL = "none is given for medians"


@dataclass(frozen=True, slots=True)
class Statistic:
    """One figure that is made of one column of scores."""

    name: str
    column: str
    policy: str
    unit: str = "1"
    absolute: bool = False
    median: bool = False


STATISTICS: tuple[Statistic, ...] = (
    *(Statistic(name, name, policy) for name in ("dice", "iou", "nsd") for policy in (FAILED_IS_ZERO, OK_ONLY)),
    Statistic("hd95_mm", "hd95_mm", OK_ONLY, unit="mm"),
    Statistic("volume_error_mean_absolute", "volume_error", OK_ONLY, absolute=True),
    Statistic("volume_error_median", "volume_error", OK_ONLY, median=True),
)
"""Distances and volume errors have no worst value that a failure could count as: they are of answered masks only."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a figure is a figure of."""

    model: str
    split_by: str
    """`all`, one of LEVELS or one of GROUPS."""
    split: str
    """A value of `split_by`, or `seen - unseen`."""
    step: int
    metric: str
    policy: str
    aggregation: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval and its n; None where there is none, with the reason."""

    value: float | None
    low: float | None
    high: float | None
    n_masks: int
    n_patients: int
    n_datasets: int
    why_no_value: str | None = None
    why_no_interval: str | None = None


Figures = Mapping[Key, Figure]
