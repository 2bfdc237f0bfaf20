"""What a recipe's entry points at: a file, read by its reader, or a folder of slices: a DICOM series or pictures.

What the recipe says against the file (order of the axes, spacing, intensities) is applied here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate import readers
from curate.dicom import image as dicom
from curate.dicom.series import Series, choose, find_series
from curate.errors import ReadError
from curate.files import sha256_of_file
from curate.geometry import Geometry
from curate.readers import slices
from curate.readers.header import Header
from curate.readers.part import Part
from curate.recipe import ImageFiles, LabelFiles, RecipeFiles, SeriesChoice
from curate.volume import Volume, decoding


def header(path: Path, entry: RecipeFiles) -> Header:
    """Read shape, geometry and dtype of an image or label file.

    Raises:
        ReadError: With the code of the first thing that is wrong; `ambiguous_file` where several series fit.
    """
    if _is_stack(path, entry):
        found = slices.header(path, _part(entry))
    elif entry.is_folder:
        with decoding(path, path.name):
            found = dicom.header(_series(path, entry))
    else:
        found = readers.header(path, _part(entry))
    if entry.axes is not None:
        shape = found.geometry.shape_ijk
        found = replace(found, shape=tuple(shape[axis] for axis in _order(entry.axes)[0]))
    if entry.spacing_unknown:
        found = replace(
            found, shape=found.canonical.shape_ijk, affine=np.eye(4), unit="pixel", repaired="spacing_unknown"
        )
    elif entry.spacing_mm is not None:
        affine = _stated_affine(found.geometry, entry.spacing_mm, entry.orientation)
        found = replace(found, affine=affine, unit="mm", repaired="spacing_from_recipe")
    return found


def read(path: Path, entry: RecipeFiles) -> Volume:
    """Read an image or label file in the source's own orientation, as the recipe says it should have been stored.

    Raises:
        ReadError: With the code of the first thing that is wrong.
    """
    if _is_stack(path, entry):
        volume = slices.read(path, _part(entry))
    elif entry.is_folder:
        with decoding(path, path.name):
            volume = dicom.read(_series(path, entry))
    else:
        volume = readers.read(path, _part(entry))
    if entry.axes is not None:
        volume = _arranged(volume, entry.axes)
    if entry.spacing_unknown:  # where the axes point is known, and kept
        turned = volume.canonical()
        volume = Volume(turned.voxels, Geometry(turned.geometry.shape_ijk, np.eye(4), "pixel"))
    elif entry.spacing_mm is not None:
        affine = _stated_affine(volume.geometry, entry.spacing_mm, entry.orientation)
        volume = Volume(volume.voxels, Geometry(volume.geometry.shape_ijk, affine))
    if isinstance(entry, ImageFiles) and (entry.scale, entry.offset) != (1, 0):
        volume = _rescaled(volume, entry.scale, entry.offset)
    return volume


def sha256(path: Path, entry: ImageFiles) -> str:
    """Return the SHA-256 of a file, or of the sorted digests of a folder's slices."""
    if not entry.is_folder:
        return sha256_of_file(path)
    files = slices.files(path) if _is_stack(path, entry) else _series(path, entry).files
    digests = sorted(sha256_of_file(file) for file in files)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def referring_to(path: Path, entry: ImageFiles, objects: Sequence[Path]) -> ImageFiles:
    """Return the entry of a folder's series with the UID of the one that a segmentation or structure set names.

    Args:
        path: The folder.
        entry: Its `series.referenced` says that the case's objects choose; other entries come back as they are.
        objects: The case's DICOM segmentations and structure sets.

    Raises:
        ReadError: `no_image` where no series, or no object, is there; `ambiguous_file` where several series fit.
    """
    wish = entry.series
    if wish is None or not wish.referenced:
        return entry
    if not objects:
        raise ReadError("no_image", f"{path.name}: no segmentation or structure set says which series is the image")
    with decoding(path, path.name):
        found = choose(find_series(path), wish.uid, wish.description, wish.modality, referenced_by=objects[0])
    return entry.model_copy(update={"series": wish.model_copy(update={"uid": found.uid, "referenced": False})})


