"""Another grid: masks at voxel centres of an isotropic grid, and scores that can be worked out by hand on it."""

import numpy as np
import pytest

from bench import metrics, suite, trial
from bench.metrics.grid import isotropic, resampled
from bench.suite import MetricChoice, plan
from curate.geometry import Geometry
from curate.labelmap import BoxMask


def oblique(shape, spacing, angle=0.4):
    """Return a grid whose first two axes are turned in their plane and whose third is flipped, off centre."""
    c, s = np.cos(angle), np.sin(angle)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, -1]]) * np.array(spacing)
    affine[:3, 3] = (-11.5, 20.25, 7)
    return Geometry(shape, affine)


def block(shape, low, high):
    """Return the half-open box from low to high as a mask."""
    voxels = np.zeros(shape, dtype=bool)
    voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return BoxMask.of(voxels)


def scored(reference, prediction, geometry, grid_mm=None, tolerance=1.0):
    """Score two masks by the suite of every mask with another grid."""
    chosen = MetricChoice(grid_mm=grid_mm, nsd_tolerance_mm=tolerance)
    of = suite.load("all").model_copy(update={"metrics": chosen})
    return trial.scores_of(reference, prediction, geometry, of)


@pytest.mark.parametrize(
    ("shape", "spacing", "spacing_mm"),
    [((20, 18, 9), (1.0, 1.5, 4.0), 1.5), ((7, 5, 31), (0.31, 0.77, 1.9), 0.6), ((3, 3, 3), (1.0, 1.0, 1.0), 50.0)],
)
def test_the_grid_is_that_of_a_resampled_image(shape, spacing, spacing_mm):
    """Shape, centre and directions are those that harmonising an image to this spacing gives."""
    geometry = oblique(shape, spacing)
    assert isotropic(geometry, spacing_mm).same_grid(geometry.resampled(spacing_mm), tolerance=1e-9)


def test_a_picture_keeps_its_slice():
    """A 2D image with spacing is resampled in its plane alone, whatever the thickness of its slice."""
    grid = isotropic(Geometry((40, 30, 1), np.diag([0.5, 0.5, 5.0, 1.0])), 1.0)
    assert (grid.shape_ijk, grid.spacing, grid.is_2d) == ((20, 15, 1), (1.0, 1.0, 5.0), True)


@pytest.mark.parametrize("seed", range(6))
def test_voxels_are_those_whose_centre_lies_in_the_mask(seed):
    """Mapping each centre to the world and back into the mask's grid, voxel by voxel, gives the same mask."""
    random = np.random.default_rng(seed)
    geometry = oblique(tuple(int(n) for n in random.integers(2, 12, 3)), tuple(random.uniform(0.4, 3.0, 3)))
    mask = BoxMask.of(random.random(geometry.shape_ijk) < 0.4)
    grid = isotropic(geometry, float(random.uniform(0.5, 2.5)))
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    places = np.floor(geometry.to_voxel(grid.to_world(indices)) + 0.5 + 1e-6).astype(int)
    places = np.clip(places, 0, np.array(geometry.shape_ijk) - 1)
    expected = mask.full()[places[..., 0], places[..., 1], places[..., 2]]
    assert (resampled(mask, geometry, grid).full() == expected).all()


def test_a_box_keeps_its_millimetres():
    """A box of 8 x 6 x 4 mm on a grid of 1 x 1 x 2 mm has 192 voxels of 1 mm, and 24 of 2 mm."""
    geometry = Geometry((20, 20, 10), np.diag([1.0, 1.0, 2.0, 1.0]))
    mask = block((20, 20, 10), (4, 6, 3), (12, 12, 5))
    fine, coarse = (resampled(mask, geometry, isotropic(geometry, step)) for step in (1.0, 2.0))
    assert (fine.box, fine.count) == ((4, 6, 6, 12, 12, 10), 8 * 6 * 4)
    assert (coarse.box, coarse.count) == ((2, 3, 3, 6, 6, 5), 4 * 3 * 2)


def test_a_centre_between_two_voxels_takes_the_upper_one():
    """At twice the spacing every centre lies midway; of voxels 0 to 7 the odd ones are seen."""
    geometry = Geometry((8, 8, 8), np.eye(4))
    grid = isotropic(geometry, 2.0)
    seen = [resampled(block((8, 8, 8), (n, 0, 0), (n + 1, 8, 8)), geometry, grid).count > 0 for n in range(8)]
    assert seen == [False, True] * 4


