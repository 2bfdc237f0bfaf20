"""SAM-UNet as models of the benchmark."""

from typing import TYPE_CHECKING, ClassVar

from bench.models.base import Capabilities, ModelCard
from bench.models.planar.model import PlanarModel
from bench.models.planar.options import Options

if TYPE_CHECKING:
    from torch import nn


def _card(layers: int) -> ModelCard:
    return ModelCard(
        name=f"sam-unet-res{layers}",
        description=f"SAM-UNet (arXiv 2408.09886, Hhankyangg/sam-unet), ResNet-{layers}: boxes on slices of 256 pixels",
        licence="unknown",
        capabilities=Capabilities(dimensions=frozenset({2, 3}), prompts=frozenset({"points", "box", "boxes"})),
        training_card="sam-unet",
        weights=f"SAM-UNet checkpoint with ResNet-{layers} (.pth), wrapped or bare",
    )


class SamUNetRes34(PlanarModel):
    """SAM-UNet with ResNet-34; its evaluation shows boxes only, so that points and earlier masks are untrained."""

    card = _card(34)
    defaults: ClassVar[Options] = Options(multimask="never", previous="none")

    def unfilled(self) -> "nn.Module":
        """Return the network of 256 pixels."""
        from bench.models.sam_unet.network import unfilled_network

        return unfilled_network(34)


class SamUNetRes50(SamUNetRes34):
    """SAM-UNet with ResNet-50."""

    card = _card(50)

    def unfilled(self) -> "nn.Module":
        """Return the network of 256 pixels."""
        from bench.models.sam_unet.network import unfilled_network

        return unfilled_network(50)
