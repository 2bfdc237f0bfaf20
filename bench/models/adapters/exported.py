"""Automatic models that are one exported network: image patch in, logits per label out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.errors import UnsupportedError
from bench.models.adapters.digests import sha256_of_files
from bench.models.adapters.extras import needed
from bench.models.adapters.grids import NetworkGrid
from bench.models.adapters.sidecar import Normalisation, Sidecar, beside, description_of
from bench.models.adapters.told import ToldSession
from bench.models.base import ModelCard
from curate.errors import UsageError
from curate.labelmap import BoxMask
from curate.volume import Volume

if TYPE_CHECKING:
    from torch import Tensor

Predictor = Callable[["Tensor"], "Tensor"]
"""float32 (n, colours, *patch) to logits (n, channels, *patch)."""


class Exported(ABC):
    """What exported networks share: the sidecar says how images go in; MONAI slides the window.

    Attributes:
        card: What the sidecar says of the network.
        weights_sha256: Digest of network and sidecar.
    """

    card: ModelCard
    kind: ClassVar[str]

    def __init__(self, weights: Path | None, device: str = "cpu") -> None:
        """Load the network and read its sidecar.

        Raises:
            UsageError: When one of them is missing or cannot be read, or MONAI is not installed.
        """
        if weights is None:
            raise UsageError(f"{self.kind} needs weights: add --weights FILE, a {type(self).card.weights}")
        self._sidecar: Sidecar = beside(weights)
        self._slide: Any = needed("monai.inferers", "monai", self.kind)
        self._device = device
        self._predictor = self._loaded(weights, device)
        self.card = self._sidecar.card(str(type(self).card.weights))
        self.weights_sha256 = sha256_of_files([weights, description_of(weights)])

    @abstractmethod
    def _loaded(self, weights: Path, device: str) -> Predictor:
        """Load the network."""

    def open(self, image: Volume) -> ToldSession:
        """Segment all targets.

        Raises:
            UnsupportedError: For NaN or infinity, or an image without spacing where the network expects one.
            ValueError: When the network answers in a shape that is not the promised one.
        """
        import torch

        sidecar = self._sidecar
        grid = NetworkGrid.over(image.geometry, sidecar.spacing_mm, canonical=sidecar.canonical)
        planes = [grid.forth(plane) for plane in colours(image, sidecar)]
        with torch.inference_mode():
            logits = self._logits(np.stack(planes))
        most = max(max(own) for own in sidecar.channels.values())
        if logits.shape[0] <= most:
            raise ValueError(f"the network gives {logits.shape[0]} channels, and a target is in channel {most}")
        return ToldSession(sidecar.name, masks(logits, grid, sidecar))

    def _logits(self, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map (colours, i, j, k) to (channels, i, j, k); a network of slices sees one k after the other."""
        import torch

        inputs = torch.from_numpy(np.ascontiguousarray(voxels))
        if self._sidecar.dimensions == 3:
            return self._slid(inputs[None])
        return np.stack([self._slid(inputs[None, ..., k]) for k in range(inputs.shape[3])], axis=-1)

    def _slid(self, inputs: "Tensor") -> NDArray[np.float32]:
        found = self._slide.sliding_window_inference(
            inputs,
            self._sidecar.patch,
            1,
            self._predictor,
            overlap=self._sidecar.overlap,
            mode="gaussian",
            sw_device=self._device,
            device="cpu",
        )
        if getattr(found, "shape", (0,))[2:] != inputs.shape[2:]:
            shape = tuple(getattr(found, "shape", ()))
            raise ValueError(f"the network gives {type(found).__name__} {shape}, expected logits over {inputs.shape}")
        logits: NDArray[np.float32] = found[0].float().numpy()
        return logits


def colours(image: Volume, sidecar: Sidecar) -> Iterator[NDArray[np.float32]]:
    """Yield the channels that the network sees, normalised, (i, j, k) each; grey is repeated.

    Raises:
        UnsupportedError: When the image holds NaN or infinity.
    """
    if not np.isfinite(image.voxels).all():
        raise UnsupportedError("the image holds NaN or infinity")
    if sidecar.colours == 3 and image.is_colour:
        for channel in range(3):
            yield normalised(image.voxels[..., min(channel, image.voxels.shape[3] - 1)], sidecar.normalisation)
        return
    yield from [normalised(image.grey(), sidecar.normalisation)] * sidecar.colours


def normalised(voxels: NDArray[Any], how: Normalisation) -> NDArray[np.float32]:
    """Clip and scale intensities; an image without contrast becomes zeros where its own deviation or range is used."""
    values = voxels.astype(np.float32)
    if how.clip is not None:
        values = np.clip(values, *how.clip)
    if how.method == "range":
        low, high = how.clip or (float(values.min()), float(values.max()))
        return (values - np.float32(low)) / np.float32(high - low or 1)
    if how.method == "zscore":
        mean = float(values.mean(dtype=np.float64)) if how.mean is None else how.mean
        deviation = float(values.std(dtype=np.float64)) if how.deviation is None else how.deviation
        return (values - np.float32(mean)) / np.float32(deviation or 1)
    return values


def masks(logits: NDArray[np.float32], grid: NetworkGrid, sidecar: Sidecar) -> dict[str, BoxMask]:
    """Bring every channel to the image's grid and decide there; one channel at a time is held at full size."""
    if sidecar.activation == "sigmoid":
        found = {}
        for slug, channels in sidecar.channels.items():
            inside = np.zeros(grid.source.shape_ijk, dtype=np.bool_)
            for channel in channels:
                inside |= grid.back(logits[channel]) > 0
            found[slug] = BoxMask.of(inside)
        return found
    winner = np.zeros(grid.source.shape_ijk, dtype=np.int16)
    best = grid.back(logits[0]).copy()
    for channel in range(1, len(logits)):
        values = grid.back(logits[channel])
        ahead = values > best
        winner[ahead] = channel
        best[ahead] = values[ahead]
    return {slug: BoxMask.of(np.isin(winner, channels)) for slug, channels in sidecar.channels.items()}
