"""SAM-Med3D as models of the benchmark: one network, the three inferences that were published for it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from bench.models.base import Capabilities, ModelCard, Session
from bench.models.changes import changed
from bench.models.sam_med3d.options import CROP, NATIVE, PAPER, Options, PointsFed
from curate.errors import UsageError
from curate.volume import Volume

if TYPE_CHECKING:
    from torch import nn

    from bench.models.sam_med3d.decoding import Network

CARD = ModelCard(
    name="sam-med3d",
    description="SAM-Med3D (Wang et al., uni-medical/SAM-Med3D): point prompts on volumes, inference as in the paper",
    licence="Apache-2.0",
    capabilities=Capabilities(dimensions=frozenset({3}), prompts=frozenset({"points"})),
    training_card="sam-med3d",
    weights="published SAM-Med3D checkpoint (.pth), wrapped or bare",
)


def _one_cube(name: str, which: str) -> ModelCard:
    return replace(
        CARD,
        name=name,
        description=f"SAM-Med3D, inference of {which}: one cube of 192 mm on the box, else on the first click",
        capabilities=Capabilities(dimensions=frozenset({3}), prompts=frozenset({"points", "box"})),
    )


class SamMed3D:
    """The published network with the paper's inference.

    `clamp_ct` is off by default because a model is not told an image's modality, and because training clamped an
    image only when its path contained `/ct_`, which the published preparation script never writes.

    Attributes:
        card: What the model says of itself.
        defaults: The options of the inference as it was published.
        options: Those of this model.
        weights_sha256: Digest of the weights file.
    """

    card = CARD
    defaults: ClassVar[Options] = PAPER

    def __init__(self, weights: Path | None, device: str = "cpu", **changes: Any) -> None:
        """Load the weights.

        Args:
            weights: The checkpoint.
            device: `cpu` or a CUDA device.
            **changes: Fields of `bench.models.sam_med3d.options.Options` that differ from what was published.

        Raises:
            UsageError: When an option cannot be meant, or the weights are missing or another model's.
        """
        self.options = self._options(device, changes)
        if weights is None:
            raise UsageError(f"{self.card.name} needs weights: add --weights FILE, a {self.card.weights}")
        self._network, self.weights_sha256 = self._loaded(weights)

    def unfilled(self) -> "nn.Module":
        """Return the network without memory for its parameters."""
        from bench.models.sam_med3d.network import unfilled_network

        return unfilled_network()

    def open(self, image: Volume) -> Session:
        """Resample the image; cubes are encoded when clicks first need them.

        Raises:
            UnsupportedError: For a single slice, an image without spacing, NaN or infinity.
        """
        from bench.models.sam_med3d.inference import PaperSession

        return PaperSession(self._network, image, self.options)

    def _options(self, device: str, changes: dict[str, Any]) -> Options:
        options = replace(changed(self.defaults, changes, self.card.name, kept=("device",)), device=device)
        if options.points_fed not in get_args(PointsFed):
            raise UsageError(
                f"points_fed must be one of {', '.join(get_args(PointsFed))}, found {options.points_fed!r}"
            )
        if options.max_windows < 1:
            raise UsageError(f"max_windows must be 1 or more, found {options.max_windows}")
        return options

    def _loaded(self, weights: Path) -> "tuple[Network, str]":
        from bench.devices import require
        from bench.models.checkpoint import fill, load_state_dict
        from bench.models.precision import reduced
        from bench.models.sam_med3d.network import unfilled_network

        device = self.options.device
        require(device)
        network = unfilled_network()
        ready = reduced(network, device, precision=self.options.precision, compiled=self.options.compiled)
        state, digest = load_state_dict(weights)
        fill(network, state, weights)
        network.to(device)
        return ready, digest


class _OneCube(SamMed3D):
    """The network with one cube, as published code has it."""

    def open(self, image: Volume) -> Session:
        """Keep the image; a cube is resampled and encoded when prompts first need it.

        Raises:
            UnsupportedError: For a single slice, an image without spacing, NaN or infinity.
        """
        from bench.models.sam_med3d.one_cube import OneCubeSession

        return OneCubeSession(self._network, image, self.options)

    def _options(self, device: str, changes: dict[str, Any]) -> Options:
        options = super()._options(device, changes)
        if options.max_windows != 1:
            raise UsageError(f"{self.card.name} has one cube; leave max_windows out, or use sam-med3d")
        return options


class SamMed3DCrop(_OneCube):
    """The network with the inference of the validation script that the repository had until April 2025."""

    card = _one_cube("sam-med3d-crop", "the validation script until April 2025")
    defaults: ClassVar[Options] = CROP


class SamMed3DNative(_OneCube):
    """The network with the inference of the current repository."""

    card = _one_cube("sam-med3d-native", "the current repository")
    defaults: ClassVar[Options] = NATIVE
