import os
import resource
import subprocess
import sys
import threading
import time

import dask
import numpy as np
import pytest

from curate import executor
from curate.errors import UsageError
from curate.executor import Where

EVERYWHERE = [
    pytest.param(Where(1), id="here"),
    pytest.param(Where(), id="threads"),
    pytest.param(Where(2), id="processes"),
]


@pytest.mark.parametrize("where", EVERYWHERE)
def test_every_item_has_its_result_or_its_error(where):
    """One worker, threads and processes give each of more items than wait at once its result, or its own error."""
    words = [*(str(n) for n in range(60)), "x"]
    found = dict(executor.run(int, words, where))
    assert isinstance(found["x"], ValueError)
    assert "invalid literal for int() with base 10: 'x'" in str(found.pop("x"))
    assert found == {str(n): n for n in range(60)}


def test_equal_items_are_all_run():
    """Items that are equal are items of their own: a result is not taken for another's."""
    assert [result for _, result in executor.run(int, ["7"] * 9, Where())] == [7] * 9


def test_a_worker_that_dies_is_the_error_of_its_item():
    """An item that kills every worker it runs on is an error after a few tries, and the others have results."""
    found = dict(executor.run(_exit_if_asked, ["a", "die", "b", "c"], Where(2)))
    assert {name: found[name] for name in "abc"} == {"a": "a", "b": "b", "c": "c"}
    assert type(found["die"]).__name__ == "KilledWorker"


def _exit_if_asked(word):
    """Return the word, unless it asks the process to die."""
    if word == "die":
        os._exit(1)
    return word


def test_worker_processes_are_numbered():
    """Two processes are number 0 and 1, also where each works on two items at once; this one is 0."""
    found = {number for _, number in executor.run(_number, list(range(16)), Where(2, threads=2))}
    assert found == {0, 1}
    assert executor.worker_number() == 0


def _number(_):
    """Return the number of the worker, slowly enough that each gets some."""
    time.sleep(0.05)
    return executor.worker_number()


def test_worker_processes_keep_small_memory():
    """The C allocator of a worker keeps blocks of a megabyte, where dask's own setting returns each to the system."""
    names = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "OMP_NUM_THREADS"]
    found = dict(executor.run(os.environ.get, names, Where(2)))
    assert int(found["MALLOC_TRIM_THRESHOLD_"]) > int(found["MALLOC_MMAP_THRESHOLD_"]) > 1 << 20
    assert found["OMP_NUM_THREADS"] == "1"
    faults = [count for _, count in executor.run(_page_faults, [1 << 20] * 4, Where(2))]
    assert min(faults) < 200 * (1 << 20) / 4096 / 10


def _page_faults(size):
    """Return how many pages are fetched to make and drop an array of this many bytes two hundred times."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(200):
        np.ones(size, dtype=np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_worker_processes_watch_themselves_seldom():
    """Dask's settings of what it watches reach the workers, which still look after their memory's limit."""
    names = [
        "worker.profile.enabled",
        "admin.tick.interval",
        "admin.system-monitor.interval",
        "worker.memory.terminate",
    ]
    found = dict(executor.run(_setting, names, Where(2)))
    assert found == dict(zip(names, (False, "1s", "10s", 0.95), strict=True))


def _setting(name):
    """Return a setting of dask's in this process."""
    return dask.config.get(f"distributed.{name}")


def test_threads_are_of_this_process_and_no_items_start_nothing():
    """By default work stays in this process; without items nothing is started, whatever was asked for."""
    assert {result for _, result in executor.run(_pid, [1, 2, 3], Where())} == {os.getpid()}
    before = threading.active_count()
    assert list(executor.run(_pid, [], Where(2))) == []
    assert list(executor.run(_pid, [], Where(scheduler="nonsense"))) == []
    assert threading.active_count() == before


def _pid(_):
    """Return the number of the process."""
    return os.getpid()


def test_a_cluster_is_used_and_left_running(cluster):
    """Items run in the cluster's process, twice in a row: the first run does not end the cluster."""
    where = Where(workers=1, scheduler=cluster.address)
    for _ in range(2):
        assert {result for _, result in executor.run(os.path.realpath, ["."], where)} == {str(cluster.folder)}


def test_a_scheduler_that_goes_away_is_one_line(cluster):
    """When the scheduler dies in the middle, the run ends with an error that says what to do."""
    stream = executor.run(abs, list(range(10_000)), Where(scheduler=cluster.address))
    assert next(stream)[1] >= 0
    cluster.process.kill()
    with pytest.raises(
        UsageError, match="the dask scheduler went away; start it and give the same command, which goes on"
    ):
        list(stream)


@pytest.mark.parametrize("address", ["nonsense", "", "tcp://127.0.0.1", "carrier-pigeon://127.0.0.1:1"])
def test_an_address_that_is_none_is_one_line(address):
    """What is no address is refused at once, with the command that starts a scheduler."""
    with pytest.raises(UsageError, match=f"no dask scheduler answers at `{address}`; start one with `dask scheduler`"):
        executor.check(Where(scheduler=address))


def test_a_port_on_which_nobody_listens_leaves_no_traceback():
    """A dead port is one line on stderr and no more, even when the process ends."""
    code = "from curate import cluster; cluster._PATIENCE_SECONDS = 1; from curate.cli import main; raise SystemExit("
    code += "main(['scan', 'phantom-png', '--raw', '.', '--scheduler', 'tcp://127.0.0.1:1']))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "curate: no dask scheduler answers at `tcp://127.0.0.1:1`; start one with `dask scheduler`\n"


def test_a_notebook_may_check_an_address():
    """The check works where an event loop already runs in the calling thread."""
    import asyncio

    async def cell():
        executor.check(Where(scheduler="nonsense"))

    with pytest.raises(UsageError, match="no dask scheduler answers"):
        asyncio.run(cell())


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_no_workers(workers):
    """A worker count below one is refused, with what to give."""
    with pytest.raises(UsageError, match=f"--workers {workers}: give 1 or more, or leave it out for threads"):
        Where(workers)
