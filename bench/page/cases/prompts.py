"""What a model was shown of a case, carried over to the grid of its crop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import kept_prompts
from bench.page.cases.choosing import Chosen
from curate.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Click:
    """One point that a model was shown."""

    point_ijk: tuple[float, float, float]
    """In voxels of the crop."""
    is_positive: bool


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One scribble or lasso that a model was shown."""

    mask: NDArray[np.bool_]
    """Its voxels, shape of the crop."""
    is_positive: bool


@dataclass(frozen=True, slots=True, eq=False)
class Prompted:
    """All that a model was shown of one mask up to a step."""

    clicks: tuple[Click, ...] = ()
    boxes: tuple[tuple[float, ...], ...] = ()
    """That of the whole target and those of single slices, half-open in voxels of the crop: i0 j0 k0 i1 j1 k1."""
    strokes: tuple[Drawn, ...] = ()


def read_prompts(folder: Path, chosen: Chosen, grid: Geometry, crop: Geometry) -> Prompted:
    """Read what a run kept; nothing where it kept nothing.

    Args:
        folder: Of the run.
        chosen: Which mask, step and seed.
        grid: The image's own grid, in whose voxels prompts are kept.
        crop: The grid that is drawn, with axes parallel to the other's.

    Raises:
        ReadError: When a file of prompts is damaged.
    """
    wanted = (chosen.mask_id, chosen.seed, chosen.step)
    rows = kept_prompts.read(folder, chosen.image_id)
    row: Mapping[str, Any] = next((one for one in rows if (one["mask_id"], one["seed"], one["step"]) == wanted), {})
    points = [_to_crop(point, grid, crop) for point in row.get("points_ijk", ())]
    boxes = [box for box in (row.get("box"), *row.get("boxes", ())) if box is not None]
    return Prompted(
        tuple(Click(point, bool(label)) for point, label in zip(points, row.get("labels", ()), strict=True)),
        tuple(_box_in_crop(box, grid, crop) for box in boxes),
        tuple(Drawn(_in_crop(one["voxels_ijk"], grid, crop), bool(one["label"])) for one in row.get("strokes", ())),
    )


def _to_crop(point_ijk: Sequence[float], grid: Geometry, crop: Geometry) -> tuple[float, float, float]:
    i, j, k = crop.to_voxel(grid.to_world(point_ijk)).tolist()
    return round(i, 3), round(j, 3), round(k, 3)


def _box_in_crop(box: Sequence[int], grid: Geometry, crop: Geometry) -> tuple[float, ...]:
    """Carry a box over by its outermost voxels."""
    ends = np.array([_to_crop(box[:3], grid, crop), _to_crop([end - 1 for end in box[3:]], grid, crop)])
    return (*ends.min(axis=0).tolist(), *(ends.max(axis=0) + 1).tolist())


def _in_crop(voxels_ijk: Sequence[Sequence[int]], grid: Geometry, crop: Geometry) -> NDArray[np.bool_]:
    """Return the voxels of a stroke that lie in the crop, as a mask."""
    mask = np.zeros(crop.shape_ijk, dtype=np.bool_)
    places = np.rint([_to_crop(voxel, grid, crop) for voxel in voxels_ijk]).astype(np.int64).reshape(-1, 3)
    inside = ((places >= 0) & (places < crop.shape_ijk)).all(axis=1)
    mask[tuple(places[inside].T)] = True
    return mask
