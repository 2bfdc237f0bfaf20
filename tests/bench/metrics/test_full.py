"""What `score_in_full` promises: the scores of `score` to the bit, the further ones, and their empty cases."""

import math

import numpy as np
import pytest

from bench.metrics import FURTHER, METRICS, score, score_in_full
from bench.metrics.surface import hd, nsd, surface_distances
from curate.errors import GeometryError, UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask

SHAPE = (16, 12, 10)
SPACING = (2.0, 0.5, 1.0)
GRID = Geometry(SHAPE, np.diag([*SPACING, 1.0]))
KINDS = ["organ", "lesion", "vessel", None]


def _pair(ball) -> tuple[np.ndarray, np.ndarray]:
    """Draw two balls that overlap."""
    return ball(SHAPE, (7, 6, 5), 4.0, SPACING), ball(SHAPE, (8, 6, 5), 3.0, SPACING)


def _mask(*, holds: bool) -> BoxMask:
    """Return a mask of four voxels of 1 cubic mm, or of none."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:6, 3, 4] = holds
    return BoxMask.of(mask)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_every_row_stay_what_they_are(ball, kind):
    """The columns of `score` come first and are equal to the bit; the further ones follow in the registry's order."""
    masks = [BoxMask.of(mask) for mask in _pair(ball)]
    plain, full = score(*masks, GRID, 1.3), score_in_full(*masks, GRID, 1.3, kind)
    assert list(full) == [*plain, *FURTHER]
    assert {name: full[name] for name in plain} == plain


def test_overlap_and_volume_are_counts_of_voxels(ball):
    """Precision and recall are the shared voxels over each mask's; the volume error is voxels times 1 cubic mm."""
    reference, prediction = _pair(ball)
    found = score_in_full(BoxMask.of(reference), BoxMask.of(prediction), GRID, 1.0)
    both = np.count_nonzero(reference & prediction)
    assert found["precision"] == both / np.count_nonzero(prediction)
    assert found["recall"] == both / np.count_nonzero(reference)
    difference = np.count_nonzero(prediction) - np.count_nonzero(reference)
    assert found["volume_error_ml"] == pytest.approx(difference / 1000)


def test_surface_metrics_read_one_measurement(ball):
    """NSD at each tolerance and HD are those of the surfaces, and HD is where NSD reaches 1."""
    reference, prediction = _pair(ball)
    found = score_in_full(BoxMask.of(reference), BoxMask.of(prediction), GRID, 2.0)
    measured = surface_distances(reference, prediction, SPACING)
    assert [found[f"nsd_{n}"] for n in (1, 2, 3, 5)] == [nsd(measured, float(n)) for n in (1, 2, 3, 5)]
    assert found["nsd_2"] == found["nsd"]
    assert found["hd_mm"] == hd(measured)
    assert found["hd_mm"] >= found["hd95_mm"]
    assert nsd(measured, found["hd_mm"]) == 1.0 > nsd(measured, 0.9 * found["hd_mm"])


def test_hd_is_the_farthest_corner(block):
    """A second voxel 20 mm off puts HD at 20 mm, by however small a part of the surface."""
    reference = block((30, 3, 3), (1, 1, 1), (2, 2, 2))
    prediction = reference | block((30, 3, 3), (21, 1, 1), (22, 2, 2))
    found = score_in_full(BoxMask.of(reference), BoxMask.of(prediction), Geometry((30, 3, 3), np.eye(4)), 1.0)
    assert found["hd_mm"] == pytest.approx(20, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_own_metrics(ball, kind):
    """Metrics of lesions are null for all but lesions, the centre-line Dice for all but vessels."""
    found = score_in_full(*[BoxMask.of(mask) for mask in _pair(ball)], GRID, 1.0, kind)
    for name, metric in FURTHER.items():
        assert (found[name] is None) == (metric.kind not in {None, kind}), name


def test_pixels_have_no_millilitres(ball):
    """On a grid without spacing the volume error in ml is null, whatever the masks."""
    pixels = Geometry(SHAPE, np.eye(4), "pixel")
    masks = [BoxMask.of(mask) for mask in _pair(ball)]
    assert score_in_full(*masks, pixels, 1.0)["volume_error_ml"] is None
    assert score_in_full(_mask(holds=True), _mask(holds=False), pixels, 1.0)["volume_error_ml"] is None


EMPTY_TABLE = {
    # reference holds, prediction holds: precision, recall, nsd, hd, ml, F1, lesion Dice, lesion count, centre-line
    (False, False): (None, None, None, None, 0.0, None, None, 0.0, None),
    (False, True): (0.0, None, 0.0, None, 0.004, 0.0, 0.0, 1.0, 0.0),
    (True, False): (None, 0.0, 0.0, None, -0.004, 0.0, 0.0, -1.0, 0.0),
}


@pytest.mark.parametrize("holds", list(EMPTY_TABLE))
def test_empty_masks_score_by_the_table(holds):
    """Every empty case has a value or null for every further metric."""
    reference, prediction = _mask(holds=holds[0]), _mask(holds=holds[1])
    lesion, vessel = (score_in_full(reference, prediction, GRID, 1.0, kind) for kind in ("lesion", "vessel"))
    names = ("precision", "recall", "nsd_1", "hd_mm", "volume_error_ml", "lesion_f1", "lesion_dice")
    found = (*(lesion[name] for name in names), lesion["lesion_count_error"], vessel["centreline_dice"])
    assert found == EMPTY_TABLE[holds]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("holds", [(True, True), *EMPTY_TABLE])
def test_scores_are_plain_numbers_or_none(holds, kind):
    """Scores are finite floats, the unit's word or None: nothing of NumPy, no NaN, no infinity."""
    found = score_in_full(_mask(holds=holds[0]), _mask(holds=holds[1]), GRID, 1, kind)
    for name, value in found.items():
        assert value is None or type(value) is str or (type(value) is float and math.isfinite(value)), name


@pytest.mark.parametrize("name", list(FURTHER))
def test_registry_agrees_with_itself(name):
    """A metric's empty values lie in its range and its perfect score is its best end; its name is its own."""
    metric = FURTHER[name]
    values = [metric.when(case) for case in ("both_empty", "reference_empty", "prediction_empty")]
    top = math.inf if metric.highest is None else metric.highest
    assert all(value is None or metric.lowest <= value <= top for value in values)
    assert all(metric.when(case) is None for case in metric.by_formula)
    perfect = score_in_full(_mask(holds=True), _mask(holds=True), GRID, 1.0, metric.kind)[name]
    assert perfect == {"higher": metric.highest, "lower": metric.lowest, "zero": 0.0}[metric.better]
    assert (metric.unit == "distance_unit") == name.endswith("_mm")
    assert metric.name == name
    assert name not in METRICS
    assert metric.definition
    assert metric.source


def test_masks_off_the_grid_and_tolerances_that_are_none_are_refused():
    """The same masks and tolerances are refused as by `score`."""
    other = BoxMask.empty((5, 6, 6))
    with pytest.raises(GeometryError, match=r"prediction must lie on the image's own grid \(16, 12, 10\)"):
        score_in_full(_mask(holds=True), other, GRID, 1.0)
    with pytest.raises(UsageError, match="tolerance must be a distance of 0 or more in mm"):
        score_in_full(_mask(holds=True), _mask(holds=True), GRID, -1.0)
