"""What `score` promises: its keys, its empty cases, its cost and its errors."""

import math

import numpy as np
import pytest

from bench.metrics import METRICS, empty_case, score
from bench.schema import SCORED
from curate.errors import GeometryError, UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask

NAMES = ("dice", "iou", "nsd", "hd95_mm", "assd_mm", "volume_error")
GRID = Geometry((6, 6, 6), np.eye(4))


def _mask(*, holds: bool) -> BoxMask:
    """Return a mask of one voxel, or of none."""
    mask = np.zeros((6, 6, 6), dtype=bool)
    mask[2, 3, 4] = holds
    return BoxMask.of(mask)


EMPTY_TABLE = {
    # reference holds, prediction holds: case, then dice, iou, nsd, hd95, assd, volume error
    (False, False): ("both_empty", None, None, None, None, None, None),
    (False, True): ("reference_empty", 0.0, 0.0, 0.0, None, None, None),
    (True, False): ("prediction_empty", 0.0, 0.0, 0.0, None, None, -1.0),
}


@pytest.mark.parametrize("holds", list(EMPTY_TABLE))
def test_empty_masks_score_by_the_table(holds):
    """Every empty case has a value or null for every metric, and a name."""
    reference, prediction = _mask(holds=holds[0]), _mask(holds=holds[1])
    scores = score(reference, prediction, GRID, 1.0)
    assert (empty_case(reference, prediction), *(scores[name] for name in NAMES)) == EMPTY_TABLE[holds]
    assert (scores["tolerance"], scores["distance_unit"]) == (1.0, "mm")


def test_masks_that_hold_voxels_are_no_empty_case():
    """Two masks that hold voxels have no empty case."""
    assert empty_case(_mask(holds=True), _mask(holds=True)) is None


@pytest.mark.parametrize("holds", [(True, True), *EMPTY_TABLE])
def test_keys_are_the_columns_of_the_scores(holds):
    """Scores have exactly the columns of `SCORED` but the grid, as plain numbers, words or None."""
    scores = score(_mask(holds=holds[0]), _mask(holds=holds[1]), GRID, 1)
    assert list(scores) == [column.name for column in SCORED if column.name != "grid"]
    for value in scores.values():
        assert value is None or type(value) is str or (type(value) is float and math.isfinite(value))


def test_an_empty_mask_may_have_a_box():
    """A mask counts as empty by its voxels, not by its box."""
    hollow = BoxMask((6, 6, 6), (0, 0, 0, 3, 3, 3), np.zeros((3, 3, 3), dtype=bool))
    assert empty_case(_mask(holds=True), hollow) == "prediction_empty"
    assert score(_mask(holds=True), hollow, GRID, 1.0)["volume_error"] == -1.0


def test_a_loose_box_changes_no_score(ball):
    """A mask stored in a larger box than it needs scores the same."""
    reference, prediction = ball((12, 12, 12), (5, 5, 5), 3, (1, 1, 1)), ball((12, 12, 12), (6, 5, 5), 3, (1, 1, 1))
    grid = Geometry((12, 12, 12), np.diag([0.7, 0.8, 2.0, 1]))
    loose = BoxMask((12, 12, 12), (0, 0, 0, 12, 12, 12), prediction)
    tight = score(BoxMask.of(reference), BoxMask.of(prediction), grid, 1.0)
    assert score(BoxMask.of(reference), loose, grid, 1.0) == tight


def test_cost_follows_the_boxes():
    """Two small masks on a grid that no memory could hold are scored."""
    shape = (10**6, 10**6, 10**6)
    voxels = np.ones((3, 3, 3), dtype=bool)
    reference = BoxMask(shape, (500, 500, 500, 503, 503, 503), voxels)
    prediction = BoxMask(shape, (501, 500, 500, 504, 503, 503), voxels)
    scores = score(reference, prediction, Geometry(shape, np.eye(4)), 1.0)
    assert (scores["dice"], scores["nsd"], scores["hd95_mm"]) == (pytest.approx(2 / 3), 1.0, 1.0)


def test_a_stray_voxel_is_measured_by_its_distance():
    """A far stray voxel makes a large box, and ASSD sees exactly how far away it lies."""
    mask = np.zeros((200, 200, 100), dtype=bool)
    mask[1, 1, 1] = True
    prediction = mask.copy()
    prediction[1, 1, 91] = True
    scores = score(BoxMask.of(mask), BoxMask.of(prediction), Geometry(mask.shape, np.diag([1, 1, 0.7, 1])), 1.0)
    assert scores["assd_mm"] == pytest.approx((4 * 90 + 4 * 89) * 0.7 / 24)


def test_a_rotated_grid_scores_as_the_straight_one(ball):
    """Distances are measured along the axes of the grid, so a rotation changes nothing."""
    reference, prediction = ball((14, 14, 14), (6, 6, 6), 4, (1, 1, 1)), ball((14, 14, 14), (7, 6, 6), 4, (1, 1, 1))
    straight, turned = np.diag([0.7, 0.8, 2.0, 1]), np.diag([1.0, 1, 1, 1])
    turned[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    rows = [
        score(BoxMask.of(reference), BoxMask.of(prediction), Geometry((14, 14, 14), affine), 1.5)
        for affine in (straight, turned @ straight)
    ]
    assert [rows[0][name] for name in NAMES] == pytest.approx([rows[1][name] for name in NAMES], rel=1e-6)


def test_a_mask_on_another_grid_is_refused():
    """A prediction of another shape than the image raises an error that names both."""
    other = BoxMask((5, 6, 6), (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=bool))
    with pytest.raises(
        GeometryError, match=r"prediction must lie on the image's own grid \(6, 6, 6\), found \(5, 6, 6\)"
    ):
        score(_mask(holds=True), other, GRID, 1.0)


@pytest.mark.parametrize("tolerance", [-0.1, math.nan, math.inf])
def test_a_tolerance_that_is_no_distance_is_refused(tolerance):
    """A negative or endless tolerance raises an error that names the unit."""
    with pytest.raises(UsageError, match="tolerance must be a distance of 0 or more in mm"):
        score(_mask(holds=True), _mask(holds=True), GRID, tolerance)


def test_registry_describes_every_score():
    """Every scored column but tolerance, unit and grid has a metric, under its own name, in the same order."""
    described = [column.name for column in SCORED if column.name not in {"tolerance", "distance_unit", "grid"}]
    assert list(METRICS) == described == [metric.name for metric in METRICS.values()]


@pytest.mark.parametrize("name", NAMES)
def test_registry_agrees_with_itself(name):
    """A metric's empty values lie in its range, its perfect score is its best end, and it cites a source."""
    metric = METRICS[name]
    values = [metric.when(case) for case in ("both_empty", "reference_empty", "prediction_empty")]
    top = math.inf if metric.highest is None else metric.highest
    assert all(value is None or metric.lowest <= value <= top for value in values)
    perfect = score(_mask(holds=True), _mask(holds=True), GRID, 1.0)[name]
    assert perfect == {"higher": metric.highest, "lower": metric.lowest, "zero": 0.0}[metric.better]
    assert (metric.unit == "distance_unit") == name.endswith("_mm")
    assert metric.definition
    assert metric.source
