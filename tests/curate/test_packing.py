"""Packing by value against packing by voxel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curate import labelmap
from curate.labelmap import BoxMask, extract
from curate.packing import pack
from curate.regions import LabelMap

LABELS = hnp.arrays(np.uint8, (5, 4, 3), elements=st.integers(0, 6))
UNIONS = st.lists(st.sets(st.integers(1, 6), min_size=1), min_size=1, max_size=6)


def same(first, second):
    """Assert that two packings have the same layers, bytes and places."""
    (layers, placed), (expected, places) = first, second
    assert [(one.layer, one.values) for one in placed] == [(one.layer, one.values) for one in places]
    assert len(layers) == len(expected)
    for layer, other in zip(layers, expected, strict=True):
        assert layer.dtype == other.dtype
        assert (layer == other).all()


@settings(deadline=None, max_examples=200)
@given(LABELS, UNIONS, st.sampled_from([0, 300]))
def test_masks_of_one_label_map_are_packed_as_voxels_would_be(labels, unions, above):
    """Disjoint, nested, equal and crossing unions of values get the layers, values and bytes that voxels give."""
    found = LabelMap(labels)
    masks = [mask for mask in (found.mask(sorted(union)) for union in unions) if mask.count]
    values = [above + n for n in range(len(masks), 0, -1)]
    packed = pack(masks, values)
    same(packed, labelmap.pack([BoxMask.of(mask.full()) for mask in masks], values))
    for mask, place in zip(masks, packed[1], strict=True):
        assert (extract(packed[0][place.layer], place.values).full() == mask.full()).all()


def test_a_label_map_that_stays_as_it_is_is_not_copied():
    """Values that are already the store's leave the array itself as the layer."""
    labels = np.random.default_rng(0).integers(0, 4, (6, 6, 6)).astype(np.uint8)
    found = LabelMap(labels)
    layers, placed = pack([found.mask([value]) for value in (1, 2, 3)], [1, 2, 3])
    assert layers[0] is labels
    assert [place.values for place in placed] == [(1,), (2,), (3,)]


@pytest.mark.parametrize("mixed", ["changed", "two maps"])
def test_masks_from_several_places_are_packed_by_voxel(mixed):
    """A mask that a rule changed, or one of another file, takes the general way, with the same result."""
    first = np.zeros((6, 6, 6), dtype=np.uint8)
    first[:3], first[3:, 3:] = 1, 2
    second = np.zeros_like(first)
    second[3:, :3] = 5
    other = LabelMap(second).mask([5])
    one = LabelMap(first)
    masks = [one.mask([1]), one.mask([2]), BoxMask.of(other.full()) if mixed == "changed" else other]
    same(pack(masks, [1, 2, 3]), labelmap.pack([BoxMask.of(mask.full()) for mask in masks], [1, 2, 3]))


def test_no_masks_need_no_layer():
    """Nothing to pack gives nothing."""
    assert pack([], []) == ([], [])
