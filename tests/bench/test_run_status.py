"""`bench status`: what a run's folder says while it goes on, after a stop, and at its end."""

import json
import os
import shlex

import pytest

from bench import cli, scores, status, suite
from bench.status import Progress, Reason
from curate.errors import StoreError
from curate.files import held


@pytest.fixture
def stopped(bench_run, monkeypatch):
    """Return a function that runs the oracle into `run` and interrupts it after some images."""

    def start(images, **options):
        write, written = scores.write_piece, []

        def stop(run, name, rows):
            write(run, name, rows)
            written.append(name)
            if len(written) == images + 1:  # the first piece is that of rows that were there
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(scores, "write_piece", stop)
            with pytest.raises(KeyboardInterrupt):
                bench_run("oracle", "run", **options)

    return start


def test_a_stopped_run_says_how_far_it_is(stopped, tmp_path):
    """After two of four images: their masks and rows of all that are planned, not finished, not at work."""
    stopped(2)
    found = status.read(tmp_path / "run")
    assert (found.finished, found.running, found.fine) == (False, False, False)
    assert (found.images, found.masks, found.rows) == (Progress(2, 4), Progress(4, 8), Progress(16, 32))
    assert (found.statuses, found.failures, found.missing_datasets) == ({"ok": 16}, [], [])


def test_kept_rows_are_done_but_not_in_the_rate(stopped, bench_run, tmp_path):
    """Rows of an earlier start count as done; the rate is of the rows since the last start, by the times of files."""
    bench_run("oracle", "run", limit=2)
    stopped(1)
    folder = tmp_path / "run/.pieces"
    os.utime(folder / "start.json", (1000, 1000))
    for path in folder.glob("*.parquet"):
        os.utime(path, (1030, 1030))
    found = status.read(tmp_path / "run")
    assert found.rows == Progress(28, 32)
    assert found.rows_per_minute == pytest.approx((28 - 16) / 0.5)


def test_a_finished_run_is_fine(bench_run, tmp_path):
    """A run of which every row is ok has ended, and leaves no note beside its two files."""
    bench_run("oracle", "run")
    found = status.read(tmp_path / "run")
    assert (found.finished, found.fine, found.command, found.rows_per_minute) == (True, True, None, None)
    assert found.rows == Progress(32, 32)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json", "scores.parquet"]


def test_what_a_model_refuses_is_said_and_no_failure(bench_run, tmp_path):
    """Rows of a model that takes no box say so in one line with their number; nothing is to be tried again."""
    bench_run("region-growing", "run", of=suite.load("all@box"))
    found = status.read(tmp_path / "run")
    assert (found.failures, found.fine) == ([], False)
    assert found.refusals == [Reason(8, "unsupported", "region-growing takes no box")]
    lines = status.lines(found)
    assert "8 rows unsupported: region-growing takes no box" in lines
    assert not any("--retry-failed" in line for line in lines)


def test_failures_are_counted_by_detail(bench_run, own_store, tmp_path):
    """The most frequent failure comes first, with its rows, status and detail; at most five are named."""
    for name in ("flipped", "permuted"):
        (own_store / f"images/hard/{name}.nii.gz").unlink()
    bench_run("oracle", "run", on=own_store)
    found = status.read(tmp_path / "run")
    assert [(one.rows, one.status) for one in found.failures] == [(12, "failed"), (8, "failed")]
    assert "permuted.nii.gz" in found.failures[0].detail
    assert (found.finished, found.fine) == (True, False)
    rows = [{"status": "failed", "detail": f"d{n}"} for n in range(7)]
    assert status._reasons(rows, {"failed"}) == [Reason(1, "failed", f"d{n}") for n in range(5)]


def test_a_run_at_work_is_seen(stopped, tmp_path):
    """While a process holds the folder the run is at work, and not finished."""
    stopped(1)
    with held(tmp_path / "run", "bench"):
        found = status.read(tmp_path / "run")
    assert (found.running, found.finished) == (True, False)
    assert "at work" in status.lines(found)[0]


def test_a_run_without_a_note_has_no_plan(stopped, tmp_path):
    """A folder whose note is missing says what is done, of an unknown number."""
    stopped(1)
    (tmp_path / "run/.pieces/start.json").unlink()
    found = status.read(tmp_path / "run")
    assert (found.rows, found.command, found.rows_per_minute) == (Progress(8, None), None, None)
    assert status.lines(found)[1] == "1 of ? images, 2 of ? masks, 8 of ? rows"
    assert status.lines(found)[-1] == "go on: give the same `bench run` command again"


def test_no_run_and_a_damaged_note_are_one_line(stopped, tmp_path):
    """A folder that is no run, and a note that is cut short, are refused with what to type."""
    with pytest.raises(StoreError, match="no run here; make one with `bench run"):
        status.read(tmp_path / "nothing")
    stopped(1)
    (tmp_path / "run/.pieces/start.json").write_text("{")
    with pytest.raises(StoreError, match=r"start.json cannot be read .*; give the `bench run` command again"):
        status.read(tmp_path / "run")


def test_the_command_that_it_prints_goes_on(store, tmp_path, capsys, monkeypatch):
    """What `bench status` says to type ends the run, from any folder; then there is nothing more to say."""
    arguments = ["run", "all", "--model", "oracle", "--store", str(store), "--out", "run", "--timeout", "30"]
    monkeypatch.chdir(tmp_path)
    write = scores.write_piece

    def stop(run, name, rows):
        write(run, name, rows)
        if name != scores.DONE:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scores, "write_piece", stop)
        assert cli.main([*arguments, "--resume", "never", "--limit", "3"]) == 130
    capsys.readouterr()
    assert cli.main(["status", "run", "--json"]) == 1
    command = json.loads(capsys.readouterr().out)["command"]
    expected = f"bench run all --model oracle --store {store} --out {tmp_path}/run --limit 3 --timeout 30"
    assert command == expected
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.main(shlex.split(command)[1:]) == 0
    capsys.readouterr()
    assert cli.main(["status", str(tmp_path / "run")]) == 0
    assert (
        capsys.readouterr().out == "oracle on all: finished\n3 of 3 images, 7 of 7 masks, 28 of 28 rows\nrows: 28 ok\n"
    )
