"""What a trial reads from the store: the image, and the reference mask of each target."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.suite import Unit
from curate import volume
from curate.geometry import Geometry
from curate.labelmap import BoxMask, extract
from curate.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One mask, tried once: each seed has a target of its own."""

    mask_id: str
    reference: BoxMask
    slug: str
    """What it is, in the words of the vocabulary; told only to models that are to be told."""
    kind: str
    """organ, lesion, vessel, ...: says which further metrics it has."""
    seed: int = 0

    @property
    def key(self) -> str:
        """What a model knows the target by: the same wherever and whenever it is asked, and telling nothing of it.

        It differs by seed, so that a session keeps nothing of one trial for the next.
        """
        words = self.mask_id if self.seed == 0 else f"{self.mask_id}\x1fseed {self.seed}"
        return hashlib.sha256(words.encode()).hexdigest()[:16]


def read_unit(unit: Unit, store: Path) -> tuple[Volume, list[Target]]:
    """Read an image and its reference masks; sources without spacing keep their pixel grid.

    Raises:
        ReadError: When the image or a label map cannot be read.
    """
    image = volume.read(store / unit.image["path"])
    affine = np.array(unit.image["affine"]).reshape(4, 4)
    grid = Geometry(image.geometry.shape_ijk, affine, "pixel" if unit.image["spacing_mm"] is None else "mm")
    labels = {path: volume.read(store / path).voxels for path in sorted({mask["path"] for mask in unit.masks})}
    return Volume(image.voxels, grid), [_target(mask, labels[mask["path"]]) for mask in unit.masks]


def _target(mask: Mapping[str, Any], labels: NDArray[Any]) -> Target:
    reference = extract(labels, mask["label_values"], tuple(mask["bbox_ijk"]))
    return Target(mask["mask_id"], reference, mask["target"], mask["kind"])
