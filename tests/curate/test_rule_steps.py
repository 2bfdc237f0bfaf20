"""Rules as a list: in order, before and after resampling and slicing, with one decision per mask and rule."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate import harmonise, rules
from curate.geometry import Geometry
from curate.labelmap import BoxMask, slices
from curate.masks import Mask
from curate.profile import Profile

poses = runpy.run_path(str(Path(__file__).with_name("poses.py")))
grid = poses["grid"]
SLICE, SPLIT = {"rule": "slice"}, {"rule": "split_components"}
AREA = {"rule": "min_area_share", "threshold": 100 / 256**2}
ASPECT = {"rule": "max_aspect", "threshold": 2.0}


def profile(*listed):
    """Return a profile of these rules."""
    facts = {"schema": 1, "name": "test", "description": "", "source": "", "rules": listed}
    return Profile.model_validate(facts)


def mask(shape, *blocks, target="liver", rater=None):
    """Return a mask of blocks, each given as its half-open box."""
    voxels = np.zeros(shape, dtype=np.bool_)
    for box in blocks:
        voxels[slices(box)] = True
    return Mask(target, "1", "label.nii", rater, BoxMask.of(voxels))


def told(cleaned):
    """Return step, rule, code, effect and the counts before and after of every decision."""
    return [(one.step, one.rule, one.code, one.effect, one.before, one.after) for one in cleaned.decisions]


def test_rules_act_in_the_order_of_the_profile():
    """Five parts of 0.2 cm3 pass the volume rule before the fifth is cut away, and fail it after."""
    parts = mask((36, 12, 12), *((6 * n, 1, 1, 6 * n + 4, 11, 6) for n in range(5)))
    limit, largest = ({"rule": "min_volume_cm3", "threshold": 1.0}, {"rule": "largest_components", "threshold": 4})
    for order, codes, left in (
        ([limit, largest], [(2, "largest_components", "components_dropped", "changed", 1, 1)], 800),
        (
            [largest, limit],
            [
                (1, "largest_components", "components_dropped", "changed", 1, 1),
                (2, "min_volume_cm3", "below_min_volume", "left_out", 1, 0),
            ],
            0,
        ),
    ):
        cleaned = rules.apply(profile(*order), [parts], grid((36, 12, 12)))
        assert told(cleaned) == codes
        assert sum(one.voxels.count for one in cleaned.masks) == left


def test_rules_keep_the_order_of_masks_and_name_the_dropped_one():
    """What is left stands in the order in which it came; each decision carries the mask that it is about."""
    sizes = {"liver": 6, "spleen": 2, "stomach": 5}
    given = [mask((9, 9, 9), (1, 1, 1, 1 + n, 1 + n, 1 + n), target=target) for target, n in sizes.items()]
    cleaned = rules.apply(profile({"rule": "min_volume_cm3", "threshold": 0.1}), given, grid((9, 9, 9)))
    assert [one.target for one in cleaned.masks] == ["liver", "stomach"]
    assert [decision.mask.target for decision in cleaned.decisions] == ["spleen"]


def test_a_flagged_mask_stays_with_a_row():
    """With `action = "flag"` the mask passes as it is, and the row says that it stays."""
    long = mask((130, 4, 4), (0, 1, 1, 122, 3, 3))
    limit = {"rule": "max_side_voxels", "threshold": 121}
    dropped = rules.apply(profile(limit), [long], grid((130, 4, 4)))
    flagged = rules.apply(profile(limit | {"action": "flag"}), [long], grid((130, 4, 4)))
    assert (dropped.masks, flagged.masks) == ([], [long])
    assert told(flagged) == [(1, "max_side_voxels", "above_max_side", "noted", 1, 1)]
    assert flagged.decisions[0].detail == "122 voxels, the profile's limit is 121; the mask stays"


def test_voxels_are_counted_on_the_grid_at_which_the_rule_stands():
    """A cube of 3 x 3 x 3 voxels of 3 mm has 27 voxels before resampling to 1.5 mm, and 216 after."""
    cube, before = mask((9, 9, 9), (3, 3, 3, 6, 6, 6)), grid((9, 9, 9), (3, 3, 3))
    resample = {"rule": "resample", "spacing_mm": 1.5}
    few, many = ({"rule": "min_voxels", "threshold": count} for count in (28, 217))
    assert rules.apply(profile(few, resample), [cube], before).decisions[0].measured == 27
    after = rules.apply(profile(resample, many), [cube], before)
    assert (after.decisions[0].measured, after.masks) == (216, [])
    kept = rules.apply(profile(resample, few), [cube], before)
    assert kept.grid.same_grid(before.resampled(1.5))
    assert (kept.masks[0].voxels.full() == harmonise.resample_mask(cube, before, kept.grid).voxels.full()).all()


def test_a_mask_that_resampling_loses_is_a_row():
    """One voxel of 1 mm between the centres of 9 mm voxels is gone, with its measurement."""
    cleaned = rules.apply(
        profile({"rule": "resample", "spacing_mm": 9.0}), [mask((27, 27, 27), (0, 0, 0, 1, 1, 1))], grid((27, 27, 27))
    )
    assert told(cleaned) == [(1, "resample", "empty_after_resampling", "left_out", 1, 0)]
    assert (cleaned.decisions[0].detail, cleaned.decisions[0].measured) == ("no voxel at 9 mm", 0)


def test_slices_of_a_box_are_its_faces():
    """A box of 10 x 8 x 6 voxels lies on 24 slices, and on each is its face across that axis."""
    cleaned = rules.apply(profile(SLICE), [mask((40, 36, 30), (4, 5, 6, 14, 13, 12))], grid((40, 36, 30)))
    found = {part.place: (part.mask.voxels.shape_ijk, part.mask.voxels.box) for part in cleaned.parts}
    across = {
        0: (range(4, 14), ((36, 30, 1), (5, 6, 0, 13, 12, 1))),
        1: (range(5, 13), ((40, 30, 1), (4, 6, 0, 14, 12, 1))),
        2: (range(6, 12), ((40, 36, 1), (4, 5, 0, 14, 13, 1))),
    }
    assert found == {(axis, n): face for axis, (numbers, face) in across.items() for n in numbers}
    assert told(cleaned) == [(1, "slice", "sliced", "changed", 1, 24)]
    assert (cleaned.decisions[0].detail, cleaned.decisions[0].measured) == ("on 24 of 106 slices across x, y, z", 24)


def test_one_axis_alone_can_be_cut():
    """`axes` chooses: the box above lies on six slices across z."""
    cleaned = rules.apply(
        profile({"rule": "slice", "axes": ["z"]}), [mask((40, 36, 30), (4, 5, 6, 14, 13, 12))], grid((40, 36, 30))
    )
    assert [part.place for part in cleaned.parts] == [(2, n) for n in range(6, 12)]
    assert cleaned.decisions[0].detail == "on 6 of 30 slices across z"


def test_a_picture_is_a_slice_already():
    """A single slice is not cut, has no place, and is never too elongated; the rules of pictures look at it."""
    given = [mask((100, 20, 1), (0, 0, 0, 5, 5, 1), (50, 0, 0, 51, 1, 1))]
    cleaned = rules.apply(profile(SLICE, ASPECT, SPLIT, AREA), given, grid((100, 20, 1)))
    assert [(part.place, part.mask.key) for part in cleaned.parts] == [(None, ("liver", None, 0))]
    assert told(cleaned) == [
        (3, "split_components", "components_split", "changed", 1, 2),
        (4, "min_area_share", "below_min_area", "left_out", 1, 0),
    ]


def test_what_a_rule_does_to_the_slices_of_a_mask_is_one_decision():
    """The row counts the slices and carries the dropped one nearest to the limit."""
    wedge = np.zeros((64, 64, 20), dtype=np.bool_)
    for k in range(20):
        wedge.reshape(-1, 20)[: k + 1, k] = True  # 1, 2, ... 20 pixels of 4096, of which 6.25 are needed
    given = [Mask("liver", "1", "label.nii", None, BoxMask.of(wedge))]
    cleaned = rules.apply(profile({"rule": "slice", "axes": ["z"]}, AREA), given, grid(wedge.shape))
    assert [part.place[1] for part in cleaned.parts] == list(range(6, 20))
    decision = cleaned.decisions[1]
    assert (decision.before, decision.after, decision.measured, decision.threshold) == (
        6,
        0,
        6 / 4096,
        AREA["threshold"],
    )
    assert decision.detail == (
        "6 of 20 masks; nearest to the limit: 0.00146484 of the picture, the profile's limit is 0.00152588"
    )


def test_elongated_slices_go_as_one_decision():
    """Of a volume of 60 x 60 x 8 only the slices across z are less than twice as long as wide."""
    cleaned = rules.apply(profile(SLICE, ASPECT), [mask((60, 60, 8), (10, 10, 2, 20, 20, 6))], grid((60, 60, 8)))
    assert {part.place[0] for part in cleaned.parts} == {2}
    assert told(cleaned)[1] == (2, "max_aspect", "above_max_aspect", "left_out", 20, 0)
    assert cleaned.decisions[1].measured == 7.5


def test_components_are_numbered_on_each_slice_by_target_and_rater():
    """What is left of a target on one slice is numbered from 0 in scan order, after the small ones have gone."""
    shape = (64, 64, 2)
    boxes = [(1, 1, 0, 5, 5, 2), (10, 10, 0, 11, 11, 2), (20, 20, 0, 25, 25, 2), (40, 40, 0, 45, 45, 1)]
    given = [mask(shape, *boxes), mask(shape, boxes[0], rater="b"), mask(shape, boxes[3], target="spleen")]
    cleaned = rules.apply(profile({"rule": "slice", "axes": ["z"]}, SPLIT, AREA), given, grid(shape))
    keys = {place: [one.key for one in masks] for place, masks in cleaned.by_place().items()}
    assert keys == {
        (2, 0): [*(("liver", None, n) for n in range(3)), ("liver", "b", 0), ("spleen", None, 0)],
        (2, 1): [*(("liver", None, n) for n in range(2)), ("liver", "b", 0)],
    }


def test_instances_of_the_source_are_numbered_on():
    """Two instances of two regions each are regions 0 to 3 of their slice, the first instance first."""
    one = mask((64, 64, 1), (1, 1, 0, 5, 5, 1), (30, 1, 0, 35, 5, 1))
    other = mask((64, 64, 1), (10, 10, 0, 15, 15, 1), (40, 40, 0, 45, 45, 1))
    given = [replace(one, instance=3), replace(other, instance=9)]
    cleaned = rules.apply(profile(SLICE, SPLIT), given, grid((64, 64, 1)))
    assert [part.mask.instance for part in cleaned.parts] == [0, 1, 2, 3]
    assert [part.origin for part in cleaned.parts] == [0, 0, 1, 1]


def test_a_target_whose_voxels_were_dropped_is_unknown_on_that_slice():
    """Doubtful are targets with voxels on a slice and those that went before slicing; elsewhere a target is absent."""
    shape = (64, 64, 4)
    given = [mask(shape, (0, 0, 0, 20, 20, 4)), mask(shape, (30, 30, 1, 31, 31, 2), target="spleen")]
    given.append(mask(shape, (50, 50, 0, 51, 51, 1), target="stomach"))
    lost = {"rule": "min_voxels", "threshold": 2}
    spleen = mask(shape, (30, 30, 1, 32, 31, 2), target="spleen")
    cleaned = rules.apply(
        profile(lost, {"rule": "slice", "axes": ["z"]}, AREA), [given[0], spleen, given[2]], grid(shape)
    )
    assert {one.target for one in cleaned.masks} == {"liver"}
    assert cleaned.doubtful((2, 0)) == {"liver", "stomach"}
    assert cleaned.doubtful((2, 1)) == {"liver", "spleen", "stomach"}


@pytest.mark.parametrize("own_first", [True, False])
def test_a_side_of_the_recipes_own_is_kept_before_a_part(own_first):
    """Where the source marks a left kidney beside both, the left part of both is left out, in any order."""
    shape = (60, 20, 20)
    own = mask(shape, (2, 2, 2, 8, 8, 8), target="kidney_left")
    both = mask(shape, (2, 2, 2, 12, 12, 12), (40, 2, 2, 50, 12, 12), target="kidney")
    given = [own, both] if own_first else [both, own]
    geometry = Geometry(shape, np.diag([2.0, 2.0, 2.0, 1.0]))
    cleaned = rules.apply(profile({"rule": "split_sides"}), given, geometry)
    kept = {one.target: one for one in cleaned.masks}
    assert set(kept) == {"kidney_left", "kidney_right"}
    assert kept["kidney_left"] is own
    assert told(cleaned) == [
        (1, "split_sides", "sides_split", "changed", 1, 2),
        (1, "split_sides", "duplicate_target", "left_out", 1, 0),
    ]
    assert cleaned.decisions[1].detail == "the recipe has kidney_left of its own; the part of 1 is left out"
