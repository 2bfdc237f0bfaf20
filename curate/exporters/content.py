"""What a store holds of a selection, case by case: the records that every exporter works on."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate import manifest, volume
from curate.errors import ReadError, StoreError
from curate.exporters.selection import Selection, variant_of
from curate.geometry import Box, Geometry, Unit
from curate.labelmap import BoxMask, extract
from curate.readers.nifti import NiftiReader


@dataclass(frozen=True, slots=True)
class StoredMask:
    """One mask of one image: some values of a label map."""

    mask_id: str
    target: str
    variant: str
    """Rater or instance, where the mask_id tells several masks of a target apart; else empty."""
    path: str
    """Label map, relative to the store."""
    values: tuple[int, ...]
    box: Box
    voxels: int


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image and its chosen masks."""

    image_id: str
    channel: str
    """Last part of an image_id that has three; else empty."""
    modality: str
    sequence: str | None
    path: str
    """Relative to the store."""
    geometry: Geometry
    labelled: frozenset[str]
    """Chosen targets that were looked for in it."""
    unsure: frozenset[str]
    """Of these, the ones that the build left out for another reason than being empty: present, but not as a mask."""
    masks: tuple[StoredMask, ...]

    @property
    def suffix(self) -> str:
        """`.nii.gz` or `.png`."""
        return ".png" if self.path.endswith(".png") else ".nii.gz"


@dataclass(frozen=True, slots=True)
class StoredCase:
    """One acquisition: its chosen images."""

    dataset: str
    case_id: str
    patient_id: str
    split: str
    images: tuple[StoredImage, ...]


class LabelMaps:
    """The label maps of one case, each read once."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._maps: dict[str, NDArray[Any]] = {}

    def mask(self, mask: StoredMask) -> BoxMask:
        """Return a mask's voxels.

        Raises:
            StoreError: When its label map is missing or damaged.
        """
        if mask.path not in self._maps:
            self._maps[mask.path] = read_volume(self._store, mask.path).voxels
        return extract(self._maps[mask.path], mask.values, mask.box)


def read_volume(store: Path, path: str) -> volume.Volume:
    """Read a file of the store.

    Raises:
        StoreError: When it is missing or damaged.
    """
    with _of_store(store):
        return volume.read(store / path)


def count_bands(store: Path, path: str) -> int:
    """Return the number of colours in an image of the store, from its header.

    Raises:
        StoreError: When it is missing or damaged.
    """
    from PIL import Image

    with _of_store(store), volume.decoding(store / path, str(store / path)):
        if path.endswith(".png"):
            with Image.open(store / path, formats=("PNG",)) as picture:
                return len(picture.getbands())
        return prod(NiftiReader().header(store / path).shape[3:])


@contextmanager
def _of_store(store: Path) -> Iterator[None]:
    """Turn what is wrong with a file of the store into what to type."""
    try:
        yield
    except ReadError as error:
        raise StoreError(f"{error}; see what else is broken with `curate verify {store}`") from error


def read_cases(store: Path, dataset: str, selection: Selection) -> list[StoredCase]:
    """Return the chosen images of a dataset with their chosen masks, as cases sorted by case_id.

    Raises:
        StoreError: When a table cannot be read, or names a file outside the store.
    """
    splits = {row["image_id"]: row["split"] for row in _rows(store, "splits", dataset)}
    masks: dict[str, list[StoredMask]] = {}
    for row in _rows(store, "masks", dataset):
        if selection.takes_mask(row["target"], variant_of(row)):
            masks.setdefault(row["image_id"], []).append(_mask(row))
    unsure = _unsure(_rows(store, "rejections", dataset))
    cases: dict[str, list[Mapping[str, Any]]] = {}
    for row in _rows(store, "images", dataset):
        chosen = selection.takes_split(splits[row["image_id"]])
        if chosen and selection.takes_image(row["modality"], row["sequence"]):
            cases.setdefault(row["case_id"], []).append(row)
    found = []
    for case_id, rows in sorted(cases.items()):
        images = [_image(row, masks.get(row["image_id"], []), unsure, selection) for row in rows]
        images.sort(key=lambda image: image.image_id)
        first = rows[0]
        found.append(StoredCase(dataset, case_id, first["patient_id"], splits[first["image_id"]], tuple(images)))
    return found


def _rows(store: Path, name: manifest.TableName, dataset: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = manifest.read_table(store, name, [dataset]).to_pylist()
    return rows


def _unsure(rejections: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return image and target of every mask that was left out although it is not empty."""
    return {
        (row["image_id"], row["target"])
        for row in rejections
        if row["effect"] == "left_out" and row["code"] != "empty_mask" and row["image_id"] and row["target"]
    }


def _mask(row: dict[str, Any]) -> StoredMask:
    i0, j0, k0, i1, j1, k1 = row["bbox_ijk"]
    return StoredMask(
        row["mask_id"],
        row["target"],
        variant_of(row),
        inside_store(row["path"]),
        tuple(row["label_values"]),
        (i0, j0, k0, i1, j1, k1),
        row["voxels"],
    )


def _image(
    row: Mapping[str, Any], masks: list[StoredMask], unsure: set[tuple[str, str]], selection: Selection
) -> StoredImage:
    key = row["image_id"]
    unit: Unit = "pixel" if row["spacing_mm"] is None else "mm"
    labelled = {target for target in row["labelled_targets"] if selection.takes_mask(target)}
    labelled |= {mask.target for mask in masks}
    missing = labelled - {mask.target for mask in masks}
    return StoredImage(
        key,
        key.removeprefix(f"{row['dataset']}/{row['case_id']}").removeprefix("/"),
        row["modality"],
        row["sequence"],
        inside_store(row["path"]),
        Geometry(tuple(row["shape_ijk"]), np.array(row["affine"]).reshape(4, 4), unit),
        frozenset(labelled),
        frozenset(target for target in missing if (key, target) in unsure),
        tuple(sorted(masks, key=lambda mask: mask.mask_id)),
    )


def inside_store(path: str) -> str:
    """Return a path of a table, if it lies inside the store.

    Raises:
        StoreError: For an absolute path or one with `..`: no build writes such, and it would export foreign files.
    """
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise StoreError(f"a table of the store names `{path}`, outside the store; build the store again")
    return path
