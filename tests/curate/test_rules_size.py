"""Rules on the size of a mask: kept at its threshold, dropped a voxel below, with what was measured."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from curate import rules
from curate.geometry import Geometry
from curate.labelmap import BoxMask, slices
from curate.masks import Mask

poses = runpy.run_path(str(Path(__file__).with_name("poses.py")))
grid = poses["grid"]
POSES = [("RAS", (0, 0, 0)), ("LPS", (0, 0, 0)), ("PSR", (0, 0, 0)), ("LAS", (0.3, -0.2, 0.25)), ("ASL", (0.1, 0.4, 0))]


def mask(voxels, target="liver", rater=None):
    """Return a mask of a full-grid array."""
    return Mask(target, "1", "label.nii", rater, BoxMask.of(np.asarray(voxels, dtype=np.bool_)))


def block(shape, sides, at=(1, 1, 1)):
    """Draw a block of `sides` voxels that begins at `at`."""
    voxels = np.zeros(shape, dtype=np.bool_)
    voxels[slices((*at, *(a + n for a, n in zip(at, sides, strict=True))))] = True
    return voxels


def rounded(geometry):
    """Return the grid after a trip through NIfTI, whose affine has 32 bits."""
    return Geometry(geometry.shape_ijk, geometry.affine.astype(np.float32))


def dots(shape, *places):
    """Draw single voxels."""
    voxels = np.zeros(shape, dtype=np.bool_)
    voxels[tuple(np.transpose(places))] = True
    return voxels


@pytest.mark.parametrize(("codes", "turn"), POSES)
@pytest.mark.parametrize(
    ("spacing", "sides"),
    [
        ((2, 2, 2.5), (5, 5, 4)),
        ((0.8, 0.8, 3.125), (25, 5, 4)),
        ((1, 1, 1), (10, 10, 10)),
        ((0.1, 0.1, 5), (40, 50, 10)),
    ],
)
def test_a_cubic_centimetre_is_kept_and_a_voxel_less_is_not(codes, turn, spacing, sides):
    """At 1 cm3 exactly a mask stays, on any grid, oblique and rounded to 32 bits too; one voxel less goes."""
    voxels = block((52, 52, 52), sides)
    for geometry in (grid(voxels.shape, spacing, codes, turn), rounded(grid(voxels.shape, spacing, codes, turn))):
        assert rules.min_volume_cm3(mask(voxels), geometry, 1.0).decision is None
        less = voxels.copy()
        less[1, 1, 1] = False
        outcome = rules.min_volume_cm3(mask(less), geometry, 1.0)
        assert (outcome.masks, outcome.decision.code, outcome.decision.effect) == ((), "below_min_volume", "left_out")
        assert outcome.decision.measured == pytest.approx(1 - np.prod(spacing) / 1000, rel=1e-5)
        assert outcome.decision.threshold == 1.0
        assert outcome.decision.detail.endswith("cm3, the profile's limit is 1")


@pytest.mark.parametrize(("codes", "turn"), POSES)
@pytest.mark.parametrize(("spacing", "sides"), [((1, 1, 1), (15, 15, 15)), ((0.7, 0.6, 3), (30, 25, 5))])
def test_a_side_of_15_mm_is_kept_and_a_voxel_less_is_not(codes, turn, spacing, sides):
    """The shortest side of the bounding box decides, along the grid's own axes and in its own spacing."""
    for geometry in (grid((40, 40, 40), spacing, codes, turn), rounded(grid((40, 40, 40), spacing, codes, turn))):
        assert rules.min_extent_cm(mask(block((40, 40, 40), sides)), geometry, 1.5).decision is None
        outcome = rules.min_extent_cm(mask(block((40, 40, 40), (*sides[:2], sides[2] - 1))), geometry, 1.5)
        assert (outcome.masks, outcome.decision.code) == ((), "below_min_extent")
        assert outcome.decision.measured == pytest.approx((sides[2] - 1) * spacing[2] / 10, rel=1e-5)


@pytest.mark.parametrize(
    ("shape", "voxels", "kept"), [((10, 10, 10), 10, True), ((10, 10, 10), 9, False), ((7, 5, 20), 7, True)]
)
def test_background_of_99_percent_is_kept(shape, voxels, kept):
    """A hundredth of the image is enough, a voxel less is not; spacing plays no part."""
    some = np.zeros(shape, dtype=np.bool_)
    some.ravel()[:voxels] = True
    outcome = rules.max_background_share(mask(some), grid(shape, (0.3, 3, 30)), 0.99)
    assert (outcome.decision is None) == kept == bool(outcome.masks)
    if not kept:
        assert outcome.decision.measured == 0.991
        assert outcome.decision.detail == "0.991 of the image is background, the profile's limit is 0.99"


