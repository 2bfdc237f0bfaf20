"""Every metric as data: what it means, which way is better, and what it is worth when a mask is empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Direction = Literal["higher", "lower", "zero"]
"""Which values are better: the higher, the lower, or those nearest to zero."""

EmptyCase = Literal["both_empty", "reference_empty", "prediction_empty"]
"""Which of the two masks holds no voxel."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as printed on leaderboards."""

    name: str
    """Column in `scores.parquet`."""
    title: str
    unit: str
    """`1` for a ratio, `distance_unit` where the column of that name says mm or pixel."""
    better: Direction
    lowest: float
    highest: float | None
    """None where nothing bounds it from above."""
    definition: str
    source: str
    """Where the definition was published."""
    both_empty: float | None
    """The value when neither mask holds a voxel; None means null."""
    reference_empty: float | None
    """The value when only the reference is empty."""
    prediction_empty: float | None
    """The value when only the prediction is empty."""
    by_formula: frozenset[EmptyCase] = frozenset()
    """Cases in which the definition itself gives the value, which depends on the other mask; theirs above are None."""
    kind: str | None = None
    """The kind of target that alone has this metric (`lesion`); None for all. It is null for the others."""

    def when(self, case: EmptyCase) -> float | None:
        """Return the value of this metric in an empty case; None means null, or `by_formula`."""
        values: dict[EmptyCase, float | None] = {
            "both_empty": self.both_empty,
            "reference_empty": self.reference_empty,
            "prediction_empty": self.prediction_empty,
        }
        return values[case]


_SURFEL = (
    "surface elements are the 2x2x2 neighbourhoods (single slices: 2x2) that hold voxels of both kinds, each weighted"
    " by the area (length) of its marching-cubes surface; what lies beyond the grid is background"
)

_LIST = (
    Metric(
        name="dice",
        title="Dice",
        unit="1",
        better="higher",
        lowest=0.0,
        highest=1.0,
        definition="2 |A and B| / (|A| + |B|), in voxels",
        source="Dice, Ecology 26(3), 1945",
        both_empty=None,
        reference_empty=0.0,
        prediction_empty=0.0,
    ),
    Metric(
        name="iou",
        title="IoU",
        unit="1",
        better="higher",
        lowest=0.0,
        highest=1.0,
        definition="|A and B| / |A or B|, in voxels",
        source="Jaccard, New Phytologist 11(2), 1912",
        both_empty=None,
        reference_empty=0.0,
        prediction_empty=0.0,
    ),
    Metric(
        name="nsd",
        title="NSD",
        unit="1",
        better="higher",
        lowest=0.0,
        highest=1.0,
        definition=f"share of the area of both surfaces that lies within `tolerance` of the other one; {_SURFEL}",
        source="Nikolov et al., J Med Internet Res 23(7):e26151, 2021; google-deepmind/surface-distance",
        both_empty=None,
        reference_empty=0.0,
        prediction_empty=0.0,
    ),
    Metric(
        name="hd95_mm",
        title="HD95",
        unit="distance_unit",
        better="lower",
        lowest=0.0,
        highest=None,
        definition=f"larger of the two directed 95th percentiles of surface distance, weighted by area; {_SURFEL}",
        source="compute_robust_hausdorff of google-deepmind/surface-distance",
        both_empty=None,
        reference_empty=None,
        prediction_empty=None,
    ),
    Metric(
        name="assd_mm",
        title="ASSD",
        unit="distance_unit",
        better="lower",
        lowest=0.0,
        highest=None,
        definition=f"mean distance of both surfaces, pooled, to the other one, weighted by area; {_SURFEL}",
        source="Heimann et al., IEEE Trans Med Imaging 28(8), 2009, with areas in place of surface voxels",
        both_empty=None,
        reference_empty=None,
        prediction_empty=None,
    ),
    Metric(
        name="volume_error",
        title="Volume error",
        unit="1",
        better="zero",
        lowest=-1.0,
        highest=None,
        definition="(|B| - |A|) / |A| with A the reference, in voxels; negative where the prediction is too small",
        source="relative volume difference of Heimann et al., IEEE Trans Med Imaging 28(8), 2009",
        both_empty=None,
        reference_empty=None,
        prediction_empty=-1.0,
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _LIST})
"""Every metric by the name of its column.

The empty cases, in short: with both masks empty everything is null; with one empty, the overlaps and NSD are 0 and
the distances, which do not exist, are null; the volume error is -1 for an empty prediction and null for an empty
reference.
"""
