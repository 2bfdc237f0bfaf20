"""The embeddings of an image's slices, encoded in batches and remembered."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.models.planar.memory import Memory
from bench.models.planar.network import Embedding, PlanarNetwork

_PIXELS_PER_PICTURE = 256 * 256


class Embeddings:
    """Each slice is encoded when a prompt first needs it, and once as long as the embeddings fit into memory."""

    def __init__(
        self,
        network: PlanarNetwork,
        square: Callable[[int], NDArray[np.float32]],
        *,
        device: str,
        limit_bytes: int,
        pictures_per_batch: int,
    ) -> None:
        """Prepare to encode.

        Args:
            network: The network.
            square: Gives a slice as the network sees it, (3, side, side).
            device: A PyTorch device.
            limit_bytes: Memory for embeddings, besides those of one batch.
            pictures_per_batch: For squares of 256 pixels a side; larger ones come in batches of as many pixels.
        """
        self._network = network
        self._square = square
        self._device = device
        self._batch = max(1, pictures_per_batch * _PIXELS_PER_PICTURE // network.side**2)
        self._kept: Memory[int, Embedding] = Memory(limit_bytes)

    def over(self, slices: Iterable[int]) -> Iterator[tuple[int, Embedding]]:
        """Yield slices and their embeddings: those remembered first, before new ones can drive them out."""
        wanted = list(slices)
        missing = [number for number in wanted if number not in self._kept]
        for number in wanted:
            embedding = self._kept.get(number)
            if embedding is not None:
                yield number, embedding
        for start in range(0, len(missing), self._batch):
            yield from self._encoded(missing[start : start + self._batch])

    def _encoded(self, slices: Sequence[int]) -> list[tuple[int, Embedding]]:
        pictures = torch.from_numpy(np.stack([self._square(number) for number in slices])).to(self._device)
        together = self._network.encode(pictures)
        each = [(number, _one(together, place)) for place, number in enumerate(slices)]
        for number, embedding in each:
            self._kept.put(number, embedding, _bytes(embedding))
        return each


def _one(embedding: Embedding, place: int) -> Embedding:
    """Return the embedding of one picture in memory of its own, so that it does not hold its whole batch."""
    if isinstance(embedding, Tensor):
        return embedding[place : place + 1].clone()
    return tuple(part[place : place + 1].clone() for part in embedding)


def _bytes(embedding: Embedding) -> int:
    return sum(part.nbytes for part in ((embedding,) if isinstance(embedding, Tensor) else embedding))
