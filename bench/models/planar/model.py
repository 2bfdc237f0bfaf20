"""A published 2D network as a model of the benchmark: weights, device, options."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.models.base import ModelCard, Session
from bench.models.changes import changed
from bench.models.planar.options import Options
from curate.errors import UsageError
from curate.volume import Volume

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.models.planar.network import PlanarNetwork


class PlanarModel(ABC):
    """What the published 2D models share; a subclass names its card, its defaults and its network.

    Attributes:
        card: What the model says of itself.
        weights_sha256: Digest of the weights file.
    """

    card: ModelCard
    defaults: ClassVar[Options]
    fixed: ClassVar[tuple[str, ...]] = ()
    """Options that this model does not have."""

    def __init__(self, weights: Path | None, device: str = "cpu", **changes: Any) -> None:
        """Load the weights.

        Args:
            weights: The checkpoint.
            device: `cpu` or a CUDA device.
            **changes: Fields of `bench.models.planar.options.Options` that differ from the published defaults.

        Raises:
            UsageError: When an option cannot be meant, or the weights are missing or another model's.
        """
        self.options = changed(self.defaults, changes, self.card.name, kept=self.fixed)
        if weights is None:
            raise UsageError(f"{self.card.name} needs weights: add --weights FILE, a {self.card.weights}")
        self._device = device
        self._network, self.weights_sha256 = self._loaded(weights)

    @abstractmethod
    def unfilled(self) -> "nn.Module":
        """Return the network, a `PlanarNetwork` in evaluation mode, without memory for its parameters."""

    def adapted(self, state: "Mapping[str, Tensor]", expected: "Mapping[str, Tensor]") -> "Mapping[str, Tensor]":
        """Return a checkpoint's entries as the network expects them; most checkpoints fit as they are."""
        del expected
        return state

    def open(self, image: Volume) -> Session:
        """Look at the image's range; slices are encoded when prompts first need them.

        Raises:
            UnsupportedError: When the image holds NaN or infinity, or colours that are not three.
        """
        from bench.models.planar.session import PlanarSession

        kinds = self.card.capabilities.prompts
        return PlanarSession(self._network, image, self.options, self._device, prompts=kinds)

    def _loaded(self, weights: Path) -> "tuple[PlanarNetwork, str]":
        from bench.devices import require
        from bench.models.checkpoint import fill, load_state_dict
        from bench.models.precision import reduced

        require(self._device)
        network: Any = self.unfilled()
        ready = reduced(network, self._device, precision=self.options.precision, compiled=self.options.compiled)
        state, digest = load_state_dict(weights)
        fill(network, self.adapted(state, network.state_dict()), weights)
        network.to(self._device)
        return ready, digest
