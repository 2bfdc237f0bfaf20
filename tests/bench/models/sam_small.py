"""Small networks of SAM's kind with golden values, for tests that need no published size."""

import torch

from bench.golden import golden_weight
from bench.models.sam.image_encoder import EncoderSize
from bench.models.sam.network import SamNetwork

SIZE = EncoderSize(width=32, depth=3, heads=2, global_every=3)
SIDE = 64


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """Give every entry a golden value, so that position tables and biases are not zero."""
    state = module.state_dict()
    module.load_state_dict({key: torch.from_numpy(golden_weight(key, tuple(v.shape))) for key, v in state.items()})
    return module.eval().requires_grad_(requires_grad=False)


def small_network(**changes) -> SamNetwork:
    """Return SAM with three narrow blocks, for pictures of 64 pixels."""
    return randomised(SamNetwork(**({"size": SIZE, "side": SIDE} | changes)))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    """Return standard normal numbers, the same for the same seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
