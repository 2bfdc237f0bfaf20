"""The nouns of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Box
from curate.labelmap import BoxMask


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """What a user drew without lifting the pen."""

    tool: Literal["scribble", "lasso"]
    """A scribble runs inside its region, a lasso around it."""
    voxels_ijk: NDArray[np.int64]
    """(n, 3) voxel indices on the image's own grid, in no order of drawing."""
    label: int
    """1 for the target, 0 for what is not."""


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
    target: str | None = None
    """Vocabulary slug of what to segment; only models whose card lists `target` are told."""
    previous: BoxMask | None = None
    """A mask on the image's own grid to start from; only models whose card lists `previous` are shown one."""
    boxes: tuple[Box, ...] = ()
    """Half-open boxes one slice thick, where slices have boxes of their own."""
    strokes: tuple[Stroke, ...] = ()
    """Scribbles and lassos, oldest first."""
    n_actions: int = 0
    """What all of this, and what is no longer shown, cost the user; protocols that count points leave it 0."""

    def __post_init__(self) -> None:
        """Refuse points that do not pair with labels."""
        if self.points_ijk.shape != (len(self.labels), 3):
            raise ValueError(f"{self.points_ijk.shape} points need as many labels, found {len(self.labels)}")

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of prompt are present: `points`, `box`, `boxes`, `scribble`, `lasso`, `target`, `previous`."""
        shown = {"points": len(self.labels), "box": self.box, "target": self.target, "previous": self.previous}
        kinds = {kind for kind, value in shown.items() if value} | {stroke.tool for stroke in self.strokes}
        return frozenset(kinds | {"boxes"} if self.boxes else kinds)

    def copy(self) -> "Prompts":
        """Return equal prompts in arrays of their own, for a model to do with as it likes."""
        mask = self.previous
        own = None if mask is None else BoxMask(mask.shape_ijk, mask.box, mask.voxels.copy())
        strokes = tuple(replace(stroke, voxels_ijk=stroke.voxels_ijk.copy()) for stroke in self.strokes)
        points, labels = self.points_ijk.copy(), self.labels.copy()
        return replace(self, points_ijk=points, labels=labels, previous=own, strokes=strokes)

    def with_point(self, point_ijk: Sequence[int], label: int) -> "Prompts":
        """Return these prompts and one more point."""
        points = np.vstack([self.points_ijk, np.asarray(point_ijk, dtype=np.int64)[None]])
        return replace(self, points_ijk=points, labels=np.append(self.labels, np.int64(label)))
