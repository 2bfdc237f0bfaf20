"""Regions, runs and components against scipy, cc3d and numpy on label maps of every kind."""

import cc3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from curate.labelmap import BoxMask, components
from curate.regions import LabelMap, Runs
from curate.voxel_blocks import blocks

SHAPES = st.tuples(*[st.integers(1, 7)] * 3)
FEW = st.sampled_from([0, 0, 0, 1, 2, 200])
LABELS = hnp.arrays(np.uint8, SHAPES, elements=FEW)
calm = settings(deadline=None, max_examples=150)


def turned(labels, order):
    """Return the same labels in another memory layout."""
    layouts = {"C": np.ascontiguousarray(labels), "F": np.asfortranarray(labels)}
    return layouts.get(order, np.flip(np.flip(labels, (0, 1)).copy(order="F"), (0, 1)))


def by_hand(labels, value):
    """Return count, box, centroid and 26-components of one value, each by another library than `LabelMap` uses."""
    inside = labels == value
    where = np.argwhere(inside)
    box = (*where.min(axis=0).tolist(), *(where.max(axis=0) + 1).tolist())
    return len(where), box, where.mean(axis=0), ndimage.label(inside, np.ones((3, 3, 3)))[1]


def check(labels):
    """Compare everything that a label map says of each value with `by_hand`."""
    found = LabelMap(labels)
    assert list(found.regions) == [value for value in np.unique(labels).tolist() if value != 0]
    for value in found.regions:
        count, box, centroid, components = by_hand(labels, value)
        mask = found.mask([value])
        assert (mask.count, mask.box, found.component_counts[value]) == (count, box, components)
        assert mask.centroid_ijk == pytest.approx(centroid)
        assert (mask.voxels == BoxMask.of(labels == value).voxels).all()


@calm
@given(LABELS, st.sampled_from("CFV"))
def test_regions_are_what_numpy_and_scipy_find(labels, order):
    """Count, box, centroid and components of every value are right in any memory order, views included."""
    check(turned(labels, order))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "int64", ">i4"])
def test_any_integers_can_be_labels(dtype):
    """Small and large, negative and big-endian labels have regions."""
    labels = np.zeros((6, 5, 4), dtype=dtype)
    info = np.iinfo(dtype)
    labels[1:3, 1, 1], labels[4, 4, :2], labels[0, 0, 0] = info.max, info.min or 3, 7
    check(labels)


def test_an_image_of_blobs_agrees_with_cc3d():
    """On a map of many touching and scattered blobs, components are those of cc3d, value by value."""
    random = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(random.normal(size=(160, 70, 60)), (12, 3, 3))
    labels = np.digitize(smooth, np.quantile(smooth, [0.4, 0.7, 0.95])).astype(np.uint8)
    found = LabelMap(labels)
    assert not found.is_noise
    for value, count in found.component_counts.items():
        assert count == cc3d.connected_components(labels == value, connectivity=26, return_N=True)[1]
        assert found.mask([value]).component_count == count
    assert max(found.component_counts.values()) > 10


@pytest.mark.parametrize("values", [(1, 2), (1, 200), (1, 2, 200)])
@calm
@given(labels=LABELS)
def test_a_union_of_values_is_one_mask(values, labels):
    """Regions add up, and components that touch only across values are one."""
    present = [value for value in values if (labels == value).any()]
    mask = LabelMap(labels).mask(values)
    expected = BoxMask.of(np.isin(labels, values))
    assert (mask.count, mask.box) == (expected.count, expected.box)
    assert (mask.full() == expected.full()).all()
    if present:
        assert mask.centroid_ijk == pytest.approx(expected.centroid_ijk)
        assert mask.component_count == expected.component_count
        assert mask.label_map.runs.component_counts(np.isin(mask.label_map.runs.values, values)) == {
            True: expected.component_count
        }


def test_noise_has_components_too():
    """Where runs are as short as voxels, components are counted voxel by voxel, to the same number."""
    labels = np.random.default_rng(1).integers(0, 3, (20, 20, 20)).astype(np.uint8)
    found = LabelMap(labels)
    assert found.is_noise
    assert found.mask([1]).component_count == found.component_counts[1] == by_hand(labels, 1)[3]


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 7, 1), (1, 1, 17), (5, 1, 3)])
def test_thin_masks_have_components(shape):
    """Single rows of voxels, on which cc3d alone may fail, are counted like any other mask."""
    for seed in range(60):
        inside = np.random.default_rng(seed).random(shape) < 0.6
        labels, sizes = components(inside)
        expected, count = ndimage.label(inside, np.ones((3, 3, 3)))
        assert len(sizes) == count
        assert ((labels > 0) == inside).all()
        assert sorted(sizes) == sorted(np.bincount(expected.ravel())[1:])


def test_runs_touch_at_corners_but_not_around_the_edge():
    """A corner connects; the end of one row and the start of the next do not, nor do opposite faces."""
    labels = np.zeros((4, 4, 4), dtype=np.uint8)
    labels[1, 1, 1] = labels[2, 2, 2] = 1
    labels[3, 0, 0] = labels[0, 1, 0] = 2
    labels[3, 3, 0] = labels[0, 0, 1] = 3
    assert LabelMap(labels).component_counts == {1: 1, 2: 2, 3: 2}


@calm
@given(LABELS)
def test_runs_are_the_label_map(labels):
    """Runs filled with their own values are the array again, and each lies in one row."""
    runs = Runs.of(labels)
    assert (runs.filled(runs.values) == labels).all()
    assert runs.lengths.max() <= labels.shape[0]
    assert runs.lengths.sum() == labels.size


def test_relabelled_values_move_and_others_vanish():
    """New values take the place of old ones, unnamed ones become background, and nothing to do copies nothing."""
    labels = np.array([[[0, 1, 2, 9]]], dtype=np.uint8)
    found = LabelMap(labels)
    assert found.relabelled({1: 300, 2: 1}, np.uint16).tolist() == [[[0, 300, 1, 0]]]
    assert found.relabelled({1: 1, 2: 2, 9: 9}, np.uint8) is found.voxels
    assert found.relabelled({1: 1, 2: 2}, np.uint8).tolist() == [[[0, 1, 2, 0]]]


def test_nothing_has_no_regions():
    """A label map of zeros has no region, no component and only the empty mask."""
    found = LabelMap(np.zeros((3, 2, 1), dtype=np.uint8))
    assert (found.regions, found.component_counts) == ({}, {})
    mask = found.mask([1])
    assert (mask.box, mask.count, mask.voxels.shape) == ((0, 0, 0, 0, 0, 0), 0, (0, 0, 0))


@pytest.mark.parametrize("order", ["C", "F", "V"])
@pytest.mark.parametrize("width", [304, 301])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.bool_, np.int16, np.float32])
def test_blocks_are_all_voxels_in_the_order_of_nifti(order, width, dtype):
    """Whatever the memory order, blocks are contiguous and together the array with i fastest."""
    voxels = turned(np.random.default_rng(2).integers(-99, 99, (width, 200, 80)).astype(dtype), order)
    pieces = list(blocks(voxels))
    assert len(pieces) > 2
    assert all(piece.flags.c_contiguous and piece.dtype == dtype for piece in pieces)
    assert (np.concatenate([piece.ravel() for piece in pieces]) == voxels.ravel(order="F")).all()
