import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.labelmap import BoxMask, bounding_box, extract, pack, slices, union_box

calm = settings(deadline=None)
SHAPE = (6, 5, 4)
EMPTY = (0, 0, 0, 0, 0, 0)


def block(low, high, shape=SHAPE):
    """Draw a half-open block."""
    mask = np.zeros(shape, dtype=np.bool_)
    mask[slices((*low, *high))] = True
    return mask


@st.composite
def boxes(draw, low=0, high=6):
    """Draw a half-open, not empty box."""
    starts = draw(st.tuples(*[st.integers(low, high - 1)] * 3))
    return (*starts, *(draw(st.integers(start + 1, high)) for start in starts))


@st.composite
def families(draw):
    """Draw masks that are blocks, scattered voxels, unions, differences and copies of each other."""
    masks = []
    for _ in range(draw(st.integers(1, 7))):
        box = draw(boxes(high=4))
        mask = block(box[:3], box[3:])
        if draw(st.booleans()):
            mask &= np.random.default_rng(draw(st.integers(0, 99))).random(SHAPE) < 0.5
        if masks:
            other = masks[draw(st.integers(0, len(masks) - 1))]
            mask = draw(st.sampled_from([mask, mask | other, mask & ~other, mask & other, other.copy()]))
        if mask.any():
            masks.append(mask)
    return masks


@calm
@given(families(), st.integers(0, 300))
def test_every_mask_comes_back_from_the_label_maps(masks, first_value):
    """Whatever masks share, each is exactly the union of its values in its layer."""
    values = [first_value + 3 * n + 1 for n in range(len(masks))]
    layers, placed = pack([BoxMask.of(mask) for mask in masks], values)
    for mask, place in zip(masks, placed, strict=True):
        assert (np.isin(layers[place.layer], place.values) == mask).all()
        assert (extract(layers[place.layer], place.values).full() == mask).all()


@calm
@given(families())
def test_disjoint_and_nested_masks_share_one_label_map(masks):
    """Masks of which any two are apart, or one inside the other, need a single layer."""
    tidy = []
    for mask in masks:
        if all((mask & other).sum() in (0, mask.sum(), other.sum()) for other in tidy):
            tidy.append(mask)
    layers, _ = pack([BoxMask.of(mask) for mask in tidy], range(1, len(tidy) + 1))
    assert len(layers) == min(1, len(tidy))


@calm
@given(families())
def test_label_maps_hold_nothing_else(masks):
    """A voxel has a value exactly where a mask of that layer is, and the value is one of the given ones."""
    layers, placed = pack([BoxMask.of(mask) for mask in masks], range(1, len(masks) + 1))
    for number, layer in enumerate(layers):
        union = np.any([mask for mask, place in zip(masks, placed, strict=True) if place.layer == number], axis=0)
        assert ((layer != 0) == union).all()
        assert layer.max() <= len(masks)


def test_kidney_tumour_and_cyst_share_a_label_map():
    """A kidney that contains its tumour and cyst is its own value and theirs, in one layer."""
    kidney, tumour, cyst = block((0, 0, 0), (5, 4, 4)), block((1, 1, 1), (2, 2, 2)), block((3, 3, 3), (4, 4, 4))
    layers, placed = pack([BoxMask.of(mask) for mask in (kidney, tumour, cyst)], (1, 2, 3))
    assert [place.values for place in placed] == [(1, 2, 3), (2,), (3,)]
    assert len(layers) == 1
    assert np.bincount(layers[0].ravel()).tolist() == [120 - 80, 78, 1, 1]


def test_overlapping_masks_go_to_two_label_maps():
    """Two masks that cut through each other cannot share a label map."""
    first, second = block((0, 0, 0), (3, 3, 3)), block((2, 2, 1), (5, 5, 4))
    layers, placed = pack([BoxMask.of(first), BoxMask.of(second)], (7, 9))
    assert sorted(place.layer for place in placed) == [0, 1]
    assert [np.unique(layers[place.layer]).tolist() for place in placed] == [[0, 7], [0, 9]]


def test_masks_that_share_a_whole_mask_share_a_label_map():
    """Two organs that both contain one vessel overlap in exactly that vessel, whose value both name."""
    vessel, first, second = block((2, 2, 2), (3, 3, 3)), block((0, 0, 0), (3, 3, 3)), block((2, 2, 2), (5, 5, 4))
    layers, placed = pack([BoxMask.of(mask) for mask in (vessel, first, second)], (1, 2, 3))
    assert (len(layers), [place.values for place in placed]) == (1, [(1,), (1, 2), (1, 3)])


