"""What can be chosen about the inference of SAM-Med3D."""

from dataclasses import dataclass
from typing import Literal

PointsFed = Literal["newest", "all"]


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of one model; the defaults follow the paper."""

    device: str = "cpu"
    """A PyTorch device."""
    canonical: bool = True
    """Turn images to R, A, S; some training code did not, so that both are worth a run."""
    clamp_ct: bool = False
    """Clamp intensities to [-1000, 1000]; right for CT only."""
    points_fed: PointsFed = "newest"
    """`newest`, as in training, or `all` points so far, which degrades the published weights."""
    max_windows: int = 8
    """Cubes that one target may take, clicked ones included."""
