"""Scoring again: the same numbers from kept predictions, without any model."""

import json
import shutil

import pytest

from bench import scores
from bench.score import score
from bench.suite import plan
from curate.errors import StoreError
from curate.files import held, write_json


@pytest.fixture
def run(bench_run, tmp_path):
    """Return a finished run with kept predictions."""
    path = tmp_path / "run"
    bench_run("region-growing", "run", keep_predictions=True)
    return path


def test_kept_predictions_give_every_score_again(run):
    """Every column, timings too, is what the run wrote: byte for byte the same file."""
    before = (run / "scores.parquet").read_bytes()
    result = score(run)
    assert (result.scored, result.without_prediction, result.without_scores) == (32, 0, 0)
    assert (run / "scores.parquet").read_bytes() == before


def test_tampered_scores_are_restored(run, rows_of):
    """A changed metric, a null and a wrong tolerance are computed again."""
    before = rows_of(run)
    rows = scores.read(run)
    rows[0]["dice"], rows[5]["nsd"], rows[9]["tolerance"], rows[11]["hd95_mm"] = 0.123, None, 99.0, 1e9
    scores.write(run, rows)
    assert rows_of(run) != before
    score(run)
    assert rows_of(run) == before


def test_another_definition_changes_every_row(run, monkeypatch):
    """A changed metric reaches all rows that have a prediction."""
    from bench import metrics

    original = metrics.score_in_full
    monkeypatch.setattr(metrics, "score_in_full", lambda *arguments: {**original(*arguments), "dice": 0.5})
    score(run)
    assert {row["dice"] for row in scores.read(run)} == {0.5}


def test_failures_stay_failures(bench_run, own_store, tmp_path, rows_of):
    """Rows of an image that vanished stay failed rows, and do not keep the others from being scored."""
    (own_store / "images/hard/flipped.nii.gz").unlink()
    bench_run("oracle", "run", on=own_store, keep_predictions=True)
    before = rows_of(tmp_path / "run")
    result = score(tmp_path / "run")
    assert (result.scored, result.without_prediction, result.without_scores) == (24, 0, 8)
    assert rows_of(tmp_path / "run") == before


def test_rows_without_a_prediction_are_counted(bench_run, tmp_path, rows_of):
    """Rows of images that were run before predictions were kept stay, and are told."""
    bench_run("oracle", "run", limit=2)
    bench_run("oracle", "run", keep_predictions=True)
    before = rows_of(tmp_path / "run")
    result = score(tmp_path / "run")
    assert (result.scored, result.without_prediction) == (16, 16)
    assert rows_of(tmp_path / "run") == before


def test_a_limited_run_is_scored(bench_run, tmp_path):
    """A run of some images is scored again as it is."""
    bench_run("oracle", "run", limit=1, keep_predictions=True)
    assert score(tmp_path / "run").scored == 8


def test_runs_without_predictions_are_refused(bench_run, tmp_path):
    """A run that kept nothing says how to keep."""
    bench_run("oracle", "run")
    with pytest.raises(StoreError, match="no predictions were kept; run again with --keep-predictions --resume never"):
        score(tmp_path / "run")


def test_unfinished_runs_are_refused(run):
    """A run that was killed is finished first."""
    (run / "scores.parquet").unlink()
    with pytest.raises(StoreError, match=r"no scores.parquet; give the same `bench run` command again"):
        score(run)


def test_a_moved_store_is_found_by_its_hash(bench_run, own_store, tmp_path, rows_of):
    """A store that moved is named with --store; another store in its place is refused."""
    bench_run("region-growing", "run", on=own_store, keep_predictions=True)
    before = rows_of(tmp_path / "run")
    moved = own_store.rename(tmp_path / "moved")
    with pytest.raises(StoreError, match=r"not the store that .* ran on; give it with --store STORE"):
        score(tmp_path / "run")
    assert score(tmp_path / "run", moved).scored == 32
    assert rows_of(tmp_path / "run") == before
    content = json.loads((moved / "manifest/store.json").read_text())
    write_json(moved / "manifest/store.json", {**content, "medseen_version": "another"})
    with pytest.raises(StoreError, match="not the store that"):
        score(tmp_path / "run", moved)


def test_a_lost_prediction_is_named(run):
    """A label map that was deleted is an error in words, and the scores stay as they were."""
    before = (run / "scores.parquet").read_bytes()
    path = next((run / "predictions").rglob("*.nii.gz"))
    path.unlink()
    with pytest.raises(StoreError, match=f"cannot be scored again: .*{path.name}"):
        score(run)
    assert (run / "scores.parquet").read_bytes() == before


def test_scoring_and_running_do_not_meet(run):
    """While a run is being made, it is not scored."""
    with held(run, "bench"), pytest.raises(StoreError, match="another `bench` is at work"):
        score(run)


def test_a_copied_run_is_scored(run, tmp_path, rows_of):
    """A run is a folder that can be copied anywhere."""
    shutil.copytree(run, tmp_path / "elsewhere/run")
    score(tmp_path / "elsewhere/run")
    assert rows_of(tmp_path / "elsewhere/run") == rows_of(run)


def test_no_model_is_loaded(run):
    """Scoring imports neither torch nor the module of any model."""
    import os
    import subprocess
    import sys
    from pathlib import Path

    program = (
        "import sys; from bench.cli import main; status = main(['score', sys.argv[1]]);"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('torch', 'monai')"
        " or name.startswith('bench.models.')), status)"
    )
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(
        [sys.executable, "-c", program, str(run)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == "['bench.models.base', 'bench.models.choice'] 0"


def test_the_plan_has_all_masks_of_the_run(store, everything):
    """Scoring plans without a limit, so that every row of a run finds its mask."""
    assert sum(len(unit.masks) for unit in plan(everything, store)) == 8
