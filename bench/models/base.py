"""What a model is: a card, `open(image)`, and a session that may be asked again with more prompts.

Any object with these two members is a model; nothing has to be inherited.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model takes; what it cannot take becomes the status `unsupported`."""

    dimensions: frozenset[int] = frozenset({2, 3})
    """2 for single slices, 3 for volumes."""
    prompts: frozenset[str] = frozenset({"points"})
    """Kinds of prompt that it uses: `points`, `box`, `boxes` (of slices), `scribble`, `lasso`, `previous` (a mask to
    start from), `target` (the vocabulary slug of what to segment: models without other prompts are told that)."""
    targets: frozenset[str] = frozenset()
    """Slugs that it can be told, where they are few and known; empty where any may be asked for, or it takes none."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model says of itself."""

    name: str
    description: str
    licence: str
    """SPDX identifier of code and weights, or `unknown`."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    training_card: str | None = None
    """Name of a card in `manifests/cards`, or None where the training data are undisclosed."""
    weights: str | None = None
    """What `--weights` must name, in words; None for models without weights."""
    sees_reference: bool = False
    """True for the references that test a suite; they are shown apart on a leaderboard."""


@runtime_checkable
class Session(Protocol):
    """A model opened on one image. It may keep whatever it computed of the image."""

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target from all its prompts so far, on the image's own grid; `as_mask` says what may come back.

        A session may also have `predict_many(Sequence[Prompts]) -> Sequence[BoxMask]` to batch several targets.
        """


@runtime_checkable
class Model(Protocol):
    """Anything that can be opened on an image."""

    card: ModelCard

    def open(self, image: Volume) -> Session:
        """Encode one image; the session answers prompts in voxels of this image's grid."""


@runtime_checkable
class ReferenceModel(Protocol):
    """A model that is shown the truth, to test suites, protocols and metrics."""

    card: ModelCard

    def open_with_references(self, image: Volume, references: Mapping[str, BoxMask]) -> Session:
        """Open with the reference mask of each prompt key."""


def as_mask(answer: Any, shape_ijk: tuple[int, int, int]) -> BoxMask:
    """Take what a model answered, shrunk to its bounding box and in memory of its own.

    Args:
        answer: A `BoxMask`, or an array of the image's shape; of booleans, of integers (not 0 = inside), or of
            floating-point zeros and ones.
        shape_ijk: The image's grid.

    Raises:
        ValueError: For anything else. Probabilities are refused, because their threshold belongs to the model.
    """
    if isinstance(answer, BoxMask) and tuple(answer.shape_ijk) == shape_ijk:
        return _tight(answer, shape_ijk)
    if isinstance(answer, np.ndarray) and answer.shape == shape_ijk:
        return BoxMask.of(_inside(answer))
    found = getattr(answer, "shape_ijk", getattr(answer, "shape", None))
    what = type(answer).__name__ if found is None else f"{type(answer).__name__} of shape {tuple(found)}"
    raise ValueError(f"the model answered with {what}, expected a mask of shape {shape_ijk}")


def _tight(mask: BoxMask, shape_ijk: tuple[int, int, int]) -> BoxMask:
    low, high = mask.box[:3], mask.box[3:]
    fits = len(high) == 3 and all(0 <= a <= b <= n for a, b, n in zip(low, high, shape_ijk, strict=True))
    if not fits or np.shape(mask.voxels) != tuple(b - a for a, b in zip(low, high, strict=True)):
        found = f"box {tuple(mask.box)} and voxels {np.shape(mask.voxels)}"
        raise ValueError(f"the model answered with {found}, expected a half-open box inside {shape_ijk} and its voxels")
    inner = BoxMask.of(_inside(np.asarray(mask.voxels)))
    if inner.count == 0:
        return BoxMask(shape_ijk, (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))
    i0, j0, k0, i1, j1, k1 = inner.box
    i, j, k = (int(n) for n in low)
    return BoxMask(shape_ijk, (i + i0, j + j0, k + k0, i + i1, j + j1, k + k1), inner.voxels)


def _inside(voxels: NDArray[Any]) -> NDArray[np.bool_]:
    if voxels.dtype.kind in "iu":
        return np.asarray(voxels != 0)
    if voxels.dtype.kind == "f" and ((voxels == 0) | (voxels == 1)).all():
        return voxels.astype(np.bool_)
    if voxels.dtype.kind != "b":
        raise ValueError(f"the model answered with {voxels.dtype} values other than 0 and 1, expected a mask")
    return voxels
