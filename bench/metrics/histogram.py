"""How often every pair of labels meets in two label maps: all overlaps of an image from one pass.

Label maps are large and mostly background. Several voxels are compared at once, as one word of 64 bits, and a word of
nothing but background costs one comparison; a word that lies wholly inside one label of both maps is counted as one.
"""

from collections.abc import Iterable, Sequence
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
    lanes = _WORD_BYTES // first.itemsize
    whole = first.size - first.size % lanes
    blocks, mixed_first, mixed_second = _split(first[:whole].view(np.uint64), second[:whole].view(np.uint64), lanes)
    rest_first = np.concatenate([mixed_first.view(first.dtype), first[whole:]])
    rest_second = np.concatenate([mixed_second.view(second.dtype), second[whole:]])
    return _merge([(*blocks, lanes), (rest_first, rest_second, 1)])


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


def _split(
    first: NDArray[np.uint64], second: NDArray[np.uint64], lanes: int
) -> tuple[tuple[NDArray[Any], NDArray[Any]], NDArray[np.uint64], NDArray[np.uint64]]:
    """Sort out words: labels of those that are one label throughout in both maps, and the other words that hold any."""
    bits = 8 * _WORD_BYTES // lanes
    one = np.uint64((1 << bits) - 1)
    repeat = np.uint64(sum(1 << bits * lane for lane in range(lanes)))
    blocks_first, blocks_second, mixed_first, mixed_second = [], [], [], []
    for start in range(0, first.size, _CHUNK_WORDS):
        a, b = first[start : start + _CHUNK_WORDS], second[start : start + _CHUNK_WORDS]
        busy = np.flatnonzero((a | b) != 0)
        if busy.size == 0:
            continue
        a, b = a[busy], b[busy]
        label_a, label_b = a & one, b & one
        uniform = (label_a * repeat == a) & (label_b * repeat == b)
        blocks_first.append(label_a[uniform])
        blocks_second.append(label_b[uniform])
        mixed = ~uniform
        mixed_first.append(a[mixed])
        mixed_second.append(b[mixed])
    parts = [_join(found) for found in (blocks_first, blocks_second, mixed_first, mixed_second)]
    return (parts[0], parts[1]), parts[2], parts[3]


def _join(parts: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _merge(parts: list[tuple[NDArray[Any], NDArray[Any], int]]) -> JointHistogram:
    """Count pairs of labels; each part has labels of both maps and how many voxels one entry stands for."""
    width = 1 + max((int(second.max()) for _, second, _ in parts if second.size), default=0)
    height = 1 + max((int(first.max()) for first, _, _ in parts if first.size), default=0)
    if width * height <= _MOST_BINS:
        table = np.zeros(width * height, dtype=np.int64)
        for first, second, voxels in parts:
            table += voxels * np.bincount(_codes(first, second, width), minlength=table.size)
        table[0] = 0
        found = np.flatnonzero(table)
        return JointHistogram(found // width, found % width, table[found])
    pairs = np.concatenate([_codes(first, second, width) for first, second, _ in parts])
    weights = np.concatenate([np.full(first.size, voxels) for first, _, voxels in parts])
    found, where = np.unique(pairs, return_inverse=True)
    sums = np.bincount(where, weights=weights).astype(np.int64)
    kept = found != 0
    return JointHistogram(found[kept] // width, found[kept] % width, sums[kept])


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
