"""From requests to logits: each window is encoded once; the targets that wait for one window are decoded together."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.models.recent import Recent
from bench.models.sam_med3d.network import LOW_RES
from bench.models.sam_med3d.windows import Triple

T = TypeVar("T")
EMBEDDINGS_KEPT = 32
"""Embeddings of 0.8 MB; a target takes at most `max_windows` of them besides those that were clicked."""
BATCH = {"cuda": 4}
"""Targets in one call of the decoder by kind of device, 25 MB each; elsewhere one, since a processor gains nothing by
more. Smaller batches are filled up: matrix products of another size round differently, and an answer must not depend on
the company in which it was asked for."""


class Network(Protocol):
    """What a session needs of a network; see `bench.models.sam_med3d.network.SamMed3DNetwork`."""

    def encode(self, crop: Tensor) -> Tensor:
        """Map a normalised cube, (1, 1, 128, 128, 128), to its embedding."""

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """Answer the points (b, n, 3) of b targets in one cube with logits (b, 1, 32, 32, 32) and b overlaps."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Asks for the logits, (1, 1, 32, 32, 32), of one target in one window."""

    start: Triple
    points: tuple[tuple[Triple, int], ...]
    """Place in the window's own voxels, and label; at least one."""
    previous: Tensor | None
    """Logits of the previous answer; without one the prompt is zeros."""


Steps = Generator[Request, Any, T]
"""One target on its way: yields requests, is sent their logits, returns what came of them."""


class Decoder:
    """A network at work on the windows of one image."""

    def __init__(self, network: Network, device: str, cube: Callable[[Triple], NDArray[np.float32]]) -> None:
        """Take the network, its device, and what cuts the normalised cube at a start out of the image."""
        self._network = network
        self._device = device
        self._batch = BATCH.get(device.partition(":")[0], 1)
        self._cube = cube
        self._embeddings: Recent[Triple, Tensor] = Recent(EMBEDDINGS_KEPT)

    @torch.inference_mode()
    def run(self, tasks: Sequence[Steps[T]]) -> list[T]:
        """Bring all tasks to their ends, side by side; return what each returns, in order."""
        results: dict[int, T] = {}
        replies: Mapping[int, Tensor | None] = dict.fromkeys(range(len(tasks)))
        while replies:
            waiting: dict[int, Request] = {}
            for n, reply in replies.items():
                try:
                    waiting[n] = tasks[n].send(reply)
                except StopIteration as end:
                    results[n] = end.value
            replies = self._replies(waiting)
        return [results[n] for n in range(len(tasks))]

    def _replies(self, waiting: Mapping[int, Request]) -> dict[int, Tensor]:
        alike: dict[tuple[Triple, int], list[int]] = {}
        for n, request in waiting.items():
            alike.setdefault((request.start, len(request.points)), []).append(n)
        replies: dict[int, Tensor] = {}
        for (start, _), group in sorted(alike.items()):  # by window, so that an embedding is used while it is kept
            embedding = self._embeddings.get(start, lambda start=start: self._encoded(start))  # type: ignore[misc]
            for first in range(0, len(group), self._batch):
                some = group[first : first + self._batch]
                replies.update(zip(some, self._decoded(embedding, [waiting[n] for n in some]), strict=True))
        return replies

    def _encoded(self, start: Triple) -> Tensor:
        return self._network.encode(torch.from_numpy(self._cube(start))[None, None].to(self._device))

    def _decoded(self, embedding: Tensor, requests: Sequence[Request]) -> list[Tensor]:
        """Decode at most one batch of requests that show equally many points in one window."""
        filled = [*requests, *[requests[0]] * (self._batch - len(requests))]
        places = [[place for place, _ in request.points] for request in filled]
        labels = [[label for _, label in request.points] for request in filled]
        nothing = torch.zeros(1, 1, LOW_RES, LOW_RES, LOW_RES, device=self._device)
        logits, _ = self._network.decode(
            embedding,
            torch.tensor(places, dtype=torch.float32, device=self._device),
            torch.tensor(labels, device=self._device),
            torch.cat([nothing if request.previous is None else request.previous for request in filled]),
        )
        return [logits[n : n + 1].clone() for n in range(len(requests))]  # a view would keep the whole batch
