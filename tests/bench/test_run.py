"""Runs: the same rows wherever they are computed, and a row for everything that goes wrong."""

import json
import multiprocessing

import pytest

from bench import models, scores
from bench import run as runs
from bench.schema import SCORES, STATUSES
from curate import cluster, manifest
from curate.errors import StoreError, UsageError
from curate.executor import Where
from curate.files import held
from curate.schema import arrow_schema

STEPS = 4
MASKS = 8


def test_the_oracle_is_perfect_on_every_grid(bench_run, tmp_path, rows_of):
    """Flipped, oblique, anisotropic, permuted and flat images all give Dice 1, NSD 1, HD95 0 through the full path."""
    report = bench_run("oracle", "run", keep_predictions=True)
    assert (report.images, report.rows, report.reused, report.statuses) == (4, MASKS * STEPS, 0, {"ok": MASKS * STEPS})
    rows = rows_of(tmp_path / "run")
    assert {
        (row["dice"], row["iou"], row["nsd"], row["hd95_mm"], row["assd_mm"], row["volume_error"]) for row in rows
    } == {(1.0, 1.0, 1.0, 0.0, 0.0, 0.0)}


def test_the_oracle_is_perfect_on_curated_data(tmp_path, rows_of):
    """From three source layouts through `curate build` and `bench run`, every mask of the oracle is perfect."""
    from bench import suite
    from curate import phantoms, pipeline, profile, recipe

    phantoms.write_all(tmp_path / "raw")
    names = ("phantom-nnunet", "phantom-nrrd", "phantom-png")
    sources = [pipeline.Source(recipe.load(name), tmp_path / "raw" / name) for name in names]
    pipeline.build(sources, tmp_path / "store", profile.load("native"), Where(1))
    choice = models.Choice("oracle")
    report = runs.run(suite.load("phantom"), choice, tmp_path / "store", tmp_path / "run", Where(1))
    assert report.missing_datasets == []
    rows = rows_of(tmp_path / "run")
    assert len(rows) == STEPS * (15 + 19 + 5)
    assert {(row["status"], row["dice"], row["nsd"], row["hd95_mm"]) for row in rows} == {("ok", 1.0, 1.0, 0.0)}


def test_scores_have_the_columns_of_the_schema(bench_run, tmp_path):
    """The file has exactly the documented columns and types, one row per (mask, protocol, step), sorted."""
    import pyarrow.parquet as pq

    bench_run("box-fill", "run")
    table = pq.read_table(tmp_path / "run/scores.parquet")
    assert table.schema.equals(arrow_schema(SCORES))
    keys = [(row["mask_id"], row["protocol"], row["step"]) for row in table.to_pylist()]
    assert keys == sorted(set(keys))
    for column in SCORES:
        assert column.nullable or table[column.name].null_count == 0, column.name


def test_rows_say_what_was_seen(bench_run, tmp_path, rows_of):
    """A model whose card says that it learnt from nothing has seen nothing; one without a card is unknown."""
    names = ("seen_target", "seen_modality", "seen_dataset", "seen_image")
    bench_run("empty", "untrained")
    assert {tuple(row[name] for name in names) for row in rows_of(tmp_path / "untrained")} == {("unseen",) * 4}
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from bench.models.base import ModelCard\nfrom bench.models.reference import Empty\n"
        "class Mine(Empty):\n    card = ModelCard('mine', 'd', 'MIT')\n"
    )
    bench_run(f"{mine}:Mine", "undisclosed")
    assert {tuple(row[name] for name in names) for row in rows_of(tmp_path / "undisclosed")} == {("unknown",) * 4}


