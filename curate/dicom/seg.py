"""Masks of a DICOM segmentation on an image's grid.

A segmentation stores only some planes, in any order and possibly of other axes than its image; each frame is put where
its own position says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curate.dicom.dataset import functional_group, open_dataset, reading
from curate.dicom.pieces import Piece, assemble
from curate.dicom.pixels import stored_frames
from curate.dicom.planes import frame_affine
from curate.dicom.segments import (
    SEGMENTATION_CLASSES,
    Code,
    Segment,
    check_class,
    described,
    is_background,
    segments,
    select,
)
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.labelmap import BoxMask

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Code", "Segment", "read_segments", "segments", "select"]

_TOLERANCE = 0.2
"""Of a voxel, between a frame's pixels and the grid's: both positions are rounded text."""


@dataclass(frozen=True, slots=True, eq=False)
class _Placing:
    """Which voxels of a grid the pixels of a frame are."""

    steps: NDArray[np.int64]
    """(3, 2) voxels along i, j, k from one column to the next and from one row to the next: 1 or -1 along one axis."""
    origin_ijk: NDArray[np.int64]
    """(3,) the voxel of the first pixel; may lie outside the grid."""


def read_segments(path: Path, grid: Geometry) -> dict[int, BoxMask]:
    """Read the mask of every segment, by number, on the grid of an image.

    Planes that the file does not store are empty; so is a segment without any. Segments may overlap. A frame may be
    larger or smaller than the image and run along other axes, as long as its pixels are voxels of the grid.

    Raises:
        ReadError: `grid_mismatch` where they are not, or where a segment reaches beyond the image;
            `fractional_values` for probabilities; `unknown_value` for label map values that no segment describes;
            `bad_geometry` for frames without position; `unreadable` for anything that cannot be decoded.
    """
    with reading(path):
        dataset = open_dataset(path, pixels=True)
        check_class(dataset, SEGMENTATION_CLASSES, path, "a segmentation")
        if dataset.SegmentationType == "FRACTIONAL":
            raise ReadError("fractional_values", f"{path.name}: type FRACTIONAL, expected BINARY or LABELMAP")
        pieces: dict[int, list[Piece]] = {one.number: [] for one in described(dataset) if not is_background(one)}
        for shown, frame, numbers in _frames(dataset, path):
            placing = _placing(dataset, frame, grid, shown)
            for number, piece in _pieces(numbers, placing):
                if number not in pieces:
                    raise ReadError("unknown_value", f"{shown}: segment {number} is not described")
                _check_inside(piece, grid, shown)
                pieces[number].append(piece)
        return {number: assemble(parts, grid.shape_ijk) for number, parts in sorted(pieces.items())}


def _frames(dataset: Dataset, path: Path) -> Iterator[tuple[str, Dataset, NDArray[np.int32]]]:
    """Yield, frame after frame, what messages call it, its functional groups and its segment numbers, (row, column)."""
    is_label_map = dataset.SegmentationType == "LABELMAP"
    nothing = [one.number for one in described(dataset) if is_background(one)]
    if "PixelPaddingValue" in dataset:
        nothing.append(int(dataset.PixelPaddingValue))
    items = zip(dataset.PerFrameFunctionalGroupsSequence, stored_frames(dataset, path.name), strict=True)
    for index, (frame, pixels) in enumerate(items):
        shown = f"{path.name}: frame {index + 1}"
        if is_label_map:
            yield shown, frame, np.where(np.isin(pixels, nothing), 0, pixels).astype(np.int32)
        else:
            yield shown, frame, (pixels != 0) * np.int32(_segment_number(dataset, frame, shown))


def _segment_number(dataset: Dataset, frame: Dataset, shown: str) -> int:
    group = functional_group(dataset, frame, "SegmentIdentificationSequence")
    if group is None:
        raise ReadError("unreadable", f"{shown} names no segment")
    return int(group.ReferencedSegmentNumber)


def _placing(dataset: Dataset, frame: Dataset, grid: Geometry, shown: str) -> _Placing:
    """Find the voxels of the grid that the pixels of a frame are.

    Raises:
        ReadError: `grid_mismatch` when some pixel lies more than `_TOLERANCE` voxels from every voxel centre.
    """
    columns, rows = int(dataset.Columns), int(dataset.Rows)
    exact = np.linalg.inv(grid.affine) @ _affine(dataset, frame, shown)  # (column, row, mm, 1) -> (i, j, k, 1)
    steps, origin = np.rint(exact[:3, :2]), np.rint(exact[:3, 3])
    corners = np.array([(column, row) for column in (0, columns - 1) for row in (0, rows - 1)])
    off = float(np.abs(corners @ (exact[:3, :2] - steps).T + exact[:3, 3] - origin).max())
    if off > _TOLERANCE or not (np.abs(steps).sum(axis=0) == 1).all():
        found = f"{shown}, {columns} columns and {rows} rows"
        raise ReadError("grid_mismatch", f"{found}: its pixels are no voxels of the image's grid {grid}")
    return _Placing(steps.astype(np.int64), origin.astype(np.int64))


def _affine(dataset: Dataset, frame: Dataset, shown: str) -> NDArray[np.float64]:
    position, orientation, measures = (
        functional_group(dataset, frame, name)
        for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    )
    if position is None or orientation is None or measures is None:
        raise ReadError("bad_geometry", f"{shown} states no position, orientation or pixel spacing")
    return frame_affine(position, orientation, measures, shown)


def _pieces(numbers: NDArray[np.int32], placing: _Placing) -> Iterator[tuple[int, Piece]]:
    """Yield every segment in a frame, (row, column), with its voxels turned to the grid's axes."""
    from scipy.ndimage import find_objects

    column_axis, row_axis = (int(axis) for axis in np.argmax(np.abs(placing.steps), axis=0))
    flipped = tuple(int(axis) for axis in np.flatnonzero(placing.steps.sum(axis=1) < 0))
    boxes: list[tuple[slice, ...] | None] = list(find_objects(numbers))
    for number, box in enumerate(boxes, start=1):
        if box is None:
            continue
        rows, columns = box
        inside = np.expand_dims(numbers[box] == number, 2)  # (row, column, normal)
        turned = np.moveaxis(inside, (1, 0), (column_axis, row_axis))
        ends = np.array([(columns.start, rows.start), (columns.stop - 1, rows.stop - 1)])
        start = placing.origin_ijk + (ends @ placing.steps.T).min(axis=0)
        yield number, Piece((int(start[0]), int(start[1]), int(start[2])), np.flip(turned, flipped))


def _check_inside(piece: Piece, grid: Geometry, shown: str) -> None:
    """Refuse a piece that reaches beyond the grid.

    Raises:
        ReadError: `grid_mismatch`.
    """
    box = np.array(piece.box)
    if (box[:3] < 0).any() or (box[3:] > grid.shape_ijk).any():
        found = f"{shown}: a segment fills the box {box.tolist()}"
        raise ReadError("grid_mismatch", f"{found}, which reaches beyond the image's grid {grid}")
