"""Click protocols against their definitions, written down again with SciPy, and the options that change meaning."""

import numpy as np
import pytest
from scipy import ndimage

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask

RNG = np.random.default_rng(2)
EVERYWHERE = np.ones((3, 3, 3), dtype=bool)


def blobs(shape=(20, 18, 16), share=0.5):
    """Return a smooth random mask."""
    noise = ndimage.gaussian_filter(RNG.normal(size=shape), 2)
    return noise > np.quantile(noise, 1 - share)


BLOCK = np.pad(np.ones((3, 3, 3), dtype=bool), 1)
PAIRS = [(blobs(), blobs()) for _ in range(6)]


def key(step=2, image="d/c", **other):
    """Return a key."""
    return Key("p", 1, "d", image, "liver", step, **other)


def click(protocol, reference, prediction, one=None, history=None):
    """Return the prompts after one click."""
    answer = None if prediction is None else BoxMask.of(prediction)
    return protocol.prompt(BoxMask.of(reference), answer, history or Prompts("x"), one or key())


def load(name, **parameters):
    """Return version 1 of a protocol."""
    return protocols.load(name, 1, parameters)


def depth(region, sampling=None):
    """Return the distance to the nearest voxel that is not of the region, beyond the image being none."""
    return ndimage.distance_transform_edt(np.pad(region, 1), sampling=sampling)[1:-1, 1:-1, 1:-1]


def deepest_of_largest(wrong, sampling=None):
    """Return the voxels that `edt-largest` may click, as its definition says."""
    labels, _ = ndimage.label(wrong, EVERYWHERE)
    sizes = np.bincount(labels.ravel())[1:]
    region = np.isin(labels, 1 + np.flatnonzero(sizes == sizes.max()))
    deep = depth(region, sampling)
    return np.isclose(deep, deep.max(), rtol=1e-6, atol=0)


def half_of_deeper(reference, prediction):
    """Return the voxels that `ritm` may click, as its definition says."""
    missed, excess = depth(reference & ~prediction), depth(prediction & ~reference)
    side = missed if missed.max() > excess.max() else excess
    return side > side.max() / 2


@pytest.mark.parametrize("pair", range(len(PAIRS)))
@pytest.mark.parametrize("image", ["d/a", "d/b", "d/c"])
def test_edt_largest_clicks_the_deepest_voxel_of_the_largest_component(pair, image):
    """The click is one of the voxels that the definition allows, with its side as label."""
    reference, prediction = PAIRS[pair]
    shown = click(load("edt-largest"), reference, prediction, key(image=image))
    point = tuple(shown.points_ijk[0])
    assert deepest_of_largest(reference != prediction)[point]
    assert shown.labels[0] == int(reference[point])


@pytest.mark.parametrize("pair", range(len(PAIRS)))
@pytest.mark.parametrize("image", ["d/a", "d/b", "d/c"])
def test_ritm_clicks_deep_in_the_deeper_side(pair, image):
    """The click is one of the voxels that the definition allows."""
    reference, prediction = PAIRS[pair]
    point = tuple(click(load("ritm"), reference, prediction, key(image=image)).points_ijk[0])
    assert half_of_deeper(reference, prediction)[point]


@pytest.mark.parametrize("name", ["ritm", "edt-largest"])
def test_all_voxels_that_are_allowed_are_clicked(name):
    """Of eight voxels that are equally deep each is clicked about equally often."""
    cube = np.zeros((8, 8, 8), dtype=bool)
    cube[2:6, 2:6, 2:6] = True
    counts, protocol = np.zeros(cube.shape, dtype=int), load(name)
    for n in range(200):
        counts[tuple(click(protocol, cube, None, key(image=f"d/{n}")).points_ijk[0])] += 1
    assert np.argwhere(counts).tolist() == np.argwhere(deepest_of_largest(cube)).tolist()
    assert counts[counts > 0].min() > 10


def test_ritm_clicks_the_excess_where_both_sides_are_equally_deep():
    """A block moved by one voxel is clicked outside."""
    reference, prediction = np.zeros((9, 7, 7), dtype=bool), np.zeros((9, 7, 7), dtype=bool)
    reference[2:6, 1:6, 1:6] = True
    prediction[3:7, 1:6, 1:6] = True
    assert click(load("ritm"), reference, prediction).labels.tolist() == [0]


def test_distances_in_mm_move_the_click():
    """A plate three slices thick is shallow in voxels; with thick slices it is deep in its middle."""
    plate, cube = np.zeros((30, 30, 12), dtype=bool), np.zeros((30, 30, 12), dtype=bool)
    plate[0:15, 0:15, 2:5] = True
    cube[20:27, 20:27, 4:11] = True
    reference, prediction = plate | cube, cube
    thick = {"spacing": (1.0, 1.0, 5.0)}
    in_voxels = click(load("edt-largest"), reference, prediction, key(**thick)).points_ijk[0]
    in_mm = click(load("edt-largest", distances="mm"), reference, prediction, key(**thick)).points_ijk[0]
    assert deepest_of_largest(plate)[tuple(in_voxels)]
    assert deepest_of_largest(plate, (1.0, 1.0, 5.0))[tuple(in_mm)]
    assert deepest_of_largest(plate)[7, 3, 3]
    assert in_mm.tolist() == [7, 7, 3]


