"""The image encoder in reduced precision or compiled, on CUDA: faster, and no longer exactly the published numbers."""

from typing import Any, get_args

import torch
from torch import Tensor

from bench.models.sam_med3d.decoding import Network
from bench.models.sam_med3d.options import Precision
from curate.errors import UsageError


class ReducedNetwork:
    """A network whose encoder runs under autocast, or compiled; prompts are answered in float32 as before."""

    def __init__(
        self, network: Network, device_type: str, *, precision: Precision = "float32", compiled: bool = False
    ) -> None:
        self.decode = network.decode
        self._device_type = device_type
        self._dtype: torch.dtype | None = None if precision == "float32" else getattr(torch, precision)
        self._encode: Any = torch.compile(network.encode) if compiled else network.encode

    def encode(self, crop: Tensor) -> Tensor:
        """Map a normalised cube, (1, 1, 128, 128, 128) float32, to its embedding in float32."""
        with torch.autocast(self._device_type, dtype=self._dtype, enabled=self._dtype is not None):
            embedding: Tensor = self._encode(crop)
        return embedding.float()


def reduced(network: Network, device: str, *, precision: Precision = "float32", compiled: bool = False) -> Network:
    """Return a network as fast as asked for; the same one where nothing is asked for.

    Args:
        network: Any.
        device: The PyTorch device on which it is or will be.
        precision: What the encoder's matrix products are computed in.
        compiled: Compile the encoder with `torch.compile`; its first cube then takes a minute or so.

    Raises:
        UsageError: When the precision is unknown, or either is asked for without CUDA.
    """
    if precision not in get_args(Precision):
        raise UsageError(f"precision must be one of {', '.join(get_args(Precision))}, found {precision!r}")
    if precision == "float32" and not compiled:
        return network
    if not device.startswith("cuda"):
        asked = " and ".join([f"precision={precision!r}"] * (precision != "float32") + ["compiled=True"] * compiled)
        raise UsageError(f"{asked}: only for CUDA; leave it out on {device!r}, or type --device cuda")
    return ReducedNetwork(network, torch.device(device).type, precision=precision, compiled=compiled)
