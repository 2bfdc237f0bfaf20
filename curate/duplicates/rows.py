"""The rows of the table of duplicates; pure functions of what was found."""

from collections.abc import Sequence
from typing import Any

from curate.duplicates.evidence import Evidence
from curate.duplicates.grouping import connected
from curate.duplicates.images import ImageRef
from curate.duplicates.table import DUPLICATES

Row = dict[str, Any]


def exact(first: ImageRef, second: ImageRef) -> Row:
    """Return the row of two images of equal shape and values."""
    certain = {"similarity": 1.0, "correlation": 1.0, "residual": 0.0, "slope": 1.0, "offset": 0.0}
    return _pair(first, second) | certain | {"kind": "exact", "transform": "+i+j+k", "zoom_ijk": [1.0, 1.0, 1.0]}


def near(first: ImageRef, second: ImageRef, evidence: Evidence) -> Row:
    """Return the row of two images whose voxels were held against each other; numbers to six digits."""
    return _pair(first, second) | {
        "kind": evidence.kind,
        "similarity": _rounded(evidence.similarity),
        "correlation": _rounded(evidence.correlation),
        "residual": _rounded(evidence.residual),
        "transform": evidence.turn.code,
        "zoom_ijk": [_rounded(value) for value in evidence.zoom_ijk],
        "slope": _rounded(evidence.slope),
        "offset": _rounded(evidence.offset),
    }


def not_compared(image: ImageRef, error: BaseException) -> Row:
    """Return the row of an image that could not be read, or has nothing to compare."""
    return _empty() | _side("a", image) | {"kind": "not_compared", "detail": " ".join(str(error).split())[:300]}


def finished(found: Sequence[Row]) -> list[Row]:
    """Number the groups in the order of their first images, and sort the rows."""
    pairs = [row for row in found if row["image_b"] is not None]
    first_of = connected(((row["store_a"], row["image_a"]), (row["store_b"], row["image_b"])) for row in pairs)
    number = {first: n for n, first in enumerate(sorted(set(first_of.values())), start=1)}
    for row in pairs:
        row["duplicate_group"] = number[first_of[row["store_a"], row["image_a"]]]
    return sorted(found, key=lambda row: [str(row[name]) for name in ("store_a", "image_a", "store_b", "image_b")])


def _pair(first: ImageRef, second: ImageRef) -> Row:
    same_dataset = first.dataset == second.dataset
    return (
        _empty()
        | _side("a", first)
        | _side("b", second)
        | {
            "same_patient": same_dataset and first.patient_id == second.patient_id,
            "crosses_dataset": not same_dataset,
            "crosses_split": first.split != second.split,
        }
    )


def _side(side: str, image: ImageRef) -> Row:
    return {
        f"store_{side}": image.store,
        f"image_{side}": image.image_id,
        f"dataset_{side}": image.dataset,
        f"patient_{side}": image.patient_id,
        f"split_{side}": image.split,
    }


def _empty() -> Row:
    return {column.name: None for column in DUPLICATES}


def _rounded(value: float) -> float:
    """Cut off the digits in which machines differ."""
    return float(f"{value:.6g}")
