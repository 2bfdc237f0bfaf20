"""Masks that name themselves: the segments of a DICOM SEG or .seg.nrrd, the regions of interest of an RTSTRUCT."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from curate.dicom import rtstruct, seg, segments
from curate.dicom.pattern import fits
from curate.geometry import Geometry
from curate.labelmap import BoxMask, union_box
from curate.masks import Absent, LabelSource, Mask
from curate.readers import seg_nrrd
from curate.readers.place import place
from curate.recipe import LabelFiles
from curate.volume import decoding


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A structure that no pattern of the recipe takes; its name stays in the file, it may be free text."""

    number: int


def read(path: Path, entry: LabelFiles, grid: Geometry, source: LabelSource) -> Iterator[Mask | Absent | Unnamed]:
    """Yield each target of a file, present or absent, and each structure that the recipe does not take.

    Args:
        path: A DICOM SEG or RTSTRUCT, or a .seg.nrrd.
        entry: Its `segments` or `rois` map patterns to targets; structures that share a target are united.
        grid: The image's grid, in the source's orientation.
        source: Where the masks come from.

    Raises:
        ReadError: `unreadable`, `grid_mismatch`, `fractional_values`, `unknown_value`.
    """
    with decoding(path, path.name):
        chosen, others = wanted(path, entry)
        masks = _masks(path, entry, sorted({number for numbers in chosen.values() for number in numbers}), grid)
        for target, numbers in chosen.items():
            pattern = "+".join(key for key, name in patterns(entry).items() if name == target)
            mask = _union([masks[number] for number in numbers], grid, path.name)
            if mask.count:
                yield Mask(target, pattern, source.path, source.rater, mask)
            else:
                yield Absent(target, source.rater)
        yield from (Unnamed(number) for number in others)


def wanted(path: Path, entry: LabelFiles) -> tuple[dict[str, list[int]], list[int]]:
    """Return target -> numbers of its structures, and the numbers that no pattern takes and none ignores.

    Raises:
        ReadError: `unreadable`, when the file is not what the recipe says.
    """
    known = _described(path, entry)
    chosen: dict[str, set[int]] = {}
    for pattern, target in patterns(entry).items():
        chosen.setdefault(target, set()).update(one.number for one in known if one.is_meant_by(pattern))
    ignored = {one.number for one in known if any(one.is_meant_by(pattern) for pattern in entry.ignore_names)}
    others = {one.number for one in known}.difference(ignored, *chosen.values())
    return {target: sorted(group) for target, group in chosen.items()}, sorted(others)


@dataclass(frozen=True, slots=True)
class _Structure:
    """What a pattern of the recipe can choose by."""

    number: int
    name: str
    code: str | None = None

    def is_meant_by(self, pattern: str) -> bool:
        """Tell whether a pattern takes it: a code such as `SCT:10200004`, or an expression found in the name."""
        return pattern == self.code or fits(pattern, self.name)


def _described(path: Path, entry: LabelFiles) -> list[_Structure]:
    """Return the structures of a file, but for the background of label maps."""
    if entry.segments is None:
        return [_Structure(one.number, one.name) for one in rtstruct.rois(path)]
    if _is_nrrd(path):
        return [_Structure(one.number, one.name, one.code) for one in seg_nrrd.segments(path)]
    found = segments.segments(path)
    return [_Structure(one.number, one.label, None if one.type is None else str(one.type)) for one in found]


def _is_nrrd(path: Path) -> bool:
    return path.name.lower().endswith(seg_nrrd.SegNrrdReader.suffixes)


def patterns(entry: LabelFiles) -> dict[str, str]:
    """Return the patterns of an entry and their targets."""
    return entry.segments if entry.segments is not None else entry.rois or {}


def _masks(path: Path, entry: LabelFiles, numbers: Sequence[int], grid: Geometry) -> Mapping[int, BoxMask]:
    """Return the masks of structures by number, on the image's grid in the source's orientation."""
    if not numbers:
        return {}
    if entry.segments is None:
        return rtstruct.rasterise(path, numbers, grid)
    return seg_nrrd.read_segments(path, grid) if _is_nrrd(path) else seg.read_segments(path, grid)


def _union(masks: Sequence[BoxMask], grid: Geometry, shown: str) -> BoxMask:
    """Unite masks and turn them as `Volume.canonical` turns the image."""
    box = reduce(union_box, (mask.box for mask in masks), BoxMask.empty(grid.shape_ijk).box)
    parts = (mask.within(box) for mask in masks)
    united = reduce(np.logical_or, parts, np.zeros([box[axis + 3] - box[axis] for axis in range(3)], dtype=np.bool_))
    canonical = grid if grid.unit == "pixel" else grid.canonical()
    return place(BoxMask(grid.shape_ijk, box, united), grid, canonical, shown)
