"""Scores that can be worked out by hand."""

import numpy as np
import pytest

SPACING = (0.5, 1.0, 2.0)


def test_equal_masks_score_exactly_one_and_zero(scored, ball):
    """A mask against itself has overlap and NSD of exactly 1, distances and volume error of exactly 0."""
    mask = ball((40, 30, 20), (18.3, 14.1, 9.7), 9.0, SPACING)
    assert scored(mask, mask, SPACING, tolerance=0.0) == {
        "dice": 1.0,
        "iou": 1.0,
        "nsd": 1.0,
        "hd95_mm": 0.0,
        "assd_mm": 0.0,
        "volume_error": 0.0,
        "tolerance": 0.0,
        "distance_unit": "mm",
    }


@pytest.mark.parametrize(
    ("step", "distances"),
    [((4, 0, 0), (1.5, 2.0)), ((0, 2, 0), (1.0, 2.0)), ((0, 0, 1), (0.0, 2.0))],
    ids=["along i", "along j", "along k"],
)
def test_two_voxels_2_mm_apart(scored, block, step, distances):
    """Of two voxels 2 mm apart, half of the corners are 2 mm from the other voxel and half one spacing less."""
    near, far = distances
    reference = block((9, 9, 9), (2, 2, 2), (3, 3, 3))
    prediction = np.roll(reference, step, axis=(0, 1, 2))
    between = scored(reference, prediction, SPACING, tolerance=(near + far) / 2)
    assert between["nsd"] == pytest.approx(0.5)
    assert between["hd95_mm"] == pytest.approx(2.0, rel=1e-6)
    assert between["assd_mm"] == pytest.approx((near + far) / 2, rel=1e-6)
    assert (between["dice"], between["iou"], between["volume_error"]) == (0.0, 0.0, 0.0)
    assert scored(reference, prediction, SPACING, tolerance=2.0)["nsd"] == 1.0


def test_shifted_cube_counts_voxels(scored, block):
    """A cube of 10 voxels shifted by 2 shares 8 of 10 slices: Dice 0.8, IoU 8 / 12, no volume error."""
    reference, prediction = block((16, 16, 16), (2, 2, 2), (12, 12, 12)), block((16, 16, 16), (4, 2, 2), (14, 12, 12))
    scores = scored(reference, prediction, (1, 1, 1))
    assert scores["dice"] == pytest.approx(0.8)
    assert scores["iou"] == pytest.approx(8 / 12)
    assert scores["volume_error"] == 0.0
    assert scores["hd95_mm"] == pytest.approx(2.0)


def test_half_a_block_has_half_its_volume(scored, block):
    """A prediction of half the reference has volume error -0.5, one of twice the reference +1."""
    whole, half = block((8, 8, 8), (0, 0, 0), (8, 8, 8)), block((8, 8, 8), (0, 0, 0), (4, 8, 8))
    assert scored(whole, half)["volume_error"] == -0.5
    assert scored(half, whole)["volume_error"] == 1.0


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 0.8, 2.0)])
def test_concentric_balls_are_as_far_apart_as_their_radii(scored, ball, spacing):
    """Surfaces of balls of 12 and 20 mm lie 8 mm apart, to within one voxel's diagonal."""
    shape = tuple(int(44 / s) for s in spacing)
    centre = [(n - 1) / 2 for n in shape]
    scores = scored(ball(shape, centre, 20, spacing), ball(shape, centre, 12, spacing), spacing, tolerance=4.0)
    diagonal = np.linalg.norm(spacing)
    assert scores["assd_mm"] == pytest.approx(8, abs=diagonal / 2)
    assert scores["hd95_mm"] == pytest.approx(8, abs=diagonal)
    assert scores["nsd"] == 0.0
    assert scores["volume_error"] == pytest.approx((12 / 20) ** 3 - 1, abs=0.01)


def test_pooled_mean_weighs_by_area(scored, block):
    """ASSD pools both surfaces by area: a second, far voxel weighs half of the predicted area."""
    reference = block((30, 3, 3), (1, 1, 1), (2, 2, 2))
    prediction = reference | block((30, 3, 3), (21, 1, 1), (22, 2, 2))
    # Reference: 8 corners at 0. Prediction: 8 at 0, 4 at 19 and 4 at 20, all of one area.
    assert scored(reference, prediction)["assd_mm"] == pytest.approx((4 * 19 + 4 * 20) / 24, rel=1e-6)


@pytest.mark.parametrize("spacing", [(0.1, 0.1, 0.1), (0.7, 0.7, 0.7)])
def test_rounding_does_not_push_a_distance_beyond_the_tolerance(scored, block, spacing):
    """Three voxels of 0.1 mm lie within 0.3 mm, although 3 * 0.1 > 0.3 in binary fractions."""
    reference, prediction = block((9, 3, 3), (1, 1, 1), (2, 2, 2)), block((9, 3, 3), (4, 1, 1), (5, 2, 2))
    tolerance = {0.1: 0.3, 0.7: 2.1}[spacing[0]]
    assert scored(reference, prediction, spacing, tolerance)["nsd"] == 1.0


def test_percentile_is_weighted_by_area(scored, block):
    """A far plate of 4 % of the area stays out of HD95; one of 6 % is in."""
    shape, slab = (40, 52, 52), block((40, 52, 52), (0, 0, 0), (4, 52, 52))
    hd95 = [scored(slab, slab | block(shape, (30, 0, 0), (31, n, n)))["hd95_mm"] for n in (8, 16)]
    assert hd95 == [0.0, pytest.approx(26, abs=1)]


def test_a_slice_of_a_2d_image_is_scored_by_contour(scored, block):
    """On a 2D image, distances lie in the plane and the unit is told: pixels where there is no spacing."""
    reference, prediction = block((20, 20, 1), (2, 2, 0), (3, 3, 1)), block((20, 20, 1), (5, 2, 0), (6, 3, 1))
    scores = scored(reference, prediction, tolerance=2.5, unit="pixel")
    assert scores["distance_unit"] == "pixel"
    assert (scores["nsd"], scores["hd95_mm"], scores["assd_mm"]) == (0.5, 3.0, 2.5)
