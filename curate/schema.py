"""The columns of a store's tables, as data: name, type, and what it means.

No column is an SQL keyword, because people query these tables with DuckDB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: str
    """`string`, `bool`, `int32`, `int64`, `double`, `list<T>`, or `list<T>[N]` for a fixed length."""
    meaning: str
    nullable: bool = False


Table = tuple[Column, ...]

_WHOSE: Table = (
    Column("dataset", "string", "recipe id of the dataset"),
    Column("case_id", "string", "key of the acquisition, unique within the dataset"),
    Column("patient_id", "string", "key of the patient, from the recipe; keys read from DICOM are hashed"),
)

_SEEN_AS: Table = (
    Column("modality", "string", "CT, MR, PET, US, XR, OCT, fundus, dermoscopy, endoscopy, microscopy"),
    Column("sequence", "string", "T1, T1c, T2, FLAIR, ...; null when the source does not say", nullable=True),
)

IMAGES: Table = (
    Column(
        "image_id",
        "string",
        "<dataset>/<case>, <dataset>/<case>/<channel> or, of a slice, <dataset>/<case>/[<channel>.]x_0040; unique",
    ),
    *_WHOSE,
    *_SEEN_AS,
    Column("region", "string", "body region, controlled"),
    Column("path", "string", "image file, relative to the store"),
    Column("shape_ijk", "list<int32>[3]", "voxels along i, j, k; k = 1 for 2D"),
    Column("spacing_mm", "list<double>[3]", "voxel spacing in mm; null when the source has none", nullable=True),
    Column("affine", "list<double>[16]", "row-major voxel index to RAS+ mm; the identity when there is no spacing"),
    Column(
        "source_orientation",
        "string",
        "axis codes before harmonising, such as LPS; null without geometry",
        nullable=True,
    ),
    Column("source_path", "string", "source file, relative to the source root"),
    Column("source_sha256", "string", "SHA-256 of the source file's bytes"),
    Column(
        "voxel_sha256",
        "string",
        "SHA-256 of shape and values (int16 where all are, else float32) of the stored voxels, whatever the file",
    ),
    Column("geometry", "string", "verdict on the source geometry: ok, none, or repaired:<what>"),
    Column("intensity_unit", "string", "HU, SUV, ...: unit of the voxels; null where not stated", nullable=True),
    Column("origin", "string", "<dataset>/<case> that the image was taken from; null where unknown", nullable=True),
    Column(
        "labelled_targets", "list<string>", "targets that were looked for in this image; absent from here is unknown"
    ),
)

MASKS: Table = (
    Column("mask_id", "string", "<image_id>#<target>[/<rater>][/<instance>]; unique"),
    Column("image_id", "string", "image that the mask belongs to"),
    *_WHOSE,
    *_SEEN_AS,
    Column("target", "string", "vocabulary slug"),
    Column("side", "string", "left, right or null", nullable=True),
    Column("kind", "string", "organ, bone, lesion, ... of the target"),
    Column("anatomy_group", "string", "anatomical group of the SAM-Med3D taxonomy; null outside it", nullable=True),
    Column("source_label", "string", "what the source called it"),
    Column("source_path", "string", "label file it was read from, relative to the source root"),
    Column("path", "string", "label map, relative to the store"),
    Column("label_values", "list<int32>", "values of the label map whose union is the mask"),
    Column("voxels", "int64", "number of voxels in the mask"),
    Column("volume_mm3", "double", "voxels times voxel volume; null without spacing", nullable=True),
    Column("bbox_ijk", "list<int32>[6]", "half-open bounding box: i0 j0 k0 i1 j1 k1"),
    Column(
        "extent_mm", "list<double>[3]", "sides of the bounding box along i, j, k; null without spacing", nullable=True
    ),
    Column("centroid_mm", "list<double>[3]", "mean voxel centre in RAS+ mm; null without spacing", nullable=True),
    Column("components", "int32", "connected components, 26-connected (8-connected in 2D)"),
    Column("touches_border", "bool", "true when the mask reaches the edge of the image"),
)

REJECTIONS: Table = (
    Column("dataset", "string", "recipe id of the dataset"),
    Column("case_id", "string", "case concerned; null for a file of no case", nullable=True),
    Column("image_id", "string", "image concerned; null when it is not one image", nullable=True),
    Column("target", "string", "target concerned; null when it is not one target", nullable=True),
    Column("stage", "string", "scan, check, label, rule or build"),
    Column("code", "string", "closed list: see `curate.rejections.CODES`"),
    Column(
        "effect",
        "string",
        "left_out: it is not in the store; changed: it is, but not as the source had it; noted: it is, as it was",
    ),
    Column("detail", "string", "what was found, what was expected, what to do"),
    Column(
        "source_path", "string", "file concerned, relative to the source root; null when there is none", nullable=True
    ),
    Column("measured", "double", "for rules: the measured value", nullable=True),
    Column("threshold", "double", "for rules: what it was held against", nullable=True),
    Column("step", "int32", "for rules: place of the rule in the profile's list, from 1", nullable=True),
    Column("rule", "string", "for rules: its name in the profile", nullable=True),
    Column("masks_before", "int32", "for rules: masks that came to the rule and that the row is about", nullable=True),
    Column("masks_after", "int32", "for rules: what is left of them, in masks", nullable=True),
)

SPLITS: Table = (
    Column("image_id", "string", "image"),
    Column("dataset", "string", "recipe id of the dataset"),
    Column("patient_id", "string", "patient; all images of one patient stand in one split"),
    Column("split", "string", "train, val or test"),
    Column(
        "origin",
        "string",
        "official: from the source; hashed: from the patient key; grouped: moved by `curate split`, and kept",
    ),
)

DATASETS: Table = (
    Column("dataset", "string", "recipe id; unique"),
    Column("title", "string", "name of the dataset"),
    Column("licence", "string", "SPDX identifier or a named licence"),
    Column("licence_evidence", "string", "where the licence is stated, and what is unclear about it"),
    Column("licence_state", "string", "stated, unclear, or conflict: two statements that cannot both hold"),
    Column("licence_conflict", "string", "what another place says instead; null without conflict", nullable=True),
    Column("citation", "string", "how to cite it"),
    Column("homepage", "string", "page of the dataset; null where none is known", nullable=True),
    Column("source", "string", "what was built from: repository and revision, release or DOI"),
    Column("annotation", "string", "who or what made the masks"),
    Column("derived_from", "list<string>", "ids of datasets that it took images or patients from"),
    Column("recipe_sha256", "string", "hash of the recipe's content"),
    Column("images", "int64", "images in the store"),
    Column("masks", "int64", "masks in the store"),
    Column("patients", "int64", "patients in the store"),
    Column("rejections", "int64", "rows in its rejections table"),
)

PER_DATASET: Mapping[str, Table] = {"images": IMAGES, "masks": MASKS, "rejections": REJECTIONS, "splits": SPLITS}


def arrow_schema(table: Table, metadata: Mapping[str, str] | None = None) -> "pa.Schema":
    """Return the Arrow schema of a table; every field carries its meaning as metadata `description`."""
    import pyarrow as pa

    fields = [
        pa.field(
            column.name, _arrow_type(column.kind), nullable=column.nullable, metadata={"description": column.meaning}
        )
        for column in table
    ]
    return pa.schema(fields, metadata=dict(metadata or {}))


def arrow_table(
    table: Table, rows: Sequence[Mapping[str, Any]], metadata: Mapping[str, str] | None = None
) -> "pa.Table":
    """Turn rows into an Arrow table.

    Raises:
        ValueError: When a row's keys are not exactly the columns (Arrow alone would drop or invent them silently).
    """
    import pyarrow as pa

    names = {column.name for column in table}
    for row in rows:
        if row.keys() != names:
            raise ValueError(f"row has unknown keys {sorted(row.keys() - names)}, lacks {sorted(names - row.keys())}")
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(table, metadata))


@cache
def _arrow_type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    scalars = {
        "string": pa.string(),
        "bool": pa.bool_(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "double": pa.float64(),
    }
    if not kind.startswith("list<"):
        return scalars[kind]
    inner, _, length = kind.removeprefix("list<").partition(">")
    return pa.list_(scalars[inner], int(length.strip("[]")) if length else -1)
