"""Runs with a time limit: what a model does in a process of its own costs the target that it was asked for."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from bench import models
from bench.records import Prompts
from bench.runner import model_process
from bench.runner.supervised import supervised
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.volume import Volume

STEPS = 4
SICK = "hard/permuted#kidney"
CODE = '''
"""A model with state that has an accident at the second prompt of one target."""

import ctypes, hashlib, os, signal, sys, time
from dataclasses import dataclass, field

import numpy as np

from bench.models.base import Capabilities, ModelCard
from curate.labelmap import BoxMask

SICK = hashlib.sha256(b"SICK_MASK").hexdigest()[:16]


@dataclass
class Memory:
    """Answers with the cubes around all clicks that it was ever asked about, one more in size each time."""

    shape: tuple
    asked: dict = field(default_factory=dict)

    def predict(self, prompts):
        if prompts.key == SICK and len(prompts.labels) == 2:
            ACCIDENT
        before = self.asked.setdefault(prompts.key, [])
        before.append(tuple(int(n) for n in prompts.points_ijk[-1]))
        inside = np.zeros(self.shape, dtype=bool)
        for size, (i, j, k) in enumerate(before):
            inside[max(0, i - size):i + size + 1, max(0, j - size):j + size + 1, max(0, k - size):k + size + 1] = True
        return BoxMask.of(inside)


class Batched(Memory):
    def predict_many(self, prompts):
        return [self.predict(one) for one in prompts]


class Alone:
    card = ModelCard("sick", "one accident", "MIT", Capabilities(), "untrained")
    session = Memory

    def open(self, image):
        return self.session(image.geometry.shape_ijk)


class Together(Alone):
    session = Batched
'''


@pytest.fixture
def sick(tmp_path):
    """Return a function that gives the name of a model with some accident."""

    def write(accident, kind="Alone"):
        path = tmp_path / "sick.py"
        path.write_text(CODE.replace("SICK_MASK", SICK).replace("ACCIDENT", accident))
        return f"{path}:{kind}"

    return write


@pytest.fixture
def healthy(sick, bench_run, tmp_path, rows_of):
    """Return the rows of the model without accident, run in this process."""
    bench_run(sick("pass"), "healthy")
    return rows_of(tmp_path / "healthy")


LATE = ("timeout", "TimeoutError: no answer within 2 s")
ENDED = "ModelProcessError: the model's process"
ACCIDENTS = [
    pytest.param(("while True: pass", "Together", *LATE), id="endless loop in a batch"),
    pytest.param(("ctypes.PyDLL(None).sleep(600)", "Alone", *LATE), id="endless call of C"),
    pytest.param(("os._exit(3)", "Together", "failed", f"{ENDED} ended with status 3"), id="exit in a batch"),
    pytest.param(("ctypes.string_at(0)", "Alone", "failed", f"{ENDED} was ended by SIGSEGV"), id="segfault"),
    pytest.param(("os.kill(os.getpid(), 9)", "Alone", "failed", f"{ENDED} was ended by SIGKILL"), id="kill"),
]


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_an_accident_costs_one_target(sick, healthy, bench_run, tmp_path, rows_of, accident):
    """With one worker a hang or a crash fails its target from that step on; all others have their undisturbed rows."""
    code, kind, status, detail = accident
    bench_run(sick(code, kind), "run", timeout_seconds=2 if status == "timeout" else 30)
    rows = rows_of(tmp_path / "run")
    assert len(rows) == len(healthy) == 8 * STEPS
    for row, well in zip(rows, healthy, strict=True):
        if row["mask_id"] == SICK and row["step"] > 1:
            assert (row["status"], row["detail"], row["n_points"], row["dice"]) == (status, detail, 2, None)
        else:
            assert row == well


def test_limit_and_workers_change_no_byte(sick, healthy, bench_run, tmp_path, rows_of, facts):
    """With and without a limit, in one process or two, a model that behaves has the same rows and the same record."""
    bench_run(sick("pass", "Together"), "limited", timeout_seconds=60)
    bench_run(sick("pass", "Together"), "two", workers=2, timeout_seconds=60)
    assert rows_of(tmp_path / "limited") == rows_of(tmp_path / "two") == healthy
    assert facts(tmp_path / "limited") == facts(tmp_path / "two")
    assert facts(tmp_path / "limited")["model"] == facts(tmp_path / "healthy")["model"]


@pytest.mark.parametrize("error", ["MemoryError('12 GB')", "ValueError('odd')", "SystemExit(4)", "OddError('a', 'b')"])
def test_what_a_model_raises_crosses_unchanged(sick, bench_run, tmp_path, rows_of, error):
    """An error raised in the other process gives the rows that it gives in this one, whatever its class."""
    accident = f"OddError = type('OddError', (Exception,), {{}}); raise {error}"
    bench_run(sick(accident), "here")
    bench_run(sick(accident), "there", timeout_seconds=60)
    assert rows_of(tmp_path / "here") == rows_of(tmp_path / "there")
    assert {row["status"] for row in rows_of(tmp_path / "here") if row["mask_id"] == SICK} >= {"ok"}


def test_a_reference_may_be_limited_too(bench_run, tmp_path, rows_of):
    """A model that is shown the reference is shown it in its own process."""
    bench_run("oracle", "run", timeout_seconds=60)
    assert {(row["status"], row["dice"]) for row in rows_of(tmp_path / "run")} == {("ok", 1.0)}


def test_a_model_that_cannot_be_made_there_stops_the_run(sick, bench_run, tmp_path):
    """An error while loading is one line, whether Python raised it or the process ended, and nothing is written."""
    path = sick("pass").rpartition(":")[0]
    for last, message in (("raise OSError('no file')", "no file"), ("os._exit(5)", "its process|process ended")):
        text = CODE.replace("ACCIDENT", "pass") + f"\n\nclass Broken(Alone):\n    def __init__(self):\n        {last}\n"
        Path(path).write_text(text)
        with pytest.raises(UsageError, match=rf"cannot be made: .*({message})"):
            bench_run(f"{path}:Broken", "run", timeout_seconds=60)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def image():
    """Return a small image."""
    return Volume(np.zeros((4, 4, 4), dtype=np.float32), Geometry((4, 4, 4), np.eye(4)))


def test_a_kill_for_want_of_memory_is_out_of_memory(sick, image, monkeypatch):
    """A SIGKILL at a time when the system counts one more process ended for want of memory is that status."""
    counts = iter((7, 8))
    monkeypatch.setattr(model_process, "memory_kills", lambda: next(counts, 8))
    path = sick("pass").rpartition(":")[0]
    model = supervised(models.Choice(f"{path}:Alone"), 30)
    session = model.open(image)
    os.kill(session._keeper._process._process.pid, signal.SIGKILL)
    shown = Prompts("a").with_point((1, 1, 1), 1)
    with pytest.raises(MemoryError, match="was ended by SIGKILL, as the system does without memory"):
        session.predict(shown)
    assert session.predict(shown).count == 1


def test_a_process_ends_with_its_model(sick, image):
    """When nobody uses the model any more its process is gone, and with it what that had started."""
    model = supervised(models.Choice(sick("pass")), 30)
    model.open(image)
    process = model._keeper._process._process
    assert process.poll() is None
    del model
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_limit_is_a_number_of_seconds(bench_run, seconds):
    """A limit that no call could keep, or that is none, is refused with what to give."""
    with pytest.raises(UsageError, match=r"--timeout .*: give the seconds of one call, such as 60"):
        bench_run("oracle", "run", timeout_seconds=seconds)
