"""The account of an export: what was written, and what was left out and why."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from curate.files import write_bytes

CODES: Mapping[str, str] = {
    "needs_volume": "a 2D image, in a format of volumes",
    "other_channels": "a case whose channels or file format differ from those of most cases of its dataset",
    "channels_disagree": "a case whose channels lie on different grids, or carry different masks",
    "not_labelled": "a case that was not labelled for every chosen target: its background is unknown",
    "mask_left_out": "a case of which the build left out a mask of a chosen target: it would pass as background",
    "several_masks": "a case with several masks of one target (raters, instances), in a format that holds one",
    "elongated_slices": "a volume's slices across one axis, twice as long as wide or more",
    "small_regions": "connected regions of a mask that are too small a part of their slices",
    "no_slice": "a mask of which no slice is left",
}
"""Every code and what it means. New codes are appended; a code never changes its meaning."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One row of `export_rejections.csv`."""

    dataset: str
    case_id: str
    image_id: str
    """Empty where a whole case is concerned."""
    target: str
    """Empty where a whole image is concerned."""
    code: str
    effect: Literal["left_out", "changed"]
    """left_out: it is not in the export; changed: it is, but not whole."""
    detail: str

    def __post_init__(self) -> None:
        """Refuse codes that are not on the list."""
        if self.code not in CODES:
            raise ValueError(f"`{self.code}` is not a code of exports")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What one export did."""

    format: str
    cases: int
    images: int
    """Images of the store that are in the export, each counted once."""
    masks: int
    """Masks of the store that are in the export, each counted once."""
    files: int
    """Image and label files of the export."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Code -> rows of `export_rejections.csv` whose effect is `left_out`."""
    notes: Sequence[str] = ()
    """What a user should know, a line each."""


def write_rejections(path: Path, rows: Sequence[LeftOut]) -> None:
    """Write `export_rejections.csv`; with no rows, its header alone."""
    names = [one.name for one in fields(LeftOut)]
    ordered = sorted((asdict(row) for row in rows), key=lambda row: [row[name] for name in names])
    write_csv(path, names, ordered)


def write_csv(path: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV in UTF-8, with the columns in the order of `names`; null becomes an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())
