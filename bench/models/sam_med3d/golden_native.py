"""What the `native` inference of SAM-Med3D gives on a real image, every array of the golden pipeline file."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.models.sam_med3d import windows
from bench.models.sam_med3d.clicks import Click
from bench.models.sam_med3d.golden import Weight, filled_network
from bench.models.sam_med3d.isotropic import IsotropicGrid
from bench.models.sam_med3d.network import SamMed3DNetwork, upsampled
from bench.models.sam_med3d.one_cube import OneCubeSession
from bench.models.sam_med3d.options import NATIVE
from bench.models.sam_med3d.published_cube import mask_on_grid, start_around
from bench.models.sam_med3d.windows import Triple
from curate.labelmap import BoxMask
from curate.volume import Volume

Answers = Callable[[Volume, BoxMask, Triple], dict[str, NDArray[Any]]]


def pipeline(weight: Weight) -> Answers:
    """Return what computes the arrays of one case with golden weights, from its image, its label and a click."""
    network = filled_network(weight)
    return lambda image, label, click: _answers(network, image, label, click)


def _answers(network: SamMed3DNetwork, image: Volume, label: BoxMask, click: Triple) -> dict[str, NDArray[Any]]:
    grid = IsotropicGrid.from_corner(image.geometry, canonical=NATIVE.canonical)
    on_grid = mask_on_grid(grid, label)
    start = start_around(on_grid.box)
    i, j, k = (place + corner for place, corner in zip(click, start, strict=True))
    session = OneCubeSession(network, image, NATIVE)
    logits = session.segment(start, (Click((i, j, k), 1),))
    cube = session.cube(start)
    native = grid.mask_on_source(session.on_grid(logits, start))
    round_trip = grid.mask_on_source(_cut(on_grid, start))
    box = windows.box_in_image(start, grid.geometry.shape_ijk)
    label_in_cube = np.zeros(cube.shape, dtype=np.bool_)
    label_in_cube[windows.window_slices(box, start)] = on_grid.within(box)
    found = np.argwhere(label_in_cube)
    return {
        "roi_image_strided": cube[::8, ::8, ::8],
        "roi_image_mean_std": np.array([cube.mean(dtype=np.float64), cube.std(dtype=np.float64)]),
        "roi_label_voxels": np.array([len(found)]),
        "roi_label_bbox": np.array([found.min(axis=0), found.max(axis=0) + 1]),
        "low_res_strided": logits[0, 0, ::4, ::4, ::4].numpy(),
        "roi_mask_voxels": np.array([int(torch.count_nonzero(upsampled(logits) > 0))]),
        "native_shape": np.array(native.shape_ijk),
        "native_mask_voxels": np.array([native.count]),
        "native_mask_strided": native.full()[::4, ::4, ::2].astype(np.uint8),
        "native_reference_round_trip_voxels": np.array([round_trip.count]),
    }


def _cut(mask: BoxMask, start: Triple) -> BoxMask:
    """Return the part of a mask that lies in the cube."""
    box = windows.box_in_image(start, mask.shape_ijk)
    return BoxMask(mask.shape_ijk, box, mask.within(box))
