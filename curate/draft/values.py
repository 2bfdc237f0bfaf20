"""A bounded look into files: is this a label map, and which values does it hold?"""

from dataclasses import dataclass, field
from typing import Any

from curate.draft.listing import Listing
from curate.errors import ReadError

MOST_FILES = 150
"""Files whose voxels are read for one draft."""
MOST_HEADERS = 400
_MOST_LABEL_VALUES = 64
"""A file that calls itself neither image nor label is an image with more values than this."""
_MOST_VALUES = 4096
_BACKGROUND = 0.3
"""Share of zeros from which on a file may be a label map."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file holds."""

    values: tuple[int, ...]
    """Distinct values but 0, sorted; empty where they are no integers or too many."""
    zeros: float
    """Share of zeros."""
    low: float
    high: float
    is_whole: bool
    """True when every voxel is an integer."""
    is_colour: bool
    shape: tuple[int, ...]

    @property
    def is_label_map(self) -> bool:
        """True for few integers among many zeros, and for nothing but zeros."""
        few = self.is_whole and not self.is_colour and len(self.values) <= _MOST_LABEL_VALUES
        return few and self.low >= 0 and self.zeros >= _BACKGROUND


@dataclass(slots=True)
class Looker:
    """Opens files of a tree, each once, and not too many."""

    listing: Listing
    _looks: dict[str, Look | None] = field(default_factory=dict)
    _grids: dict[str, Any] = field(default_factory=dict)

    def look(self, path: str) -> Look | None:
        """Return what a file holds; None where it cannot be read, or where enough files were read already."""
        if path not in self._looks and len(self._looks) < MOST_FILES:
            self._looks[path] = self._read(path)
        return self._looks.get(path)

    def grid(self, path: str) -> Any:
        """Return the canonical grid of an image, label file or DICOM folder (ending in /), or None where unknown."""
        if path not in self._grids and len(self._grids) < MOST_HEADERS:
            self._grids[path] = self._header(path)
        return self._grids.get(path)

    def same_grid(self, label: str, image: str) -> bool:
        """Tell whether a label file and an image lie on one grid; True where one of the two is unknown."""
        one, other = self.grid(label), self.grid(image)
        return one is None or other is None or bool(one.same_grid(other))

    def _read(self, path: str) -> Look | None:
        from curate import readers

        try:
            return describe(readers.read(self.listing.tree / path))
        except ReadError:
            return None

    def _header(self, path: str) -> Any:
        from curate import source_files
        from curate.recipe import ImageFiles

        try:
            entry = ImageFiles(path="{case}/" if path.endswith("/") else "{case}", modality="CT")
            return source_files.header(self.listing.tree / path, entry).geometry.canonical()
        except ReadError:
            return None


def describe(volume: Any) -> Look:
    """Return what a volume holds; a colour picture whose channels agree is grey."""
    import numpy as np

    voxels = volume.voxels
    is_colour = volume.is_colour and bool((voxels != voxels[..., :1]).any())
    if volume.is_colour:
        voxels = voxels[..., 0]
    finite = np.nan_to_num(voxels, nan=0.5, posinf=0.5, neginf=0.5) if voxels.dtype.kind == "f" else voxels
    rounded = np.rint(finite)
    is_whole = bool((np.abs(finite - rounded) < 1e-3).all()) if voxels.dtype.kind == "f" else True
    found = np.unique(rounded) if is_whole else rounded[:0]
    values = tuple(int(value) for value in found if value != 0) if found.size <= _MOST_VALUES else ()
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    zeros = float(np.mean(finite == 0)) if finite.size else 0.0
    return Look(values, zeros, low, high, is_whole and found.size <= _MOST_VALUES, is_colour, voxels.shape)
