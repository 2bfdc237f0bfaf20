"""One tile of the contact sheet: read an image and its label maps, choose a slice, draw it, write it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate import png, volume
from curate.errors import ReadError
from curate.files import write_bytes
from curate.report import picture
from curate.report.picture import Cut

_PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True, slots=True)
class Outline:
    """A mask to draw."""

    target: str
    colour: str
    """Hexadecimal, as in `#56B4E9`."""
    path: str
    """Label map, relative to the store."""
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TileTask:
    """All that a worker needs to make a tile."""

    store: Path
    out: Path
    """Folder of the report."""
    file: str
    """Where the picture goes, relative to `out`."""
    dataset: str
    image_id: str
    path: str
    """Image, relative to the store."""
    modality: str
    sequence: str | None
    spacing_mm: tuple[float, ...] | None
    unit: str | None
    outlines: tuple[Outline, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """What became of it."""

    dataset: str
    image_id: str
    modality: str
    sequence: str | None
    spacing_mm: tuple[float, ...] | None
    file: str | None = None
    """The picture, relative to the report; None where there is none."""
    width: int = 0
    height: int = 0
    place: str = ""
    """Which slice it is, such as `axial slice 12 of 40`."""
    targets: tuple[str, ...] = ()
    """Targets with an outline on it, sorted."""
    problem: str | None = None
    """Why there is no picture."""


def make(task: TileTask) -> Tile:
    """Make one tile; at most the image and one label map per layer are in memory."""
    try:
        return _drawn(task)
    except ReadError as error:
        return failed(task, error)


def failed(task: TileTask, error: BaseException) -> Tile:
    """Return the tile of an image that cannot be shown; the store's folder is left out of the message."""
    text = " ".join((str(error) or type(error).__name__).split()).replace(f"{task.store}/", "")
    return Tile(task.dataset, task.image_id, task.modality, task.sequence, task.spacing_mm, problem=text[:300])


def _drawn(task: TileTask) -> Tile:
    maps = {path: volume.read(task.store / path) for path in sorted({one.path for one in task.outlines})}
    image = volume.read(task.store / task.path)
    wrong = next((path for path, labels in maps.items() if labels.voxels.shape[:3] != image.geometry.shape_ijk), None)
    if wrong is not None:
        raise ReadError("grid_mismatch", f"{wrong}: not on the grid of {task.path}")
    axis, in_space = picture.cut_axis(image.geometry), image.geometry.unit == "mm"
    areas = _areas([(maps[path].voxels, _values(task.outlines, path)) for path in maps], axis)
    cut = Cut(axis, picture.fullest(areas) if areas.size else image.geometry.shape_ijk[axis] // 2)
    planes = {path: picture.plane(labels.voxels, cut, in_space=in_space) for path, labels in maps.items()}
    masks = [(one, np.isin(planes[one.path], one.values)) for one in task.outlines]
    shown = [(one, mask) for one, mask in masks if mask.any()]
    levels = _levels(task, image, cut, [mask for _, mask in shown], in_space=in_space)
    size = picture.size(image.geometry, cut)
    drawn = picture.draw(levels, [(mask, _rgb(one.colour)) for one, mask in shown], size)
    write_bytes(task.out / task.file, png.encode(drawn))
    return Tile(
        *(task.dataset, task.image_id, task.modality, task.sequence, task.spacing_mm),
        file=task.file,
        width=size[0],
        height=size[1],
        place=_place(image, cut, in_space=in_space),
        targets=tuple(sorted({one.target for one, _ in shown})),
    )


def _levels(
    task: TileTask, image: volume.Volume, cut: Cut, masks: Sequence[NDArray[np.bool_]], *, in_space: bool
) -> NDArray[np.uint8]:
    """Return the slice of the image as 8-bit colours."""
    pixels = picture.plane(image.voxels, cut, in_space=in_space)
    if image.is_colour:
        return picture.grey_levels(pixels, picture.colour_limits(image, pixels))
    inside = np.logical_or.reduce(masks) if masks else np.zeros(pixels.shape, dtype=np.bool_)
    return picture.grey_levels(pixels, picture.window(pixels, inside, task.modality, task.unit))


def _areas(layers: Sequence[tuple[NDArray[Any], frozenset[int]]], axis: int) -> NDArray[np.int64]:
    """Return the voxels of all masks on each slice across an axis; empty where there is no label map."""
    total = np.zeros(0, dtype=np.int64)
    for labels, values in layers:
        known = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.bool_)
        known[[value for value in values if value < known.size]] = True
        moved = np.moveaxis(labels, axis, 0)
        areas = np.array([np.count_nonzero(known[one]) for one in moved], dtype=np.int64)
        total = areas if not total.size else total + areas
    return total


def _values(outlines: Sequence[Outline], path: str) -> frozenset[int]:
    return frozenset(value for one in outlines if one.path == path for value in one.values)


def _place(image: volume.Volume, cut: Cut, *, in_space: bool) -> str:
    count = image.geometry.shape_ijk[cut.axis]
    if count == 1:
        return "single slice"
    return f"{_PLANES[cut.axis] if in_space else 'k'} slice {cut.index + 1} of {count}"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
