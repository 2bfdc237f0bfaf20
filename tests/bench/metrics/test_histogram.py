"""The joint histogram of two label maps against pairs counted one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.metrics.histogram import joint_histogram
from bench.metrics.overlap import VoxelCounts
from curate.errors import GeometryError, UsageError

TYPES = [np.bool_, np.uint8, np.uint16, np.uint32, np.uint64, np.int16, np.int64]


def _counted(reference: np.ndarray, prediction: np.ndarray) -> dict[tuple[int, int], int]:
    """Count every pair but (0, 0) in a loop."""
    pairs = zip(reference.ravel().tolist(), prediction.ravel().tolist(), strict=True)
    return Counter((int(a), int(b)) for a, b in pairs if a or b)


def _found(reference: np.ndarray, prediction: np.ndarray) -> dict[tuple[int, int], int]:
    """Count every pair by the library."""
    one = joint_histogram(reference, prediction)
    columns = (one.reference.tolist(), one.prediction.tolist(), one.voxels.tolist())
    return {(a, b): n for a, b, n in zip(*columns, strict=True)}


def _blocks(seed: int, shape: tuple[int, ...], dtype: type, largest: int) -> np.ndarray:
    """Draw a label map of boxes, some as long as words, on background."""
    random = np.random.default_rng(seed)
    labels = np.zeros(shape, dtype=dtype)
    for value in random.integers(1, largest + 1, 12):
        low = random.integers(0, shape)
        high = low + random.integers(1, 30, len(shape))
        labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = value
    return labels


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("second", TYPES)
@pytest.mark.parametrize("first", TYPES)
def test_every_pair_is_counted_whatever_the_types(first, second, order):
    """Two maps of any integer types, in either memory order, give the counts of a loop over their voxels."""
    reference = np.array(_blocks(1, (11, 7, 43), first, 1 if first is np.bool_ else 100), order=order)
    prediction = _blocks(2, (11, 7, 43), second, 1 if second is np.bool_ else 100)
    assert _found(reference, prediction) == _counted(reference, prediction)


@given(arrays(np.uint8, st.tuples(*[st.integers(0, 9)] * 3), elements=st.integers(0, 3)), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_any_size_is_counted(reference, seed):
    """Maps whose voxels do not fill whole words, even maps without voxels, give the counts of the loop."""
    prediction = np.random.default_rng(seed).integers(0, 4, reference.shape).astype(np.uint8)
    assert _found(reference, prediction) == _counted(reference, prediction)


def test_the_chunks_of_a_large_map_add_up():
    """A map of more words than are looked at in one go gives the counts of numpy's unique pairs."""
    reference, prediction = _blocks(3, (130, 90, 80), np.uint8, 9), _blocks(4, (130, 90, 80), np.uint8, 9)
    pairs, voxels = np.unique(np.stack([reference.ravel(), prediction.ravel()]), axis=1, return_counts=True)
    expected = {(int(a), int(b)): int(n) for a, b, n in zip(*pairs, voxels, strict=True) if a or b}
    assert _found(reference, prediction) == expected


def test_many_labels_are_sorted_instead_of_tabled():
    """Labels whose pairs would fill a table of many GiB are counted all the same."""
    reference, prediction = _blocks(5, (9, 9, 40), np.uint32, 10**9), _blocks(6, (9, 9, 40), np.uint32, 10**9)
    assert _found(reference, prediction) == _counted(reference, prediction)


def test_counts_of_labels_and_of_their_unions():
    """A label, and a mask that is the union of labels, has the counts of its boolean masks."""
    reference, prediction = _blocks(7, (30, 20, 40), np.uint8, 4), _blocks(8, (30, 20, 40), np.uint8, 4)
    found = joint_histogram(reference, prediction)
    for values in ([1], [2, 3], [1, 2, 3, 4]):
        first, second = np.isin(reference, values), np.isin(prediction, values)
        expected = VoxelCounts(int(first.sum()), int(second.sum()), int((first & second).sum()))
        assert found.counts(values, values) == expected
    assert found.each([1, 99]) == {1: found.counts([1], [1]), 99: VoxelCounts(0, 0, 0)}


@pytest.mark.parametrize(
    ("reference", "prediction", "error", "message"),
    [
        (np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8), GeometryError, r"shape \(2, 2, 2\), found"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2), np.uint8), UsageError, "reference must be a label map of integers"),
        (np.zeros((1, 1, 1), int), np.full((1, 1, 1), -1), UsageError, "prediction must hold labels of 0 or more"),
    ],
)
def test_what_is_no_pair_of_label_maps_is_refused(reference, prediction, error, message):
    """Maps of two shapes, of fractions or of negative labels raise an error that says which one."""
    with pytest.raises(error, match=message):
        joint_histogram(reference, prediction)
