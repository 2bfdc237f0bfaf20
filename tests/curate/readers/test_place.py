import runpy
from pathlib import Path

import numpy as np
import pytest

from curate.errors import ReadError
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.readers.place import place

grid = runpy.run_path(str(Path(__file__).parents[1] / "poses.py"))["grid"]
CODES = ["RAS", "LPS", "PSR", "ASL", "IPR"]
SHAPE = (4, 5, 6)


def scattered(shape, seed=1):
    """Return a mask without symmetry."""
    return np.random.default_rng(seed).random(shape) < 0.2


def cropped(geometry, low, high):
    """Return the part of a grid from one voxel to before another."""
    affine = geometry.affine.copy()
    affine[:3, 3] = geometry.to_world(low)
    return Geometry(tuple(b - a for a, b in zip(low, high, strict=True)), affine)


def world(mask, geometry):
    """Return where the voxels of a mask are, rounded and sorted."""
    return sorted(map(tuple, geometry.to_world(np.argwhere(mask.full())).round(3).tolist()))


def larger_and_turned(geometry, codes):
    """Return the same lattice with its axes in another order and direction, two voxels larger on every side."""
    order = [next(axis for axis, pair in enumerate(("RL", "AP", "SI")) if code in pair) for code in codes]
    affine = geometry.affine.copy()
    affine[:, :3] = affine[:, order]
    shape = [geometry.shape_ijk[axis] for axis in order]
    for axis, code in enumerate(codes):
        if code in "LPI":
            affine[:, 3] += affine[:, axis] * (shape[axis] - 1)
            affine[:, axis] *= -1
    affine[:3, 3] -= affine[:3, :3] @ [2, 2, 2]
    return Geometry(tuple(n + 4 for n in shape), affine)


@pytest.mark.parametrize("codes", CODES)
def test_voxels_keep_their_places_however_the_grids_are_turned(codes):
    """A mask on a turned, mirrored and larger grid is at the same millimetres."""
    source = grid(SHAPE, (0.7, 0.8, 5), "LPS", (0.3, -0.2, 0.25), origin=(-100.5, 80.25, 1200))
    turned = larger_and_turned(source.canonical(), codes)
    mask = BoxMask.of(scattered(SHAPE))
    placed = place(mask, source, turned, "scan.seg.nrrd")
    assert placed.shape_ijk == turned.shape_ijk
    assert world(placed, turned) == world(mask, source)
    assert placed.count == mask.count


def test_a_cropped_grid_is_put_back():
    """The usual case: a segmentation has been cropped to its segments, and the image has not."""
    full = grid((9, 8, 7), (1, 1, 3), "LPS")
    part = cropped(full, (2, 3, 1), (6, 8, 7))
    mask = BoxMask.of(scattered(part.shape_ijk))
    expected = np.zeros((9, 8, 7), bool)
    expected[2:6, 3:8, 1:7] = mask.full()
    assert (place(mask, part, full, "scan").full() == expected).all()


def test_only_the_mask_must_lie_inside():
    """A grid may reach beyond the image as long as its mask does not."""
    full = grid((9, 8, 7), (1, 1, 3), "LPS")
    part = cropped(full, (2, 3, 1), (6, 8, 7))
    voxels = np.zeros((9, 8, 7), bool)
    voxels[3, 4, 2] = True
    assert np.argwhere(place(BoxMask.of(voxels), full, part, "scan").full()).tolist() == [[1, 1, 1]]
    assert place(BoxMask.of(np.zeros((9, 8, 7), bool)), full, part, "scan").count == 0
    voxels[2, 2, 2] = True
    with pytest.raises(
        ReadError, match=r"^scan: it fills the box \[0, -1, 1, 2, 2, 2\], which reaches beyond"
    ) as caught:
        place(BoxMask.of(voxels), full, part, "scan")
    assert caught.value.code == "grid_mismatch"


@pytest.mark.parametrize(
    "change",
    [
        np.diag([2.0, 1, 1, 1]),
        np.diag([1.02, 1, 1, 1]),
        np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    ],
    ids=["double spacing", "spacing 2 % off over 40 voxels", "shear"],
)
def test_other_lattices_are_no_match(change):
    """Voxels that are not where the image's are would need resampling, which is not done in silence."""
    full = grid((40, 8, 7), (1, 1, 3), "LPS")
    other = Geometry((40, 8, 7), full.affine @ change)
    with pytest.raises(ReadError, match="are no voxels of the image's grid") as caught:
        place(BoxMask.of(scattered((40, 8, 7))), other, full, "scan")
    assert caught.value.code == "grid_mismatch"


@pytest.mark.parametrize(("shift", "fits"), [(0.1, True), (0.3, False)])
def test_a_fifth_of_a_voxel_is_rounding(shift, fits):
    """Positions are often rounded text; half a voxel is another place."""
    full = grid((9, 8, 7), (1, 1, 3), "LPS")
    affine = full.affine.copy()
    affine[:3, 3] += full.affine[:3, 2] * shift
    mask = BoxMask.of(scattered((9, 8, 7)))
    if fits:
        assert (place(mask, Geometry((9, 8, 7), affine), full, "scan").full() == mask.full()).all()
    else:
        with pytest.raises(ReadError, match="are no voxels of the image's grid"):
            place(mask, Geometry((9, 8, 7), affine), full, "scan")
