"""What can be chosen about the inference of SAM-Med3D, and the three choices that were published."""

from dataclasses import dataclass
from typing import Literal

from bench.models.precision import Precision

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
    """Cubes that one target may take, clicked ones included; the published code has one, the paper more."""
    precision: Precision = "float32"
    """What the encoder's matrix products are computed in; anything else needs CUDA."""
    compiled: bool = False
    """Compile the encoder with `torch.compile`; needs CUDA."""


PAPER = Options()
CROP = Options(canonical=False, max_windows=1)
"""The validation script of the repository until April 2025; its loader read bare arrays, so that nothing was turned."""
NATIVE = Options(points_fed="all", max_windows=1)
"""`utils/infer_utils.py` of the repository since April 2025."""
