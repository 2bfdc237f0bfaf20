"""What an exported network cannot say of itself: a TOML file beside it."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bench.models.base import Capabilities, ModelCard
from bench.models.targets import require_known
from curate.errors import UsageError
from curate.plugins import StrictModel, load_toml

Channel = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class Normalisation(StrictModel):
    """How intensities become the network's input, before resampling: clipped, then scaled."""

    clip: tuple[float, float] | None = None
    method: Literal["none", "zscore", "range"] = "none"
    """`zscore` subtracts the mean and divides by the deviation; `range` maps least and greatest to 0 and 1."""
    mean: float | None = None
    """Of the training data, for `zscore`; without it, of the image."""
    deviation: Positive | None = None

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise ValueError(f"clip must be [lowest, highest], found {list(self.clip)}")
        if (self.mean is None) != (self.deviation is None) or (self.mean is not None and self.method != "zscore"):
            raise ValueError("mean and deviation go together, with method = 'zscore'")
        return self


class Sidecar(StrictModel):
    """Name, targets and pre-processing of an exported network."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """What runs and leaderboards call the model."""
    description: str = "an exported network"
    licence: str = "unknown"
    """SPDX identifier of the weights."""
    training_card: str | None = None
    targets: dict[str, Channel | list[Channel]] = Field(min_length=1)
    """Vocabulary slug -> the output channel, or channels, whose union it is."""
    activation: Literal["softmax", "sigmoid"]
    """`softmax`: the channel with the highest value wins, channel 0 is background. `sigmoid`: each channel for itself,
    inside where its value is above 0 (outputs are logits)."""
    patch: list[Annotated[int, Field(ge=1)]] = Field(min_length=2, max_length=3)
    """Voxels that the network sees at once; two numbers for a network of slices."""
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of a patch that the next one covers again."""
    colours: Literal[1, 3] = 1
    """Channels of the input."""
    spacing_mm: list[Positive] | None = Field(default=None, min_length=3, max_length=3)
    """Images are resampled to this, along R, A, S (or i, j, k if not `canonical`); without it they stay as they are."""
    canonical: bool = True
    """Turn images to R, A, S; patch and spacing then are along these axes."""
    normalisation: Normalisation = Normalisation()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.activation == "softmax" and any(0 in channels for channels in self.channels.values()):
            raise ValueError("channel 0 of a softmax is background and can be no target")
        if any(not channels for channels in self.channels.values()):
            raise ValueError("every target needs a channel")
        return self

    @property
    def channels(self) -> dict[str, list[int]]:
        """Target -> channels."""
        return {slug: [own] if isinstance(own, int) else list(own) for slug, own in self.targets.items()}

    @property
    def dimensions(self) -> int:
        """2 for a network of slices, 3 for one of volumes."""
        return len(self.patch)

    def card(self, weights: str) -> ModelCard:
        """Return the model card; networks of slices run on volumes slice by slice."""
        takes = Capabilities(
            frozenset({2, 3} if self.dimensions == 2 else {3}), frozenset({"target"}), frozenset(self.targets)
        )
        return ModelCard(self.name, self.description, self.licence, takes, self.training_card, weights)


def description_of(weights: Path) -> Path:
    """Return where the sidecar of a weights file stands: the same name with the suffix `.toml`."""
    return weights.with_suffix(".toml")


def beside(weights: Path) -> Sidecar:
    """Read the sidecar of a weights file.

    Raises:
        UsageError: When there is none, when it breaks its schema, or when a target is not in the vocabulary.
    """
    path = description_of(weights)
    if not path.is_file():
        raise UsageError(f"{path}: no such file; describe {weights.name} there (name, targets, activation, patch)")
    sidecar = load_toml(path, Sidecar)
    require_known(path, sidecar.targets)
    return sidecar
