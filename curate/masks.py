"""From label voxels to masks: what each label file says, in the vocabulary's targets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curate.errors import ReadError
from curate.geometry import Box
from curate.label_voxels import filled
from curate.labelmap import BoxMask
from curate.recipe import LabelFiles

Key = tuple[str, str | None, int | None]
"""Target, rater and instance: what tells the masks of an image apart."""

MOST_INSTANCES = 65535
"""Instances have a value each in a label map of 16 bits."""


@dataclass(frozen=True, slots=True)
class LabelSource:
    """Where labels come from."""

    path: str
    """Relative to the source root."""
    name: str | None = None
    """What `{label}` captured."""
    rater: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """One target on one grid."""

    target: str
    source_label: str
    """What the source called it: a value, a file's name, or a union of values."""
    source_path: str
    rater: str | None
    voxels: BoxMask
    instance: int | None = None
    """Tells several masks of one target on one image apart."""

    @property
    def key(self) -> Key:
        """What tells it from the image's other masks."""
        return self.target, self.rater, self.instance


@dataclass(frozen=True, slots=True)
class Absent:
    """A target that was looked for and has no voxels."""

    target: str
    rater: str | None

    @property
    def key(self) -> Key:
        """What tells it from the image's masks."""
        return self.target, self.rater, None


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value that the recipe does not know."""

    value: int
    voxels: int


@dataclass(frozen=True, slots=True)
class OpenOutline:
    """An outline that was to be filled and encloses nothing."""

    target: str
    voxels: int


Found = Mask | Absent | UnknownValue | OpenOutline
"""What a label file can say."""


def read_masks(labels: NDArray[Any], entry: LabelFiles, source: LabelSource) -> Iterator[Found]:
    """Yield every target that one label file was to hold, present or absent, and what it should not have.

    Args:
        labels: (i, j, k) integers, 0 is background.
        entry: What the recipe says of this kind of file.
        source: Where the labels come from.

    Raises:
        ReadError: `not_binary` when a file of one mask has several foreground values; `not_a_label_map` for more
            instances than a label map can hold.
    """
    reader = _Reader(labels, entry, source)
    if entry.values is not None:
        yield from reader.by_value()
    elif entry.instances is not None:
        yield from reader.by_instance(entry.instances)
    else:
        target = entry.target if entry.names is None else entry.named_target(str(source.name))
        yield from reader.whole(str(target))


class _Reader:
    """One label array, its values and their boxes."""

    def __init__(self, labels: NDArray[Any], entry: LabelFiles, source: LabelSource) -> None:
        self.labels, self.entry, self.source = labels, entry, source
        self.boxes, self.counts = _regions(labels)

    def by_value(self) -> Iterator[Found]:
        for target, ranges in self.entry.source_values().items():
            present = [value for value in self.boxes if any(value in values for values in ranges)]
            yield self._mask(present, target, "+".join(str(values) for values in ranges))
        known = self.entry.all_values()
        for value in self.boxes:
            if not any(value in values for values in known):
                yield UnknownValue(value, self.counts[value])

    def by_instance(self, target: str) -> Iterator[Found]:
        if len(self.boxes) > MOST_INSTANCES:
            detail = f"{self.source.path}: {len(self.boxes)} instances, at most {MOST_INSTANCES}; is this a label map?"
            raise ReadError("not_a_label_map", detail)
        if not self.boxes:
            yield Absent(target, self.source.rater)
        for value in self.boxes:
            yield self._mask([value], target, str(value), instance=value)

    def whole(self, target: str) -> Iterator[Found]:
        if len(self.boxes) > 1:
            found = ", ".join(str(value) for value in list(self.boxes)[:5])
            raise ReadError("not_binary", f"{self.source.path}: expected one foreground value, found {found}")
        yield self._mask(list(self.boxes), target, self.source.name or "foreground")

    def _mask(self, present: list[int], target: str, source_label: str, instance: int | None = None) -> Found:
        """Cut the union of some values out of the labels."""
        if not present:
            return Absent(target, self.source.rater)
        low = [min(self.boxes[value][axis] for value in present) for axis in range(3)]
        high = [max(self.boxes[value][axis + 3] for value in present) for axis in range(3)]
        region = self.labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        inside = region == present[0] if len(present) == 1 else np.isin(region, present)
        if self.entry.fill:
            outline, inside = inside, filled(inside)
            if np.array_equal(outline, inside):
                return OpenOutline(target, int(np.count_nonzero(outline)))
        shape = (self.labels.shape[0], self.labels.shape[1], self.labels.shape[2])
        voxels = BoxMask(shape, (low[0], low[1], low[2], high[0], high[1], high[2]), inside)
        return Mask(target, source_label, self.source.path, self.source.rater, voxels, instance)


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