@pytest.fixture(scope="module")
def scheduler():
    """Return the address of a running dask scheduler with two worker threads."""
    import distributed

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0", worker_dashboard_address=":0"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("name", ["region-growing", "their own"])
def test_workers_do_not_matter(bench_run, tmp_path, rows_of, facts, scheduler, model_file, name):
    """One process, two processes and a dask cluster give the same scores, run record and kept predictions."""
    name = f"{model_file}:Cubes" if name == "their own" else name
    for out, where in (("one", {}), ("two", {"workers": 2}), ("cluster", {"scheduler": scheduler})):
        bench_run(name, out, keep_predictions=True, **where)
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "two") == rows_of(tmp_path / "cluster")
    assert facts(tmp_path / "one") == facts(tmp_path / "two") == facts(tmp_path / "cluster")
    kept = [_files(tmp_path / out / "predictions") for out in ("one", "two", "cluster")]
    assert kept[0] == kept[1] == kept[2]
    assert len(kept[0]) >= 2 * 4 * STEPS


def _files(folder):
    """Return relative path -> bytes of all files of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_cluster_that_outlives_a_run_takes_the_new_model(bench_run, tmp_path, rows_of, scheduler, model_file):
    """Workers that ran a model once make it again for the next run, so that an edited file counts."""
    bench_run(f"{model_file}:Cubes", "before", scheduler=scheduler)
    model_file.write_text(model_file.read_text().replace("+ 3", "+ 2"))
    bench_run(f"{model_file}:Cubes", "after", scheduler=scheduler)
    bench_run(f"{model_file}:Cubes", "here")
    assert rows_of(tmp_path / "after") == rows_of(tmp_path / "here") != rows_of(tmp_path / "before")


def test_a_model_that_ends_its_process_loses_only_that_image(bench_run, tmp_path, rows_of, model_file):
    """With two processes, an image on which the model crashes has failed rows; every other row is an ordinary one."""
    report = bench_run(f"{model_file}:Killer", "killed", workers=2)
    assert report.statuses == {"failed": 2 * STEPS, "ok": 6 * STEPS}
    bench_run(f"{model_file}:Cubes", "healthy")
    killed, healthy = rows_of(tmp_path / "killed"), rows_of(tmp_path / "healthy")
    for one, other in zip(killed, healthy, strict=True):
        if one["image_id"] == "hard/oblique":
            assert one["detail"].startswith("KilledWorker: the process died while it ran this image")
            assert (one["reference_voxels"], one["dice"]) == (other["reference_voxels"], None)
        else:
            assert one == other


@pytest.mark.parametrize(("damage", "workers"), [("image", 1), ("image", 2), ("labels", 1), ("truncated", 1)])
def test_a_damaged_image_is_rows_and_the_rest_goes_on(bench_run, own_store, tmp_path, rows_of, workers, damage):
    """An image or label map that vanished or was cut from the store fails its own rows; the others are scored."""
    path = own_store / ("labels/hard/flipped.1.nii.gz" if damage == "labels" else "images/hard/flipped.nii.gz")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:200])
    else:
        path = own_store / "labels/hard/flipped.0.nii.gz" if damage == "labels" else path
        path.unlink()
    report = bench_run("oracle", "run", workers=workers, on=own_store)
    assert report.statuses == {"failed": 2 * STEPS, "ok": 6 * STEPS}
    bad = [row for row in rows_of(tmp_path / "run") if row["status"] == "failed"]
    assert {row["image_id"] for row in bad} == {"hard/flipped"}
    assert all(row["detail"].startswith("ReadError: ") and path.name in row["detail"] for row in bad)


def test_another_thing_under_the_runs_folder_is_left_alone(bench_run, tmp_path):
    """A folder with somebody's files is refused, and nothing in it changes."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/thesis.txt").write_text("chapter 1")
    for resume in ("missing", "never", "always"):
        with pytest.raises(StoreError, match="not empty and not a run; give a new folder with --out"):
            bench_run("oracle", "theirs", resume=resume)
    assert _files(tmp_path / "theirs") == {"thesis.txt": b"chapter 1"}


