"""Predictions on disk: compressed label maps on the image's own grid, and a table that says which values are whose."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.suite import Unit
from curate import manifest, volume
from curate.files import remove_temporaries
from curate.geometry import Geometry
from curate.labelmap import BoxMask, extract, pack
from curate.schema import Column, Table
from curate.volume import Volume

PREDICTIONS: Table = (
    Column("image_id", "string", "image in the store"),
    Column("mask_id", "string", "mask in the store"),
    Column("step", "int32", "prompting step, from 1"),
    Column("path", "string", "label map, relative to the run; null for an empty prediction", nullable=True),
    Column("label_values", "list<int32>", "values of the label map whose union is the prediction"),
)
"""One row per kept prediction."""

_FOLDER = "predictions"


def keep(run: Path, unit: Unit, step: int, predictions: Mapping[str, BoxMask]) -> None:
    """Write one step's predictions of one image: a label map per layer and a table, atomically."""
    image_id = unit.image["image_id"]
    found = {mask_id: mask for mask_id, mask in sorted(predictions.items()) if mask.count}
    layers, placed = pack(list(found.values()), range(1, len(found) + 1))
    stem = f"{_FOLDER}/{image_id}.step{step}"
    affine = np.array(unit.image["affine"]).reshape(4, 4)
    paths = [f"{stem}.{number}.nii.gz" for number in range(1, len(layers) + 1)]
    for path, layer in zip(paths, layers, strict=True):
        volume.write(Volume(layer, Geometry((layer.shape[0], layer.shape[1], layer.shape[2]), affine)), run / path)
    where = {mask_id: (paths[place.layer], list(place.values)) for mask_id, place in zip(found, placed, strict=True)}
    rows = [
        {"image_id": image_id, "mask_id": mask_id, "step": step, "path": path, "label_values": values}
        for mask_id in sorted(predictions)
        for path, values in [where.get(mask_id, (None, []))]
    ]
    manifest.write_table(run / f"{stem}.parquet", PREDICTIONS, rows)


def read(run: Path, image_id: str, step: int, shape_ijk: tuple[int, int, int]) -> dict[str, BoxMask]:
    """Return the kept predictions of one image and step by mask_id; empty where none were kept."""
    import pyarrow.parquet as pq

    table = run / _FOLDER / f"{image_id}.step{step}.parquet"
    if not table.is_file():
        return {}
    rows: list[dict[str, Any]] = pq.read_table(table).to_pylist()
    labels = {path: volume.read(run / path).voxels for path in {row["path"] for row in rows} if path is not None}
    empty = BoxMask(shape_ijk, (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))
    return {
        row["mask_id"]: empty if row["path"] is None else extract(labels[row["path"]], row["label_values"])
        for row in rows
    }


def exist(run: Path) -> bool:
    """Tell whether a run kept its predictions."""
    return (run / _FOLDER).is_dir()


def clean(run: Path) -> None:
    """Remove what a killed run left half-written."""
    remove_temporaries(run)