def test_equal_masks_share_voxels():
    """A copy of a mask needs no voxels of its own: it names the values of the first."""
    mask = BoxMask.of(block((1, 1, 1), (3, 3, 3)))
    layers, placed = pack([mask, mask], (4, 5))
    assert (len(layers), [place.values for place in placed]) == (1, [(4,), (4,)])


@pytest.mark.parametrize(("value", "dtype"), [(1, np.uint8), (255, np.uint8), (256, np.uint16), (65535, np.uint16)])
def test_values_above_255_need_16_bits(value, dtype):
    """Label maps are as narrow as their largest value allows, and the value survives."""
    layers, placed = pack([BoxMask.of(block((0, 0, 0), (1, 1, 1)))], [value])
    assert (layers[0].dtype, layers[0][0, 0, 0], placed[0].values) == (dtype, value, (value,))


def test_no_masks_need_no_label_map():
    """A case without masks has no layers."""
    assert pack([], []) == ([], [])


@calm
@given(boxes(), boxes(low=-4, high=10))
def test_within_is_what_numpy_cuts_out(mask_box, window):
    """A window into a mask is the same window into the full array, padded with background outside the grid."""
    full = np.random.default_rng(sum(mask_box)).random((6, 6, 6)) < 0.7
    full &= block(mask_box[:3], mask_box[3:], (6, 6, 6))
    padded = np.pad(full, 4)
    expected = padded[slices(tuple(n + 4 for n in window))]
    assert (BoxMask.of(full).within(window) == expected).all()


@calm
@given(boxes(high=4))
def test_a_box_mask_is_its_full_mask(box):
    """To the box and back is the same mask; the box is the smallest one."""
    full = block(box[:3], box[3:])
    mask = BoxMask.of(full)
    assert mask.box == box
    assert mask.count == full.sum() == mask.voxels.size
    assert (mask.full() == full).all()


def test_an_empty_mask_has_the_empty_box():
    """Nothing has a box of zeros, no voxels, and is nothing in every window."""
    mask = BoxMask.of(np.zeros(SHAPE, dtype=np.uint8))
    assert (mask.box, mask.count, bounding_box(mask.full())) == (EMPTY, 0, EMPTY)
    assert not mask.within((0, 0, 0, 3, 3, 3)).any()
    assert mask.full().shape == SHAPE


def test_a_box_mask_keeps_no_view_of_the_source():
    """Changing the source later does not change the mask."""
    full = block((0, 0, 0), (2, 2, 2))
    mask = BoxMask.of(full)
    full[:] = False
    assert mask.count == 8


@calm
@given(boxes(), boxes())
def test_union_box_holds_both_and_no_more(first, second):
    """The union box is the bounding box of the two boxes drawn together, and an empty box adds nothing."""
    both = block(first[:3], first[3:], (6, 6, 6)) | block(second[:3], second[3:], (6, 6, 6))
    assert union_box(first, second) == bounding_box(both)
    assert union_box(first, EMPTY) == union_box(EMPTY, first) == first


@pytest.mark.parametrize("values", [(3,), (1, 3), (2, 300), ()])
def test_extract_with_and_without_a_box_agree(values):
    """A known box saves the search and changes no voxel; values that a dtype cannot hold are simply not there."""
    labels = np.random.default_rng(1).integers(0, 4, SHAPE).astype(np.uint8)
    expected = np.isin(labels.astype(int), values)
    assert (extract(labels, values).full() == expected).all()
    assert (extract(labels, values, (0, 0, 0, *SHAPE)).full() == expected).all()


@pytest.mark.parametrize("seed", range(40))
def test_a_bounding_box_is_that_of_the_indices_in_any_memory_order(seed):
    """Lowest and highest index plus one along each axis, for C order, Fortran order and strided views."""
    random = np.random.default_rng(seed)
    mask = random.random(tuple(random.integers(1, 9, 3))) < random.choice([0.01, 0.1, 0.7])
    wanted = (0, 0, 0, 0, 0, 0)
    if mask.any():
        indices = np.argwhere(mask)
        wanted = tuple(int(n) for n in (*indices.min(axis=0), *(indices.max(axis=0) + 1)))
    wide = np.zeros((2 * mask.shape[0], *mask.shape[1:]), dtype=np.bool_)
    wide[::2] = mask
    for stored in (mask, np.asfortranarray(mask), mask.transpose(1, 2, 0).copy().transpose(2, 0, 1), wide[::2]):
        assert bounding_box(stored) == wanted
