"""Runs that were stopped, cut, extended or changed: the end is the same as if nothing had happened, or a refusal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import scores
from curate.errors import StoreError
from curate.files import write_json

ROOT = Path(__file__).resolve().parents[2]
ROWS = 32


def _cut(run, keep):
    """Leave only some rows in a run's scores.parquet."""
    scores.write(run, [row for row in scores.read(run) if keep(row)])


def _calls_by_key(lines):
    """Return key -> number of points shown, in order."""
    found = {}
    for line in lines:
        key, points = line.split()
        found.setdefault(key, []).append(int(points))
    return found


def test_a_second_run_does_nothing(bench_run, tmp_path, model_file, calls):
    """The same command again keeps all rows, calls no model, and leaves the same bytes."""
    bench_run(f"{model_file}:Cubes", "run")
    assert len(calls()) == 8 * 10
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    report = bench_run(f"{model_file}:Cubes", "run")
    assert (report.rows, report.reused, calls()) == (ROWS, ROWS, [])
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert sorted(before) == ["run.json", "scores.parquet"]


@pytest.mark.parametrize(
    ("lost", "masks"),
    [
        (lambda row: row["mask_id"] == "hard/permuted#kidney", 1),
        (lambda row: row["mask_id"] == "hard/permuted#kidney" and row["step"] == 3, 1),
        (lambda row: row["image_id"] == "hard/oblique", 2),
        (lambda row: row["target"] == "liver", 3),
        (lambda row: row["step"] == 10, 8),
    ],
)
def test_missing_rows_are_made_again_and_only_those(bench_run, tmp_path, rows_of, model_file, calls, lost, masks):
    """A mask that lacks a row is prompted again from its first step; the model is asked for no other mask."""
    bench_run(f"{model_file}:Cubes", "run")
    whole, everything_called = rows_of(tmp_path / "run"), _calls_by_key(calls())
    _cut(tmp_path / "run", lambda row: not lost(row))
    report = bench_run(f"{model_file}:Cubes", "run")
    again = _calls_by_key(calls())
    assert rows_of(tmp_path / "run") == whole
    assert report.reused == ROWS - 4 * masks
    assert len(again) == masks
    assert all(again[key] == everything_called[key] == list(range(1, 11)) for key in again)


def test_seeds_are_resumed_by_any_number_of_workers(bench_run, tmp_path, rows_of, model_file, everything):
    """Two seeds of each mask: a mask that lacks rows of one is run again, by two workers, with the same rows."""
    protocol = everything.protocol.model_copy(update={"seeds": 2})
    twice = everything.model_copy(update={"protocol": protocol})
    assert bench_run(f"{model_file}:Cubes", "run", of=twice).rows == 2 * ROWS
    whole = rows_of(tmp_path / "run")
    _cut(tmp_path / "run", lambda row: (row["seed"], row["target"]) != (1, "liver"))
    report = bench_run(f"{model_file}:Cubes", "run", of=twice, workers=2)
    assert (report.reused, report.masks_now) == (5 * 8, 3)
    assert rows_of(tmp_path / "run") == whole


def test_never_starts_again(bench_run, tmp_path, rows_of, model_file, calls):
    """`never` asks for everything again, drops predictions that nobody wants any more, and gives the same rows."""
    bench_run(f"{model_file}:Cubes", "run", keep_predictions=True)
    whole, first = rows_of(tmp_path / "run"), calls()
    report = bench_run(f"{model_file}:Cubes", "run", resume="never")
    assert (report.reused, calls()) == (0, first)
    assert rows_of(tmp_path / "run") == whole
    assert not (tmp_path / "run/predictions").exists()


