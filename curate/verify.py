"""Check a store against its own promises; every broken one is a line."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from curate import manifest, slicing, volume
from curate.errors import ReadError
from curate.files import sha256_of_file
from curate.labelmap import extract
from curate.manifest import TableName
from curate.schema import PER_DATASET, arrow_schema

_TABLES: tuple[TableName, ...] = get_args(TableName)


Tables = dict[str, list[dict[str, Any]]]
"""Rows of one dataset by table."""


def verify(store: Path) -> list[str]:
    """Check hashes, schemas, keys, and every mask's voxels and box; return what is broken, sorted, a line each.

    Tables that are damaged are not looked into: their line stands for all that may be wrong in them.

    Raises:
        StoreError: When there is no finished store.
    """
    content = manifest.read_store(store)
    problems = set(_files(store, content["files"]))
    damaged = {line.split(":")[0] for line in problems}
    for dataset in manifest.dataset_names(content):
        paths = {name: manifest.table_path(name, dataset) for name in _TABLES}
        if damaged.isdisjoint(paths.values()):
            problems |= set(_dataset(store, dataset, content["files"]))
    return sorted(problems)


def _files(store: Path, files: dict[str, str]) -> Iterator[str]:
    """Every file is there, unchanged, and no other."""
    for path, digest in tqdm(sorted(files.items()), desc="hashes", unit="file", disable=None):
        if not (store / path).is_file():
            yield f"{path}: missing"
        elif sha256_of_file(store / path) != digest:
            yield f"{path}: changed since it was built"
    present = {
        path.relative_to(store).as_posix()
        for kind in ("images", "labels", "manifest")
        for path in (store / kind).rglob("*")
        if path.is_file()
    }
    yield from (f"{path}: not in store.json" for path in present - files.keys() - {manifest.STORE_PATH})


def _dataset(store: Path, dataset: str, files: dict[str, str]) -> Iterator[str]:
    """Check the tables of one dataset against each other and against the label maps."""
    import pyarrow.parquet as pq

    tables: Tables = {}
    for name in _TABLES:
        path = manifest.table_path(name, dataset)
        table = pq.read_table(store / path)
        if not table.schema.equals(arrow_schema(PER_DATASET[name])):
            yield f"{path}: columns differ from the schema of `{name}`"
            return
        tables[name] = table.to_pylist()
    yield from _keys(tables)
    yield from _paths(tables, files)
    yield from _accounting(tables)
    yield from _splits(tables)
    yield from _masks(store, tables["masks"])


def _keys(tables: Tables) -> Iterator[str]:
    """Unique keys, no mask or split of an image that is not there, and a split for every image."""
    for name, key in (("images", "image_id"), ("masks", "mask_id"), ("splits", "image_id")):
        counts = Counter(row[key] for row in tables[name])
        yield from (f"{name}: {key} {value} stands {count} times" for value, count in counts.items() if count > 1)
    images = {row["image_id"] for row in tables["images"]}
    for name in ("masks", "splits"):
        yield from (f"{name}: no image {row['image_id']}" for row in tables[name] if row["image_id"] not in images)
    unsplit = images - {row["image_id"] for row in tables["splits"]}
    yield from (f"splits: image {image} has none" for image in unsplit)


def _paths(tables: Tables, files: dict[str, str]) -> Iterator[str]:
    """Every file that a row names is one that was built."""
    for name, key in (("images", "image_id"), ("masks", "mask_id")):
        yield from (f"{name}: {row[key]} names {row['path']}" for row in tables[name] if row["path"] not in files)


def _accounting(tables: Tables) -> Iterator[str]:
    """Every target that was looked for is a mask or a rejection (of its volume, for a slice), every mask looked for."""
    told = {(row["image_id"], row["target"]) for name in ("masks", "rejections") for row in tables[name]}
    labelled = {row["image_id"]: row["labelled_targets"] for row in tables["images"]}
    for row in tables["masks"]:
        if row["target"] not in labelled.get(row["image_id"], [row["target"]]):
            yield f"images: {row['image_id']} has {row['target']}, for which it was not labelled"
    for row in tables["images"]:
        images = {row["image_id"], slicing.volume_id(row["image_id"])}
        for target in row["labelled_targets"]:
            if told.isdisjoint((image, target) for image in images):
                yield f"images: {row['image_id']} was labelled for {target}, which is neither a mask nor a rejection"


def _splits(tables: Tables) -> Iterator[str]:
    """No patient in two splits, and the patients are those of the images."""
    found: dict[str, set[str]] = {}
    patient_of = {row["image_id"]: row["patient_id"] for row in tables["images"]}
    for row in tables["splits"]:
        found.setdefault(row["patient_id"], set()).add(row["split"])
        patient = patient_of.get(row["image_id"], row["patient_id"])
        if patient != row["patient_id"]:
            yield f"splits: {row['image_id']} is of patient {row['patient_id']}, the images table says {patient}"
    for patient, names in found.items():
        if len(names) > 1:
            yield f"splits: patient {patient} stands in {', '.join(sorted(names))}"


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
