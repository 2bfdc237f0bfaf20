"""Check a store against its own promises; every broken one is a line."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from curate import manifest, volume
from curate.errors import ReadError
from curate.files import sha256_of_file
from curate.labelmap import extract
from curate.schema import PER_DATASET, arrow_schema


def verify(store: Path) -> list[str]:
    """Check hashes, schemas, keys, and every mask's voxels and box; return what is broken, sorted, a line each.

    Raises:
        StoreError: When there is no finished store.
    """
    content = manifest.read_store(store)
    problems = [*_hashes(store, content["files"]), *_schemas(store)]
    if problems:
        return sorted(problems)
    tables = {name: manifest.read_table(store, name).to_pylist() for name in PER_DATASET}  # type: ignore[arg-type]
    problems += [*_keys(tables), *_accounting(tables), *_splits(tables["splits"]), *_masks(store, tables["masks"])]
    return sorted(problems)


def _hashes(store: Path, files: dict[str, str]) -> Iterator[str]:
    for path, digest in tqdm(sorted(files.items()), desc="hashes", unit="file", disable=None):
        if not (store / path).is_file():
            yield f"{path}: missing"
        elif sha256_of_file(store / path) != digest:
            yield f"{path}: changed since it was built"
    present = {
        path.relative_to(store).as_posix()
        for kind in ("images", "labels")
        for path in (store / kind).rglob("*")
        if path.is_file()
    }
    yield from (f"{path}: not in store.json" for path in present - files.keys())


def _schemas(store: Path) -> Iterator[str]:
    import pyarrow.parquet as pq

    for name, table in PER_DATASET.items():
        for path in sorted((store / "manifest" / name).glob("*.parquet")):
            if not pq.read_schema(path).equals(arrow_schema(table)):
                yield f"{path.relative_to(store).as_posix()}: columns differ from the schema of `{name}`"


def _keys(tables: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Unique keys, and no mask or split of an image that is not there."""
    for name, key in (("images", "image_id"), ("masks", "mask_id"), ("splits", "image_id")):
        counts = Counter(row[key] for row in tables[name])
        yield from (f"{name}: {key} {value} stands {count} times" for value, count in counts.items() if count > 1)
    images = {row["image_id"] for row in tables["images"]}
    for name in ("masks", "splits"):
        yield from (f"{name}: no image {row['image_id']}" for row in tables[name] if row["image_id"] not in images)


def _accounting(tables: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Every target that was looked for is a mask or a rejection."""
    told = {(row["image_id"], row["target"]) for name in ("masks", "rejections") for row in tables[name]}
    for row in tables["images"]:
        for target in row["labelled_targets"]:
            if (row["image_id"], target) not in told:
                yield f"images: {row['image_id']} was labelled for {target}, which is neither a mask nor a rejection"


def _splits(splits: list[dict[str, Any]]) -> Iterator[str]:
    found: dict[tuple[str, str], set[str]] = {}
    for row in splits:
        found.setdefault((row["dataset"], row["patient_id"]), set()).add(row["split"])
    for (dataset, patient), names in found.items():
        if len(names) > 1:
            yield f"splits: patient {patient} of {dataset} stands in {', '.join(sorted(names))}"


def _masks(store: Path, masks: list[dict[str, Any]]) -> Iterator[str]:
    """Count every mask again from its label map."""
    labels_of = lru_cache(maxsize=4)(lambda path: _labels(store / path))
    for row in tqdm(sorted(masks, key=lambda row: str(row["path"])), desc="masks", unit="mask", disable=None):
        labels = labels_of(row["path"])
        if isinstance(labels, str):
            yield labels
            continue
        mask = extract(labels, row["label_values"])
        if mask.count != row["voxels"] or list(mask.box) != row["bbox_ijk"]:
            found = f"{mask.count} voxels in {mask.box}"
            yield f"masks: {row['mask_id']} has {found}, the table says {row['voxels']} in {row['bbox_ijk']}"


def _labels(path: Path) -> NDArray[np.integer[Any]] | str:
    try:
        return volume.read(path).voxels
    except ReadError as error:
        return str(error)
