"""What a file of a tiny case stores: its voxels, in the order and under the header that the real files have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.recipe.replica import ReplicaFile
from curate.replica.blocks import Lattice, Voxels, blocks_of


@dataclass(frozen=True, slots=True)
class Stored:
    """An array as it stands in a file."""

    file: ReplicaFile
    voxels: NDArray[Any]
    """(i, j, k), with a fourth axis for channels (`channels`) or colours (`colours`, `#rrggbb`)."""
    affine: NDArray[np.float64]
    """(4, 4), stored voxel index to RAS+ mm, as the header says, right or wrong."""


def stored(file: ReplicaFile, lattice: Lattice, reference: ReplicaFile) -> Stored:
    """Make what a file stores.

    Args:
        file: The file.
        lattice: Blocks of its case.
        reference: The image on whose grid the lattice lies.
    """
    canonical = on_spacing(_content(file, lattice), _canonical_spacing(reference), _canonical_spacing(file))
    right, affine = _oriented(canonical, file)
    if file.header_spacing_mm is not None:
        affine = affine @ np.diag([*np.divide(file.header_spacing_mm, file.spacing_mm), 1])
    affine[:3, 3] += file.origin_shift_mm
    return Stored(file, _as_stored(right, file.stored_as), affine)


def truth(file: ReplicaFile, image: ReplicaFile, reference: ReplicaFile, inside: Voxels) -> Voxels:
    """Return what a build must find of a block on an image's grid, where label and image may lie on others than it.

    Args:
        file: The label file.
        image: The image that it annotates.
        reference: The image on whose grid the block was laid out.
        inside: The block, bool (i, j, k).
    """
    here, there = _canonical_spacing(reference), _canonical_spacing(file)
    wanted = _canonical_spacing(image)
    shape = on_spacing(inside, here, wanted).shape
    return on_spacing(on_spacing(inside, here, there), there, wanted, shape)


def on_spacing(
    voxels: NDArray[Any], before_mm: Sequence[float], after_mm: Sequence[float], shape: Sequence[int] | None = None
) -> NDArray[Any]:
    """Take the nearest voxel on a grid with the same first voxel and another spacing."""
    result = voxels
    for axis, (before, after) in enumerate(zip(before_mm, after_mm, strict=True)):
        if before != after:
            length = shape[axis] if shape else int(np.ceil(voxels.shape[axis] * before / after))
            nearest = np.floor(np.arange(length) * after / before + 0.5).astype(int)
            result = np.take(result, np.minimum(nearest, voxels.shape[axis] - 1), axis=axis)
    return result


def _content(file: ReplicaFile, lattice: Lattice) -> NDArray[Any]:
    """Return the voxels in canonical orientation."""
    if file.kind in ("image", "other_series"):
        return _image(file, lattice.shape_ijk)
    blocks = [(block, lattice.voxels(block)) for block in blocks_of(file)]
    if file.kind == "mask":
        ((_, inside),) = blocks
        drawn = inside & ~_interior(inside) if file.outline else inside
        values = np.where(drawn, file.foreground, file.background)
        return values.astype(file.dtype or _smallest([file.foreground, file.background]))
    if any(block.label.startswith("#") for block, _ in blocks):
        colours = np.zeros((*lattice.shape_ijk, 3), np.uint8)
        for block, inside in blocks:
            colours[inside] = list(bytes.fromhex(block.label[1:]))
        return colours
    numbers = [int(block.label) for block, _ in blocks] if file.kind == "labels" else list(range(1, len(blocks) + 1))
    labels = np.full(lattice.shape_ijk, file.background, file.dtype or _smallest([*numbers, file.background]))
    for number, (_, inside) in zip(numbers, blocks, strict=True):
        labels[inside] = number
    return labels


def _image(file: ReplicaFile, shape_ijk: tuple[int, int, int]) -> NDArray[Any]:
    """Return intensities that differ along each axis, and between channels."""
    ramp = sum(step * index for step, index in zip((1, 2, 3), np.indices(shape_ijk), strict=True))
    planes = [ramp + 10 * n for n in range(3 if file.colours else len(file.channels) or 1)]
    is_eight_bit = file.is_picture or file.is_stack or file.is_folder_of_pictures
    voxels = np.stack(planes, axis=-1) if file.colours or file.channels else ramp
    return (voxels % 256 if is_eight_bit else voxels).astype(file.dtype or (np.uint8 if is_eight_bit else np.int16))


def _interior(inside: Voxels) -> Voxels:
    """Return the voxels of a box that have all four neighbours of their axial slice in it."""
    inner = inside.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(inside, step, axis)
    return inner


def _smallest(values: Sequence[int]) -> Any:
    return next(kind for kind in (np.uint8, np.int16, np.int32) if all(_fits(value, kind) for value in values))


def _fits(value: int, kind: Any) -> bool:
    return bool(np.iinfo(kind).min <= value <= np.iinfo(kind).max)


def _canonical_spacing(file: ReplicaFile) -> tuple[float, float, float]:
    """Return the spacing along right, front and head, in mm."""
    world = {code: axis for axis, codes in enumerate(("LR", "PA", "IS")) for code in codes}
    spacing = dict(zip((world[code] for code in file.orientation), file.spacing_mm, strict=True))
    return spacing[0], spacing[1], spacing[2]


def _oriented(canonical: NDArray[Any], file: ReplicaFile) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Turn a canonical array so that its axes point where the file says; return its affine too."""
    from nibabel import orientations

    turn = orientations.ornt_transform(orientations.axcodes2ornt("RAS"), orientations.axcodes2ornt(file.orientation))
    affine = np.diag([*_canonical_spacing(file), 1.0]) @ orientations.inv_ornt_aff(turn, canonical.shape[:3])
    return orientations.apply_orientation(canonical, turn), affine


def _as_stored(right: NDArray[Any], axes: str) -> NDArray[Any]:
    """Undo what `axes` of a recipe does: that makes the reversed second axis of the result the first, for `-jik`."""
    parts = re.findall("(-?)([ijk])", axes)
    flipped: NDArray[Any] = np.flip(right, tuple(axis for axis, (minus, _) in enumerate(parts) if minus))
    order = np.argsort(["ijk".index(letter) for _, letter in parts]).tolist()
    return np.transpose(flipped, [*order, *range(3, right.ndim)])
