"""Metrics of `score_in_full` beside those of every row: more of overlap and surface, and what suits one kind."""

from collections.abc import Mapping
from types import MappingProxyType

from bench.metrics.registry import EmptyCase, Metric

TOLERANCES = (1.0, 2.0, 3.0, 5.0)
"""Further tolerances of NSD, in the distance unit of the grid."""
_ALWAYS: frozenset[EmptyCase] = frozenset({"both_empty", "reference_empty", "prediction_empty"})
_LESION = "a lesion is a 26-connected component (8-connected in a single slice) of its mask"


def _share(
    name: str,
    title: str,
    definition: str,
    source: str,
    *,
    reference_empty: float | None = 0.0,
    prediction_empty: float | None = 0.0,
    kind: str | None = None,
) -> Metric:
    """Return a metric from 0 to 1, where higher is better, that is null with both masks empty."""
    return Metric(
        name=name,
        title=title,
        unit="1",
        better="higher",
        lowest=0.0,
        highest=1.0,
        definition=definition,
        source=source,
        both_empty=None,
        reference_empty=reference_empty,
        prediction_empty=prediction_empty,
        kind=kind,
    )


def _nsd(tolerance: float) -> Metric:
    definition = f"as nsd, with a tolerance of {tolerance:g} in the unit of the column distance_unit"
    source = "Nikolov et al., J Med Internet Res 23(7):e26151, 2021; google-deepmind/surface-distance"
    return _share(f"nsd_{tolerance:g}", f"NSD at {tolerance:g}", definition, source)


_LIST = (
    _share(
        "precision",
        "Precision",
        "|A and B| / |B| with B the prediction, in voxels",
        "positive predictive value of Taha and Hanbury, BMC Med Imaging 15:29, 2015",
        prediction_empty=None,
    ),
    _share(
        "recall",
        "Recall",
        "|A and B| / |A| with A the reference, in voxels",
        "sensitivity of Taha and Hanbury, BMC Med Imaging 15:29, 2015",
        reference_empty=None,
    ),
    *map(_nsd, TOLERANCES),
    Metric(
        name="hd_mm",
        title="HD",
        unit="distance_unit",
        better="lower",
        lowest=0.0,
        highest=None,
        definition="largest distance of any surface element to the other surface; surface elements as in hd95_mm",
        source="Huttenlocher et al., IEEE Trans Pattern Anal Mach Intell 15(9), 1993, on surface elements",
        both_empty=None,
        reference_empty=None,
        prediction_empty=None,
    ),
    Metric(
        name="volume_error_ml",
        title="Volume error in ml",
        unit="ml",
        better="zero",
        lowest=-float("inf"),
        highest=None,
        definition="|B| - |A| with A the reference, times the volume of a voxel; null where the grid has no spacing",
        source="volume difference of the ISLES 2022 evaluation, with its sign kept",
        both_empty=None,
        reference_empty=None,
        prediction_empty=None,
        by_formula=_ALWAYS,
    ),
    _share(
        "lesion_f1",
        "Lesion F1",
        f"2 TP / (2 TP + FP + FN); {_LESION}; TP: reference lesions of which the prediction holds a voxel, FN:"
        " the other ones, FP: predicted lesions that hold no voxel of the reference",
        "lesion-wise F1 of the ISLES 2022 evaluation (challenge of doi:10.1038/s41597-022-01875-5)",
        kind="lesion",
    ),
    _share(
        "lesion_dice",
        "Lesion Dice",
        "mean, over reference lesions and FP, of the Dice of a reference lesion and all predicted lesions that touch"
        f" it, taken as one; a missed lesion and an FP count 0; {_LESION}",
        "lesion-wise Dice of BraTS 2023 (rachitsaluja/BraTS-2023-Metrics), without its dilation and its least volume",
        kind="lesion",
    ),
    Metric(
        name="lesion_count_error",
        title="Lesion count error",
        unit="lesions",
        better="zero",
        lowest=-float("inf"),
        highest=None,
        definition=f"predicted - reference number of lesions; {_LESION}",
        source="lesion count difference of the ISLES 2022 evaluation, with its sign kept",
        both_empty=None,
        reference_empty=None,
        prediction_empty=None,
        by_formula=_ALWAYS,
        kind="lesion",
    ),
    _share(
        "centreline_dice",
        "Centre-line Dice",
        "harmonic mean of the share of the prediction's centre-line inside the reference and the share of the"
        " reference's centre-line inside the prediction, in voxels; centre-lines by scikit-image's skeletonize, and for"
        " a component that it erases the voxel next to the centroid",
        "clDice of Shit et al., CVPR 2021",
        kind="vessel",
    ),
)

FURTHER: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _LIST})
"""Every further metric by its name."""