@pytest.mark.parametrize(
    ("rule", "spacing", "sides", "threshold", "code", "unit"),
    [
        (rules.min_volume_mm3, (1, 1, 2.5), (2, 2, 1), 10, "below_min_volume_mm3", "mm3"),
        (rules.min_voxels, (3, 3, 3), (10, 10, 10), 1000, "below_min_voxels", "voxels"),
    ],
)
def test_a_mask_of_just_the_limit_is_kept_and_a_voxel_less_is_not(rule, spacing, sides, threshold, code, unit):
    """Cubic millimetres depend on the grid, voxels do not; the row carries what was measured."""
    voxels = block((12, 12, 12), sides)
    geometry, whole = grid(voxels.shape, spacing), mask(voxels)
    assert rule(whole, geometry, threshold) == rules.Outcome((whole,))
    voxels[1, 1, 1] = False
    decision = rule(mask(voxels), geometry, threshold).decision
    step = np.prod(spacing) if unit == "mm3" else 1
    assert (decision.code, decision.measured, decision.threshold) == (code, threshold - step, threshold)
    assert decision.detail == f"{threshold - step:g} {unit}, the profile's limit is {threshold}"


@pytest.mark.parametrize(
    ("shape", "sides", "kept"),
    [
        ((20, 20, 20), (10, 10, 10), True),
        ((20, 20, 20), (10, 10, 9), False),
        ((20, 20, 20), (9, 15, 15), False),
        ((20, 20, 1), (10, 10, 1), True),
        ((20, 20, 1), (10, 9, 1), False),
    ],
)
def test_the_shortest_side_in_voxels_decides(shape, sides, kept):
    """Ten voxels are enough on every side; a picture has two sides."""
    at = (1, 1, 0 if shape[2] == 1 else 1)
    outcome = rules.min_side_voxels(mask(block(shape, sides, at)), grid(shape, (0.1, 9, 1)), 10)
    assert bool(outcome.masks) == kept
    if not kept:
        assert (outcome.decision.code, outcome.decision.measured) == ("below_min_side", 9)


@pytest.mark.parametrize(("length", "kept"), [(121, True), (122, False)])
def test_the_longest_side_in_voxels_decides(length, kept):
    """A mask of 121 voxels along any axis stays, one of 122 does not."""
    for axis in range(3):
        shape, sides = [5, 5, 5], [2, 2, 2]
        shape[axis], sides[axis] = 130, length
        outcome = rules.max_side_voxels(mask(block(shape, sides)), grid(shape), 121)
        assert bool(outcome.masks) == kept
        if not kept:
            assert outcome.decision.detail == "122 voxels, the profile's limit is 121"


@pytest.mark.parametrize(("shape", "pixels"), [((256, 256, 1), 100), ((512, 512, 1), 400), ((181, 258, 1), 72)])
def test_the_share_of_a_picture_decides(shape, pixels):
    """100 of 256 by 256 pixels stay, 99 go; the share is of the picture, not a number of pixels."""
    threshold = 100 / 256**2
    for count, kept in ((pixels, True), (pixels - 1, False)):
        voxels = np.zeros(shape, dtype=np.bool_)
        voxels.ravel()[7 : 7 + count] = True
        outcome = rules.min_area_share(mask(voxels), grid(shape), threshold)
        assert bool(outcome.masks) == kept
        if not kept:
            assert (outcome.decision.code, outcome.decision.measured) == ("below_min_area", count / voxels.size)
            assert outcome.decision.detail.endswith(" of the picture, the profile's limit is 0.00152588")


@pytest.mark.parametrize(("shape", "kept"), [((40, 20, 1), True), ((20, 40, 1), True), ((41, 20, 1), False)])
def test_a_slice_twice_as_long_as_wide_is_kept(shape, kept):
    """The longer side over the shorter one decides, whichever is which."""
    outcome = rules.max_aspect(mask(dots(shape, (1, 1, 0))), grid(shape), 2.0)
    assert bool(outcome.masks) == kept
    if not kept:
        assert (outcome.decision.code, outcome.decision.measured) == ("above_max_aspect", 2.05)
        assert outcome.decision.detail == "2.05 times as long as wide, the profile's limit is 2"
