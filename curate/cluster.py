"""Dask clusters: one on this machine, or one that runs somewhere."""

import asyncio
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from curate.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE_SECONDS = 15
_KEPT_BYTES = 64 << 20
"""Free memory that a worker process keeps."""
_SMALL_BYTES = 8 << 20
"""Memory that is taken from there; whole images are taken from the system and returned to it."""
_CALM = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.memory.monitor-interval": "500ms",
}
"""Dask's settings of what it watches about itself: by default it takes an eighth of a core for that with two workers.

It looks at every task's stack a hundred times a second, at each event loop fifty times, at each process' memory ten
times and at the machine twice, for a dashboard that nobody opens. Memory is still watched, for its limit.
"""
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""What worker processes run first: Control-C is for the process that started them, which then ends them."""


@contextmanager
def local(workers: int | None, threads: int) -> Iterator["Client"]:
    """Start a cluster on this machine that ends with the block.

    Args:
        workers: Processes; None for threads of this process, one per core.
        threads: Of each of the processes.
    """
    import dask
    import distributed

    processes = workers is not None
    with dask.config.set(_settings()):
        cluster = distributed.LocalCluster(
            n_workers=workers or 1,
            threads_per_worker=threads if processes else os.cpu_count() or 1,
            processes=processes,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # else a second build warns that 8787 is taken
            silence_logs=logging.CRITICAL,
            **({"preload": [_DEAF]} if processes else {}),
        )
    with cluster, distributed.Client(cluster) as client:
        yield client


@contextmanager
def running(address: str) -> Iterator["Client"]:
    """Connect to a cluster that runs somewhere.

    Raises:
        UsageError: When nothing at the address speaks dask's protocol.
    """
    import distributed

    check(address)
    with _quiet(), distributed.Client(address) as client:
        yield client


def check(address: str) -> None:
    """Refuse an address at which no scheduler answers; a `Client` would take its time and then leave a traceback.

    Raises:
        UsageError: When nothing there speaks dask's protocol.
    """
    from distributed.comm import connect

    async def shake_hands() -> None:
        connection = await asyncio.wait_for(connect(address, timeout=_PATIENCE_SECONDS), _PATIENCE_SECONDS)
        await connection.close()

    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook's own thread already runs a loop
            thread.submit(asyncio.run, shake_hands()).result()
    except (OSError, ValueError) as error:
        raise UsageError(f"no dask scheduler answers at `{address}`; start one with `dask scheduler`") from error


def _settings() -> dict[str, object]:
    """Return dask's settings of a cluster on this machine, changed to keep small blocks of memory and to watch less.

    Dask has freed memory returned to the system at once. For an image that is worked on in pieces of a megabyte this
    means to fetch and clear a thousand pages for each piece: half again the CPU time of a case.
    """
    import dask
    import distributed.nanny  # noqa: F401, its defaults are loaded with it

    key = "distributed.nanny.pre-spawn-environ"
    kept = {"MALLOC_TRIM_THRESHOLD_": _KEPT_BYTES, "MALLOC_MMAP_THRESHOLD_": _SMALL_BYTES}
    return _CALM | {key: dask.config.get(key) | kept}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask's own account of a lost connection out of the log; the error says it in one line."""
    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
