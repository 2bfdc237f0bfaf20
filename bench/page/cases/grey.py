"""How bright a voxel is shown: a window that suits the modality."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.volume import Volume

_SOFT, _BONE, _AIR = (-160.0, 240.0), (-450.0, 1050.0), (-1350.0, 150.0)
"""Hounsfield units: the usual windows of soft tissue, bone and lung, as lower and upper end."""
_AIRY = ("lung", "airway", "bronch", "trachea", "pulmon", "emphysema")
_PERCENTILES = (0.5, 99.5)
_LEAST_HU = -200.0
"""A CT whose darkest voxel is above this is not in Hounsfield units: nothing in it is air."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Voxels as they are shown."""

    voxels: NDArray[np.uint8]
    """(i, j, k), or (i, j, k, 3) for colour."""
    window: str
    """What was done, in words."""


def shown(image: Volume, modality: str, kind: str, target: str) -> Shown:
    """Turn intensities into shades of grey from 0 to 255; colour stays as it is."""
    if image.is_colour and image.voxels.dtype == np.uint8:
        return Shown(np.ascontiguousarray(image.voxels[..., :3]), "colours as they are")
    grey = np.nan_to_num(image.grey().astype(np.float32))
    low, high, unit = _window(grey, modality, kind, target)
    scaled = np.clip((grey - low) / max(high - low, 1e-6), 0, 1)
    return Shown(np.round(255 * scaled).astype(np.uint8), f"window {low:g} to {high:g}{unit}")


def _window(grey: NDArray[Any], modality: str, kind: str, target: str) -> tuple[float, float, str]:
    if modality == "CT" and float(grey.min()) < _LEAST_HU:
        if any(word in target for word in _AIRY):
            return (*_AIR, " HU")
        return (*(_BONE if kind == "bone" else _SOFT), " HU")
    low, high = np.percentile(grey, _PERCENTILES)
    return float(f"{low:.4g}"), float(f"{high:.4g}"), ", which 99 % of the voxels shown are within"
