"""Builds that are shot with SIGKILL, which no program can catch, and then go on."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from curate import manifest
from curate.errors import StoreError

CASES = 40


@pytest.fixture(scope="module")
def forty(tmp_path_factory, planted):
    """Return a source tree of 40 cases, large enough that a build takes seconds, and an undisturbed build of it."""
    tree, shape = planted(tmp_path_factory.mktemp("forty")), (64, 64, 24)
    for n in range(CASES):
        tree.image(f"images/c{n:02}.nii.gz", seed=n, shape=shape)
        tree.label(f"labels/c{n:02}.nii.gz", {1: 10 + n % 7, 2: 40}, shape=shape)
    tree.build(out="undisturbed")
    return tree


MAIN = """
import signal, sys
from curate.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start without it
sys.exit(main())
"""


def started(tree, store, *options):
    """Start `curate build` of the tree, in a process group of its own."""
    command = [sys.executable, "-c", MAIN, "build", tree.write_recipe(), "--raw", tree.raw, "--out", store, *options]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen([str(part) for part in command], process_group=0, **pipes)


def wait_for(process, store, count):
    """Wait until a build has finished `count` cases; it must still be running then."""
    deadline = time.monotonic() + 60
    while len(list((store / ".cases/tiny").glob("[!.]*.json"))) < count:
        assert process.poll() is None, "the build ended before it could be shot"
        assert time.monotonic() < deadline, "the build does not get on"
        time.sleep(0.002)


def finish(process):
    """Wait for a build to end; it must end well, and say nothing on stderr."""
    _, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (0, b"")


@pytest.mark.parametrize(("options", "counts"), [((), (3, 15)), (("--workers", "2"), (8,))])
def test_a_build_that_is_shot_ends_like_an_undisturbed_one(forty, tmp_path, digests, options, counts):
    """SIGKILL after so many cases, then the same command: every file is that of an undisturbed build."""
    for count in counts:
        process = started(forty, tmp_path, *options)
        wait_for(process, tmp_path, count)
        process.kill()
        process.communicate()
        with pytest.raises(StoreError, match="no finished store here; make one with `curate build"):
            manifest.read_store(tmp_path)
    finish(started(forty, tmp_path, *options))
    assert digests(tmp_path) == digests(forty.folder / "undisturbed")


def test_a_worker_that_is_shot_loses_no_case(forty, tmp_path, digests):
    """SIGKILL of a worker process in the middle of a build: its case is tried again, and the store is the same."""
    process = started(forty, tmp_path, "--workers", "2")
    wait_for(process, tmp_path, 5)
    workers = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    assert len(workers) == 2
    workers[0].kill()
    finish(process)
    assert digests(tmp_path) == digests(forty.folder / "undisturbed")


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_control_c_is_one_line(forty, tmp_path, options):
    """Control-C, which a terminal sends to workers as well, ends a build with one line and no traceback of any."""
    process = started(forty, tmp_path, *options)
    wait_for(process, tmp_path, 3)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, b"curate: interrupted; the same command goes on from here\n")


def times(store):
    """Return when each piece of a store was written."""
    found = {}
    for path in (store / ".cases/tiny").glob("[!.]*.json"):
        with suppress(FileNotFoundError):  # it is being written again
            found[path.name] = path.stat().st_mtime_ns
    return found


@pytest.mark.slow
def test_a_rebuild_that_is_shot_leaves_no_store_that_passes_as_finished(forty, tmp_path, digests):
    """A store that is shot while it is rebuilt is unfinished; the same command then restores every byte."""
    finish(started(forty, tmp_path))
    before = digests(tmp_path)
    written = times(tmp_path)
    process = started(forty, tmp_path, "--resume", "never")
    while times(tmp_path) == written:
        assert process.poll() is None
    process.kill()
    process.communicate()
    with pytest.raises(StoreError, match="no finished store here"):
        manifest.read_store(tmp_path)
    finish(started(forty, tmp_path))
    assert digests(tmp_path) == before
