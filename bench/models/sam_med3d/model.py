"""SAM-Med3D as a model of the benchmark."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from bench.models.base import Capabilities, ModelCard, Session
from bench.models.sam_med3d.options import Options, PointsFed
from curate.errors import UsageError
from curate.volume import Volume

if TYPE_CHECKING:
    from bench.models.sam_med3d.network import SamMed3DNetwork

CARD = ModelCard(
    name="sam-med3d",
    description="SAM-Med3D (Wang et al., uni-medical/SAM-Med3D): point prompts on volumes, inference as in the paper",
    licence="Apache-2.0",
    capabilities=Capabilities(dimensions=frozenset({3}), prompts=frozenset({"points"})),
    training_card="sam-med3d",
    weights="published SAM-Med3D checkpoint (.pth), wrapped or bare",
)


class SamMed3D:
    """The published network with the paper's inference.

    `clamp_ct` is off by default because a model is not told an image's modality, and because training clamped an
    image only when its path contained `/ct_`, which the published preparation script never writes.

    Attributes:
        card: What the model says of itself.
        weights_sha256: Digest of the weights file.
    """

    card = CARD

    def __init__(
        self,
        weights: Path | None,
        device: str = "cpu",
        *,
        canonical: bool = True,
        clamp_ct: bool = False,
        points_fed: PointsFed = "newest",
        max_windows: int = 8,
    ) -> None:
        """Load the weights.

        Args:
            weights: The checkpoint.
            device: `cpu` or a CUDA device.
            canonical: Turn images to R, A, S before the network sees them.
            clamp_ct: Clamp intensities to [-1000, 1000] HU.
            points_fed: Show the network the newest point only, or all so far.
            max_windows: Bound on the cubes that one target may take.

        Raises:
            UsageError: When an argument cannot be meant, or the weights are missing or another model's.
        """
        if weights is None:
            raise UsageError(f"sam-med3d needs weights: add --weights FILE, a {CARD.weights}")
        if points_fed not in get_args(PointsFed):
            raise UsageError(f"points_fed must be one of {', '.join(get_args(PointsFed))}, found {points_fed!r}")
        if max_windows < 1:
            raise UsageError(f"max_windows must be 1 or more, found {max_windows}")
        self._options = Options(device, canonical, clamp_ct, points_fed, max_windows)
        self._network, self.weights_sha256 = _loaded(weights, device)

    def open(self, image: Volume) -> Session:
        """Resample the image; cubes are encoded when clicks first need them.

        Raises:
            UnsupportedError: For a single slice, or an image without spacing.
        """
        from bench.models.sam_med3d.inference import PaperSession

        return PaperSession(self._network, image, self._options)


def _loaded(weights: Path, device: str) -> "tuple[SamMed3DNetwork, str]":
    import torch

    from bench.models.checkpoint import fill, load_state_dict
    from bench.models.sam_med3d.network import unfilled_network

    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise UsageError(f"device {device!r} is not available here: type --device cpu")
    state, digest = load_state_dict(weights)
    network = unfilled_network()
    fill(network, state, weights)
    return network.to(device), digest