@pytest.mark.parametrize("stop_after", [1, 45])
def test_kill_in_the_middle_and_go_on(store, rows_of, model_file, calls, command, bench_run, stop_after):
    """`kill -9` in the middle, then the same command: the rows and kept predictions of an undisturbed run."""
    folder = model_file.parent
    arguments = ("run", "all", "--model", f"{model_file}:Slow", "--store", store, "--keep-predictions")
    log = model_file.with_name("calls.log")
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *map(str, arguments), "--out", str(folder / "killed")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    deadline = time.monotonic() + 60
    while (len(log.read_text().splitlines()) if log.exists() else 0) < stop_after and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert not (folder / "killed/scores.parquet").exists()
    interrupted = len(calls())
    assert stop_after <= interrupted < 80
    finished = command(*arguments, "--out", folder / "killed")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert len(calls()) <= (80 if stop_after == 1 else 60)
    bench_run(f"{model_file}:Cubes", "undisturbed", keep_predictions=True)
    assert rows_of(folder / "killed") == rows_of(folder / "undisturbed")
    assert _tree(folder / "killed/predictions") == _tree(folder / "undisturbed/predictions")
    assert (folder / "killed/run.json").read_bytes() == (folder / "undisturbed/run.json").read_bytes()
    assert _tree(folder / "killed/prompts") == _tree(folder / "undisturbed/prompts")
    assert sorted(path.name for path in (folder / "killed").iterdir()) == [
        "predictions",
        "prompts",
        "run.json",
        "scores.parquet",
    ]


def _tree(folder):
    """Return relative path -> bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("moment", ["reopened", "piece", "gathered"])
def test_a_stop_at_any_file_loses_nothing(bench_run, tmp_path, rows_of, monkeypatch, moment):
    """Stopped after a run was opened again, after a piece, or before the pieces are dropped: the end is the same."""
    bench_run("oracle", "undisturbed")
    bench_run("oracle", "run", limit=2)

    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "reopened":
            patch.setattr("bench.trial.ask", stop)
        elif moment == "piece":
            write = scores.write_piece
            patch.setattr(
                scores, "write_piece", lambda run, name, rows: (write(run, name, rows), name == "done" or stop())
            )
        else:
            patch.setattr("shutil.rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            bench_run("oracle", "run")
    assert (tmp_path / "run/scores.parquet").exists() == (moment == "gathered")
    report = bench_run("oracle", "run")
    assert report.reused == {"reopened": 16, "piece": 28, "gathered": 32}[moment]
    assert rows_of(tmp_path / "run") == rows_of(tmp_path / "undisturbed")
    assert not (tmp_path / "run/.pieces").exists()


def test_a_limited_run_can_be_extended(bench_run, tmp_path, rows_of, facts):
    """First some images, then all: the rows and the record of a run of all, and only the new images are run."""
    assert bench_run("region-growing", "run", limit=2).rows == 16
    assert facts(tmp_path / "run")["limit"] == 2
    report = bench_run("region-growing", "run")
    assert (report.rows, report.reused) == (ROWS, 16)
    bench_run("region-growing", "all")
    assert rows_of(tmp_path / "run") == rows_of(tmp_path / "all")
    assert facts(tmp_path / "run") == facts(tmp_path / "all")


def test_a_run_is_not_narrowed(bench_run, tmp_path, rows_of):
    """A run of all images is not turned into one of fewer, which would then look finished."""
    bench_run("oracle", "run")
    with pytest.raises(StoreError, match="was started on all images; leave --limit out or give no smaller one"):
        bench_run("oracle", "run", limit=3)
    assert len(rows_of(tmp_path / "run")) == ROWS


def test_while_a_run_is_extended_it_is_not_finished(bench_run, monkeypatch):
    """From the moment that more images are run until the last one, nobody finds a scores.parquet."""
    bench_run("oracle", "run", limit=1)
    found = []
    write = scores.write_piece

    def look(run, name, rows):
        write(run, name, rows)
        found.append((name, (run / "scores.parquet").exists()))

    monkeypatch.setattr(scores, "write_piece", look)
    bench_run("oracle", "run")
    assert [exists for name, exists in found if name != "done"] == [False] * 3


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda record: record["model"].update(name="other"), "model"),
        (lambda record: record.update(weights_sha256="1"), "weights_sha256"),
        (lambda record: record.update(model_source_sha256="1"), "model_source_sha256"),
        (lambda record: record["suite"].update(sha256="1"), "suite"),
        (lambda record: record["protocol"].update(version=9), "protocol"),
        (lambda record: record["store"].update(sha256="1"), "store"),
        (lambda record: record.update(device="cuda"), "device"),
        (lambda record: record["versions"].update(medseen="0.0.0"), "medseen"),
    ],
)
def test_another_run_in_the_folder_is_refused(bench_run, tmp_path, facts, change, what):
    """A folder whose record differs in anything that scores depend on is refused with what differs, and left alone."""
    bench_run("oracle", "run")
    record = facts(tmp_path / "run")
    change(record)
    write_json(tmp_path / "run/run.json", record)
    before = _tree(tmp_path / "run")
    with pytest.raises(StoreError, match=rf"another run \({what} differ\); give another --out or --resume never"):
        bench_run("oracle", "run")
    assert _tree(tmp_path / "run") == before
    assert bench_run("oracle", "run", resume="never").reused == 0
    assert facts(tmp_path / "run") != record


def test_other_models_suites_and_stores_are_refused(bench_run, own_store, everything):
    """The command of another model, suite or store into the same folder is refused."""
    bench_run("oracle", "run")
    with pytest.raises(StoreError, match=r"\(model differ\)"):
        bench_run("empty", "run")
    with pytest.raises(StoreError, match=r"\(suite differ\)"):
        bench_run("oracle", "run", of=everything.model_copy(update={"version": 2}))
    (own_store / "manifest/store.json").write_text((own_store / "manifest/store.json").read_text() + "\n")
    with pytest.raises(StoreError, match=r"\(store differ\)"):
        bench_run("oracle", "run", on=own_store)


def test_an_edited_model_file_is_another_run(bench_run, model_file):
    """Rows of the model as it was before an edit are not passed off as rows of the edited one."""
    bench_run(f"{model_file}:Cubes", "run")
    model_file.write_text(model_file.read_text() + "\n# edited\n")
    with pytest.raises(StoreError, match=r"\(model_source_sha256 differ\)"):
        bench_run(f"{model_file}:Cubes", "run")


def test_always_keeps_rows_of_a_changed_run(bench_run, tmp_path, model_file, calls, facts):
    """`always` keeps what is there although the model's file changed; the record is of today."""
    bench_run(f"{model_file}:Cubes", "run")
    before = facts(tmp_path / "run")
    calls()
    model_file.write_text(model_file.read_text() + "\n# edited\n")
    assert bench_run(f"{model_file}:Cubes", "run", resume="always").reused == ROWS
    assert calls() == []
    assert facts(tmp_path / "run")["model_source_sha256"] != before["model_source_sha256"]


