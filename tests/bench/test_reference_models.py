"""Models whose scores are known beforehand."""

import numpy as np
import pytest

from bench.models.reference import BoxFill, Empty, Oracle
from bench.records import Prompts
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

GRID = Geometry((12, 11, 10), np.eye(4))
IMAGE = Volume(np.zeros(GRID.shape_ijk), GRID)


def test_the_oracle_answers_with_the_reference_of_the_key():
    """Each key gets its own reference, whatever the prompts are."""
    masks = {name: BoxMask.of(np.random.default_rng(n).random(GRID.shape_ijk) < 0.1) for n, name in enumerate("ab")}
    session = Oracle().open_with_references(IMAGE, masks)
    assert session.predict(Prompts("b")) is masks["b"]
    assert session.predict(Prompts("a").with_point((0, 0, 0), 0)) is masks["a"]


def test_box_fill_answers_with_the_filled_box():
    """The answer is the bounding box and nothing else."""
    mask = np.zeros(GRID.shape_ijk, dtype=bool)
    mask[2, 3, 4] = mask[7, 5, 6] = True
    expected = np.zeros_like(mask)
    expected[2:8, 3:6, 4:7] = True
    answer = BoxFill().open_with_references(IMAGE, {"x": BoxMask.of(mask)}).predict(Prompts("x"))
    assert (answer.full() == expected).all()


def test_empty_answers_with_nothing():
    """The empty mask lies on the image's grid."""
    answer = Empty().open(IMAGE).predict(Prompts("x"))
    assert answer.count == 0
    assert answer.full().shape == GRID.shape_ijk


def test_box_fill_scores_what_geometry_says(bench_run, store, tmp_path, rows_of):
    """For every mask, Dice of the box is 2 V / (V + B) with V voxels of the mask and B of its box, at every step."""
    from curate import manifest

    bench_run("box-fill", "run")
    masks = manifest.read_table(store, "masks").to_pylist()
    boxes = {row["mask_id"]: np.prod(np.subtract(row["bbox_ijk"][3:], row["bbox_ijk"][:3])) for row in masks}
    for row in rows_of(tmp_path / "run"):
        voxels, box = row["reference_voxels"], boxes[row["mask_id"]]
        assert row["dice"] == pytest.approx(2 * voxels / (voxels + box), abs=1e-12)
        assert row["volume_error"] == pytest.approx(box / voxels - 1, abs=1e-12)


def test_empty_takes_the_empty_row_of_every_metric(bench_run, tmp_path, rows_of):
    """Every row is an answer with the metrics' published values for an empty prediction."""
    from bench.metrics import METRICS

    bench_run("empty", "run")
    for row in rows_of(tmp_path / "run"):
        assert row["status"] == "ok"
        assert {name: row[name] for name in METRICS} == {
            name: one.when("prediction_empty") for name, one in METRICS.items()
        }


@pytest.mark.parametrize(("model", "sees"), [(Oracle, True), (BoxFill, True), (Empty, False)])
def test_cards_say_who_sees_the_reference(model, sees):
    """References are marked, so that a leaderboard shows them apart."""
    assert model.card.sees_reference is sees
    assert hasattr(model, "open_with_references") is sees
