"""The figures of a leaderboard, as data: what is measured, over what, by which policy, and why one may be missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.metrics.clicks import THRESHOLDS
from bench.statistics.bootstrap import MIN_PATIENTS

OVER_MASKS, OVER_TARGETS, OVER_DATASETS = "mean over masks", "mean over targets", "mean over datasets"
AGGREGATIONS = (OVER_MASKS, OVER_TARGETS, OVER_DATASETS)
FAILED_IS_ZERO, OK_ONLY, ASKED = "failed = 0", "ok only", "masks that were asked"
ALL, GAP = "all", "seen - unseen"
LEVELS = ("seen_target", "seen_modality", "seen_dataset", "seen_image")
SIZE = "size"
GROUPS = ("suite_group", "dataset", "modality", "anatomy_group", "kind", SIZE, "target")
NO_GROUP = "outside the taxonomy"

NO_MASK = "no mask with this score"
NO_SIDE = "needs seen and unseen masks"
NO_CURVE = "needs two scored steps"
FEW_PATIENTS = f"n < {MIN_PATIENTS} patients"
FEW_PATIENTS_A_SIDE = f"{FEW_PATIENTS} a side"
NO_MEDIAN_INTERVAL = "none is given for medians"
NO_MAXIMUM_INTERVAL = "none is given for a maximum"


@dataclass(frozen=True, slots=True)
class Statistic:
    """One figure that is made of one column of scores."""

    name: str
    column: str
    policy: str
    unit: str = "1"
    how: Literal["mean", "median", "maximum"] = "mean"
    absolute: bool = False
    over: Literal["step", "curve", "seeds"] = "step"
    """One number per mask and step, per mask from all its steps, or per mask and step from its seeds."""
    splits: tuple[str, ...] = (ALL,)
    """What the statistic is split by."""

    @property
    def why_no_interval(self) -> str | None:
        """Why there is never an interval; None where there is one."""
        return {"mean": None, "median": NO_MEDIAN_INTERVAL, "maximum": NO_MAXIMUM_INTERVAL}[self.how]


def percent(threshold: float) -> str:
    """Name a threshold of Dice, such as `80`."""
    return f"{100 * threshold:.0f}"


_SCORED = (ALL, *LEVELS)

STATISTICS: tuple[Statistic, ...] = (
    *(Statistic("dice", "dice", policy, splits=(*_SCORED, *GROUPS)) for policy in (FAILED_IS_ZERO, OK_ONLY)),
    *(Statistic(name, name, policy, splits=_SCORED) for name in ("iou", "nsd") for policy in (FAILED_IS_ZERO, OK_ONLY)),
    *(Statistic(name, name, OK_ONLY, unit="mm", splits=_SCORED) for name in ("hd95_mm", "assd_mm")),
    Statistic("volume_error_mean_absolute", "volume_error", OK_ONLY, absolute=True, splits=_SCORED),
    Statistic("volume_error_median", "volume_error", OK_ONLY, how="median", splits=_SCORED),
    *(
        Statistic("dice_area_over_steps", "area", policy, over="curve", splits=_SCORED)
        for policy in (FAILED_IS_ZERO, OK_ONLY)
    ),
    *(
        Statistic(f"{what}_{percent(threshold)}", f"{what}_{threshold}", FAILED_IS_ZERO, unit, over="curve")
        for what, unit in (("steps_to_dice", "steps"), ("never_reaches_dice", "1"))
        for threshold in THRESHOLDS
    ),
    Statistic("dice_sd_between_seeds", "dice", FAILED_IS_ZERO, over="seeds"),
    Statistic("failure_rate", "failed", ASKED),
    Statistic("user_actions", "n_actions", OK_ONLY, "actions"),
    *(
        Statistic(name, name, OK_ONLY, "s", how="median")
        for name in ("seconds_encode", "seconds_prompt", "seconds_predict")
    ),
    Statistic("peak_memory_mb", "peak_memory_mb", OK_ONLY, "MiB", how="maximum"),
)
"""Distances, volume errors and times have no worst value that a failure could count as: they are of answered masks
only. `docs/leaderboard.md` defines each name."""


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
