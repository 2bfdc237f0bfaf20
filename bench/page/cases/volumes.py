"""The volumes behind the 3D viewer: NIfTI files as base64, small enough for a page that opens from disk."""

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.page.cases.grey import Shown
from bench.page.cases.reading import Case
from curate import volume
from curate.geometry import Geometry
from curate.volume import Volume

MOST_BYTES = 4_000_000
"""Of base64 per case; a larger one is thinned out."""


@dataclass(frozen=True, slots=True)
class Volumes:
    """What the viewer loads: base64 of gzipped NIfTI files."""

    image: str
    reference: str
    answers: tuple[str | None, ...]
    """In the order of the case's answers."""
    every: int
    """1: every voxel is there; n: every n-th along each axis."""

    @property
    def size_bytes(self) -> int:
        """Letters of base64 in all."""
        return sum(len(text) for text in (self.image, self.reference, *self.answers) if text)


def volumes(case: Case, picture: Shown, most_bytes: int = MOST_BYTES) -> Volumes:
    """Write the volumes of a 3D case, thinned out until they fit into `most_bytes`."""
    every = 1
    while True:
        written = _written(case, picture, every)
        if written.size_bytes <= most_bytes or every >= max(case.image.geometry.shape_ijk):
            return written
        every += 1


def _written(case: Case, picture: Shown, every: int) -> Volumes:
    grid = _thinned(case.image.geometry, every)
    grey = picture.voxels if picture.voxels.ndim == 3 else picture.voxels.mean(axis=3).astype(np.uint8)

    def encoded(voxels: NDArray[Any]) -> str:
        return _nifti(Volume(voxels[::every, ::every, ::every].astype(np.uint8), grid))

    answers = tuple(None if answer.mask is None else encoded(answer.mask) for answer in case.answers)
    return Volumes(encoded(grey), encoded(case.reference), answers, every)


def _thinned(grid: Geometry, every: int) -> Geometry:
    """Return the grid of every n-th voxel, from the first one on."""
    i, j, k = (-(-number // every) for number in grid.shape_ijk)
    affine = grid.affine.copy()
    affine[:3, :3] *= every
    return Geometry((i, j, k), affine)


def _nifti(content: Volume) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.nii.gz"
        volume.write(content, path)
        return base64.b64encode(path.read_bytes()).decode()