def test_always_never_mixes_two_models(bench_run, tmp_path, rows_of):
    """Rows of a model of another name cannot be rows of this run, whatever is asked for."""
    bench_run("oracle", "run")
    report = bench_run("empty", "run", resume="always")
    assert (report.reused, report.rows) == (0, ROWS)
    assert {row["model"] for row in rows_of(tmp_path / "run")} == {"empty"}
    assert {row["dice"] for row in rows_of(tmp_path / "run")} == {0.0}


def test_a_killed_change_of_model_mixes_nothing(bench_run, tmp_path, rows_of, monkeypatch):
    """Stopped between the record of a new model and its first row, the folder holds no row of the old model."""
    bench_run("oracle", "run")
    with monkeypatch.context() as patch:
        patch.setattr("bench.predictions.clean", lambda _run: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            bench_run("empty", "run", resume="never")
    assert bench_run("empty", "run").reused == 0
    assert {row["dice"] for row in rows_of(tmp_path / "run")} == {0.0}


def test_predictions_of_other_masks_survive_a_redo(bench_run, tmp_path):
    """Making one mask's rows again leaves the kept predictions of the other masks of its image as they were."""
    bench_run("oracle", "run", keep_predictions=True)
    before = _tree(tmp_path / "run/predictions")
    _cut(tmp_path / "run", lambda row: row["target"] != "kidney_tumor")
    bench_run("oracle", "run", keep_predictions=True)
    assert _tree(tmp_path / "run/predictions") == before


def test_leftovers_of_a_killed_writer_are_removed(bench_run, tmp_path):
    """Half-written files do not stay, and do not make a new folder somebody else's."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.part-0123-run.json").write_text("{")
    bench_run("oracle", "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json", "scores.parquet"]
