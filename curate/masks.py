"""From label voxels to masks: what each label file says, in the vocabulary's targets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ReadError
from curate.label_voxels import filled
from curate.labelmap import BoxMask
from curate.recipe import LabelFiles
from curate.regions import LabelMap

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
    """One label array and its values."""

    def __init__(self, labels: NDArray[Any], entry: LabelFiles, source: LabelSource) -> None:
        self.labels, self.entry, self.source = LabelMap(labels), entry, source
        self.present = list(self.labels.regions)

    def by_value(self) -> Iterator[Found]:
        for target, ranges in self.entry.source_values().items():
            present = sorted({value for values in ranges for value in values.among(self.present)})
            yield self._mask(present, target, "+".join(str(values) for values in ranges))
        known = {value for values in self.entry.all_values() for value in values.among(self.present)}
        for value, region in self.labels.regions.items():
            if value not in known:
                yield UnknownValue(value, region.count)

    def by_instance(self, target: str) -> Iterator[Found]:
        if len(self.present) > MOST_INSTANCES:
            detail = f"{len(self.present)} instances, at most {MOST_INSTANCES}; is this a label map?"
            raise ReadError("not_a_label_map", f"{self.source.path}: {detail}")
        if not self.present:
            yield Absent(target, self.source.rater)
        for value in self.present:
            yield self._mask([value], target, str(value), instance=value)

    def whole(self, target: str) -> Iterator[Found]:
        if len(self.present) > 1:
            found = ", ".join(str(value) for value in self.present[:5])
            raise ReadError("not_binary", f"{self.source.path}: expected one foreground value, found {found}")
        yield self._mask(self.present, target, self.source.name or "foreground")

    def _mask(self, present: list[int], target: str, source_label: str, instance: int | None = None) -> Found:
        """Return the union of some values, or say that there is none."""
        if not present:
            return Absent(target, self.source.rater)
        voxels = self.labels.mask(present)
        if self.entry.fill:
            outline = voxels.voxels
            inside = filled(outline)
            if np.array_equal(outline, inside):
                return OpenOutline(target, voxels.count)
            voxels = BoxMask(voxels.shape_ijk, voxels.box, inside)
        return Mask(target, source_label, self.source.path, self.source.rater, voxels, instance)