def test_slices_3_mm_apart_scored_on_1_mm():
    """6 and 9 mm of a column: overlap as on the own grid; HD is 3 mm, and the end face of 4 x 4 mm is beyond 1 mm."""
    geometry = Geometry((12, 12, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
    reference, prediction = (block((12, 12, 9), (4, 4, 2), (8, 8, top)) for top in (4, 5))
    native, fine = (scored(reference, prediction, geometry, step) for step in (None, 1.0))
    assert (native["grid"], fine["grid"]) == ("native", "1 mm")
    for found in (native, fine):
        assert found["dice"] == pytest.approx(2 * 6 / (6 + 9))
        assert found["volume_error"] == pytest.approx(0.5)
        assert found["volume_error_ml"] == pytest.approx(4 * 4 * 3 / 1000)
        assert found["hd_mm"] == pytest.approx(3.0)
    by_hand = Geometry((12, 12, 27), np.eye(4))
    columns = (block((12, 12, 27), (4, 4, 6), (8, 8, top)) for top in (12, 15))
    assert fine == {**metrics.score_in_full(*columns, by_hand, 1.0), "grid": "1 mm"}
    assert fine["nsd"] != pytest.approx(native["nsd"], abs=0.001)


def test_the_own_spacing_changes_nothing():
    """An image that has the grid's spacing already scores to the bit as on its own grid."""
    geometry = oblique((14, 11, 9), (1.5, 1.5, 1.5))
    random = np.random.default_rng(3)
    first, second = (BoxMask.of(random.random((14, 11, 9)) < 0.3) for _ in range(2))
    assert scored(first, second, geometry, 1.5) == {**scored(first, second, geometry), "grid": "1.5 mm"}


def test_a_reference_that_the_grid_misses_is_not_applicable(asking, store, counting):
    """A spleen of one voxel at i = 3 lies between the centres of a grid of 3 mm (i = 0.5, 3.5): only the liver runs."""
    model = counting(lambda _number, reference: reference)
    chosen = asking("random-error", metrics=MetricChoice(grid_mm=3.0))
    rows = trial.evaluate(plan(chosen, store)[0], chosen, model, store)
    assert {(row["mask_id"], row["status"], row["dice"], row["detail"]) for row in rows} == {
        ("hard/flipped#liver", "ok", 1.0, None),
        (
            *("hard/flipped#spleen", "not_applicable", None),
            "ValueError: the reference has no voxel on the grid of 3 mm that scores are on",
        ),
    }
    assert (len(rows), len(model.asked)) == (8, 1)


def test_a_prediction_thinner_than_the_grid_is_empty():
    """A sheet of 1 mm that no centre of a grid of 5 mm hits is an empty prediction there: Dice 0, distances null."""
    geometry = Geometry((20, 20, 20), np.eye(4))
    sheet, rest = block((20, 20, 20), (0, 0, 0), (1, 20, 20)), block((20, 20, 20), (5, 5, 5), (15, 15, 15))
    found = scored(rest, sheet, geometry, 5.0)
    assert (found["dice"], found["hd95_mm"], found["volume_error"]) == (0.0, None, -1.0)


def test_images_without_spacing_keep_their_grid():
    """Millimetres mean nothing in a picture without spacing: it is scored in its pixels, and says so."""
    geometry = Geometry((12, 12, 1), np.eye(4), "pixel")
    mask = block((12, 12, 1), (2, 2, 0), (6, 6, 1))
    found = scored(mask, mask, geometry, 1.5)
    assert (found["grid"], found["distance_unit"], found["dice"]) == ("native", "pixel", 1.0)


def test_runs_and_scoring_again_use_the_grid(bench_run, everything, tmp_path, rows_of):
    """A grid of 1.5 mm stands in each scored row with spacing; `bench score` gives the same file again."""
    from bench.score import score

    chosen = everything.model_copy(update={"metrics": everything.metrics.model_copy(update={"grid_mm": 1.5})})
    bench_run("region-growing", "grid", of=chosen, keep_predictions=True)
    bench_run("region-growing", "native")
    grid, native = rows_of(tmp_path / "grid"), rows_of(tmp_path / "native")
    assert {(row["status"], row["distance_unit"], row["grid"]) for row in grid} == {
        ("ok", "mm", "1.5 mm"),
        ("ok", "pixel", "native"),
        ("not_applicable", None, None),
    }
    assert [row["reference_voxels"] for row in grid] == [row["reference_voxels"] for row in native]
    assert [row["dice"] for row in grid] != [row["dice"] for row in native]
    before = (tmp_path / "grid/scores.parquet").read_bytes()
    assert score(tmp_path / "grid").scored == len(grid) - 4
    assert (tmp_path / "grid/scores.parquet").read_bytes() == before
