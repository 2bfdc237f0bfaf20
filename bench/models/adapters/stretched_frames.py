"""How MedSAM and SAM 2 fit a picture into their square: stretched, each with its own filter and intensities."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bench.models.planar.frames import DEVIATION, MEAN


@dataclass(frozen=True, slots=True)
class MedSamFrame:
    """As MedSAM's inference script: bicubic and anti-aliased, least and greatest become 0 and 1."""

    shape: tuple[int, int]
    side: int

    def square(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Stretch and scale a picture, (height, width, 3), into (3, side, side); one without contrast is 0."""
        from skimage.transform import resize

        options = {"order": 3, "preserve_range": True, "anti_aliasing": True}
        whole = resize(picture, (self.side, self.side), **options).astype(np.uint8)
        low, high = int(whole.min()), int(whole.max())
        scaled: NDArray[np.float32] = ((whole - low) / max(high - low, 1)).astype(np.float32)
        return scaled.transpose(2, 0, 1)

    def places(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale both axes by their own ratio."""
        return _scaled(xy, self.shape, self.side)

    def mask(self, logits: Tensor) -> NDArray[np.bool_]:
        """Enlarge probabilities to the picture at once, bilinear; inside is above a half."""
        return _enlarged(torch.sigmoid(logits), self.shape) > 0.5


@dataclass(frozen=True, slots=True)
class Sam2Frame:
    """As SAM 2's image predictor: bilinear and anti-aliased, normalised by the mean and deviation of ImageNet."""

    shape: tuple[int, int]
    side: int

    def square(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Stretch and normalise a picture, (height, width, 3), into (3, side, side)."""
        pixels = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)).astype(np.float32))[None]
        size = (self.side, self.side)
        smooth = functional.interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=True)
        normalised: NDArray[np.float64] = (smooth[0].numpy() - MEAN[:, None, None]) / DEVIATION[:, None, None]
        return normalised.astype(np.float32)

    def places(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale both axes by their own ratio."""
        return _scaled(xy, self.shape, self.side)

    def mask(self, logits: Tensor) -> NDArray[np.bool_]:
        """Enlarge logits to the picture at once, bilinear; inside is above 0."""
        return _enlarged(logits, self.shape) > 0


def _scaled(xy: NDArray[np.float64], shape: tuple[int, int], side: int) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = xy * np.array([side / shape[1], side / shape[0]])
    return scaled


def _enlarged(values: Tensor, shape: tuple[int, int]) -> NDArray[np.float32]:
    found = functional.interpolate(values[None, None], shape, mode="bilinear", align_corners=False)[0, 0]
    enlarged: NDArray[np.float32] = found.cpu().numpy()
    return enlarged
