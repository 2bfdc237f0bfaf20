"""The rows that a case adds to the store's tables; pure functions of what was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curate import source_files
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.masks import Absent, Key, Mask
from curate.matching import ImageFile
from curate.readers.header import Header
from curate.recipe import ImageFiles, Recipe
from curate.rules import Decision
from curate.scan import Case
from curate.vocabulary import Vocabulary
from curate.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """An image as it lies in the store."""

    path: str
    """Relative to the store."""
    geometry: Geometry
    voxel_sha256: str


def image_id(recipe: Recipe, case: Case, file: ImageFile) -> str:
    """Return `<dataset>/<case>` or `<dataset>/<case>/<channel>`."""
    channel = recipe.images[file.entry].channel
    return "/".join([recipe.dataset.id, case.case_id, *([channel] if channel else [])])


def image_suffix(volume: Volume) -> str:
    """Return the store's suffix: `.png` for pictures that PNG can hold, else `.nii.gz`."""
    dtype = volume.voxels.dtype
    fits = dtype == np.uint8 or (dtype == np.uint16 and not volume.is_colour)
    is_picture = volume.geometry.unit == "pixel" and volume.geometry.is_2d
    return ".png" if is_picture and fits else ".nii.gz"


def check_finite(volume: Volume, path: Path) -> None:
    """Refuse images with NaN or infinite voxels.

    Raises:
        ReadError: `nonfinite_voxels`, with their number.
    """
    if volume.voxels.dtype.kind == "f":
        bad = volume.voxels.size - int(np.count_nonzero(np.isfinite(volume.voxels)))
        if bad:
            raise ReadError("nonfinite_voxels", f"{path.name}: {bad} voxels are NaN or infinite")


def image_row(
    recipe: Recipe, case: Case, file: ImageFile, entry: ImageFiles, *, header: Header, stored: Stored, source: Path
) -> dict[str, Any]:
    """Return the row of an image; `labelled_targets` is filled when its masks are stored."""
    geometry = stored.geometry
    return {
        "image_id": image_id(recipe, case, file),
        "dataset": recipe.dataset.id,
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "modality": entry.modality,
        "sequence": entry.sequence,
        "region": entry.region or recipe.dataset.region,
        "path": stored.path,
        "shape_ijk": list(geometry.shape_ijk),
        "spacing_mm": None if geometry.spacing_mm is None else list(geometry.spacing_mm),
        "affine": geometry.affine.ravel().tolist(),
        "source_orientation": None if header.unit == "pixel" else header.geometry.orientation,
        "source_path": file.path,
        "source_sha256": source_files.sha256(source, entry),
        "voxel_sha256": stored.voxel_sha256,
        "geometry": header.verdict,
        "intensity_unit": entry.unit,
        "origin": recipe.origin(case.key),
        "labelled_targets": [],
    }


def mask_row(image: dict[str, Any], mask: Mask, grid: Geometry, *, path: str, values: Sequence[int]) -> dict[str, Any]:
    """Return the row of a mask on an image; statistics are those of the stored voxels."""
    target = Vocabulary.load().target(mask.target)
    box, count = mask.voxels.box, mask.voxels.count
    in_mm = grid.unit == "mm"
    extent = [(box[axis + 3] - box[axis]) * spacing for axis, spacing in enumerate(grid.spacing)]
    suffix = "/".join(str(part) for part in mask.key if part is not None)
    whose = {key: image[key] for key in ("image_id", "dataset", "case_id", "patient_id", "modality", "sequence")}
    return {
        "mask_id": f"{image['image_id']}#{suffix}",
        **whose,
        "target": mask.target,
        "side": target.side,
        "kind": target.kind,
        "anatomy_group": target.anatomy_group,
        "source_label": mask.source_label,
        "source_path": mask.source_path,
        "path": path,
        "label_values": list(values),
        "voxels": count,
        "volume_mm3": count * grid.voxel_volume if in_mm else None,
        "bbox_ijk": list(box),
        "extent_mm": extent if in_mm else None,
        "centroid_mm": grid.to_world(mask.voxels.centroid_ijk).tolist() if in_mm else None,
        "components": mask.voxels.component_count,
        "touches_border": _touches_border(box, grid),
    }


def labelled(masks: Sequence[Mask], absent: Sequence[Absent], decisions: Sequence[Decision]) -> list[str]:
    """Return the targets that were looked for in an image; a target that was split stands as its two sides."""
    keys = {mask.key for mask in masks} | {item.key for item in absent}
    for mask in (decision.mask for decision in decisions if decision.code == "sides_split"):
        keys.discard(mask.key)
        keys |= {(side, mask.rater, mask.instance) for side in Vocabulary.load().sides(mask.target) or ()}
    return sorted({target for target, _, _ in keys})


def label_values(recipe: Recipe, masks: Sequence[Mask] = ()) -> dict[Key, int]:
    """Return the value that each target's own voxels get, the same in every case of a dataset.

    Targets are numbered from 1 in the recipe's order; after them the sides into which a profile may split them; after
    them what only a case knows: instances, and raters whose names stand in paths.
    """
    keys: dict[Key, None] = {}
    for entry in recipe.labels:
        keys |= dict.fromkeys((target, entry.rater, None) for target in entry.targets())
    for target, rater, _ in list(keys):
        keys |= dict.fromkeys((side, rater, None) for side in Vocabulary.load().sides(target) or ())
    keys |= dict.fromkeys(mask.key for mask in masks)
    return {key: value for value, key in enumerate(keys, start=1)}


def _touches_border(box: Sequence[int], grid: Geometry) -> bool:
    """Tell whether a box reaches the edge of the image; there is no edge across a single slice."""
    axes = [axis for axis in range(3) if grid.shape_ijk[axis] > 1]
    return any(box[axis] == 0 or box[axis + 3] == grid.shape_ijk[axis] for axis in axes)
