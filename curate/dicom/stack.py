"""From planes in any order to one regular grid, or the reason why there is none.

Planes are ordered by where they lie along their normal, never by InstanceNumber or file name, and the distance between
slices is that of their positions: SliceThickness may be more (overlap) or less (gap).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curate.dicom.planes import Plane
from curate.errors import GeometryError, ReadError
from curate.geometry import Geometry

_TOLERANCE = 0.1
"""Of a voxel: positions are decimal text, often rounded to a tenth of a millimetre."""
_TILT_TOLERANCE = 1e-3
"""Sideways per millimetre along the normal, 0.06 degrees: cosines are rounded; a tilted gantry has 0.5 or more."""
_SAME_POSITION_MM = 0.01


def arrange(planes: Sequence[Plane], shown: str) -> tuple[list[Plane], Geometry]:
    """Order planes along their normal and lay the grid through them.

    i is the column, j the row, k the place along the normal. A single plane without position gets its pixel spacing
    and no orientation, or pixels where it states no spacing.

    Args:
        planes: At least one.
        shown: What messages begin with.

    Raises:
        ReadError: `not_a_volume` for several planes in colour or without positions; `bad_geometry` for planes of
            several shapes, orientations or spacings, duplicated or missing slices, unequal spacing, a tilted gantry.
    """
    if len(planes) > 1 and any(plane.is_colour for plane in planes):
        raise ReadError("not_a_volume", f"{shown}: {len(planes)} colour frames, expected one, or grey slices")
    affines = [plane.affine for plane in planes if plane.affine is not None]
    if len(affines) < len(planes):
        if len(planes) == 1:
            return list(planes), _picture_grid(planes[0], shown)
        raise ReadError(
            "not_a_volume", f"{shown}: {len(planes) - len(affines)} of {len(planes)} frames state no position"
        )
    _check_alike(planes, affines, shown)
    positions = np.array([affine[:3, 3] for affine in affines])
    order = np.argsort(positions @ affines[0][:3, 2], kind="stable")
    grid = affines[order[0]].copy()
    grid[:3, 2:] = _slice_axis(planes[0], affines[0], positions[order], shown)
    return [planes[n] for n in order], _geometry((*planes[0].shape_ij, len(planes)), grid, shown)


def _picture_grid(plane: Plane, shown: str) -> Geometry:
    spacing = plane.pixel_mm or (1.0, 1.0)
    return _geometry((*plane.shape_ij, 1), np.diag([*spacing, 1.0, 1.0]), shown, is_mm=plane.pixel_mm is not None)


def _geometry(
    shape_ijk: tuple[int, int, int], affine: NDArray[np.float64], shown: str, *, is_mm: bool = True
) -> Geometry:
    try:
        return Geometry(shape_ijk, affine, "mm" if is_mm else "pixel")
    except GeometryError as error:
        raise ReadError("bad_geometry", f"{shown}: {error}") from error


def _check_alike(planes: Sequence[Plane], affines: Sequence[NDArray[np.float64]], shown: str) -> None:
    """Refuse planes that cannot be slices of one volume.

    Raises:
        ReadError: `bad_geometry`.
    """
    shapes = sorted({plane.shape_ij for plane in planes})
    if len(shapes) > 1:
        raise ReadError("bad_geometry", f"{shown}: planes of {shapes} columns and rows, expected one shape")
    edges = np.array([affine[:3, :2] for affine in affines])
    drift = np.abs(edges - edges[0]).max(axis=(1, 2)) * max(shapes[0])
    odd = int((drift > _TOLERANCE * np.linalg.norm(edges[0], axis=0).min()).sum())
    if odd:
        found = f"{odd} of {len(planes)} planes differ from the first in orientation or pixel spacing"
        raise ReadError("bad_geometry", f"{shown}: {found} (localizers?), expected parallel slices")


def _slice_axis(
    plane: Plane, affine: NDArray[np.float64], positions: NDArray[np.float64], shown: str
) -> NDArray[np.float64]:
    """Fit the positions, (n, 3) in order, by a line: the vector between slices and the first position, (3, 2) in mm.

    Raises:
        ReadError: `bad_geometry`.
    """
    normal = affine[:3, 2]
    if len(positions) == 1:
        return np.stack([normal * (plane.thickness_mm or 1.0), positions[0]], axis=1)
    along = (positions - positions[0]) @ normal
    _check_spacing(along, shown)
    sideways = np.linalg.norm(positions - positions[0] - np.outer(along, normal), axis=1).max()
    pixel = np.linalg.norm(affine[:3, :2], axis=0).min()
    if sideways > max(_TOLERANCE * pixel, _TILT_TOLERANCE * along[-1]):
        found = f"slices shift sideways by up to {sideways:.4g} mm over {along[-1]:.4g} mm (a tilted gantry?)"
        raise ReadError("bad_geometry", f"{shown}: {found}, expected them above each other")
    return np.stack(_line(positions), axis=1)


def _line(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit step and start of evenly spaced values, (n,) or (n, 3), n > 1, by least squares.

    Rounded to a billionth of a millimetre, so that the last bits are the same on every machine.
    """
    index = np.arange(len(values)) - (len(values) - 1) / 2
    offsets = values - values[0]
    step = np.tensordot(index, offsets, axes=1) / (index @ index)
    start = values[0] + offsets.mean(axis=0) + step * index[0]
    return np.round(step, 9), np.round(start, 9)


def _check_spacing(along_mm: NDArray[np.float64], shown: str) -> None:
    """Refuse sorted places along the normal that are not evenly spaced.

    Raises:
        ReadError: `bad_geometry`, saying whether slices are duplicated, missing or unevenly spaced.
    """
    gaps = np.diff(along_mm)
    repeated = int((gaps < _SAME_POSITION_MM).sum())
    if repeated:
        found = f"duplicated slices, {len(along_mm)} planes at {len(along_mm) - repeated} positions"
        raise ReadError("bad_geometry", f"{shown}: {found}, expected one plane each")
    step, start = _line(along_mm)
    if np.abs(along_mm - start - step * np.arange(len(along_mm))).max() <= _TOLERANCE * step:
        return
    usual = float(np.median(gaps))
    multiples = np.rint(gaps / usual)
    if multiples.min() >= 1 and (np.abs(gaps - multiples * usual) <= _TOLERANCE * usual).all() and multiples.max() > 1:
        missing = int((multiples - 1).sum())
        found = f"{missing} missing, a gap of {gaps.max():.4g} mm where slices are {usual:.4g} mm apart"
    else:
        found = f"unequal spacing, slices are {gaps.min():.4g} to {gaps.max():.4g} mm apart"
    raise ReadError("bad_geometry", f"{shown}: {found}; expected even steps")
