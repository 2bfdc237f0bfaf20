"""What can be chosen about 2D inference; every published model states its own defaults."""

from dataclasses import dataclass
from typing import Literal, get_args

from bench.models.precision import Precision
from curate.errors import UsageError

Fit = Literal["longest-side", "pad-or-stretch", "stretch"]
Channels = Literal["rgb", "bgr"]
Intensity = Literal["volume", "slice", "percentiles", "window"]
Axis = Literal["coarsest", "i", "j", "k"]
Multimask = Literal["always", "one-point", "never"]
Previous = Literal["logits", "sigmoid", "none"]

_CHOICES = {
    "fit": Fit,
    "channels": Channels,
    "intensity": Intensity,
    "axis": Axis,
    "multimask": Multimask,
    "previous": Previous,
    "precision": Precision,
}


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of one model."""

    fit: Fit = "longest-side"
    """How a picture becomes a square: its longest side is scaled and the rest padded (SAM, SAM-UNet); it is stretched
    without regard to its aspect, or padded where both sides are shorter (SAM-Med2D's evaluation); or always stretched
    (SAM-Med2D's predictor)."""
    channels: Channels = "rgb"
    """Order in which the network sees the colours; SAM-Med2D's evaluation never turned OpenCV's blue, green, red."""
    intensity: Intensity = "volume"
    """How intensities become 0 to 255: from least to greatest of the whole image (so SA-Med2D-20M is said to be made;
    unverified, since the code that cut its slices is not published), of each slice (SAM-UNet's zero-shot sets), between
    the percentiles 0.5 and 99.5, or through `window`. 8-bit pictures are left as they are."""
    window: tuple[float, float] = (-160.0, 240.0)
    """Lowest and highest intensity of the window: by default 400 HU around 40, for soft tissue in CT."""
    canonical: bool = True
    """Turn volumes to R, A, S first, as images of a store are anyway; else slices are seen as they are stored. The
    demonstration pictures of SAM-Med2D show slices of R, A, S (or L, A, S) volumes without a turn: back at the top."""
    axis: Axis = "coarsest"
    """Axis across the slices of a (turned) volume; `coarsest` is the one with the largest spacing, k if in doubt."""
    multimask: Multimask = "always"
    """When to ask for three answers and keep the one whose predicted IoU is the highest."""
    previous: Previous = "logits"
    """What is shown of the previous answer on a slice: its logits (SAM), their sigmoid (SAM-Med2D), or nothing; then
    all points of a slice are shown at once."""
    propagate: bool = False
    """Prompt slices without prompts by the box of the neighbouring slice's mask; else they are empty."""
    pictures_per_batch: int = 16
    """Slices that are encoded together."""
    cache_mb: float = 512
    """Memory for the embeddings of one image, in MiB, on the device; answers are kept in a quarter of it."""
    precision: Precision = "float32"
    """Of the encoder's matrix products; less than float32 on CUDA only."""
    compiled: bool = False
    """Compile the encoder by `torch.compile`, on CUDA only."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: With what may stand there.
        """
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in get_args(choices):
                raise UsageError(f"{name} must be one of {', '.join(get_args(choices))}, found {getattr(self, name)!r}")
        if len(self.window) != 2 or not self.window[0] < self.window[1]:
            raise UsageError(f"window must be (lowest, highest), found {self.window}")
        for name, least in (("pictures_per_batch", 1), ("cache_mb", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be {least} or more, found {getattr(self, name)}")
