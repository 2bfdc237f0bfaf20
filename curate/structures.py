"""Masks that name themselves: the segments of a DICOM SEG, the regions of interest of an RTSTRUCT."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from curate.dicom import rtstruct, seg, segments
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.masks import Absent, Mask
from curate.recipe import LabelFiles
from curate.volume import Volume, decoding


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A structure that no pattern of the recipe takes; its name stays in the file, it may be free text."""

    number: int


def read(path: Path, entry: LabelFiles, grid: Geometry, source_path: str) -> Iterator[Mask | Absent | Unnamed]:
    """Yield each target of a SEG or RTSTRUCT, present or absent, and each structure that the recipe does not take.

    Args:
        path: The DICOM object.
        entry: Its `segments` or `rois` map patterns to targets; structures that share a target are united.
        grid: The image's grid, in the source's orientation.
        source_path: Where the masks come from, for the rows.

    Raises:
        ReadError: `unreadable`, `grid_mismatch`, `fractional_values`.
    """
    with decoding(path, path.name):
        chosen, others = wanted(path, entry)
        for target, numbers in chosen.items():
            pattern = "+".join(key for key, name in patterns(entry).items() if name == target)
            mask = _union(_masks(path, entry, numbers, grid), grid)
            if mask.count:
                yield Mask(target, pattern, source_path, entry.rater, mask)
            else:
                yield Absent(target, entry.rater)
        yield from (Unnamed(number) for number in others)


def wanted(path: Path, entry: LabelFiles) -> tuple[dict[str, list[int]], list[int]]:
    """Return target -> numbers of its structures, and the numbers that no pattern takes.

    Raises:
        ReadError: `unreadable`, when the file is not what the recipe says.
    """
    chosen: dict[str, list[int]] = {}
    if entry.segments is not None:
        known = [segment for segment in segments.segments(path) if not segments.is_background(segment)]
        numbers = {segment.number for segment in known}
        for pattern, target in entry.segments.items():
            by_code = {"code": pattern} if ":" in pattern else {"label": pattern}
            chosen.setdefault(target, []).extend(one.number for one in segments.select(known, **by_code))
    else:
        regions = rtstruct.rois(path)
        numbers = {region.number for region in regions}
        for pattern, target in (entry.rois or {}).items():
            chosen.setdefault(target, []).extend(one.number for one in rtstruct.select(regions, pattern))
    taken = {number for group in chosen.values() for number in group}
    return {target: sorted(set(group)) for target, group in chosen.items()}, sorted(numbers - taken)


def patterns(entry: LabelFiles) -> dict[str, str]:
    """Return the patterns of an entry and their targets."""
    return entry.segments if entry.segments is not None else entry.rois or {}


def _masks(path: Path, entry: LabelFiles, numbers: Sequence[int], grid: Geometry) -> list[BoxMask]:
    if not numbers:
        return []
    if entry.segments is not None:
        found = seg.read_segments(path, grid)
        return [found[number] for number in numbers]
    return list(rtstruct.rasterise(path, numbers, grid).values())


def _union(masks: Sequence[BoxMask], grid: Geometry) -> BoxMask:
    """Unite masks on the source's grid and turn them as `Volume.canonical` turns the image."""
    empty = np.zeros(grid.shape_ijk, dtype=np.bool_)
    united = reduce(np.logical_or, (mask.full() for mask in masks), empty)
    return BoxMask.of(Volume(united, grid).canonical().voxels)