def test_distances_in_mm_need_a_spacing():
    """Without the image's spacing the mask is not measured in voxels instead."""
    with pytest.raises(ValueError, match="distances in mm need the image's spacing"):
        click(load("edt-largest", distances="mm"), *PAIRS[0])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flipping_the_masks_flips_the_click(axis):
    """Where one voxel is deepest, a flipped image is clicked at the flipped voxel."""
    cube = np.zeros((13, 12, 11), dtype=bool)
    cube[1:8, 2:9, 2:9] = True
    here, there = (click(load("edt-largest"), m, None).points_ijk[0] for m in (cube, np.flip(cube, axis)))
    expected = here.copy()
    expected[axis] = cube.shape[axis] - 1 - here[axis]
    assert there.tolist() == expected.tolist()


def test_off_centre_stays_in_the_component_and_spreads():
    """Clicks lie in the region, around its centre, with about the standard deviation that is asked for."""
    ball = ((np.indices((27, 27, 27)) - 13) ** 2).sum(axis=0) <= 12**2
    protocol = load("off-centre", spread=0.2)
    clicks = np.array([click(protocol, ball, None, key(image=f"d/{n}")).points_ijk[0] for n in range(200)])
    assert ball[tuple(clicks.T)].all()
    assert np.abs(clicks.mean(axis=0) - 13).max() < 1
    assert clicks.std(axis=0) == pytest.approx([0.2 * depth(ball).max()] * 3, rel=0.2)


def test_the_newest_click_alone_is_shown_but_all_are_paid():
    """With `points = newest` the earlier clicks are gone from what is shown, not from what it cost."""
    protocol, history = load("ritm", points="newest"), Prompts("x")
    for step in range(1, 4):
        history = click(protocol, *PAIRS[0], key(step), history)
        assert len(history.labels) == 1
        assert protocol.actions(history) == step


def test_the_previous_mask_is_shown_when_asked_for():
    """The prediction of the step before stands beside the clicks, and in the protocol's kinds."""
    protocol = load("edt-largest", previous_mask=True)
    assert protocol.kinds == {"points", "previous"}
    shown = click(protocol, *PAIRS[1])
    assert (shown.previous.full() == PAIRS[1][1]).all()
    assert click(protocol, PAIRS[1][0], None).previous is None
    assert click(load("edt-largest"), *PAIRS[1]).previous is None


def test_a_content_user_clicks_no_more():
    """From the Dice that is asked for on, the history itself comes back; just below it, a click is added."""
    reference, prediction = np.zeros((10, 10, 10), dtype=bool), np.zeros((10, 10, 10), dtype=bool)
    reference[:10, :5] = True
    prediction[:9, :5] = True
    dice = 2 * 450 / 950
    history = Prompts("x").with_point((0, 0, 0), 1)
    assert click(load("ritm", stop_at_dice=dice), reference, prediction, key(), history) is history
    assert len(click(load("ritm", stop_at_dice=dice + 1e-9), reference, prediction, key(), history).labels) == 2


def test_the_first_clicks_alone_are_deep():
    """With `deep_clicks = 2` the third click is uniform in the error, where the first two never are at its border."""
    slab = np.zeros((15, 15, 15), dtype=bool)
    slab[2:13, 2:13, 2:13] = True
    protocol = load("ritm", deep_clicks=2)
    depths = [
        [depth(slab)[tuple(click(protocol, slab, None, key(step, f"d/{n}")).points_ijk[0])] for n in range(60)]
        for step in (2, 3)
    ]
    assert min(depths[0]) > 3
    assert min(depths[1]) == 1


@pytest.mark.parametrize("name", ["ritm", "edt-largest", "off-centre", "training-random", "cvpr25"])
def test_nothing_wrong_means_no_click(name):
    """A perfect prediction adds nothing: the history itself comes back."""
    history = Prompts("x", box=(0, 0, 0, 1, 1, 1)).with_point((0, 0, 0), 1)
    protocol = load(name)
    if name == "training-random":
        protocol = load(name, previous_mask=False)
    assert click(protocol, PAIRS[0][0], PAIRS[0][0], key(2), history) is history


def test_training_leaves_two_steps_without_a_click():
    """Over many trials step 11 never has a click, and each of steps 3 to 9 lacks it in about one trial of seven."""
    protocol, reference, prediction = load("training-random"), BLOCK, np.roll(BLOCK, 1, axis=0)
    missing = np.zeros(12, dtype=int)
    for n in range(70):
        shown = [click(protocol, reference, prediction, key(step, f"d/{n}")) for step in range(1, 12)]
        steps = [step for step, one in enumerate(shown, start=1) if not one.labels.size]
        missing[steps] += 1
        assert len(steps) == 2
    assert missing[11] == 70
    assert missing[[1, 2, 10]].tolist() == [0, 0, 0]
    assert missing[3:10].min() > 2


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ritm", {"deep_clicks": 0}, "protocol ritm: deep_clicks: .*greater than or equal to 1, found 0"),
        ("ritm", {"score_after": [3, 1]}, r"score_after: must be ascending steps from 1, found \[3, 1\]"),
        ("edt-largest", {"points": "last"}, "points: Input should be 'all' or 'newest', found 'last'"),
        ("edt-largest", {"stop_at_dice": 1.5}, "stop_at_dice: .*less than or equal to 1"),
        ("off-centre", {"spred": 1}, "protocol off-centre takes .*`spread`; found `spred`"),
        ("box", {"extent": "slice"}, "extent: Input should be 'volume'"),
    ],
)
def test_wrong_parameters_are_refused(name, parameters, message):
    """Parameters that cannot be meant are wrong usage, in words."""
    with pytest.raises(UsageError, match=message):
        protocols.load(name, 1, parameters)
