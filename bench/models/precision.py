"""Encoders in reduced precision or compiled, on CUDA: faster, and no longer exactly the published numbers."""

from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args

from curate.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

N = TypeVar("N")
Precision = Literal["float32", "bfloat16", "float16"]
"""What matrix products of an encoder are computed in."""


class ReducedNetwork:
    """A network whose `encode` runs under autocast, or compiled; all else is the network's own.

    Embeddings come back as float32, and prompts are answered as before: that costs little, and the sines of a point's
    place would lose the point in fewer bits.
    """

    def __init__(
        self, network: Any, device_type: str, *, precision: Precision = "float32", compiled: bool = False
    ) -> None:
        import torch

        self._network = network
        self._device_type = device_type
        self._dtype: torch.dtype | None = None if precision == "float32" else getattr(torch, precision)
        self._encode: Any = torch.compile(network.encode) if compiled else network.encode

    def __getattr__(self, name: str) -> Any:
        """Return what the network has under a name."""
        return getattr(self._network, name)

    def encode(self, image: "Tensor") -> "Tensor | tuple[Tensor, ...]":
        """Map a normalised image, float32, to its embedding, or to several, in float32."""
        import torch

        with torch.autocast(self._device_type, dtype=self._dtype, enabled=self._dtype is not None):
            embedding = self._encode(image)
        return embedding.float() if isinstance(embedding, torch.Tensor) else tuple(part.float() for part in embedding)


def reduced(network: N, device: str, *, precision: Precision = "float32", compiled: bool = False) -> N:
    """Return a network as fast as asked for; the same one where nothing is asked for.

    Args:
        network: Has `encode`.
        device: The PyTorch device on which it is or will be.
        precision: What matrix products of the encoder are computed in.
        compiled: Compile the encoder with `torch.compile`; its first image then takes a minute or so.

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
    faster = ReducedNetwork(network, device.partition(":")[0], precision=precision, compiled=compiled)
    return cast(N, faster)
