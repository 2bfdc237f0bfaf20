"""The voxel hashes of a training set: from the manifest of a store, or from a CSV file."""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from curate import manifest
from curate.errors import ConfigError, StoreError

_COLUMN = "voxel_sha256"


@cache
def read(path: Path, splits: Sequence[str]) -> frozenset[str]:
    """Return the hashes, read once.

    A hash is of stored voxels, so it finds an image only in a store that was built by the same profile; `curate
    duplicates` finds it in others.

    Args:
        path: Root of a store, or a CSV file with a column `voxel_sha256`.
        splits: Of a store: the splits that count.

    Raises:
        ConfigError: When there is no such store or file, or the column is not there.
    """
    return _of_store(path, splits) if path.is_dir() else _of_csv(path)


def _of_store(store: Path, splits: Sequence[str]) -> frozenset[str]:
    try:
        rows = manifest.read_table(store, "splits").to_pylist()
        trained = {row["image_id"] for row in rows if row["split"] in splits}
        images = manifest.read_table(store, "images", columns=["image_id", _COLUMN]).to_pylist()
    except StoreError as error:
        raise ConfigError(f"training manifest {error}") from error
    return frozenset(row[_COLUMN] for row in images if row["image_id"] in trained)


def _of_csv(path: Path) -> frozenset[str]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if _COLUMN not in (reader.fieldnames or ()):
                raise ConfigError(f"training manifest {path}: no column `{_COLUMN}`; its first line names the columns")
            return frozenset(row[_COLUMN] for row in reader if row[_COLUMN])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"training manifest {path}: cannot be read ({error}); give a store or a CSV file") from error
