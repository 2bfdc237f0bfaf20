"""nnInteractive opened on one image; its package works on one image and one target at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UnsupportedError
from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume

Click = tuple[tuple[int, ...], int]
"""A point and its label."""


@dataclass(slots=True, eq=False)
class Engine:
    """The one session of the package, shared by all sessions of a model."""

    session: Any
    """An `nnInteractiveInferenceSession` with its network loaded."""
    image: object | None = None
    """Whose image it holds."""
    buffer: NDArray[np.uint8] | None = None
    """Where it writes the mask, (k, j, i)."""
    start: tuple[Any, ...] | None = None
    """The mask that it started from, as bytes."""
    clicks: tuple[Click, ...] = ()
    """What it was shown of the present target."""


class NnInteractiveSession:
    """An answer depends on the prompts alone: the package is shown the new clicks, or all of them anew.

    Arrays go in as SimpleITK would give them, (k, j, i), and come back the same way.
    """

    def __init__(self, engine: Engine, image: Volume) -> None:
        """Remember the image.

        Raises:
            UnsupportedError: For a single slice, NaN or infinity, or an image without contrast.
        """
        if image.geometry.is_2d:
            raise UnsupportedError(f"nnInteractive takes volumes, found {image.geometry}")
        voxels = image.grey()
        low, high = float(voxels.min()), float(voxels.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise UnsupportedError("the image holds NaN or infinity")
        if low == high:
            raise UnsupportedError(f"every voxel of the image is {low:g}, which nnInteractive cannot normalise")
        self._engine = engine
        self._shape = image.geometry.shape_ijk
        self._voxels = voxels

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target on the image's own grid.

        Raises:
            UnsupportedError: For a box, without any point and mask, or for a point outside the image.
        """
        self._require(prompts)
        clicks = tuple((tuple(p), n) for p, n in zip(prompts.points_ijk.tolist(), prompts.labels.tolist(), strict=True))
        start = None if prompts.previous is None else (prompts.previous.box, prompts.previous.voxels.tobytes())
        buffer = self._ready()
        known = len(self._engine.clicks)
        if self._engine.start != start or self._engine.clicks != clicks[:known] or known == 0:
            self._begin(prompts.previous, alone=not clicks)
            self._engine.start, known = start, 0
        self._engine.clicks = ()  # whatever fails now, the next answer starts anew
        for (i, j, k), label in clicks[known:]:
            self._engine.session.add_point_interaction((k, j, i), include_interaction=label == 1)
        self._engine.clicks = clicks
        return BoxMask.of(buffer.T > 0)

    def _require(self, prompts: Prompts) -> None:
        if not prompts.kinds or prompts.kinds - {"points", "previous"}:
            found = sorted(prompts.kinds) or "no prompt"
            raise UnsupportedError(f"nnInteractive takes points and a mask to start from, found {found}")
        for point in prompts.points_ijk.tolist():
            if not all(0 <= p < n for p, n in zip(point, self._shape, strict=True)):
                raise UnsupportedError(f"point {tuple(point)} lies outside the image {self._shape}")

    def _ready(self) -> NDArray[np.uint8]:
        """Hand the image over, unless it is there already; return the buffer."""
        engine = self._engine
        if engine.image is not self or engine.buffer is None:
            engine.image, engine.clicks, engine.start = self, (), None
            engine.session.set_image(np.ascontiguousarray(self._voxels.T[None]))
            engine.buffer = np.zeros(self._shape[::-1], dtype=np.uint8)
            engine.session.set_target_buffer(engine.buffer)
        return engine.buffer

    def _begin(self, previous: BoxMask | None, *, alone: bool) -> None:
        """Forget the target before; start from a mask, which is refined at once where nothing else is shown."""
        self._engine.session.reset_interactions()
        self._engine.clicks = ()
        if previous is not None:
            mask = np.ascontiguousarray(previous.full().T).astype(np.uint8)
            self._engine.session.add_initial_seg_interaction(mask, run_prediction=alone)
