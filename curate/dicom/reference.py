"""Which image series a segmentation or a structure set was drawn on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from curate.dicom.dataset import open_dataset, reading

if TYPE_CHECKING:
    from pydicom import Dataset

_TO_SERIES = (
    ("ReferencedSeriesSequence",),
    ("ReferencedFrameOfReferenceSequence", "RTReferencedStudySequence", "RTReferencedSeriesSequence"),
)
"""Nested sequences that end in a SeriesInstanceUID: of segmentations (PS3.3, C.12.4), of structure sets (C.8.8.5)."""


def referenced_series(path: Path) -> tuple[str, ...]:
    """Return the SeriesInstanceUIDs that a file refers to, sorted; empty where it names none.

    Raises:
        ReadError: `unreadable` when it is no DICOM file.
    """
    with reading(path):
        dataset = open_dataset(path, tags=[steps[0] for steps in _TO_SERIES])
        items = [item for steps in _TO_SERIES for item in _descend(dataset, steps)]
        return tuple(sorted({str(item.SeriesInstanceUID) for item in items if "SeriesInstanceUID" in item}))


def _descend(dataset: Dataset, steps: tuple[str, ...]) -> list[Dataset]:
    """Return the items of nested sequences, the outermost named first."""
    level = [dataset]
    for step in steps:
        level = [item for holder in level for item in holder.get(step) or ()]
    return level
