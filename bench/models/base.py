"""What a model is: a card, `open(image)`, and a session that may be asked again with more prompts.

Any object with these two members is a model; nothing has to be inherited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model takes; what it cannot take becomes the status `unsupported`."""

    dimensions: frozenset[int] = frozenset({2, 3})
    """2 for single slices, 3 for volumes."""
    prompts: frozenset[str] = frozenset({"points"})
    """Kinds of prompt that it uses: `points`, `box`."""


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
        """Segment one target from all its prompts so far, on the image's own grid.

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


def ask(session: Session, prompts: Sequence[Prompts]) -> Sequence[BoxMask]:
    """Ask a session for several targets, in one call where it can batch them."""
    many = getattr(session, "predict_many", None)
    if many is not None:
        return list(many(prompts))
    return [session.predict(one) for one in prompts]
