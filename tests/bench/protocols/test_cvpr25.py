"""The challenge's prompts and scores, against its rules written down again with the libraries that it uses."""

import cc3d
import numpy as np
import pytest
from scipy import ndimage

from bench.protocols.cvpr25 import Cvpr25
from bench.protocols.cvpr25_scores import challenge_scores
from bench.protocols.key import Key
from bench.records import Prompts
from curate.labelmap import BoxMask

RNG = np.random.default_rng(3)


def key(image="d/c", step=2):
    """Return a key."""
    return Key("cvpr25", 1, "d", image, "liver", step)


def the_challenges_click(reference, prediction):
    """Return the click of the challenge's rules on arrays in the order slices, rows, columns."""
    labels = cc3d.connected_components((reference != prediction).astype(np.uint8), connectivity=26)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    region = labels == sizes.argmax()
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1, 1:-1] * region
    tied = np.argwhere(depth == depth.max())
    return tied[np.random.RandomState(42).choice(len(tied))]


@pytest.mark.parametrize("number", range(25))
@pytest.mark.parametrize("smooth", [0.0, 1.5])
def test_clicks_are_the_challenges(number, smooth):
    """On noise and on blobs, whose components and depths tie or not, the click is that of the script."""
    rng = np.random.default_rng(number)
    masks = [ndimage.gaussian_filter(rng.normal(size=(14, 12, 9)), smooth) for _ in range(2)]
    reference, prediction = (mask > np.quantile(mask, 0.85) for mask in masks)
    history = Prompts("x", box=(0, 0, 0, 1, 1, 1))
    shown = Cvpr25().prompt(BoxMask.of(reference), BoxMask.of(prediction), history, key())
    expected = the_challenges_click(reference.transpose(2, 1, 0), prediction.transpose(2, 1, 0))[::-1]
    assert shown.points_ijk[0].tolist() == expected.tolist()
    assert shown.labels[0] == int(reference[tuple(expected)])


def test_the_box_is_that_of_the_middle_slice_through_all():
    """The box spans all slices and, moved outwards by 0 to 5 pixels per 256 and side, the middle slice's target."""
    mask = np.zeros((256, 512, 20), dtype=bool)
    mask[100:120, 200:240, 5:8] = True
    mask[105:110, 210:220, 8:10] = True
    mask[90:95, 190:195, 11:16] = True
    seen = set()
    for n in range(60):
        box = Cvpr25().prompt(BoxMask.of(mask), None, Prompts("x"), key(f"d/{n}", 1)).box
        seen.add(100 - box[0] if box[0] > 95 else 90 - box[0])
        shift = 105 - box[0] if box[0] > 95 else 90 - box[0]
        assert box == (90 - shift, 190 - 2 * shift, 5, 95 + shift, 195 + 2 * shift, 16)
    assert seen == {0, 1, 2, 3, 4, 5}


def test_the_box_costs_four_actions_and_a_click_one():
    """Two corners and two slices, then clicks."""
    mask = RNG.random((8, 8, 8)) < 0.3
    boxed = Cvpr25().prompt(BoxMask.of(mask), None, Prompts("x"), key(step=1))
    clicked = Cvpr25().prompt(BoxMask.of(mask), BoxMask.of(~mask), boxed, key())
    assert (boxed.n_actions, clicked.n_actions) == (4, 5)
    assert clicked.box == boxed.box


def test_without_a_box_the_first_step_clicks():
    """Targets without a box start with a click in the target."""
    mask = RNG.random((8, 8, 8)) < 0.3
    shown = Cvpr25(box=False).prompt(BoxMask.of(mask), None, Prompts("x"), key(step=1))
    assert Cvpr25(box=False).kinds == {"points"}
    assert shown.box is None
    assert mask[tuple(shown.points_ijk[0])]


def test_scores_of_a_perfect_model_are_four_and_one():
    """Area 4 over five steps, whatever the first step was."""
    scores = challenge_scores([[0.0, 1, 1, 1, 1, 1]], [[0.0, 1, 1, 1, 1, 1]])
    assert (scores.dice_area, scores.nsd_area, scores.final_dice, scores.final_nsd) == (4, 4, 1, 1)


def test_scores_follow_the_trapezoid_over_the_mean_of_classes():
    """Two classes, rising linearly: area of the mean line, the first step left out."""
    dice = [[0.9, 0.3, 0.4, 0.5, 0.6, 0.7], [0.1, 0.5, 0.6, 0.7, 0.8, 0.9]]
    assert challenge_scores(dice, dice).dice_area == pytest.approx(0.2 + 0.5 + 0.6 + 0.7 + 0.4)


def test_nsd_counts_only_above_a_dice_of_a_fifth():
    """A step whose mean Dice is 0.2 or less has NSD 0."""
    scores = challenge_scores([[0, 0.2, 0.21, 0.2, 0.2, 0.2]], [[1, 1, 1, 1, 1, 1]])
    assert scores.nsd_area == 1
    assert scores.final_nsd == 0


def test_scores_need_the_clicks():
    """Fewer than five steps have no area."""
    with pytest.raises(ValueError, match=r"5 or 6 steps\), found \(1, 4\)"):
        challenge_scores([[0, 0, 0, 0]], [[0, 0, 0, 0]])
