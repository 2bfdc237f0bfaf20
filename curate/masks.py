"""From label files to masks: what each file says, in the vocabulary's targets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curate.errors import ReadError
from curate.geometry import Box
from curate.labelmap import BoxMask
from curate.recipe import LabelFiles
from curate.volume import Volume

_FRACTION = 1e-3
"""Scaled headers turn 1 into 0.99999997; farther than this from an integer is no rounding error."""

_LARGEST = 2.0**31
"""A label is below this; larger floats have no place in int32."""


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """One target on one grid."""

    target: str
    source_label: str
    """What the source called it: a value, a file's name, or a union of values."""
    source_path: str
    rater: str | None
    voxels: BoxMask


@dataclass(frozen=True, slots=True)
class Absent:
    """A target that was looked for and has no voxels."""

    target: str
    rater: str | None


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value that the recipe does not know."""

    value: int
    voxels: int


def integers(volume: Volume, name: str) -> NDArray[Any]:
    """Return the labels of a label file as integers, (i, j, k).

    Raises:
        ReadError: `not_a_label_map` for colour, `nonfinite_voxels`, `fractional_values`.
    """
    voxels: NDArray[Any] = volume.voxels
    if volume.is_colour:
        if (voxels != voxels[..., :1]).any():
            raise ReadError("not_a_label_map", f"{name}: a colour picture whose channels differ")
        voxels = voxels[..., 0]
    if voxels.dtype.kind in "iu":
        return voxels
    if not np.isfinite(voxels).all():
        raise ReadError("nonfinite_voxels", f"{name}: {np.count_nonzero(~np.isfinite(voxels))} voxels are not finite")
    rounded = np.rint(voxels)
    off = (np.abs(voxels - rounded) > _FRACTION) | (np.abs(rounded) >= _LARGEST)
    if off.any():
        example = float(voxels[off].ravel()[0])
        raise ReadError(
            "fractional_values", f"{name}: {np.count_nonzero(off)} voxels are no 32-bit integers, such as {example:.4g}"
        )
    return np.asarray(rounded, dtype=np.int32)


def read_masks(
    labels: NDArray[Any], entry: LabelFiles, name: str | None, source_path: str
) -> Iterator[Mask | Absent | UnknownValue]:
    """Yield every target that one label file was to hold, present or absent, and every value that it should not have.

    Args:
        labels: (i, j, k) integers.
        entry: What the recipe says of this kind of file.
        name: What `{label}` captured in the path.
        source_path: Where the labels come from, for the rows.

    Raises:
        ReadError: `not_binary` when a file of one mask has several foreground values.
    """
    boxes, counts = _regions(labels)
    if entry.values is None:
        target = entry.target if entry.names is None else entry.names[str(name)]
        if len(boxes) > 1:
            found = ", ".join(str(value) for value in list(boxes)[:5])
            raise ReadError("not_binary", f"{source_path}: expected one foreground value, found {found}")
        yield _mask(labels, boxes, tuple(boxes), str(target), name or "foreground", entry.rater, source_path)
        return
    wanted = entry.source_values()
    for target, values in wanted.items():
        label = "+".join(str(value) for value in values)
        yield _mask(labels, boxes, values, target, label, entry.rater, source_path)
    known = {value for values in wanted.values() for value in values} | set(entry.ignore_values)
    yield from (UnknownValue(value, counts[value]) for value in boxes if value not in known)


def _mask(
    labels: NDArray[Any],
    boxes: dict[int, Box],
    values: Sequence[int],
    target: str,
    source_label: str,
    rater: str | None,
    source_path: str,
) -> Mask | Absent:
    present = [value for value in values if value in boxes]
    if not present:
        return Absent(target, rater)
    low = [min(boxes[value][axis] for value in present) for axis in range(3)]
    high = [max(boxes[value][axis + 3] for value in present) for axis in range(3)]
    region = labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    inside = region == present[0] if len(present) == 1 else np.isin(region, present)
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    box = (low[0], low[1], low[2], high[0], high[1], high[2])
    return Mask(target, source_label, source_path, rater, BoxMask(shape, box, inside))


def _regions(labels: NDArray[Any]) -> tuple[dict[int, Box], dict[int, int]]:
    """Return bounding box and voxel count of every value but 0, by value, in one pass for small values."""
    values, inverse = _dense(labels)
    counts = np.bincount(inverse.ravel(order="K"), minlength=len(values))
    boxes: dict[int, Box] = {}
    for index, found in enumerate(ndimage.find_objects(inverse)):
        if found is not None:
            i, j, k = found
            boxes[values[index + 1]] = (i.start, j.start, k.start, i.stop, j.stop, k.stop)
    return boxes, {value: int(counts[index]) for index, value in enumerate(values) if value != 0}


def _dense(labels: NDArray[Any]) -> tuple[list[int], NDArray[Any]]:
    """Return the values, 0 first, and the labels renumbered by their places in that list."""
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low >= 0 and high < 256:
        return list(range(high + 1)), labels.astype(np.uint8, copy=False)
    values = [0, *(int(value) for value in np.unique(labels) if value != 0)]
    order = np.argsort(values)
    places = np.searchsorted(np.array(values)[order], labels)
    return values, order.astype(np.int32)[places]
