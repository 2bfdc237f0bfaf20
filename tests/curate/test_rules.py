"""Rules on the parts of a mask: its components and its sides."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from curate import rules
from curate.geometry import Geometry
from curate.labelmap import BoxMask, slices
from curate.masks import Mask
from curate.phantoms import ellipsoid

poses = runpy.run_path(str(Path(__file__).with_name("poses.py")))
grid, centred = poses["grid"], poses["centred"]
POSES = [("RAS", (0, 0, 0)), ("LPS", (0, 0, 0)), ("PSR", (0, 0, 0)), ("LAS", (0.3, -0.2, 0.25)), ("ASL", (0.1, 0.4, 0))]


def mask(voxels, target="liver", rater=None):
    """Return a mask of a full-grid array."""
    return Mask(target, "1", "label.nii", rater, BoxMask.of(np.asarray(voxels, dtype=np.bool_)))


def block(shape, sides, at=(1, 1, 1)):
    """Draw a block of `sides` voxels that begins at `at`."""
    voxels = np.zeros(shape, dtype=np.bool_)
    voxels[slices((*at, *(a + n for a, n in zip(at, sides, strict=True))))] = True
    return voxels


def dots(shape, *places):
    """Draw single voxels."""
    voxels = np.zeros(shape, dtype=np.bool_)
    voxels[tuple(np.transpose(places))] = True
    return voxels


def test_five_components_stay_and_of_six_the_smallest_goes():
    """The rule keeps the largest components and says how many voxels it removed."""
    voxels = np.any([block((40, 9, 9), (2, n, n), (6 * n, 1, 1)) for n in range(1, 6)], axis=0)
    assert rules.largest_components(mask(voxels), grid(voxels.shape), 5).decision is None
    six = voxels | dots(voxels.shape, (0, 0, 0))
    outcome = rules.largest_components(mask(six), grid(voxels.shape), 5)
    assert (outcome.masks[0].voxels.full() == voxels).all()
    assert (outcome.decision.measured, outcome.decision.threshold, outcome.decision.effect) == (6, 5, "changed")
    assert outcome.decision.detail == "6 components, the 5 largest stay; 1 voxels go"


def test_of_equal_components_the_last_in_scan_order_goes():
    """Ties are broken by where the array is reached first, with k running fastest, in any memory order."""
    places = [(0, 0, 4), (0, 4, 0), (2, 2, 2), (4, 0, 0), (4, 4, 2), (4, 4, 4)]
    voxels = dots((5, 5, 5), *places)
    for array in (voxels, np.asfortranarray(voxels)):
        (kept,) = rules.largest_components(mask(array), grid((5, 5, 5)), 5).masks
        assert np.argwhere(kept.voxels.full()).tolist() == [list(place) for place in places[:5]]


@pytest.mark.parametrize(("shape", "step"), [((3, 3, 3), (1, 1, 1)), ((3, 3, 3), (1, 1, 0)), ((3, 3, 1), (1, 1, 0))])
def test_voxels_that_touch_at_a_corner_are_one_component(shape, step):
    """Components are 26-connected, and 8-connected in a single slice."""
    assert rules.components(dots(shape, (0, 0, 0), step))[1].tolist() == [2]


def test_components_agree_with_scipy():
    """Number and sizes of components are those of scipy with a full structuring element."""
    voxels = np.random.default_rng(2).random((20, 21, 22)) < 0.06
    labels, count = ndimage.label(voxels, structure=np.ones((3, 3, 3)))
    assert count > 100
    assert sorted(rules.components(voxels)[1]) == sorted(np.bincount(labels.ravel())[1:])


@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_kidneys_go_to_their_own_sides(codes, turn):
    """Left is where x is smaller in RAS+, however the grid lies; voxels are neither lost nor doubled."""
    geometry = centred((70, 72, 68), (2, 2.2, 2.5), codes, turn)
    left = ellipsoid(geometry, (-40, 5, 0), (18, 20, 30))
    right = ellipsoid(geometry, (38, 0, -8), (17, 20, 28))
    outcome = rules.split_sides(mask(left | right, "kidney"), geometry, 0)
    parts = {part.target: part.voxels for part in outcome.masks}
    assert (parts["kidney_left"].full() == left).all()
    assert (parts["kidney_right"].full() == right).all()
    assert parts["kidney_left"].box == BoxMask.of(left).box
    assert (outcome.decision.code, outcome.decision.effect) == ("sides_split", "changed")
    assert outcome.decision.detail == "split at x = -1.0 mm into kidney_left and kidney_right"


def test_fragments_follow_the_plane_between_the_sides():
    """A cyst beside the left kidney goes left, though it is a component of its own."""
    geometry = centred((70, 72, 68), (2, 2.2, 2.5), "LPS")
    left, cyst = ellipsoid(geometry, (-40, 5, 0), (18, 20, 30)), ellipsoid(geometry, (-12, 40, 0), (5, 5, 5))
    right = ellipsoid(geometry, (38, 0, -8), (17, 20, 28))
    parts = rules.split_sides(mask(left | right | cyst, "kidney"), geometry, 0).masks
    assert [part.target for part in parts] == ["kidney_left", "kidney_right"]
    assert (parts[0].voxels.full() == left | cyst).all()
    assert (parts[1].voxels.full() == right).all()


@pytest.mark.parametrize(
    ("centres", "unit"),
    [
        ([(-40, 0, 0)], "mm"),  # one kidney in the image
        ([(-14, 0, 0), (14, 0, 0)], "mm"),  # lungs that touch in front
        ([(-5, -40, 0), (5, 40, 0)], "mm"),  # one before the other
        ([(0, 0, -40), (0, 0, 40)], "mm"),  # one above the other
        ([(-40, 0, 0), (40, 0, 0)], "pixel"),  # a picture: left in it may be the patient's right
    ],
)
def test_a_mask_without_two_sides_stays_whole(centres, unit):
    """Where left and right cannot be told apart the mask keeps its target and a row says so."""
    geometry = centred((70, 70, 70), (2, 2, 2))
    voxels = np.any([ellipsoid(geometry, centre, (16, 16, 16)) for centre in centres], axis=0)
    lungs = mask(voxels, "lung")
    outcome = rules.split_sides(lungs, Geometry(geometry.shape_ijk, geometry.affine, unit), 0)
    assert outcome.masks == (lungs,)
    assert (outcome.decision.code, outcome.decision.effect) == ("side_undetermined", "noted")
    assert outcome.decision.detail == "no two parts that lie side by side; the mask keeps its target without a side"


@pytest.mark.parametrize(("radius", "code"), [(8.5, "sides_split"), (6.5, "side_undetermined")])
def test_a_fragment_is_no_second_kidney(radius, code):
    """The smaller part must hold a tenth of the mask: 8.5 cubed beside 16 cubed does (13 %), 6.5 cubed does not."""
    geometry = centred((70, 40, 40), (2, 2, 2))
    voxels = ellipsoid(geometry, (-40, 0, 0), (16, 16, 16)) | ellipsoid(geometry, (40, 0, 0), (radius,) * 3)
    decision = rules.split_sides(mask(voxels, "kidney"), geometry, 0).decision
    assert decision.code == code
    if code == "side_undetermined":
        assert (decision.measured, decision.threshold) == (pytest.approx(6.5**3 / (16**3 + 6.5**3), abs=0.01), 0.1)


@pytest.mark.parametrize("target", ["liver", "kidney_left", "heart"])
def test_targets_without_sides_are_not_split(target):
    """A target that is not paired, or is a side already, passes without a word."""
    whole = mask(dots((9, 3, 3), (0, 1, 1), (8, 1, 1)), target)
    assert rules.split_sides(whole, grid((9, 3, 3)), 0) == rules.Outcome((whole,))


@pytest.mark.parametrize("shape", [(60, 50, 1), (18, 16, 14)])
def test_components_are_split_in_scan_order(shape):
    """Parts are those of scipy with a full structuring element, in its order, each in the smallest box."""
    voxels = np.random.default_rng(3).random(shape) < (0.15 if shape[2] == 1 else 0.03)
    labels, count = ndimage.label(voxels, structure=np.ones((3, 3, 3)))
    for array in (voxels, np.asfortranarray(voxels)):
        outcome = rules.split_components(mask(array), grid(shape), 0)
        assert (outcome.decision.code, outcome.decision.measured, outcome.decision.threshold) == (
            "components_split",
            count,
            None,
        )
        assert outcome.decision.detail == f"{count} components"
        for number, part in enumerate(outcome.masks, start=1):
            assert (part.voxels.full() == (labels == number)).all()
            assert part.voxels.box == BoxMask.of(labels == number).box
    assert count > 20


def test_one_component_is_not_split():
    """A mask in one piece passes without a word."""
    whole = mask(block((9, 9, 9), (3, 3, 3)))
    assert rules.split_components(whole, grid((9, 9, 9)), 0) == rules.Outcome((whole,))
