"""Read one case: the image around a target, the reference, and what each model answered and was shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import predictions, trial
from bench.page.cases.choosing import Chosen
from bench.page.cases.prompts import Prompted, read_prompts
from bench.suite import Unit
from curate.geometry import Box, Geometry
from curate.labelmap import BoxMask, slices
from curate.volume import Volume

_MARGIN_SHARE, _MARGIN_MM, _MARGIN_PIXELS = 0.5, 20.0, 32.0
"""Around the target on each side: this share of its extent, and at least so much."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one model made of the case."""

    model: str
    mask: NDArray[np.bool_] | None
    """Shape of the crop; None where no prediction was kept."""
    is_cut: bool
    """True where the prediction goes on outside the crop."""
    shown: Prompted


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Everything that a page shows of one mask; all arrays are canonical (i to the right, j to the front, k up)."""

    chosen: Chosen
    facts: Mapping[str, Any]
    """Row of the store's table of masks."""
    image: Volume
    """The crop."""
    reference: NDArray[np.bool_]
    answers: tuple[Answer, ...]
    centre_ijk: tuple[int, int, int]
    """The voxel of the reference nearest to its centre of mass, which may itself lie between two kidneys."""
    is_cropped: bool


def read_case(chosen: Chosen, unit: Unit, store: Path, folders: Mapping[str, Path]) -> Case:
    """Read a case.

    Args:
        chosen: Which mask, step and seed.
        unit: Its image and all masks of it.
        store: Root of the store.
        folders: Model -> folder of its run.

    Raises:
        ReadError: When the image, a label map, a prediction or a prompt cannot be read.
    """
    mask = next(row for row in unit.masks if row["mask_id"] == chosen.mask_id)
    whole, (target,) = trial.read_unit(Unit(unit.image, (mask,), unit.split), store)
    box = _around(target.reference.box, whole.geometry)
    crop = Volume(whole.voxels[slices(box)], _moved(whole.geometry, box))
    image = crop.canonical()
    reference = _turned(target.reference.within(box), crop.geometry)
    answers = tuple(_answer(model, folders[model], chosen, whole.geometry, box, crop) for model in sorted(folders))
    is_cropped = box != (0, 0, 0, *whole.geometry.shape_ijk)
    return Case(chosen, mask, image, reference, answers, _middle(reference, image.geometry), is_cropped)


def _answer(model: str, folder: Path, chosen: Chosen, grid: Geometry, box: Box, crop: Volume) -> Answer:
    kept = predictions.read(folder, chosen.image_id, chosen.step, grid.shape_ijk, chosen.seed)
    mask: BoxMask | None = kept.get(chosen.mask_id)
    drawn = crop.geometry if crop.geometry.unit == "pixel" else crop.geometry.canonical()
    return Answer(
        model,
        None if mask is None else _turned(mask.within(box), crop.geometry),
        mask is not None and int(mask.within(box).sum()) < mask.count,
        read_prompts(folder, chosen, grid, drawn),
    )


def _middle(mask: NDArray[np.bool_], grid: Geometry) -> tuple[int, int, int]:
    """Return the voxel of a mask nearest to its centre of mass; the first of equals."""
    voxels = np.argwhere(mask)
    distances = (((voxels - voxels.mean(axis=0)) * np.array(grid.spacing)) ** 2).sum(axis=1)
    i, j, k = voxels[distances.argmin()].tolist()
    return i, j, k


def _around(box: Box, grid: Geometry) -> Box:
    """Grow a target's box by a margin, inside the image."""
    least = _MARGIN_PIXELS if grid.unit == "pixel" else _MARGIN_MM
    low, high = [], []
    for axis, spacing in enumerate(grid.spacing):
        margin = int(np.ceil(max(_MARGIN_SHARE * (box[axis + 3] - box[axis]), least / spacing)))
        low.append(max(0, box[axis] - margin))
        high.append(min(grid.shape_ijk[axis], box[axis + 3] + margin))
    return (low[0], low[1], low[2], high[0], high[1], high[2])


def _moved(grid: Geometry, box: Box) -> Geometry:
    """Return the grid of a part of an image."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_world(box[:3])
    return Geometry((box[3] - box[0], box[4] - box[1], box[5] - box[2]), affine, grid.unit)


def _turned(mask: NDArray[np.bool_], grid: Geometry) -> NDArray[np.bool_]:
    return Volume(mask, grid).canonical().voxels
