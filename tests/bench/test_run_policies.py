"""What a run does about masks that fail: keep them, try them again, stop."""

import pytest

from bench import cli, scores
from bench.policy import OnFailure
from curate.errors import UsageError

STEPS, MASKS = 4, 8
CODE = '''
"""A model that fails on some targets as long as a file is there."""

from pathlib import Path

from bench.models.base import Capabilities, ModelCard
from bench.models.reference import Empty

LOG, BROKEN = Path(__file__).with_name("asked.log"), Path(__file__).with_name("broken")


class Session:
    def __init__(self, inner, number):
        self.inner, self.number, self.keys = inner, number, []

    def predict(self, prompts):
        with LOG.open("a") as log:
            log.write(f"{prompts.key}\\n")
        if prompts.key not in self.keys:
            self.keys.append(prompts.key)
        if BROKEN.exists() and (self.number + self.keys.index(prompts.key)) % 3 == 0:
            raise ERROR
        return self.inner.predict(prompts)


class Third(Empty):
    """Fails on the first and every third target of an image after it."""

    card = ModelCard("third", "fails on every third target", "MIT", Capabilities(), "untrained")

    def open(self, image):
        return Session(super().open(image), 0)
'''


@pytest.fixture
def third(tmp_path):
    """Return the name of a model that fails on the first target of every image."""
    path = tmp_path / "third.py"
    path.write_text(CODE.replace("ERROR", "ValueError('every third')"))
    (tmp_path / "broken").touch()
    return f"{path}:Third"


@pytest.fixture
def asked(tmp_path):
    """Return a function that says how many targets were asked for since the last time."""

    def count():
        log = tmp_path / "asked.log"
        keys = set(log.read_text().split()) if log.exists() else set()
        log.unlink(missing_ok=True)
        return len(keys)

    return count


def test_failures_stay_unless_asked_for(bench_run, third, asked, tmp_path, rows_of):
    """The same command keeps failed rows; with retry_failed those masks, and only those, are tried again."""
    report = bench_run(third, "run")
    assert (report.failed_masks, report.statuses) == (4, {"failed": 4 * STEPS, "ok": 4 * STEPS})
    assert asked() == MASKS
    (tmp_path / "broken").unlink()
    assert (bench_run(third, "run").reused, asked()) == (MASKS * STEPS, 0)
    report = bench_run(third, "run", retry_failed=True)
    assert (report.reused, report.masks_now, report.failed_masks, asked()) == (4 * STEPS, 4, 0, 4)
    bench_run(third, "well")
    assert rows_of(tmp_path / "run") == rows_of(tmp_path / "well")


@pytest.mark.parametrize("resume", ["missing", "always"])
def test_a_second_try_may_fail_too(bench_run, third, tmp_path, rows_of, resume):
    """Trying again what still fails leaves the rows as they were."""
    bench_run(third, "run")
    before = rows_of(tmp_path / "run")
    assert bench_run(third, "run", retry_failed=True, resume=resume).masks_now == 4
    assert rows_of(tmp_path / "run") == before


def test_unsupported_and_not_applicable_are_no_failures(bench_run, third, asked, tmp_path):
    """A model that does not take an image is neither tried again nor a reason to stop."""
    path = tmp_path / "third.py"
    path.write_text("from bench.errors import UnsupportedError\n" + CODE.replace("ERROR", "UnsupportedError('no')"))
    report = bench_run(third, "run", on_failure=OnFailure("stop"))
    assert (report.stopped, report.failed_masks) == (None, 0)
    assert report.statuses == {"ok": 4 * STEPS, "unsupported": 4 * STEPS}
    asked()
    assert bench_run(third, "run", retry_failed=True).masks_now == asked() == 0


def test_stop_ends_at_the_first_failure(bench_run, third, asked, tmp_path):
    """`stop` asks for no image after the first that failed, keeps its rows, and the same command goes on after them."""
    report = bench_run(third, "run", on_failure=OnFailure("stop"))
    assert report.stopped == "stopped at hard/flipped#liver: failed, ValueError: every third"
    assert (report.rows, asked()) == (2 * STEPS, 2)
    assert not (tmp_path / "run/scores.parquet").exists()
    report = bench_run(third, "run", on_failure=OnFailure("stop"))
    assert (report.reused, report.stopped) == (
        2 * STEPS,
        "stopped at hard/oblique#heart: failed, ValueError: every third",
    )
    assert bench_run(third, "run").rows == MASKS * STEPS
    assert (tmp_path / "run/scores.parquet").exists()


def test_stop_ends_several_workers_too(bench_run, third):
    """With two processes the run ends early as well, and keeps what it has."""
    report = bench_run(third, "run", workers=2, on_failure=OnFailure("stop"))
    assert report.stopped.startswith("stopped at ")
    assert 0 < report.rows <= MASKS * STEPS


@pytest.mark.parametrize(
    ("words", "finished", "failed", "reason"),
    [
        ("10%", 19, 19, None),
        ("10%", 20, 2, None),
        ("10%", 20, 3, "stopped: 3 of 20 masks failed, more than 10%"),
        ("12.5%", 40, 5, None),
        ("12.5%", 40, 6, "stopped: 6 of 40 masks failed, more than 12.5%"),
        ("0%", 20, 1, "stopped: 1 of 20 masks failed, more than 0%"),
        ("100%", 20, 20, None),
        ("record", 20, 20, None),
    ],
)
def test_a_share_counts_from_twenty_masks(words, finished, failed, reason):
    """A share stops a run when more than it failed, of no fewer than 20 masks; `record` never does."""
    assert OnFailure(words).reason(finished, failed, {"mask_id": "m", "status": "failed", "detail": "d"}) == reason


def test_masks_of_an_earlier_start_count(monkeypatch, bench_run, third):
    """The share is of all masks of the run, also of those whose rows are kept."""
    monkeypatch.setattr("bench.policy._FEWEST_MASKS", 5)
    assert bench_run(third, "run", limit=2).stopped is None
    report = bench_run(third, "run", on_failure=OnFailure("40%"))
    assert report.stopped == "stopped: 3 of 7 masks failed, more than 40%"


@pytest.mark.parametrize("words", ["", "halt", "%", "5", "-1%", "101%", "nan%", "5%%", "5% "])
def test_other_words_are_refused(words):
    """What is neither a word nor a share is refused with what to give."""
    with pytest.raises(UsageError, match=r"--on-failure .*: give record, stop, or a share of masks such as 5%"):
        OnFailure(words)


def test_the_command_says_how_to_go_on(third, store, tmp_path, capsys):
    """A stopped run exits with 1 and says which mask it was, that rows are kept, and how to try it again."""
    arguments = ["run", "all", "--model", third, "--store", str(store), "--out", str(tmp_path / "run")]
    assert cli.main([*arguments, "--on-failure", "stop"]) == 1
    lines = capsys.readouterr().out.splitlines()
    mask = "stopped at hard/flipped#liver: failed, ValueError: every third"
    assert lines[2:] == [
        f"{mask}; rows so far are kept, and the same command goes on after them",
        "failed masks: 1; the same command with --retry-failed tries them again",
        f"why some rows have no score: bench status {tmp_path}/run",
        f"run: {tmp_path}/run",
    ]
    assert cli.main(["status", str(tmp_path / "run")]) == 1
    assert "not finished" in capsys.readouterr().out
    (tmp_path / "broken").unlink()
    assert cli.main([*arguments, "--retry-failed"]) == 0
    assert len(scores.read(tmp_path / "run")) == MASKS * STEPS
