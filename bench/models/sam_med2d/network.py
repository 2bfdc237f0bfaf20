"""The SAM-Med2D network: SAM ViT-B for pictures of 256 pixels, with adapters or without them."""

from collections.abc import Mapping

from torch import Tensor

from bench.models.sam import network as sam
from bench.models.sam.image_encoder import VIT_B, Block
from bench.models.sam_med2d.adapter import AdaptedBlock

SIDE = 256


def unfilled_network(*, adapters: bool = True) -> sam.SamNetwork:
    """Return the network in evaluation mode, without memory for its parameters until `checkpoint.fill` gives it.

    Args:
        adapters: 271,241,776 parameters with them; without them 90,737,200, which are also those of SAM at 256 pixels.
    """
    return sam.unfilled_network(VIT_B, SIDE, AdaptedBlock if adapters else Block)


def without_adapters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the entries of a SAM-Med2D checkpoint that the network without adapters takes."""
    return {key: value for key, value in state.items() if ".Adapter." not in key}
