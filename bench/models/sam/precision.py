"""Encoders in reduced precision or compiled, on CUDA: faster, and no longer exactly the published numbers."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor

from bench.models.planar.network import Embedding, PlanarNetwork
from curate.errors import UsageError

Precision = Literal["float32", "bfloat16", "float16"]


class ReducedNetwork:
    """A network whose encoder runs under autocast, or compiled.

    Embeddings come back as float32, and prompts are answered as before: that costs little, and the sines of a point's
    place would lose the point in fewer bits.
    """

    def __init__(
        self, network: PlanarNetwork, device_type: str, *, precision: Precision = "float32", compiled: bool = False
    ) -> None:
        self.side = network.side
        self.decode = network.decode
        self._device_type = device_type
        self._dtype: torch.dtype | None = None if precision == "float32" else getattr(torch, precision)
        self._encode: Any = torch.compile(network.encode) if compiled else network.encode

    def encode(self, pictures: Tensor) -> Embedding:
        """Map normalised pictures, (n, 3, side, side) float32, to their embeddings in float32, leading axis n."""
        with torch.autocast(self._device_type, dtype=self._dtype, enabled=self._dtype is not None):
            embedding = self._encode(pictures)
        return embedding.float() if isinstance(embedding, Tensor) else tuple(part.float() for part in embedding)


def reduced(
    network: PlanarNetwork, device: str, *, precision: Precision = "float32", compiled: bool = False
) -> PlanarNetwork:
    """Return a network as fast as asked for; the same one where nothing is asked for.

    Args:
        network: On `device` already.
        device: A PyTorch device.
        precision: What matrix products of the encoder are computed in.
        compiled: Compile the encoder with `torch.compile`; its first picture then takes a minute or so.

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
