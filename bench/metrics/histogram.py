"""How often every pair of labels meets in two label maps: all overlaps of an image from one pass.

Label maps are large and mostly background. Several voxels are compared at once, as one word of 64 bits, and a word of
nothing but background costs one comparison. The others are counted in pieces that stay in the cache.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.metrics.overlap import VoxelCounts
from curate.errors import GeometryError, UsageError

_WORD_BYTES = 8
_CHUNK_WORDS = 1 << 16
"""Words looked at in one go: half a MiB of each map, which stays in the cache."""
_MOST_BINS = 1 << 22
"""Pairs of labels counted in a table; maps with more (instances, components) are sorted."""


@dataclass(frozen=True, slots=True, eq=False)
class JointHistogram:
    """How many voxels carry each pair of labels; pairs that do not occur and (0, 0) are left out."""

    reference: NDArray[np.int64]
    """(n,): label in the reference; 0 is background."""
    prediction: NDArray[np.int64]
    """(n,): label in the prediction."""
    voxels: NDArray[np.int64]
    """(n,): voxels that carry both, at least 1."""

    def counts(self, reference: Sequence[int], prediction: Sequence[int]) -> VoxelCounts:
        """Count a mask that is the union of labels: its voxels in the reference, in the prediction, in both."""
        here, there = np.isin(self.reference, reference), np.isin(self.prediction, prediction)
        sums = (int(self.voxels[chosen].sum()) for chosen in (here, there, here & there))
        return VoxelCounts(*sums)

    def each(self, labels: Iterable[int]) -> dict[int, VoxelCounts]:
        """Count every label as a mask of its own, in the reference and in the prediction."""
        same = self.reference == self.prediction
        reference = _totals(self.reference, self.voxels)
        prediction = _totals(self.prediction, self.voxels)
        both = _totals(self.reference[same], self.voxels[same])
        return {
            label: VoxelCounts(reference.get(label, 0), prediction.get(label, 0), both.get(label, 0))
            for label in labels
        }


def joint_histogram(reference: NDArray[Any], prediction: NDArray[Any]) -> JointHistogram:
    """Count every pair of labels of two label maps on one grid.

    Args:
        reference: Labels, (i, j, k), of an unsigned or signed integer type or bool; 0 is background.
        prediction: Same shape.

    Raises:
        GeometryError: If the shapes differ.
        UsageError: If a map holds no integers, or negative ones.
    """
    if reference.shape != prediction.shape:
        raise GeometryError(f"prediction must have the reference's shape {reference.shape}, found {prediction.shape}")
    first, second = _flat(reference, prediction)
    height, width = (1 + int(labels.max(initial=0)) for labels in (first, second))
    bins = height * width
    if bins > _MOST_BINS:
        codes = np.concatenate([_codes(*part, width) for part in _busy(first, second, _CHUNK_WORDS)])
        found, voxels = np.unique(codes[codes != 0], return_counts=True)
        return JointHistogram(found // width, found % width, voxels)
    table = np.zeros(bins, dtype=np.int64)
    for part in _busy(first, second, max(_CHUNK_WORDS, bins)):
        table += np.bincount(_codes(*part, width), minlength=bins)
    table[0] = 0
    found = np.flatnonzero(table)
    return JointHistogram(found // width, found % width, table[found])


def _flat(reference: NDArray[Any], prediction: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both maps as 1D arrays of one unsigned type, their voxels in one order."""
    for name, labels in (("reference", reference), ("prediction", prediction)):
        if labels.dtype.kind not in "bui":
            raise UsageError(f"{name} must be a label map of integers, found {labels.dtype}")
        if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
            raise UsageError(f"{name} must hold labels of 0 or more, found {labels.min()}")
    itemsize = max(reference.itemsize, prediction.itemsize)
    order: Literal["C", "F"] = "F" if reference.flags.f_contiguous else "C"
    flat = [labels.ravel(order=order).astype(f"u{itemsize}", copy=False) for labels in (reference, prediction)]
    return flat[0], flat[1]


def _busy(first: NDArray[Any], second: NDArray[Any], chunk_words: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield the voxels of both maps piece by piece, without the words that are background in both."""
    lanes = _WORD_BYTES // first.itemsize
    whole = first.size - first.size % lanes
    words_first, words_second = first[:whole].view(np.uint64), second[:whole].view(np.uint64)
    for start in range(0, words_first.size, chunk_words):
        a, b = words_first[start : start + chunk_words], words_second[start : start + chunk_words]
        busy = np.flatnonzero((a | b) != 0)
        yield a[busy].view(first.dtype), b[busy].view(second.dtype)
    yield first[whole:], second[whole:]


def _codes(first: NDArray[Any], second: NDArray[Any], width: int) -> NDArray[np.int64]:
    """Return one number per pair of labels."""
    codes: NDArray[np.int64] = np.multiply(first, width, dtype=np.int64, casting="unsafe")
    np.add(codes, second, out=codes, dtype=np.int64, casting="unsafe")  # int64 + uint64 would go through float64
    return codes


def _totals(labels: NDArray[np.int64], voxels: NDArray[np.int64]) -> dict[int, int]:
    """Return voxels per label."""
    found, where = np.unique(labels, return_inverse=True)
    sums = np.bincount(where, weights=voxels, minlength=found.size)
    return {int(label): int(total) for label, total in zip(found, sums, strict=True)}
