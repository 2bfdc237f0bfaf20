"""Between a picture's own pixels and the square that a network sees.

Rows grow downwards (y), columns to the right (x). Places are scaled as the published code scales them: x times the
ratio of the widths, without a shift of half a pixel.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bench.models.planar.options import Fit

MEAN = np.array([123.675, 116.28, 103.53])
"""Subtracted from the channels; means of ImageNet, kept in the order of R, G, B whatever the channels' order."""
DEVIATION = np.array([58.395, 57.12, 57.375])


class Frame(Protocol):
    """How one shape of picture fits into the square."""

    def square(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Normalise and fit a picture, (height, width, 3), into (3, side, side)."""

    def places(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map places in the picture, (n, 2), to the square."""

    def mask(self, logits: Tensor) -> NDArray[np.bool_]:
        """Enlarge logits, (side / 4, side / 4), to the picture's (height, width): inside is above 0."""


class FrameMaker(Protocol):
    """Makes the frame for pictures of one shape."""

    def __call__(self, shape: tuple[int, int], side: int) -> Frame:
        """Return the frame of pictures of one shape, (height, width)."""


def frame_for(fit: Fit, shape: tuple[int, int], side: int) -> Frame:
    """Return the frame of pictures of one shape, (height, width)."""
    if fit == "longest-side":
        return LongestSide(shape, side)
    if fit == "pad-or-stretch" and max(shape) < side:
        return Padded(shape, side)
    return Stretched(shape, side)


@dataclass(frozen=True, slots=True)
class LongestSide:
    """The longest side is scaled to the square's; zeros fill the right or the bottom (SAM, SAM-UNet)."""

    shape: tuple[int, int]
    side: int

    @property
    def scaled(self) -> tuple[int, int]:
        """Height and width inside the square."""
        height, width = (max(1, int(n * (self.side / max(self.shape)) + 0.5)) for n in self.shape)
        return height, width

    def square(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scale by Pillow's bilinear filter, which averages where it shrinks; normalise; pad with zeros."""
        from PIL import Image

        height, width = self.scaled
        small = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
        out = np.zeros((3, self.side, self.side), dtype=np.float32)
        out[:, :height, :width] = _normalised(small)
        return out

    def places(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale both axes by their own ratio."""
        return np.multiply(xy, _ratio(self.scaled, self.shape))

    def mask(self, logits: Tensor) -> NDArray[np.bool_]:
        """Enlarge to the square, cut the padding off, enlarge to the picture; both times bilinear."""
        height, width = self.scaled
        return _above_zero(_resized(_resized(logits, (self.side, self.side))[:height, :width], self.shape))


@dataclass(frozen=True, slots=True)
class Stretched:
    """Both axes are scaled to the square's side, whatever the aspect (SAM-Med2D)."""

    shape: tuple[int, int]
    side: int

    def square(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Normalise, and take for each pixel the one at the floor of its scaled index, as OpenCV's nearest does.

        The scale is the inverse of an inverse there as well, which decides where the product is a whole number.
        """
        rows, columns = (np.arange(self.side) * (1 / (self.side / n)) for n in self.shape)
        near = np.ix_(rows.astype(int).clip(max=self.shape[0] - 1), columns.astype(int).clip(max=self.shape[1] - 1))
        return _normalised(picture[near])

    def places(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale both axes by their own ratio."""
        return np.multiply(xy, _ratio((self.side, self.side), self.shape))

    def mask(self, logits: Tensor) -> NDArray[np.bool_]:
        """Enlarge to the square, then to the picture; both times bilinear."""
        return _above_zero(_resized(_resized(logits, (self.side, self.side)), self.shape))


@dataclass(frozen=True, slots=True)
class Padded:
    """A picture that is shorter than the square on both sides stands in its middle, amid zeros (SAM-Med2D)."""

    shape: tuple[int, int]
    side: int

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the picture's first pixel."""
        return (self.side - self.shape[0]) // 2, (self.side - self.shape[1]) // 2

    def square(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Normalise, then pad."""
        (top, left), (height, width) = self.corner, self.shape
        out = np.zeros((3, self.side, self.side), dtype=np.float32)
        out[:, top : top + height, left : left + width] = _normalised(picture)
        return out

    def places(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shift by the corner."""
        top, left = self.corner
        return np.add(xy, (left, top))

    def mask(self, logits: Tensor) -> NDArray[np.bool_]:
        """Enlarge to the square, bilinear, and cut the picture out."""
        (top, left), (height, width) = self.corner, self.shape
        return _above_zero(_resized(logits, (self.side, self.side))[top : top + height, left : left + width])


def _normalised(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (3, height, width) of a picture (height, width, 3)."""
    normalised: NDArray[np.float32] = ((picture - MEAN) / DEVIATION).astype(np.float32)
    return normalised.transpose(2, 0, 1)


def _ratio(inside: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the scale of x and of y."""
    return np.array([inside[1] / shape[1], inside[0] / shape[0]])


def _resized(logits: Tensor, shape: tuple[int, int]) -> Tensor:
    return functional.interpolate(logits[None, None], shape, mode="bilinear", align_corners=False)[0, 0]


def _above_zero(logits: Tensor) -> NDArray[np.bool_]:
    return np.asarray(torch.gt(logits, 0).cpu().numpy(), dtype=np.bool_)
