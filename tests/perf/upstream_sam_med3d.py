"""Whole-case evaluation with SAM-Med3D as its old validation did it: everything anew for each class and each run.

For every class and every number of clicks the image and the class's own label file are read, resampled to 1.5 mm as a
whole and cut to one cube; the cube is encoded in the padded form of the windowed blocks, answered click by click, and
brought back to the image's grid by nearest neighbour for Dice over all its voxels. The loop draws its clicks in the
cube, over all of its voxels, and pays for that; it then shows those that it is given, so that masks can be compared.
"""

import runpy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from measure import ROOT
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bench.golden import golden_weight
from bench.models.sam_med3d.golden import filled_network
from bench.models.sam_med3d.isotropic import IsotropicGrid
from curate.geometry import Geometry

SIDE, LOW_RES, SPACING_MM = 128, 32, 1.5
Place = tuple[int, int, int]


class Plausible:
    """The network with golden weights at its full cost, answering with something like an organ.

    Golden weights have learned nothing, and the masks of noise that they give would make every surface metric dear.
    What is answered is how alike intensities are to that at the newest click, near it, plus a thousandth of the logits.
    """

    def __init__(self, *, padded: bool = False) -> None:
        """Make the network, its windowed blocks in the short form or in the published one."""
        self.network = filled_network(golden_weight)
        if padded:
            plain = runpy.run_path(str(ROOT / "tests" / "bench" / "models" / "sam_med3d_padded.py"))
            plain["use_padded_form"](self.network.image_encoder)

    def encode(self, crop: Tensor) -> Tensor:
        """Encode (1, 1, 128, 128, 128); returns (1, 385, 32, 32, 32), the embedding's 8^3 and the cube's own 32^3."""
        embedding = self.network.encode(crop)
        around = functional.pad(embedding, (0, LOW_RES - 8, 0, LOW_RES - 8, 0, LOW_RES - 8))
        return torch.cat([around, functional.avg_pool3d(crop, SIDE // LOW_RES)], dim=1)

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """Answer points (b, n, 3) with logits (b, 1, 32, 32, 32); the newest point decides."""
        logits, overlap = self.network.decode(embedding[:, :-1, :8, :8, :8], points, labels, previous)
        grey = embedding[0, -1]
        line = torch.arange(LOW_RES, dtype=torch.float32)
        places = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), dim=-1)
        found = []
        for n in range(len(points)):
            newest = (points[n, -1] / (SIDE // LOW_RES)).long().clamp(0, LOW_RES - 1)
            far = ((places - newest) ** 2).sum(dim=-1) / 8.0**2
            alike = 1 - 3 * (grey - grey[tuple(newest)]).abs() - far
            inside = labels[n, -1] == 1
            before = previous[n, 0]
            changed = torch.maximum(before, alike) if inside else torch.minimum(before, -alike)
            found.append(alike if not before.any() else changed)
        return torch.stack(found)[:, None] + 1e-3 * logits, overlap


@dataclass(frozen=True, slots=True, eq=False)
class Files:
    """One class in the published layout: an image, copied for every class, and a binary label map."""

    image: Path
    label: Path


@torch.inference_mode()
def evaluate(network: Plausible, files: Files, clicks: Sequence[tuple[Place, int]], random: np.random.Generator):
    """Run one class with some clicks; return Dice and the mask on the image's grid, (i, j, k) booleans.

    Args:
        network: With padded blocks.
        files: Of the class.
        clicks: Voxels of the image and labels, in order.
        random: For the clicks that the loop draws itself.
    """
    image, label = sitk.ReadImage(str(files.image)), sitk.ReadImage(str(files.label))
    grid = IsotropicGrid.from_corner(_geometry(image), canonical=False)
    small, truth = (
        _resampled(image, grid.geometry, sitk.sitkLinear),
        _resampled(label, grid.geometry, sitk.sitkNearestNeighbor),
    )
    places = [tuple(place) for place in grid.points(np.array([place for place, _ in clicks])).tolist()]
    start = tuple(n - SIDE // 2 for n in places[0])
    cube, wanted = _cut(_array(small).astype(np.float32), start), _cut(_array(truth), start) > 0
    positive = cube[cube > 0]
    embedding = network.encode(torch.from_numpy((cube - positive.mean()) / positive.std(ddof=1))[None, None])
    logits, answer = torch.zeros(1, 1, LOW_RES, LOW_RES, LOW_RES), np.zeros_like(wanted)
    for place, (_, tag) in zip(places, clicks, strict=True):
        _draw(wanted, answer, random)
        inside = torch.tensor([[np.subtract(place, start).tolist()]], dtype=torch.float32)
        logits, _ = network.decode(embedding, inside, torch.tensor([[tag]]), logits)
        full = functional.interpolate(logits, scale_factor=SIDE // LOW_RES, mode="trilinear", align_corners=False)
        answer = (torch.sigmoid(full)[0, 0] > 0.5).numpy()
    mask = _native(answer, start, small, image)
    reference = _array(label) > 0
    return 2 * (mask & reference).sum() / (mask.sum() + reference.sum()), mask


def _draw(wanted: NDArray[np.bool_], answer: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.int64]:
    """Draw a voxel of the error in the cube, as the published loop does."""
    error = np.argwhere(wanted ^ answer)
    return error[random.integers(len(error))] if len(error) else error


def _native(
    answer: NDArray[np.bool_], start: tuple[int, ...], small: sitk.Image, image: sitk.Image
) -> NDArray[np.bool_]:
    """Paste a cube into the isotropic image and resample that to the image's grid."""
    whole = np.zeros(small.GetSize(), dtype=np.uint8)
    there, here = _overlap(whole.shape, start)
    whole[there] = answer[here]
    pasted = sitk.GetImageFromArray(whole.transpose(2, 1, 0))
    pasted.CopyInformation(small)
    return _array(sitk.Resample(pasted, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)) > 0


def _resampled(image: sitk.Image, grid: Geometry, how: int) -> sitk.Image:
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])  # RAS to the LPS of SimpleITK
    affine = flip @ grid.affine
    directions = affine[:3, :3] / np.array(grid.spacing)
    origin = affine[:3, 3].tolist()
    return sitk.Resample(
        image, grid.shape_ijk, sitk.Transform(), how, origin, grid.spacing, directions.ravel().tolist(), 0
    )


def _geometry(image: sitk.Image) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    i, j, k = image.GetSize()
    return Geometry((i, j, k), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _array(image: sitk.Image) -> NDArray[np.generic]:
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0)


def _cut(voxels: NDArray[np.generic], start: tuple[int, ...]) -> NDArray[np.generic]:
    cube = np.zeros((SIDE, SIDE, SIDE), dtype=voxels.dtype)
    there, here = _overlap(voxels.shape, start)
    cube[here] = voxels[there]
    return cube


def _overlap(shape: tuple[int, ...], start: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a cube and an image meet: in the image, and in the cube."""
    spans = [(max(0, s), min(n, s + SIDE), s) for s, n in zip(start, shape, strict=True)]
    return tuple(slice(a, b) for a, b, _ in spans), tuple(slice(a - s, b - s) for a, b, s in spans)
