"""Boxes: where they stand, how they shake, what they cost."""

import numpy as np
import pytest

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.labelmap import BoxMask

MASK = np.zeros((22, 22, 12), dtype=bool)
MASK[5:10, 6:12, 3:6] = True
MASK[6:8, 7:9, 6:8] = True
MASK[15, 15, 10] = True


def key(step=1, image="d/c"):
    """Return a key."""
    return Key("box", 1, "d", image, "liver", step)


def drawn(name, mask=MASK, one=None, **parameters):
    """Return the first prompts of a protocol."""
    return protocols.load(name, 1, parameters).prompt(BoxMask.of(mask), None, Prompts("x"), one or key())


@pytest.mark.parametrize(
    ("parameters", "box", "cost"),
    [
        ({}, (5, 6, 3, 16, 16, 11), 3),
        ({"component": "largest"}, (5, 6, 3, 10, 12, 8), 3),
        ({"extent": "largest-slice"}, (5, 6, 3, 10, 12, 4), 2),
        ({"extent": "middle-slice"}, (6, 7, 6, 8, 9, 7), 2),
        ({"extent": "middle-slice-through"}, (6, 7, 3, 8, 9, 11), 4),
        ({"extent": "middle-slice", "component": "largest"}, (5, 6, 5, 10, 12, 6), 2),
        ({"extent": "largest-slice", "axis": "i"}, (6, 6, 3, 7, 12, 8), 2),
    ],
)
def test_boxes_stand_where_they_should(parameters, box, cost):
    """Each way to draw the box has its closed form and its price."""
    shown = drawn("box", **parameters)
    assert shown.box == box
    assert shown.n_actions == cost


def test_a_picture_costs_two_corners():
    """A 2D image has but one slice."""
    shown = drawn("box", MASK[:, :, 3:4])
    assert shown.box == (5, 6, 0, 10, 12, 1)
    assert shown.n_actions == 2


def test_a_shaking_hand_is_off_by_up_to_five_voxels_uniformly():
    """Each of the six faces takes each of the eleven places, and no other."""
    protocol, mask = protocols.load("box-jittered", 1, {}), BoxMask.of(MASK)
    boxes = np.array([protocol.prompt(mask, None, Prompts("x"), key(image=f"d/{n}")).box for n in range(500)])
    moved = boxes - (5, 6, 3, 16, 16, 11)
    for face in (0, 1, 3, 4):
        values, counts = np.unique(moved[:, face], return_counts=True)
        assert values.tolist() == list(range(-5, 6))
        assert counts.min() > 20
    assert moved[:, 2].min() == -3
    assert moved[:, 5].max() == 1


def test_a_shaking_hand_stays_on_its_slice():
    """A box on one slice is moved within the slice."""
    for n in range(30):
        box = drawn("box-jittered", one=key(image=f"d/{n}"), extent="largest-slice").box
        assert (box[2], box[5]) == (3, 4)


@pytest.mark.parametrize("clicks", ["random-error", "ritm", "edt-largest"])
def test_clicks_follow_the_box(clicks):
    """After the box comes one click a step into the error; the box stays, and the costs add up."""
    protocol = protocols.load("box-then-clicks", 1, {"clicks": clicks})
    first = drawn("box-then-clicks", clicks=clicks)
    answer = BoxMask.of(np.roll(MASK, 2, axis=0))
    second = protocol.prompt(BoxMask.of(MASK), answer, first, key(2))
    assert first.kinds == {"box"}
    assert second.box == first.box
    assert (np.roll(MASK, 2, axis=0) != MASK)[tuple(second.points_ijk[0])]
    assert (first.n_actions, second.n_actions) == (3, 4)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flipping_the_mask_flips_the_box(axis):
    """A flipped image has the flipped box."""
    box, flipped = drawn("box").box, drawn("box", np.flip(MASK, axis)).box
    expected = list(box)
    expected[axis], expected[axis + 3] = MASK.shape[axis] - box[axis + 3], MASK.shape[axis] - box[axis]
    assert list(flipped) == expected
