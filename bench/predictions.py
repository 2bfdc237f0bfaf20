"""Predictions on disk: compressed label maps on the image's own grid, and a table that says which values are whose."""

import hashlib
from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import kept_prompts
from bench.records import Prompts
from bench.suite import Unit
from curate import manifest, volume
from curate.errors import ReadError, StoreError
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
_DIGEST_LENGTH = 16


def keep(
    run: Path,
    unit: Unit,
    step: int,
    predictions: Mapping[str, BoxMask],
    prompts: Mapping[str, Prompts] | None = None,
    seed: int = 0,
) -> None:
    """Write one step's predictions of one image, a label map per layer and a table, and what was shown; atomically.

    Predictions of other masks of the image stay. Label maps are named by their content, so that the table never names a
    file that a later write has changed.

    Raises:
        StoreError: When they cannot be written.
    """
    image_id = unit.image["image_id"]
    shape = tuple(unit.image["shape_ijk"])
    stem = _stem(image_id, step, seed)
    try:
        if prompts is not None:
            kept_prompts.keep(run, image_id, step, seed, prompts)
        whole = {**read(run, image_id, step, shape, seed), **predictions}
        layers = _write_layers(run, stem, whole, np.array(unit.image["affine"]).reshape(4, 4))
        rows = [{"image_id": image_id, "step": step, **row} for row in layers]
        manifest.write_table(run / f"{stem}.parquet", PREDICTIONS, rows)
        named = {row["path"] for row in rows}
        pattern = f"{escape(Path(stem).name)}.{'[0-9a-f]' * _DIGEST_LENGTH}.nii.gz"
        for path in (run / stem).parent.glob(pattern):
            if path.relative_to(run).as_posix() not in named:
                path.unlink()
    except OSError as error:
        raise StoreError(f"{run}: predictions cannot be written ({error}); the same command continues") from error


def _write_layers(
    run: Path, stem: str, predictions: Mapping[str, BoxMask], affine: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Write the label maps and return mask, path and values of each prediction, sorted by mask_id."""
    found = {mask_id: mask for mask_id, mask in sorted(predictions.items()) if mask.count}
    layers, placed = pack(list(found.values()), range(1, len(found) + 1))
    paths = []
    for layer in layers:
        digest = hashlib.sha256(layer.tobytes()).hexdigest()[:_DIGEST_LENGTH]
        paths.append(f"{stem}.{digest}.nii.gz")
        volume.write(Volume(layer, Geometry((layer.shape[0], layer.shape[1], layer.shape[2]), affine)), run / paths[-1])
    where = {mask_id: (paths[place.layer], list(place.values)) for mask_id, place in zip(found, placed, strict=True)}
    return [
        {"mask_id": mask_id, "path": path, "label_values": values}
        for mask_id in sorted(predictions)
        for path, values in [where.get(mask_id, (None, []))]
    ]


def read(run: Path, image_id: str, step: int, shape_ijk: tuple[int, int, int], seed: int = 0) -> dict[str, BoxMask]:
    """Return the kept predictions of one image, step and seed by mask_id; empty where none were kept.

    Raises:
        ReadError: When a table or a label map is damaged or missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = run / f"{_stem(image_id, step, seed)}.parquet"
    if not table.is_file():
        return {}
    try:
        rows: list[dict[str, Any]] = pq.read_table(table, partitioning=None).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise ReadError("unreadable", f"{table}: cannot be read ({str(error).splitlines()[0]})") from error
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


def _stem(image_id: str, step: int, seed: int) -> str:
    """Return how the files of one image, step and seed begin, relative to the run; the first seed goes unsaid."""
    return f"{_FOLDER}/{image_id}.step{step}" + (f".seed{seed}" if seed else "")
