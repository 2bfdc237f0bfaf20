"""The table of duplicates: its columns, as data, and how it is written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curate.errors import UsageError
from curate.files import replacing
from curate.manifest import write_table
from curate.schema import SCHEMA_VERSION, Column, Table, arrow_table

DUPLICATES: Table = (
    Column("store_a", "string", "store of the first image, as it was given"),
    Column(
        "image_a", "string", "first image, whose content was found in the second; of equals the one that sorts first"
    ),
    Column("dataset_a", "string", "its dataset"),
    Column("patient_a", "string", "its patient"),
    Column("split_a", "string", "its split: train, val or test"),
    Column("store_b", "string", "store of the second image; null when an image could not be compared", nullable=True),
    Column("image_b", "string", "second image", nullable=True),
    Column("dataset_b", "string", "its dataset", nullable=True),
    Column("patient_b", "string", "its patient", nullable=True),
    Column("split_b", "string", "its split", nullable=True),
    Column(
        "kind",
        "string",
        "exact: same shape and values; else what was done to one to get the other, joined by +: reoriented, padded (or "
        "cropped), resampled, rescaled (intensities); altered: none of these; not_compared: see detail",
    ),
    Column("similarity", "double", "correlation of the fine structure, on which it was decided", nullable=True),
    Column("correlation", "double", "Pearson's correlation of the intensities on one grid", nullable=True),
    Column("residual", "double", "RMS of b - (slope * a + offset) over b's range", nullable=True),
    Column("transform", "string", "axes of b in the order of a's axes, with signs: +i+j+k is unturned", nullable=True),
    Column("zoom_ijk", "list<double>[3]", "voxels of b per voxel of a along a's axes", nullable=True),
    Column("slope", "double", "intensities: b = slope * a + offset", nullable=True),
    Column("offset", "double", "intensities: b = slope * a + offset", nullable=True),
    Column("same_patient", "bool", "true when both images are of one patient of one dataset", nullable=True),
    Column("crosses_dataset", "bool", "true when the datasets differ", nullable=True),
    Column("crosses_split", "bool", "true when one image stands in another split than the other", nullable=True),
    Column("duplicate_group", "int64", "number of the group of all images that pairs tie together", nullable=True),
    Column("detail", "string", "why an image could not be compared", nullable=True),
)
"""One row per pair, or per image that could not be compared."""

SUFFIXES = (".parquet", ".csv", ".json")


def check_suffix(path: Path) -> None:
    """Refuse a file name whose suffix names no format.

    Raises:
        UsageError: With the suffixes that there are.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"--out {path}: give a name that ends in {', '.join(SUFFIXES)}")


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows in the format of the suffix of `path`, atomically.

    Raises:
        UsageError: When the suffix names no format.
    """
    check_suffix(path)
    if path.suffix == ".parquet":
        write_table(path, DUPLICATES, rows, {"medseen.schema_version": str(SCHEMA_VERSION)})
        return
    frame = arrow_table(DUPLICATES, rows).to_pandas()
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            frame.to_csv(temporary, index=False, lineterminator="\n")
        else:
            frame.to_json(temporary, orient="records", indent=2)
