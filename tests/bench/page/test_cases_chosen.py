import numpy as np
import pytest

from bench.page.cases import grey
from bench.page.cases.choosing import choose
from curate.geometry import Geometry
from curate.volume import Volume


def places(runs):
    """Return mask -> model -> what the mask is of the model."""
    return {one.mask_id: dict(one.places) for one in choose(runs)}


def test_best_median_and_worst_by_hand(finished):
    """Of Dice 0.1, 0.4, 0.6 and 0.9 the median is 0.4, the lower one of the two in the middle."""
    run = finished([{"mask_id": name, "dice": dice} for name, dice in zip("abcd", (0.4, 0.9, 0.1, 0.6), strict=True)])
    assert places([run]) == {"a": {"net": ("median",)}, "b": {"net": ("best",)}, "c": {"net": ("worst",)}}


def test_equal_dice_goes_by_mask(finished):
    """Of equal masks the first by name is the best as well as the worst, whatever the order of the rows."""
    run = finished([{"mask_id": name, "dice": 0.5} for name in "cab"])
    assert places([run]) == {"a": {"net": ("best", "worst")}, "b": {"net": ("median",)}}


def test_only_answers_of_the_last_step_and_first_seed_count(finished):
    """A failure, an earlier step and a second seed are no cases."""
    rows = [
        {"mask_id": "a", "dice": 0.2, "step": 1},
        {"mask_id": "a", "dice": 0.7, "step": 5},
        {"mask_id": "a", "dice": 0.9, "step": 5, "seed": 1},
        {"mask_id": "b", "status": "failed", "step": 5},
    ]
    (one,) = choose([finished(rows)])
    assert (one.mask_id, one.step, one.seed, one.dice) == ("a", 5, 0, {"net": 0.7})


def test_a_case_of_two_models_is_one_page(finished):
    """Models that share a mask share its case, each with its own place and Dice."""
    first = finished([{"mask_id": "a", "dice": 0.9}, {"mask_id": "b", "dice": 0.1}], "first")
    second = finished([{"mask_id": "a", "dice": 0.3}, {"mask_id": "b", "dice": 0.8}], "second")
    a, b = choose([second, first])
    assert (a.places, b.dice) == (
        {"second": ("median", "worst"), "first": ("best",)},
        {"second": 0.8, "first": 0.1},
    )
    assert b.places == {"second": ("best",), "first": ("median", "worst")}


def test_a_model_without_answers_has_no_case(finished):
    """Where every mask failed there is nothing to look at."""
    assert choose([finished([{"status": "failed"}, {"status": "unsupported"}])]) == ()


def grey_of(values, modality, kind="organ", target="liver"):
    """Show a row of voxels."""
    image = Volume(np.array(values, dtype=np.int16).reshape(-1, 1, 1), Geometry((len(values), 1, 1), np.eye(4)))
    picture = grey.shown(image, modality, kind, target)
    return picture.voxels.ravel().tolist(), picture.window


@pytest.mark.parametrize(
    ("kind", "target", "low", "high"),
    [("organ", "liver", -160, 240), ("bone", "femur_left", -450, 1050), ("organ", "lung_left", -1350, 150)],
)
def test_ct_has_the_window_of_its_tissue(kind, target, low, high):
    """The ends of the usual window are black and white, and its middle is grey."""
    shades, window = grey_of([-1400, low, (low + high) // 2, high, 2000], "CT", kind, target)
    assert shades == [0, 0, 128, 255, 255]
    assert window == f"window {low} to {high} HU"


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_other_intensities_are_spread_over_all_shades(modality):
    """MR, and a CT in which nothing is as dark as air, go from the darkest to the brightest voxels."""
    shades, window = grey_of(range(1001), modality)
    assert (shades[0], shades[500], shades[1000]) == (0, 128, 255)
    assert window.startswith("window 5 to 995, which 99 %")


def test_colour_stays_colour():
    """An RGB picture is shown as it is."""
    voxels = np.arange(12, dtype=np.uint8).reshape(2, 2, 1, 3)
    picture = grey.shown(Volume(voxels, Geometry((2, 2, 1), np.eye(4), "pixel")), "fundus", "organ", "retina")
    assert np.array_equal(picture.voxels, voxels)
