"""SAM as models of the benchmark: three encoders at 1024 pixels, and the smallest at 256, SAM-Med2D's baseline."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from bench.models.base import Capabilities, ModelCard
from bench.models.planar.model import PlanarModel
from bench.models.planar.options import Options
from bench.models.sam_med2d.model import EVALUATED

if TYPE_CHECKING:
    from torch import Tensor, nn


def _card(size: str, name: str, what: str) -> ModelCard:
    return ModelCard(
        name=name,
        description=f"SAM {size} (Kirillov et al., facebookresearch/segment-anything): points and boxes on {what}",
        licence="Apache-2.0",
        capabilities=Capabilities(dimensions=frozenset({2, 3}), prompts=frozenset({"points", "box", "boxes"})),
        training_card="sam",
        weights=f"published SAM {size} checkpoint (.pth)",
    )


class SamVitB(PlanarModel):
    """SAM with ViT-B.

    Three masks are asked for where a single point leaves open which extent is meant, as the published predictor
    advises; with more prompts one, from the logits of the previous answer.
    """

    card = _card("ViT-B", "sam-vit-b", "slices of 1024 pixels")
    defaults: ClassVar[Options] = Options(multimask="one-point", previous="logits")
    size: ClassVar[str] = "vit-b"

    def unfilled(self) -> "nn.Module":
        """Return the network of 1024 pixels."""
        from bench.models.sam.network import SIZES, unfilled_network

        return unfilled_network(SIZES[self.size])


class SamVitL(SamVitB):
    """SAM with ViT-L."""

    card = _card("ViT-L", "sam-vit-l", "slices of 1024 pixels")
    size: ClassVar[str] = "vit-l"


class SamVitH(SamVitB):
    """SAM with ViT-H."""

    card = _card("ViT-H", "sam-vit-h", "slices of 1024 pixels")
    size: ClassVar[str] = "vit-h"


class SamVitB256(SamVitB):
    """SAM with ViT-B for squares of 256 pixels, run as SAM-Med2D's evaluation script runs it.

    The published checkpoint is for 1024 pixels; its tables of positions are interpolated, as there.
    """

    card = _card("ViT-B", "sam-vit-b-256", "slices of 256 pixels")
    defaults: ClassVar[Options] = EVALUATED

    def unfilled(self) -> "nn.Module":
        """Return the network of 256 pixels."""
        from bench.models.sam_med2d.network import unfilled_network

        return unfilled_network(adapters=False)

    def adapted(self, state: "Mapping[str, Tensor]", expected: "Mapping[str, Tensor]") -> "Mapping[str, Tensor]":
        """Interpolate the tables of positions of a checkpoint for another size."""
        from bench.models.planar.position_tables import resized

        return resized(state, expected)
