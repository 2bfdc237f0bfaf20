"""Kept prompts: what a model was shown comes back, replays to the kept predictions, and goes with the run."""

import json

import numpy as np
import pytest

from bench import kept_prompts, predictions, scores, suite, trial
from bench.models.region_growing import RegionGrowing
from bench.records import Prompts, Stroke
from bench.suite import ProtocolChoice, plan
from curate.errors import ReadError

SHOWN = Prompts(
    "x",
    np.array([[1, 2, 3], [4, 5, 6]]),
    np.array([1, 0]),
    box=(0, 1, 2, 3, 4, 5),
    boxes=((0, 0, 1, 2, 2, 2), (0, 0, 2, 3, 3, 3)),
    strokes=(Stroke("lasso", np.array([[7, 8, 9]]), 0),),
)
ROW = {
    "points_ijk": [[1, 2, 3], [4, 5, 6]],
    "labels": [1, 0],
    "box": [0, 1, 2, 3, 4, 5],
    "boxes": [[0, 0, 1, 2, 2, 2], [0, 0, 2, 3, 3, 3]],
    "strokes": [{"tool": "lasso", "label": 0, "voxels_ijk": [[7, 8, 9]]}],
}


@pytest.fixture
def clicked(everything):
    """Return the suite of every mask with two seeds of three clicks."""
    choice = ProtocolChoice(name="random-error", version=1, parameters={"score_after": [1, 3]}, seeds=2)
    return everything.model_copy(update={"protocol": choice})


def test_everything_that_was_shown_comes_back(tmp_path):
    """Points, labels, the box, boxes of slices and strokes come back as they were, with mask, seed and step."""
    kept_prompts.keep(tmp_path, "d/c", 3, 1, {"d/c#liver": SHOWN})
    assert kept_prompts.read(tmp_path, "d/c") == [{"mask_id": "d/c#liver", "seed": 1, "step": 3, **ROW}]


def test_rows_are_sorted_and_images_do_not_meet(tmp_path):
    """Rows come by mask, seed and step as numbers, and an image whose name begins alike has its own."""
    for image_id in ("d/c", "d/c.step1.seed0", "d/c2"):
        for step, seed in [(10, 0), (2, 1), (2, 0)]:
            shown = {f"{image_id}#spleen": SHOWN, f"{image_id}#liver": SHOWN}
            kept_prompts.keep(tmp_path, image_id, step, seed, shown)
    for image_id in ("d/c", "d/c.step1.seed0", "d/c2"):
        found = [(row["mask_id"], row["seed"], row["step"]) for row in kept_prompts.read(tmp_path, image_id)]
        pairs = [(0, 2), (0, 10), (1, 2)]
        assert found == [(f"{image_id}#{name}", *pair) for name in ("liver", "spleen") for pair in pairs]


def test_a_later_write_keeps_the_other_masks(tmp_path):
    """Masks that are run again are replaced, the others stay; the bytes do not depend on the order."""
    first, second = {"d/c#a": SHOWN}, {"d/c#b": Prompts("y")}
    for folder, order in (("one", (first, second)), ("two", (second, first, second))):
        for shown in order:
            kept_prompts.keep(tmp_path / folder, "d/c", 1, 0, shown)
    names = ["one/prompts/d/c.step1.seed0.json", "two/prompts/d/c.step1.seed0.json"]
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1
    assert [row["mask_id"] for row in kept_prompts.read(tmp_path / "one", "d/c")] == ["d/c#a", "d/c#b"]


def test_nothing_kept_is_nothing(tmp_path):
    """A run without prompts has none."""
    assert kept_prompts.read(tmp_path, "d/c") == []


def test_a_damaged_file_is_named(tmp_path):
    """A file cut short is a read error with its name."""
    kept_prompts.keep(tmp_path, "d/c", 1, 0, {"d/c#a": SHOWN})
    path = next(tmp_path.rglob("*.json"))
    path.write_text(path.read_text()[:40])
    with pytest.raises(ReadError, match=r"c.step1.seed0.json: cannot be read"):
        kept_prompts.read(tmp_path, "d/c")


def test_kept_prompts_replay_to_the_kept_predictions(bench_run, clicked, store, tmp_path):
    """A fresh session that is shown what was kept answers with the prediction that was kept, at every seed and step."""
    bench_run("region-growing", "run", of=clicked, keep_predictions=True)
    compared = 0
    for unit in plan(clicked, store):
        image, _ = trial.read_unit(unit, store)
        image_id = unit.image["image_id"]
        for row in kept_prompts.read(tmp_path / "run", image_id):
            session = RegionGrowing().open(image)
            points, labels = (np.array(row[name], dtype=np.int64) for name in ("points_ijk", "labels"))
            answer = session.predict(Prompts("anew", points, labels))
            shape = image.geometry.shape_ijk
            kept = predictions.read(tmp_path / "run", image_id, row["step"], shape, row["seed"])[row["mask_id"]]
            assert (answer.full() == kept.full()).all()
            compared += 1
    assert compared == 8 * 2 * 2


def test_seeds_are_scored_again_from_their_own_predictions(bench_run, clicked, tmp_path):
    """`bench score` gives the file of a run with two seeds again, byte by byte."""
    from bench.score import score

    bench_run("region-growing", "run", of=clicked, keep_predictions=True)
    before = (tmp_path / "run/scores.parquet").read_bytes()
    assert score(tmp_path / "run").scored == 8 * 2 * 2
    assert (tmp_path / "run/scores.parquet").read_bytes() == before
    assert len({row["dice"] for row in scores.read(tmp_path / "run")}) > 8


def test_prompts_go_with_predictions(bench_run, tmp_path):
    """Without --keep-predictions nothing is kept, and a run that starts again forgets what was shown."""
    bench_run("oracle", "run")
    assert not (tmp_path / "run/prompts").exists()
    bench_run("oracle", "run", keep_predictions=True, resume="never")
    assert len(list((tmp_path / "run/prompts").rglob("*.json"))) == 4 * 4
    scores.forget(tmp_path / "run")
    assert not (tmp_path / "run/prompts").exists()


def test_the_files_are_json_for_anyone(bench_run, tmp_path):
    """A file is a list of rows, each with the columns that the guide names."""
    bench_run("oracle", "run", keep_predictions=True, limit=1)
    path = tmp_path / "run/prompts/hard/flipped.step3.seed0.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    assert [row["mask_id"] for row in rows] == ["hard/flipped#liver", "hard/flipped#spleen"]
    assert all(row.keys() == {"mask_id", "seed", "step", *ROW} and len(row["points_ijk"]) == 3 for row in rows)


def test_the_shipped_suites_say_nothing_of_seeds():
    """One seed is what every shipped suite asks for."""
    assert suite.load("all").protocol.seeds == 1