def test_a_run_cannot_lie_where_a_file_is(bench_run, tmp_path):
    """A file in the place of the folder is refused in words."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"cannot be used .*; give another folder with --out"):
        bench_run("oracle", "file")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("orakle", {}, "unknown model `orakle`; did you mean `oracle`"),
        ("oracle", {"limit": 0}, "--limit 0: give 1 or more"),
        ("oracle", {"scheduler": "tcp://127.0.0.1:9"}, "no dask scheduler answers"),
        ("sam-med3d", {}, "sam-med3d needs weights"),
    ],
)
def test_wrong_usage_leaves_no_folder(bench_run, tmp_path, monkeypatch, name, options, message):
    """What cannot be meant is refused before anything is written."""
    monkeypatch.setattr(cluster, "_PATIENCE_SECONDS", 1)
    with pytest.raises(UsageError, match=message):
        bench_run(name, "run", **options)
    assert not (tmp_path / "run").exists()


def test_two_runs_of_one_folder_do_not_mix(bench_run, tmp_path):
    """While one process works on a run, another is refused; afterwards it may."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "run", ready, done))
    other.start()
    try:
        assert ready.wait(60)
        with pytest.raises(StoreError, match="another `bench` is at work on it"):
            bench_run("oracle", "run")
    finally:
        done.set()
        other.join(60)
    assert bench_run("oracle", "run").statuses == {"ok": MASKS * STEPS}
    with held(tmp_path / "run", "bench"), pytest.raises(StoreError, match="another `bench`"):
        bench_run("oracle", "run")


def _hold(folder, ready, done):
    """Hold a run's folder until told to let go."""
    with held(folder, "bench"):
        ready.set()
        done.wait(60)


def test_a_suite_that_names_missing_datasets_says_so(bench_run, everything):
    """Datasets that the suite names and the store lacks are reported; the rest is run."""
    groups = (everything.groups[1].model_copy(update={"datasets": ("hard", "amos22")}),)
    of = everything.model_copy(update={"groups": groups})
    report = bench_run("oracle", "run", of=of)
    assert list(report.missing_datasets) == ["amos22"]
    assert report.statuses == {"ok": 7 * STEPS}


def test_every_status_is_documented():
    """The statuses that rows may have are the six of the contract."""
    assert set(STATUSES) == {"ok", "failed", "timeout", "out_of_memory", "unsupported", "not_applicable"}


def test_a_damaged_score_file_is_named(bench_run, tmp_path):
    """A scores.parquet that is cut short, or lacks a column, is refused with what to type next."""
    import pyarrow.parquet as pq

    bench_run("oracle", "run")
    path = tmp_path / "run/scores.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["dice"]), path)
    with pytest.raises(StoreError, match=r"scores.parquet: cannot be read .*dice.*--resume never"):
        scores.read(tmp_path / "run")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError, match=r"scores.parquet: cannot be read"):
        bench_run("oracle", "run")
    assert bench_run("oracle", "run", resume="never").rows == MASKS * STEPS


def test_a_folder_name_like_a_partition_is_only_a_name(bench_run, tmp_path, rows_of):
    """`model=a` in a path is no column of the table."""
    bench_run("oracle", "model=a/suite=7/run")
    assert bench_run("oracle", "model=a/suite=7/run").reused == MASKS * STEPS
    assert {row["model"] for row in rows_of(tmp_path / "model=a/suite=7/run")} == {"oracle"}


def test_configuration_that_fails_on_a_worker_stops_the_run(monkeypatch, bench_run, tmp_path):
    """A worker without the weights file is one error, and not a failed row for every image."""

    def refuse(*_arguments):
        raise UsageError("no such weights here")

    monkeypatch.setattr("bench.trial.ask", refuse)
    with pytest.raises(UsageError, match="no such weights here"):
        bench_run("oracle", "run")
    assert not (tmp_path / "run/scores.parquet").exists()


def test_the_run_record_can_be_read_by_anyone(bench_run, tmp_path, store):
    """run.json is JSON with the store's hash and no time."""
    from curate.files import sha256_of_file

    bench_run("oracle", "run")
    content = json.loads((tmp_path / "run/run.json").read_text())
    assert content["store"]["sha256"] == sha256_of_file(store / manifest.STORE_PATH)
    assert content["device"] == "cpu"
