"""All scores of one prediction, and the further ones: what is compared is measured once and read by every metric."""

from bench.metrics.centreline import centreline_dice
from bench.metrics.further import FURTHER, TOLERANCES
from bench.metrics.lesions import lesion_count_error, lesion_dice, lesion_f1, match_lesions
from bench.metrics.overlap import precision, recall, volume_error_ml
from bench.metrics.scoring import Comparison, Scores, check, compare, core_scores
from bench.metrics.surface import hd, nsd
from curate.geometry import Geometry
from curate.labelmap import BoxMask, union_box


def score_in_full(
    reference: BoxMask, prediction: BoxMask, geometry: Geometry, tolerance: float, kind: str | None = None
) -> Scores:
    """Score a prediction by the metrics of `score`, to the same bit, and by those of `bench.metrics.further`.

    Args:
        reference: The true mask.
        prediction: The mask to score, on the same grid.
        geometry: The grid; its spacing gives distances, its unit their unit.
        tolerance: Tolerance of the column nsd, in the unit of the grid.
        kind: Kind of the target in the vocabulary; `lesion` and `vessel` have metrics of their own, null for others.

    Returns:
        The columns of `score`, then one for each metric of `FURTHER`; None is null, nothing is NaN or infinite.

    Raises:
        GeometryError: If the masks do not lie on the grid.
        UsageError: If the tolerance is negative or not finite.
    """
    check(reference, prediction, geometry, tolerance)
    compared = compare(reference, prediction, geometry)
    found = {**_shared(compared), **_volume(compared, geometry), **_of_kind(reference, prediction, compared, kind)}
    return {**core_scores(compared, geometry, tolerance), **{name: found.get(name) for name in FURTHER}}


def _shared(compared: Comparison) -> dict[str, float | None]:
    """Return what every target has: more of overlap and of surface distance."""
    if compared.measured is None:
        return _when_empty(compared, None)
    return {
        "precision": precision(compared.counts),
        "recall": recall(compared.counts),
        **{f"nsd_{tolerance:g}": nsd(compared.measured, tolerance) for tolerance in TOLERANCES},
        "hd_mm": hd(compared.measured),
    }


def _volume(compared: Comparison, geometry: Geometry) -> dict[str, float | None]:
    """Return the volume error, which only a grid with spacing has."""
    known = geometry.unit == "mm"
    return {"volume_error_ml": volume_error_ml(compared.counts, geometry.spacing) if known else None}


def _of_kind(
    reference: BoxMask, prediction: BoxMask, compared: Comparison, kind: str | None
) -> dict[str, float | None]:
    """Return what only lesions or only vessels have."""
    box = union_box(reference.box, prediction.box)
    if kind == "lesion":
        match = match_lesions(reference.within(box), prediction.within(box))
        count_error = {"lesion_count_error": float(lesion_count_error(match))}
        if compared.case is not None:
            return {**_when_empty(compared, kind), **count_error}
        return {"lesion_f1": lesion_f1(match), "lesion_dice": lesion_dice(match), **count_error}
    if kind == "vessel":
        if compared.case is not None:
            return _when_empty(compared, kind)
        return {"centreline_dice": centreline_dice(reference.within(box), prediction.within(box))}
    return {}


def _when_empty(compared: Comparison, kind: str | None) -> dict[str, float | None]:
    """Return the values that the table of empty cases states for the metrics of one kind."""
    if compared.case is None:
        return {}
    return {name: metric.when(compared.case) for name, metric in FURTHER.items() if metric.kind == kind}
