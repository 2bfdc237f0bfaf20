import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from curate import profile, rules
from curate.geometry import Geometry
from curate.labelmap import BoxMask, slices
from curate.masks import Mask
from curate.phantoms import ellipsoid
from curate.profile import Profile

poses = runpy.run_path(str(Path(__file__).with_name("poses.py")))
grid, centred = poses["grid"], poses["centred"]
POSES = [("RAS", (0, 0, 0)), ("LPS", (0, 0, 0)), ("PSR", (0, 0, 0)), ("LAS", (0.3, -0.2, 0.25)), ("ASL", (0.1, 0.4, 0))]
TURN = (0.3, -0.2, 0.25)


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
        assert (outcome.masks, outcome.decision.code, outcome.decision.dropped) == ((), "below_min_volume", True)
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


def test_five_components_stay_and_of_six_the_smallest_goes():
    """The rule keeps the largest components and says how many voxels it removed."""
    voxels = np.any([block((40, 9, 9), (2, n, n), (6 * n, 1, 1)) for n in range(1, 6)], axis=0)
    assert rules.largest_components(mask(voxels), grid(voxels.shape), 5).decision is None
    six = voxels | dots(voxels.shape, (0, 0, 0))
    outcome = rules.largest_components(mask(six), grid(voxels.shape), 5)
    assert (outcome.masks[0].voxels.full() == voxels).all()
    assert (outcome.decision.measured, outcome.decision.threshold, outcome.decision.dropped) == (6, 5, False)
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
    assert (outcome.decision.code, outcome.decision.dropped) == ("sides_split", False)
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
    assert (outcome.decision.code, outcome.decision.dropped) == ("side_undetermined", False)
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


def test_rules_act_in_the_order_of_the_profile():
    """Five parts of 0.2 cm3 pass the volume rule before the fifth is cut away, and fail it after."""
    voxels = np.any([block((36, 12, 12), (4, 10, 5), (6 * n, 1, 1)) for n in range(5)], axis=0)
    limit = {"rule": "min_volume_cm3", "threshold": 1.0}
    largest = {"rule": "largest_components", "threshold": 4}
    facts = {"schema": 1, "name": "test", "description": "", "source": ""}
    geometry = grid(voxels.shape)
    for order, codes, left in (
        ([limit, largest], ["components_dropped"], 800),
        ([largest, limit], ["components_dropped", "below_min_volume"], 0),
    ):
        masks, decisions = rules.apply(Profile.model_validate(facts | {"rules": order}), [mask(voxels)], geometry)
        assert [decision.code for decision in decisions] == codes
        assert sum(one.voxels.count for one in masks) == left


def test_the_shipped_profile_cleans_in_the_order_of_the_paper():
    """SA-Med3D's rules are volume, extent, background, components, sides, and every rule has a function."""
    shipped = profile.load("sa-med3d")
    names = ["min_volume_cm3", "min_extent_cm", "max_background_share", "largest_components", "split_sides"]
    assert [rule.rule for rule in shipped.rules] == names
    assert [getattr(rule, "threshold", None) for rule in shipped.rules] == [1.0, 1.5, 0.99, 5, None]
    assert set(rules.RULES) == set(names)


def test_rules_keep_the_order_of_masks_and_name_the_dropped_one():
    """What is left stands in the order in which it came; each decision carries the mask that it is about."""
    facts = {"schema": 1, "name": "test", "description": "", "source": ""}
    limit = {"rules": [{"rule": "min_volume_cm3", "threshold": 0.1}]}
    sizes = {"liver": (6, 6, 6), "spleen": (2, 2, 2), "stomach": (5, 5, 5)}
    given = [mask(block((9, 9, 9), sides), target) for target, sides in sizes.items()]
    masks, decisions = rules.apply(Profile.model_validate(facts | limit), given, grid((9, 9, 9)))
    assert [one.target for one in masks] == ["liver", "stomach"]
    assert [decision.mask.target for decision in decisions] == ["spleen"]
