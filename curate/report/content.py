"""What a report is made of: a store's own record and the columns of its tables that are counted, never a voxel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate import manifest
from curate.files import sha256_of_file
from curate.manifest import TableName

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Mapping[TableName, tuple[str, ...]] = {
    "images": (
        *("image_id", "dataset", "patient_id", "modality", "sequence", "region"),
        *("shape_ijk", "spacing_mm", "labelled_targets"),
    ),
    "masks": ("image_id", "dataset", "patient_id", "target", "kind", "anatomy_group", "volume_mm3"),
    "rejections": (
        *("dataset", "case_id", "image_id", "target", "stage", "code", "effect", "detail", "source_path"),
        *("measured", "threshold", "step", "rule", "masks_before", "masks_after"),
    ),
    "splits": ("image_id", "dataset", "patient_id", "split", "origin"),
}
"""All that is kept in memory; words become categories, so that a million masks of one dataset hold its name once."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A store, read."""

    record: Mapping[str, Any]
    """`store.json`."""
    sha256: str
    """SHA-256 of the bytes of `store.json`, which holds the hash of every other file."""
    size_bytes: int
    """Of the files that the record lists and that are there."""
    missing_files: int
    """Files that the record lists and that are not there."""
    datasets: Sequence[Mapping[str, Any]]
    """Rows of the datasets table, sorted by dataset."""
    images: "pd.DataFrame"
    masks: "pd.DataFrame"
    rejections: "pd.DataFrame"
    splits: "pd.DataFrame"

    @property
    def names(self) -> list[str]:
        """Ids of the datasets, sorted."""
        return [str(row["dataset"]) for row in self.datasets]


def read(store: Path) -> Content:
    """Read a store's tables.

    Raises:
        StoreError: When there is no finished store, or a table is damaged.
    """
    record = manifest.read_store(store)
    sizes = [_size(store / path) for path in record["files"]]
    known = [size for size in sizes if size is not None]
    return Content(
        record,
        sha256_of_file(store / manifest.STORE_PATH),
        size_bytes=sum(known),
        missing_files=len(sizes) - len(known),
        datasets=manifest.read_datasets(store),
        images=_frame(store, "images"),
        masks=_frame(store, "masks"),
        rejections=_frame(store, "rejections"),
        splits=_frame(store, "splits"),
    )


def _frame(store: Path, name: TableName) -> "pd.DataFrame":
    """Return the columns of one table that are counted; text as categories."""
    import pyarrow as pa

    table = manifest.read_table(store, name, columns=_COLUMNS[name])
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(place, field.name, table.column(place).dictionary_encode())
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
