"""SAM-Med2D as a model of the benchmark."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.models.base import Capabilities, ModelCard
from bench.models.changes import require_alike
from bench.models.planar.model import PlanarModel
from bench.models.planar.options import Options

if TYPE_CHECKING:
    from torch import Tensor, nn

CARD = ModelCard(
    name="sam-med2d",
    description="SAM-Med2D (Cheng et al., OpenGVLab/SAM-Med2D): points and boxes on slices of 256 pixels",
    licence="Apache-2.0",
    capabilities=Capabilities(dimensions=frozenset({2, 3}), prompts=frozenset({"points", "box", "boxes"})),
    training_card="sam-med2d",
    weights="published SAM-Med2D checkpoint (sam-med2d_b.pth), wrapped or bare",
)
EVALUATED = Options(fit="pad-or-stretch", channels="bgr", multimask="always", previous="sigmoid")
"""What the published evaluation script does: OpenCV's order of channels, three masks, the sigmoid as mask prompt."""


class SamMed2D(PlanarModel):
    """The published network with the inference of its evaluation script."""

    card = CARD
    defaults: ClassVar[Options] = EVALUATED
    _adapters: bool = True

    def __init__(self, weights: Path | None, device: str = "cpu", *, adapters: bool = True, **changes: Any) -> None:
        """Load the weights.

        Args:
            weights: The checkpoint.
            device: `cpu` or a CUDA device.
            adapters: Keep the adapters; without them, those of the checkpoint are dropped, as for the column
                `SAM-Med2D*` of the published tables.
            **changes: Fields of `bench.models.planar.options.Options` that differ from the published defaults.

        Raises:
            UsageError: When an option cannot be meant, or the weights are missing or another model's.
        """
        require_alike("adapters", adapters, default=True)
        self._adapters = adapters
        super().__init__(weights, device, **changes)

    def unfilled(self) -> "nn.Module":
        """Return the network of 256 pixels."""
        from bench.models.sam_med2d.network import unfilled_network

        return unfilled_network(adapters=self._adapters)

    def adapted(self, state: "Mapping[str, Tensor]", expected: "Mapping[str, Tensor]") -> "Mapping[str, Tensor]":
        """Drop the entries of adapters that the network does not have."""
        from bench.models.sam_med2d.network import without_adapters

        del expected
        return state if self._adapters else without_adapters(state)
