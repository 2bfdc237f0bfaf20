"""Predictions on disk as a model: each image is recognised by its voxels, and its files are looked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench.models.automatic import Automatic, AutomaticSession
from bench.models.base import Capabilities, ModelCard
from bench.models.label_files.description import Description, read, values_of
from bench.models.label_files.places import Places, Row, grid_of
from bench.models.targets import told
from bench.records import Prompts
from curate import volume
from curate.errors import ReadError, UsageError
from curate.files import sha256_of_file, sha256_of_json
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

_NAMED = 3
"""Images that a finding names."""


class LabelFiles:
    """Answers with what lies on disk for an image; nothing is computed but the image's hash.

    Files are NIfTI, or PNG for pictures, on the grid of the store's image, in any orientation.

    Args:
        weights: `predictions.toml`; `docs/models.md` says what stands in it.

    Raises:
        UsageError: When it cannot be used.
        StoreError: When the store that it names is not there.
    """

    card = ModelCard(
        "label-files",
        "predictions that lie on disk, of any program",
        "unknown",
        Capabilities(frozenset({2, 3}), frozenset({"target"})),
        None,
        "predictions.toml, which says where predictions lie and which value is which target",
    )

    def __init__(self, weights: Path | None = None) -> None:
        if weights is None:
            raise UsageError("label-files needs --weights predictions.toml; docs/models.md says what stands in it")
        self._path, self._said = weights, read(weights)
        self._places = Places(weights.parent, self._said)
        values = {} if self._said.one_file_per_target else values_of(self._said, weights.parent)
        self.card = self._said.card(frozenset(values or self._said.targets), weights)
        self._whole = Automatic(self.card, self._label_map, _by_value(values)) if values else None

    @cached_property
    def weights_sha256(self) -> str:
        """Digest of the description and of every prediction: with others it is another run."""
        files = {row["image_id"]: list(map(sha256_of_file, self._places.existing(row))) for row in self._places.rows}
        return sha256_of_json({"description": sha256_of_file(self._path), "files": files})

    def open(self, image: Volume) -> "AutomaticSession | FilesSession":
        """Find the prediction of an image.

        Raises:
            ValueError: When the store has no such image, or its file is no label map on the image's grid.
            ReadError: When there is no file, or it cannot be read.
        """
        if self._whole is not None:
            return self._whole.open(image)
        return FilesSession(self._places, self._said, self._places.of(image), image.geometry)

    def own_checks(self) -> list[dict[str, str]]:
        """Compare the predictions with the images of the store; rows as of `bench.conformance.check`."""
        rows = [(row, self._places.existing(row)) for row in self._places.rows]
        missing = [row["image_id"] for row, paths in rows if not paths]
        counted = f"{len(rows) - len(missing)} of {len(rows)}" + (f"; none for {_some(missing)}" if missing else "")
        shown = tqdm(rows, desc="predictions", unit="image", disable=None)
        wrong = [said for row, paths in shown for path in paths if (said := _problem(path, grid_of(row))) is not None]
        return [
            {
                "check": "there is a prediction for each image of the store",
                "result": "pass" if not missing else "warn" if len(missing) < len(rows) else "fail",
                "detail": counted,
            },
            {
                "check": "predictions are label maps on their images' grids",
                "result": "fail" if wrong else "pass",
                "detail": f"{len(wrong)} are not: {_some(wrong)}" if wrong else "",
            },
        ]

    def _label_map(self, image: Volume) -> NDArray[Any]:
        return labels_on(image.geometry, self._places.path(self._places.of(image)))


@dataclass(frozen=True, slots=True, eq=False)
class FilesSession:
    """The files of one image, one per target, each read when it is asked for."""

    places: Places
    said: Description
    row: Row
    grid: Geometry

    def predict(self, prompts: Prompts) -> BoxMask:
        """Return what the target's file marks by anything but 0.

        Raises:
            UnsupportedError: For a target without a name in the description, for points or a box.
            ReadError, ValueError: When there is no such file, or it is no mask on the image's grid.
        """
        target = told(self.said.name, prompts, self.said.targets or None)
        word = str(self.said.targets.get(target, target))
        return BoxMask.of(labels_on(self.grid, self.places.path(self.row, word)))


def labels_on(grid: Geometry, path: Path) -> NDArray[Any]:
    """Read a label map, (i, j, k) integers, and turn it to a grid of the store.

    Raises:
        ReadError: When there is no such file, or it cannot be read.
        ValueError: When it lies on another grid, or has values that are no integers.
    """
    if not path.is_file():
        raise ReadError("unreadable", f"there is no prediction {path.name}")
    found = volume.read(path)
    placed = Volume(found.voxels, Geometry(found.geometry.shape_ijk, found.geometry.affine, grid.unit))
    if not placed.geometry.same_grid(grid):
        placed = placed.canonical()
    if not placed.geometry.same_grid(grid):
        raise ValueError(f"{path.name} lies on {placed.geometry}, its image on {grid}; segment the store's own images")
    labels = placed.voxels
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int32)
    if labels.dtype.kind not in "iu" or placed.is_colour:
        raise ValueError(f"{path.name} holds {placed}, expected one integer per voxel")
    return labels


def _by_value(values: Mapping[str, tuple[int, ...]]) -> dict[int, tuple[str, ...]]:
    """Turn target -> values into value -> targets."""
    return {one: tuple(slug for slug, own in values.items() if one in own) for one in set().union(*values.values())}


def _problem(path: Path, grid: Geometry) -> str | None:
    try:
        labels_on(grid, path)
    except (ReadError, ValueError) as error:
        return str(error)
    return None


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
