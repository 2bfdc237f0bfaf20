"""Which files are the prediction of which image."""

import re
from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from bench.models.label_files.description import Description
from curate import manifest
from curate.files import sha256_of_file
from curate.geometry import Geometry
from curate.volume import Volume

_COLUMNS = ("image_id", "dataset", "case_id", "voxel_sha256", "shape_ijk", "affine", "spacing_mm")

Row = Mapping[str, Any]
"""An image of the store: the columns above."""


class Places:
    """The images of a store, and where their predictions lie.

    A model is shown voxels without a name, so that images are known by the hash of their voxels.
    """

    def __init__(self, folder: Path, said: Description) -> None:
        """Read the store's table of images; `folder` is that of the description.

        Raises:
            StoreError: When there is no such store.
        """
        self._store, self._template = said.store, str(folder / said.files)
        self.rows: list[Row] = manifest.read_table(folder / said.store, "images", columns=_COLUMNS).to_pylist()
        self._by_voxels: dict[str, list[Row]] = {}
        for row in self.rows:
            self._by_voxels.setdefault(row["voxel_sha256"], []).append(row)

    def of(self, image: Volume) -> Row:
        """Return the row of an image.

        Raises:
            ValueError: When the store has no such image; or has it several times, with predictions that differ.
        """
        rows = self._by_voxels.get(image.voxel_sha256(), [])
        if not rows:
            raise ValueError(f"the image is not in {self._store}, whose predictions these are")
        predicted = [row for row in rows if self.existing(row)]
        if len({tuple(map(sha256_of_file, self.existing(row))) for row in predicted}) > 1:
            names = ", ".join(row["image_id"] for row in predicted)
            raise ValueError(f"the store has this scan several times ({names}), and its predictions differ")
        return predicted[0] if predicted else rows[0]

    def path(self, row: Row, target: str = "") -> Path:
        """Return where a prediction lies, whether or not there is one; `target` stands in the place of `{target}`."""
        return Path(self._filled(self._template, row, target))

    def existing(self, row: Row) -> list[Path]:
        """Return the files of an image that are there, sorted."""
        path, name = self.path(row), Path(self._template).name
        if "{target}" not in name:
            return [path] if path.is_file() else []
        pattern = "*".join(escape(self._filled(part, row, "")) for part in name.split("{target}"))
        return sorted(path.parent.glob(pattern))

    @staticmethod
    def _filled(template: str, row: Row, target: str) -> str:
        words = {"{dataset}": row["dataset"], "{case}": row["case_id"], "{image}": row["image_id"], "{target}": target}
        return re.sub(r"\{[a-z]+\}", lambda found: words.get(found.group(), found.group()), template)


def grid_of(row: Row) -> Geometry:
    """Return the grid of an image of the store."""
    i, j, k = row["shape_ijk"]
    return Geometry((i, j, k), np.array(row["affine"]).reshape(4, 4), "pixel" if row["spacing_mm"] is None else "mm")
