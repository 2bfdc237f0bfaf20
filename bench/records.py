"""The nouns of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Box


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """Everything that a user has shown so far of one target; a later call repeats the earlier points."""

    key: str
    """Tells the targets of one session apart; says nothing about what the target is."""
    points_ijk: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    """(n, 3) voxel indices on the image's own grid, oldest first."""
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """(n,): 1 inside the target, 0 outside."""
    box: Box | None = None
    """Half-open box in voxels around the target."""

    def __post_init__(self) -> None:
        """Refuse points that do not pair with labels."""
        if self.points_ijk.shape != (len(self.labels), 3):
            raise ValueError(f"{self.points_ijk.shape} points need as many labels, found {len(self.labels)}")

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of prompt are present: `points`, `box`."""
        kinds = {"points"} if len(self.labels) else set()
        return frozenset(kinds | ({"box"} if self.box else set()))

    def copy(self) -> "Prompts":
        """Return equal prompts in arrays of their own, for a model to do with as it likes."""
        return Prompts(self.key, self.points_ijk.copy(), self.labels.copy(), self.box)

    def with_point(self, point_ijk: Sequence[int], label: int) -> "Prompts":
        """Return these prompts and one more point."""
        points = np.vstack([self.points_ijk, np.asarray(point_ijk, dtype=np.int64)[None]])
        return Prompts(self.key, points, np.append(self.labels, np.int64(label)), self.box)
