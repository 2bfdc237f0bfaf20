"""Programs of `exec:` models end when they should, with all that they started, and leave nothing behind."""

import gc
import os
import runpy
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bench.models.process.connection import Limits
from bench.models.process.model import ExecModel
from bench.models.process.program import Program
from bench.records import Prompts
from curate.geometry import Geometry
from curate.volume import Volume

PROGRAMS = runpy.run_path(str(Path(__file__).with_name("process_programs.py")))
ROOT = Path(__file__).resolve().parents[3]
IMAGE = Volume(np.zeros((4, 4, 4)), Geometry((4, 4, 4), np.eye(4)))

PARENT = """
import sys
from bench.models.process.model import ExecModel
model = ExecModel(sys.argv[1])
print(model.connection.folder, flush=True)
if sys.argv[2] == "wait": sys.stdin.read()
"""


def gone(pid, seconds=5.0):
    """Tell whether a process ends within some seconds; zombies have ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def family(tmp_path):
    """Return the command of a program that starts another, and a function that gives the ids of both."""
    liar = PROGRAMS["liar"](tmp_path, "hangs")
    script = f"sleep 60 & echo $! $$ > {shlex.quote(str(tmp_path / 'pids'))}; {liar}"
    return f"sh -c {shlex.quote(script)}", lambda: [int(pid) for pid in (tmp_path / "pids").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_model_that_is_done_takes_its_processes_with_it(family):
    """When the model is no longer used, the program and what it started end, and their folder is removed."""
    command, pids = family
    model = ExecModel(command)
    folder = model.connection.folder
    assert folder.is_dir()
    del model
    gc.collect()
    assert all(gone(pid) for pid in pids())
    assert not folder.exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_program_that_hangs_is_ended_with_what_it_started(family):
    """After a timeout neither the program nor its children run on."""
    command, pids = family
    model = ExecModel(command, limits=Limits(predict=0.3))
    with pytest.raises(TimeoutError, match=r"no answer within 0.3 s"):
        model.open(IMAGE).predict(Prompts("bad"))
    assert all(gone(pid) for pid in pids())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("how", ["killed", "ends"])
def test_programs_do_not_outlive_who_started_them(family, how):
    """A parent that is killed, or that ends without a word, leaves neither processes nor files."""
    command, pids = family
    words = [sys.executable, "-c", PARENT, command, "wait" if how == "killed" else "end"]
    parent = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    folder = Path(parent.stdout.readline().strip())
    if how == "killed":
        assert folder.is_dir()
        os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    assert all(gone(pid) for pid in pids())
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()


def test_long_lines_pass_both_ways(tmp_path):
    """Lines beyond what a pipe holds are written and read without waiting for each other."""
    program = Program(["cat"], tmp_path)
    line = b"x" * 3_000_000 + b"\n"
    assert program.ask(line, 20) == line[:-1]
    program.end()
    assert not program.alive


def test_a_program_that_reads_nothing_is_a_timeout(tmp_path):
    """A line that is not taken does not block for longer than the limit."""
    program = Program(["sleep", "60"], tmp_path)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.3 s"):
        program.ask(b"x" * 3_000_000, 0.3)


def test_threads_take_turns(tmp_path):
    """Several threads may use one model: each gets its own answers."""
    model = ExecModel(PROGRAMS["liar"](tmp_path, "honest"))
    found = []

    def work():
        session = model.open(IMAGE)
        found.extend(session.predict(Prompts("good")).count for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0] * 80
    assert model.connection.generation == 1


def test_an_interrupted_request_does_not_shift_the_answers(tmp_path, monkeypatch):
    """Ctrl-C while a program answers ends it, so that the next answer is not that of the last question."""
    model = ExecModel(PROGRAMS["liar"](tmp_path, "honest"))
    session = model.open(IMAGE)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Program, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.predict(Prompts("good"))
    assert session.predict(Prompts("good")).count == 0
    assert model.connection.generation == 2