def in_order_of_image_files(labels: Volume, folder: Path, entry: ImageFiles) -> Volume:
    """Move slice n of a folder of labels to where the n-th file of the image's folder lies, in the order of names.

    Labels with another number of slices than the image has files stay: their grid will not fit.

    Raises:
        ReadError: With what is wrong with the image's folder.
    """
    files = slices.files(folder) if _is_stack(folder, entry) else dicom.slice_files(_series(folder, entry))
    if len(files) != labels.voxels.shape[2]:
        return labels
    by_name = sorted(range(len(files)), key=lambda k: slices.natural(files[k]))
    voxels = np.empty_like(labels.voxels)
    voxels[:, :, by_name] = labels.voxels
    return Volume(voxels, labels.geometry)


def _is_stack(path: Path, entry: RecipeFiles) -> bool:
    """Tell whether an entry's folder holds one picture per slice; otherwise it is taken for DICOM."""
    return entry.is_folder and path.is_dir() and bool(slices.files(path))


def _series(folder: Path, entry: RecipeFiles) -> Series:
    wish = (entry.series if isinstance(entry, ImageFiles) else None) or SeriesChoice()
    return choose(find_series(folder), wish.uid, wish.description, wish.modality)


def _part(entry: RecipeFiles) -> Part:
    """Return what is meant: of a palette, its indices are the labels, unless the recipe names colours."""
    is_index = isinstance(entry, LabelFiles) and not entry.has_colours
    return Part(entry.array, entry.volume_index, colours=not is_index)


def _order(axes: str) -> tuple[list[int], list[bool]]:
    """Return, for axes such as `-jik`, which source axis each one is and whether it is reversed."""
    letters = [letter for letter in axes if letter != "-"]
    reversed_ = [axes[: axes.index(letter)].endswith("-") for letter in letters]
    return ["ijk".index(letter) for letter in letters], reversed_


def _arranged(volume: Volume, axes: str) -> Volume:
    """Reorder and reverse the voxels' axes under a header that stays."""
    order, reversed_ = _order(axes)
    channel = (3,) if volume.is_colour else ()
    voxels = np.flip(np.transpose(volume.voxels, (*order, *channel)), tuple(n for n in range(3) if reversed_[n]))
    i, j, k = voxels.shape[:3]
    return Volume(voxels, replace(volume.geometry, shape_ijk=(i, j, k)))


def _stated_affine(
    found: Geometry, spacing_mm: tuple[float, float, float], orientation: str | None
) -> NDArray[np.float64]:
    """Return the affine of a grid with given spacing whose axes point where the axis codes say, or where they did."""
    affine = np.array(found.affine)
    if orientation is None and found.unit == "mm":
        affine[:3, :3] *= np.array(spacing_mm) / found.spacing
        return affine
    affine[:3] = 0
    for axis, code in enumerate(orientation or "RAS"):
        world = next(n for n, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[world, axis] = spacing_mm[axis] * (1 if code in "RAS" else -1)
    return affine


def _rescaled(volume: Volume, scale: float, offset: float) -> Volume:
    """Multiply and shift intensities; integers stay integers where the result is whole.

    Raises:
        ReadError: `not_a_volume` for pictures in colour.
    """
    if volume.is_colour:
        raise ReadError("not_a_volume", "a picture in colour has no intensities that `scale` and `offset` could change")
    if volume.voxels.dtype.kind in "iu" and scale == int(scale) and offset == int(offset):
        values = volume.voxels.astype(np.int64) * int(scale) + int(offset)
        low, high = values.min(), values.max()
        holds = (kind for kind in (np.int16, np.int32) if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
        return Volume(values.astype(next(holds, np.int64), copy=False), volume.geometry)
    return Volume((volume.voxels.astype(np.float64) * scale + offset).astype(np.float32), volume.geometry)
