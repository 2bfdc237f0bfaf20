"""VISTA3D opened on one image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.apps.vista3d.inferer import point_based_window_inferer
from monai.inferers.utils import sliding_window_inference
from monai.transforms.utils import keep_components_with_positive_points
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import UnsupportedError
from bench.models.adapters.grids import NetworkGrid
from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume

SPACING_MM = [1.5, 1.5, 1.5]
RANGE_HU = (-963.8247715525971, 1053.678477684517)
"""Intensities that become 0 and 1 (the bundle's configs/inference.json)."""
SPECIAL = (25, 26, 27, 28, 29, 117)
"""Classes whose clicks have labels of their own (MONAI's `VistaPreTransformd`)."""
OUTSIDE = -9999.0
"""Logit of voxels that no window covers."""
CLASSES_AT_ONCE = 8
"""More would hold more full-size logits than this at a time."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How the network walks over an image."""

    device: str
    """A PyTorch device."""
    side: int
    """Voxels along each side."""
    overlap: float
    """Share of a window that the next one covers again."""


class VistaSession:
    """Targets that are only told go through the windows together, so that each window is encoded once for them."""

    def __init__(self, network: Any, classes: Mapping[str, tuple[int, ...]], image: Volume, windows: Windows) -> None:
        """Bring the image to 1.5 mm along R, A, S.

        Raises:
            UnsupportedError: For a single slice, an image without spacing, or one that holds NaN or infinity.
        """
        if image.geometry.is_2d or image.geometry.unit != "mm":
            raise UnsupportedError(f"VISTA3D takes volumes with a spacing in mm, found {image.geometry}")
        grey = image.grey()
        if not np.isfinite(grey).all():
            raise UnsupportedError("the image holds NaN or infinity")
        self._network, self._classes = network, classes
        self._device, self._overlap = windows.device, windows.overlap
        self._roi = (windows.side, windows.side, windows.side)
        self._grid = NetworkGrid.over(image.geometry, SPACING_MM, canonical=True)
        low, high = RANGE_HU
        scaled = (np.clip(self._grid.forth(grey), low, high) - low) / (high - low)
        self._image = torch.from_numpy(scaled.astype(np.float32))[None, None]

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target.

        Raises:
            UnsupportedError: For a target that is no class, without a click inside and without a target, or for a
                click outside the image.
        """
        return self.predict_many([prompts])[0]

    def predict_many(self, prompts: Sequence[Prompts]) -> list[BoxMask]:
        """Segment several targets.

        Raises:
            UnsupportedError: As `predict`, for any of them.
        """
        for one in prompts:
            self._require(one)
        wanted = {n for one in prompts if not len(one.labels) for n in self._classes[one.target or ""]}
        with torch.inference_mode():
            inside = self._by_class(sorted(wanted))
            return [self._clicked(one) if len(one.labels) else self._told(one, inside) for one in prompts]

    def _require(self, prompts: Prompts) -> None:
        if prompts.kinds - {"points", "target"}:
            raise UnsupportedError(f"VISTA3D takes points and a target, found {sorted(prompts.kinds)}")
        if not (prompts.labels == 1).any() and prompts.target not in self._classes:
            raise UnsupportedError(f"VISTA3D has no class {prompts.target}, and no point lies inside the target")
        for point in prompts.points_ijk.tolist():
            if not all(0 <= p < n for p, n in zip(point, self._grid.source.shape_ijk, strict=True)):
                raise UnsupportedError(f"point {tuple(point)} lies outside the image {self._grid.source.shape_ijk}")

    def _by_class(self, wanted: Sequence[int]) -> dict[int, BoxMask]:
        """Segment classes without clicks, some at a time."""
        found: dict[int, BoxMask] = {}
        for start in range(0, len(wanted), CLASSES_AT_ONCE):
            some = list(wanted[start : start + CLASSES_AT_ONCE])
            logits = sliding_window_inference(
                self._image,
                self._roi,
                1,
                self._network,
                overlap=self._overlap,
                mode="gaussian",
                padding_mode="replicate",
                sw_device=self._device,
                device="cpu",
                transpose=True,
                class_vector=torch.tensor(some, device=self._device)[:, None],
            )
            found.update({n: self._mask(one) for n, one in zip(some, torch.as_tensor(logits)[0], strict=True)})
        return found

    def _told(self, prompts: Prompts, inside: Mapping[int, BoxMask]) -> BoxMask:
        parts = [inside[n] for n in self._classes[prompts.target or ""]]
        return parts[0] if len(parts) == 1 else BoxMask.of(np.any([part.full() for part in parts], axis=0))

    def _clicked(self, prompts: Prompts) -> BoxMask:
        """Segment what is clicked, in windows around the clicks; a target that is one class helps, and is asked for.

        Without a class, what hangs together with no click inside is dropped, as in the bundle.
        """
        own = self._classes.get(prompts.target or "", ())
        single = torch.tensor([own], device=self._device) if len(own) == 1 else None
        places = torch.from_numpy(self._places(prompts.points_ijk)).to(self._device)[None]
        labels = torch.from_numpy(prompts.labels.copy()).to(self._device)[None]
        if len(own) == 1 and own[0] in SPECIAL:
            labels = labels + 2
        logits = torch.as_tensor(
            point_based_window_inferer(
                self._image.to(self._device),
                self._roi,
                self._network,
                point_coords=places,
                point_labels=labels,
                class_vector=single,
                prompt_class=single,
                transpose=True,
            )
        )
        if single is None:
            logits = keep_components_with_positive_points(logits, places.cpu(), labels.cpu())
        return self._mask(torch.as_tensor(logits)[0, 0])

    def _places(self, points_ijk: NDArray[np.int64]) -> NDArray[np.float32]:
        """Map voxels of the image to voxels of the network's grid, fractional, inside its field of view."""
        there = self._grid.respaced.to_voxel(self._grid.source.to_world(points_ijk))
        return np.clip(there, 0, np.array(self._grid.respaced.shape_ijk) - 1).astype(np.float32)

    def _mask(self, logits: Tensor) -> BoxMask:
        return BoxMask.of(self._grid.back(torch.nan_to_num(logits.float(), nan=OUTSIDE).cpu().numpy()) > 0)
