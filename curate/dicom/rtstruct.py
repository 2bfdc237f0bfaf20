"""Masks of a DICOM structure set on an image's grid: contours become the voxels whose centres lie inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curate.dicom.dataset import open_dataset, reading
from curate.dicom.pattern import fits
from curate.dicom.pieces import Piece, assemble
from curate.dicom.polygon import fill
from curate.dicom.segments import check_class
from curate.errors import ReadError, UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask

if TYPE_CHECKING:
    from pydicom import Dataset

_STRUCTURE_SET_CLASSES = ("1.2.840.10008.5.1.4.1.1.481.3",)
_FILLED_TYPES = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_RAS_FROM_LPS = np.array([-1.0, -1.0, 1.0])
_COORDINATE_DECIMALS = 6
"""Contours are decimal text: what is left of a voxel beyond this is noise, which should not decide borders."""
_FLATNESS = 0.5
"""Slices that a contour may span, to lie in one of them."""
_SAME_PLANE = 0.05
"""Of a slice, between contours that were drawn on one plane."""


@dataclass(frozen=True, slots=True)
class Roi:
    """A region of interest of a structure set."""

    number: int
    name: str


def rois(path: Path) -> list[Roi]:
    """Return the regions of a structure set, sorted by number, whether or not they have contours.

    Raises:
        ReadError: `unreadable` when the file is damaged or no structure set.
    """
    with reading(path):
        items = _structure_set(path).get("StructureSetROISequence") or ()
        found = [Roi(int(item.ROINumber), str(item.get("ROIName") or "").strip()) for item in items]
    return sorted(found, key=lambda roi: roi.number)


def select(found: Iterable[Roi], name: str) -> list[Roi]:
    """Return the regions in whose name a regular expression is found.

    Raises:
        UsageError: When `name` is no regular expression.
    """
    return [roi for roi in found if fits(name, roi.name)]


def rasterise(path: Path, roi_numbers: Sequence[int], grid: Geometry) -> dict[int, BoxMask]:
    """Fill the contours of some regions, by number, on the grid of an image; a region without contours is empty.

    A voxel is inside when its centre is, by the even-odd rule over all contours of its slice: contours inside others
    are holes, and keyholes work. A centre exactly on a contour is inside where the region lies on the side of growing
    voxel indices. A contour belongs to the nearest slice, exactly between two to the upper one; of contours drawn on
    several planes that are nearest to one slice, the plane closest to its centre counts. Slices between contours are
    not interpolated.

    Raises:
        ReadError: `unreadable` for contours other than closed planar ones; `grid_mismatch` for contours that lie in no
            slice of the grid, or beyond it.
        UsageError: When a number is not among `rois(path)`.
    """
    with reading(path):
        dataset = _structure_set(path)
        known = {int(item.ROINumber) for item in dataset.get("StructureSetROISequence") or ()}
        contours = {number: _contours(dataset, number, path) for number in roi_numbers}
    unknown = sorted(set(roi_numbers) - known)
    if unknown:
        raise UsageError(f"{path.name}: no region {unknown[0]}; give some of {sorted(known)}")
    masks = {}
    for number, lines in contours.items():
        shown = f"{path.name}: region {number}"
        points = [np.round(grid.to_voxel(line * _RAS_FROM_LPS), _COORDINATE_DECIMALS) for line in lines]
        masks[number] = assemble(_pieces(points, grid, shown), grid.shape_ijk)
    return masks


def _structure_set(path: Path) -> Dataset:
    dataset = open_dataset(path)
    check_class(dataset, _STRUCTURE_SET_CLASSES, path, "a structure set (RTSTRUCT)")
    return dataset


def _contours(dataset: Dataset, number: int, path: Path) -> list[NDArray[np.float64]]:
    """Return the contours of one region, each (n, 3) in LPS mm (PS3.3, C.8.8.6)."""
    contours = []
    for item in dataset.get("ROIContourSequence") or ():
        for contour in item.get("ContourSequence") or () if int(item.ReferencedROINumber) == number else ():
            kind = contour.get("ContourGeometricType")
            if kind not in _FILLED_TYPES:
                raise ReadError(
                    "unreadable", f"{path.name}: region {number} has a {kind} contour, expected CLOSED_PLANAR"
                )
            contours.append(_points(contour))
    return contours


def _points(contour: Dataset) -> NDArray[np.float64]:
    """Return the points of a contour, (n, 3), from the stored text.

    pydicom leaves text of more than 64 KiB as bytes, which explicit transfer syntaxes cannot mark as numbers.
    """
    stored = contour.get_item("ContourData")
    content = b"" if stored is None else stored.value
    numbers = content.decode("ascii").strip(" \0").split("\\") if isinstance(content, bytes) else content
    return np.array([number for number in numbers if number != ""], dtype=np.float64).reshape(-1, 3)


def _pieces(contours: Sequence[NDArray[np.float64]], grid: Geometry, shown: str) -> list[Piece]:
    """Fill contours, each (n, 3) in voxels, slice by slice."""
    if not contours:
        return []
    axis = int(np.argmin(np.max([np.ptp(contour, axis=0) for contour in contours], axis=0)))
    depths = np.array([contour[:, axis].mean() for contour in contours])
    _check_inside(contours, axis, grid, shown)
    nearest = np.floor(depths + 0.5).astype(int)
    pieces = []
    for index in np.unique(nearest):
        members = [n for n, slice_index in enumerate(nearest) if slice_index == index]
        closest = depths[min(members, key=lambda n: (abs(depths[n] - index), depths[n]))]
        polygons = [np.delete(contours[n], axis, axis=1) for n in members if abs(depths[n] - closest) <= _SAME_PLANE]
        pieces.append(_filled(polygons, axis, int(index), grid.shape_ijk))
    return pieces


def _check_inside(contours: Sequence[NDArray[np.float64]], axis: int, grid: Geometry, shown: str) -> None:
    """Refuse contours across slices, and contours that lie wholly outside the grid.

    Raises:
        ReadError: `grid_mismatch`.
    """
    spans = max(float(np.ptp(contour[:, axis])) for contour in contours)
    if spans > _FLATNESS:
        raise ReadError(
            "grid_mismatch", f"{shown}: a contour spans {spans:.3g} slices of the grid {grid}, expected one"
        )
    ends = np.array(grid.shape_ijk) - 0.5
    outside = sum(bool((c.max(axis=0) < -_FLATNESS).any() or (c.min(axis=0) >= ends).any()) for c in contours)
    if outside:
        found = f"{outside} of {len(contours)} contours lie outside the image's grid"
        raise ReadError("grid_mismatch", f"{shown}: {found} {grid}")


def _filled(polygons: Sequence[NDArray[np.float64]], axis: int, index: int, shape_ijk: tuple[int, int, int]) -> Piece:
    """Fill polygons, (n, 2) along the two axes that are not `axis`, inside their bounding box on the grid."""
    across = [n for n in range(3) if n != axis]
    points = np.concatenate(polygons)
    limits = np.array([shape_ijk[n] for n in across])
    low = np.clip(np.floor(points.min(axis=0)), 0, limits).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 1, low, limits).astype(int)
    size = high - low
    inside = fill([polygon - low for polygon in polygons], (int(size[0]), int(size[1])))
    start = np.insert(low, axis, index)
    return Piece((int(start[0]), int(start[1]), int(start[2])), np.expand_dims(inside, axis))
