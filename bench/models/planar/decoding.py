"""Answers to many prompts of one slice, in as few batches as give each prompt the answer that it gets alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.models.planar.frames import Frame
from bench.models.planar.network import Embedding, PlanarNetwork
from bench.models.planar.options import Options
from bench.models.planar.prompting import Shown

_PROMPTS_PER_BATCH = 64
"""For squares of 256 pixels a side; larger ones come in batches of as many pixels."""
_SMALL_SIDE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One prompt of one slice."""

    shown: Shown
    previous: Tensor | None
    """Logits of the previous answer, (side / 4, side / 4)."""

    @property
    def form(self) -> tuple[int, bool, bool]:
        """What has to be the same within a batch: a point of padding would be a token, and change the answer."""
        return len(self.shown.points), self.shown.box is not None, self.previous is not None


@dataclass(frozen=True, slots=True, eq=False)
class Decoder:
    """A network, the frame of an image's slices, and the choices that concern its answers."""

    network: PlanarNetwork
    frame: Frame
    options: Options
    device: str

    def answers(self, embedding: Embedding, requests: Sequence[Request]) -> list[Tensor]:
        """Return logits, (side / 4, side / 4), for each request, in order; of three answers the best as predicted."""
        found: dict[int, Tensor] = {}
        for batch in self._batches(requests):
            logits = self._best(embedding, [requests[place] for place in batch])
            found.update(zip(batch, logits, strict=True))
        return [found[place] for place in range(len(requests))]

    def _batches(self, requests: Sequence[Request]) -> Iterator[list[int]]:
        """Yield the places of requests of one form, not too many at a time."""
        most = max(1, _PROMPTS_PER_BATCH * _SMALL_SIDE**2 // self.network.side**2)
        by_form: dict[tuple[int, bool, bool], list[int]] = {}
        for place, request in enumerate(requests):
            by_form.setdefault(request.form, []).append(place)
        for places in by_form.values():
            for start in range(0, len(places), most):
                yield places[start : start + most]

    def _best(self, embedding: Embedding, batch: Sequence[Request]) -> list[Tensor]:
        points, has_box, has_previous = batch[0].form
        choices = self.options.multimask
        three = choices == "always" or (choices == "one-point" and (points, has_box, has_previous) == (1, False, False))
        logits, overlap = self.network.decode(
            embedding,
            self._tensor([self._places(request.shown) for request in batch], (len(batch), points, 2)),
            torch.tensor([[p[2] for p in request.shown.points] for request in batch], device=self.device).long(),
            self._tensor([self._corners(request.shown) for request in batch], (len(batch), 4)) if has_box else None,
            self._previous(batch) if has_previous else None,
            multimask=three,
        )
        best = overlap.argmax(dim=1)
        return [logits[place, best[place]].float().clone() for place in range(len(batch))]

    def _places(self, shown: Shown) -> np.ndarray:
        return self.frame.places(np.array([point[:2] for point in shown.points], dtype=np.float64).reshape(-1, 2))

    def _corners(self, shown: Shown) -> np.ndarray:
        return self.frame.places(np.array(shown.box, dtype=np.float64).reshape(2, 2))

    def _tensor(self, places: Sequence[np.ndarray], shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(np.array(places, dtype=np.float32).reshape(shape)).to(self.device)

    def _previous(self, batch: Sequence[Request]) -> Tensor:
        logits = torch.stack([request.previous for request in batch if request.previous is not None])[:, None]
        return torch.sigmoid(logits) if self.options.previous == "sigmoid" else logits
