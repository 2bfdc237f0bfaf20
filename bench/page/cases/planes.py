"""Slices of a case as drawings: the picture, outlines over it, and where the clicks were."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.page.cases.grey import Shown
from bench.page.cases.reading import Answer, Case
from curate.geometry import Geometry

_TITLES = {"RA": "axial", "RS": "coronal", "AS": "sagittal"}
_TO_THE_LEFT_OR_TOP = "RAS"
"""Growing towards these, an axis runs from right to left, or from bottom to top: the radiologists' view."""
_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))


@dataclass(frozen=True, slots=True)
class Mark:
    """A click on a slice; hollow where it lies on another slice."""

    x: float
    y: float
    is_positive: bool
    is_on_slice: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """A box that was shown, cut by the slice."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A stroke that was shown, where it lies on the slice."""

    path: str
    """Outline of its voxels, as the `d` of an SVG path."""
    is_positive: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """What is drawn of one model."""

    path: str
    """Outline, as the `d` of an SVG path; empty where the slice does not cut the prediction."""
    marks: tuple[Mark, ...]
    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice; lengths in mm, or in pixels where there is no spacing."""

    title: str
    width: float
    height: float
    png: str
    """The picture, base64."""
    reference: str
    layers: tuple[Layer, ...]
    """In the order of the case's answers."""
    left: str
    right: str
    top: str
    bottom: str


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of a slice: voxels, their spacing, and whether it is drawn backwards."""

    index: int
    number: int
    spacing: float
    is_backwards: bool
    start: str
    end: str

    def place(self, voxel: float) -> float:
        """Return where the centre of a voxel is drawn."""
        return round(self.spacing * ((self.number - 0.5 - voxel) if self.is_backwards else (voxel + 0.5)), 3)


def planes(case: Case, picture: Shown) -> tuple[Plane, ...]:
    """Draw the slices through the reference, nearest to its centre of mass: three, or the only one of a 2D image."""
    across = (2,) if case.image.geometry.is_2d else (2, 1, 0)
    return tuple(_plane(case, picture.voxels, axis) for axis in across)


def _plane(case: Case, voxels: NDArray[np.uint8], across: int) -> Plane:
    grid, at = case.image.geometry, case.centre_ijk[across]
    x, y = (_axis(grid, axis) for axis in range(3) if axis != across)
    codes = x.end + y.end if grid.unit == "mm" else ""
    title = _TITLES.get("".join(sorted((_plain(x), _plain(y)), key="RAS".index)), "slice") if codes else "slice"
    return Plane(
        title,
        round(x.number * x.spacing, 3),
        round(y.number * y.spacing, 3),
        _png(_flipped(np.take(voxels, at, axis=across), x, y)),
        _outline(np.take(case.reference, at, axis=across), x, y),
        tuple(_layer(answer, across, at, x, y) for answer in case.answers),
        *((x.end, x.start) if x.is_backwards else (x.start, x.end)),
        *((y.end, y.start) if y.is_backwards else (y.start, y.end)),
    )


def _axis(grid: Geometry, index: int) -> _Axis:
    end = "" if grid.unit == "pixel" else grid.orientation[index]
    spacing, number = grid.spacing[index], grid.shape_ijk[index]
    return _Axis(index, number, spacing, end != "" and end in _TO_THE_LEFT_OR_TOP, _OPPOSITE.get(end, ""), end)


def _plain(axis: _Axis) -> str:
    """Name an axis by the one of R, A and S that it runs along."""
    return axis.end if axis.end in "RAS" else axis.start


def _layer(answer: Answer, across: int, at: int, x: _Axis, y: _Axis) -> Layer:
    path = "" if answer.mask is None else _outline(np.take(answer.mask, at, axis=across), x, y)
    marks = tuple(
        Mark(
            x.place(click.point_ijk[x.index]),
            y.place(click.point_ijk[y.index]),
            click.is_positive,
            abs(click.point_ijk[across] - at) <= 0.5,
        )
        for click in answer.shown.clicks
    )
    frames = [_frame(box, x, y) for box in answer.shown.boxes if box[across] - 0.5 <= at <= box[across + 3] - 0.5]
    strokes = [(np.take(stroke.mask, at, axis=across), stroke.is_positive) for stroke in answer.shown.strokes]
    lines = [Line(_outline(voxels, x, y), is_positive) for voxels, is_positive in strokes if voxels.any()]
    return Layer(path, marks, tuple(frames), tuple(lines))


def _frame(box: Sequence[float], x: _Axis, y: _Axis) -> Frame:
    (left, right), (top, bottom) = (
        sorted((axis.place(box[axis.index] - 0.5), axis.place(box[axis.index + 3] - 0.5))) for axis in (x, y)
    )
    return Frame(left, top, round(right - left, 3), round(bottom - top, 3))


def _flipped(plane: NDArray[np.uint8], x: _Axis, y: _Axis) -> NDArray[np.uint8]:
    """Turn a slice (x, y[, channel]) into a picture (row, column[, channel])."""
    turned = plane[:: -1 if x.is_backwards else 1, :: -1 if y.is_backwards else 1]
    return np.ascontiguousarray(np.swapaxes(turned, 0, 1))


def _png(picture: NDArray[np.uint8]) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


def _outline(mask: NDArray[np.bool_], x: _Axis, y: _Axis) -> str:
    """Return the outline of a mask, halfway between voxels inside and outside."""
    from skimage.measure import find_contours

    lines = find_contours(np.pad(mask, 1).astype(np.float32), 0.5) if mask.any() else []
    return " ".join(_path(((x.place(i - 1), y.place(j - 1)) for i, j in line[:-1].tolist())) for line in lines)


def _path(points: Iterator[tuple[float, float]]) -> str:
    return f"M{'L'.join(f'{x:g} {y:g}' for x, y in points)}Z"
