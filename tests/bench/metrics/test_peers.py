"""Scores against MONAI and MedPy, where their definitions agree with ours or bound them."""

import warnings

import numpy as np
import pytest

SPACINGS = [(1.0, 1.0, 1.0), (2.0, 0.8, 0.8), (0.31, 0.77, 1.9)]

pytestmark = pytest.mark.filterwarnings("ignore")


def _monai(function: str, prediction: np.ndarray, reference: np.ndarray, **options) -> float:
    """Call a metric of MONAI on one channel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import monai.metrics
        import torch

    tensors = [torch.as_tensor(mask[None, None]) for mask in (prediction, reference)]
    return float(getattr(monai.metrics, function)(*tensors, include_background=True, **options))


def _monai_nsd(prediction, reference, spacing, tolerance) -> float:
    """Return MONAI's NSD with surfels."""
    options = {"class_thresholds": [tolerance], "spacing": spacing, "use_subvoxels": True}
    return _monai("compute_surface_dice", prediction, reference, **options)


def _two_masks(seed: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Draw two random masks that differ in density and touch the border."""
    rng = np.random.default_rng(seed)
    masks = [rng.random(shape) < rng.uniform(0.05, 0.95) for _ in range(2)]
    masks[0].flat[0] = masks[1].flat[-1] = True
    return masks[0], masks[1]


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("tolerance", [0.5, 1.7, 3.3])
def test_nsd_is_that_of_monai_with_subvoxels(scored, ball, spacing, tolerance):
    """Two ellipsoids in the middle of a volume get MONAI's NSD."""
    reference, prediction = (
        ball((44, 40, 36), centre, radius, spacing)
        for centre, radius in (((20, 19, 17), 9.0), ((21, 17, 17), 8.0 + tolerance / 4))
    )
    expected = _monai_nsd(prediction, reference, spacing, tolerance)
    assert scored(reference, prediction, spacing, tolerance)["nsd"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(8))
def test_nsd_of_masks_at_the_border_is_that_of_monai(scored, spacing, seed):
    """Random masks that touch every border of the image get MONAI's NSD."""
    reference, prediction = _two_masks(seed, (7, 6, 5))
    expected = _monai_nsd(prediction, reference, spacing, 1.23)
    assert scored(reference, prediction, spacing, 1.23)["nsd"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(8))
def test_nsd_of_single_slices_is_that_of_monai_in_2d(scored, spacing, seed):
    """2D images get the NSD of MONAI's 2D contours."""
    reference, prediction = _two_masks(seed, (17, 13))
    expected = _monai_nsd(prediction, reference, spacing[:2], 1.23)
    found = scored(reference[..., None], prediction[..., None], spacing, 1.23)["nsd"]
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_overlap_is_that_of_monai_and_medpy(scored, seed):
    """Dice and IoU are MedPy's dc and jc and MONAI's Dice and IoU."""
    from medpy.metric.binary import dc, jc

    reference, prediction = _two_masks(seed, (9, 8, 7))
    scores = scored(reference, prediction)
    assert scores["dice"] == pytest.approx(dc(prediction, reference))
    assert scores["iou"] == pytest.approx(jc(prediction, reference))
    assert scores["dice"] == pytest.approx(_monai("compute_dice", prediction, reference), abs=1e-6)
    assert scores["iou"] == pytest.approx(_monai("compute_iou", prediction, reference), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_volume_error_is_that_of_medpy(scored, seed):
    """The volume error is MedPy's relative absolute volume difference, which despite its name has a sign."""
    from medpy.metric.binary import ravd

    reference, prediction = _two_masks(seed, (9, 8, 7))
    assert scored(reference, prediction)["volume_error"] == pytest.approx(ravd(prediction, reference))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("step", [(3, 0, 0), (0, 2, 0), (0, 0, 4)])
def test_hd95_of_shifted_cubes_is_that_of_medpy_and_monai(scored, block, spacing, step):
    """Where a face, far more than 5 % of the surface, has moved, surfels and surface voxels see one distance."""
    from medpy.metric.binary import hd95

    reference = block((24, 24, 24), (5, 5, 5), (17, 17, 17))
    prediction = np.roll(reference, step, axis=(0, 1, 2))
    found = scored(reference, prediction, spacing)["hd95_mm"]
    assert found == pytest.approx(np.dot(step, spacing), rel=1e-6)
    assert found == pytest.approx(hd95(prediction, reference, voxelspacing=spacing), rel=1e-6)
    options = {"percentile": 95, "spacing": spacing}
    assert found == pytest.approx(_monai("compute_hausdorff_distance", prediction, reference, **options), rel=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_distances_of_balls_lie_within_a_voxel_of_medpy(scored, ball, spacing):
    """On smooth shapes, HD95 and ASSD of surfels differ from those of surface voxels by less than a voxel diagonal."""
    from medpy.metric.binary import assd, hd95

    reference, prediction = (
        ball((48, 44, 40), centre, radius, spacing) for centre, radius in (((22, 20, 18), 9.0), ((25, 21, 20), 8.0))
    )
    scores, diagonal = scored(reference, prediction, spacing), np.linalg.norm(spacing)
    assert scores["hd95_mm"] == pytest.approx(hd95(prediction, reference, voxelspacing=spacing), abs=diagonal)
    assert scores["assd_mm"] == pytest.approx(assd(prediction, reference, voxelspacing=spacing), abs=diagonal / 2)
