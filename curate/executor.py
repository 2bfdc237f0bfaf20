"""Run one function over many items with dask: in this process, in processes beside it, or on any cluster."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from curate.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4
"""Items that wait per worker thread, so that a queue of a million cases costs no memory."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where work runs."""

    workers: int | None = None
    """Processes on this machine; None for threads of this process, one per core."""
    scheduler: str | None = None
    """Address of a running dask scheduler, such as `tcp://10.0.0.1:8786`; it wins over `workers`."""

    def __post_init__(self) -> None:
        """Refuse worker counts below one."""
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers {self.workers}: give 1 or more, or leave it out for threads of this process")


def run(function: Callable[[T], R], items: Sequence[T], where: Where) -> Iterator[tuple[T, R | BaseException]]:
    """Yield each item with its result, or with the error that it raised, in the order of completion.

    Args:
        function: Importable on every worker; its items and results must pickle.
        items: What to call it with.
        where: Threads, processes or a cluster. A single worker runs here, one item after the other.

    Raises:
        UsageError: When no scheduler answers at the given address.
    """
    if where.scheduler is None and (where.workers == 1 or len(items) == 1):
        for item in items:
            yield item, _called(function, item)
        return
    with _client(where) as client:
        yield from _stream(client, function, items)


def _called(function: Callable[[T], R], item: T) -> R | BaseException:
    try:
        return function(item)
    except Exception as error:  # noqa: BLE001, whatever it is becomes a row of this item
        return error


def _stream(client: "Client", function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[T, R | BaseException]]:
    from distributed import as_completed

    threads = max(1, sum(client.nthreads().values()))
    waiting = iter(range(len(items)))
    item_of = {}

    def submit(index: int) -> object:
        future = client.submit(function, items[index], pure=False)
        item_of[future.key] = items[index]
        return future

    running = as_completed([submit(index) for index in islice(waiting, threads * _AHEAD)])
    for future in running:
        error = future.exception()
        yield item_of.pop(future.key), error if error is not None else future.result()
        for index in islice(waiting, 1):
            running.add(submit(index))


@contextmanager
def _client(where: Where) -> Iterator["Client"]:
    """Connect to the cluster that `where` names, or start one that ends with the block."""
    import distributed

    quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    if where.scheduler is not None:
        try:
            client = distributed.Client(where.scheduler, timeout="10s")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no dask scheduler answers at {where.scheduler}; start one with `dask scheduler`"
            ) from error
        with client:
            yield client
        return
    if where.workers is None:
        cluster = distributed.LocalCluster(
            n_workers=1, threads_per_worker=os.cpu_count() or 1, processes=False, **quiet
        )
    else:
        cluster = distributed.LocalCluster(n_workers=where.workers, threads_per_worker=1, processes=True, **quiet)
    with cluster, distributed.Client(cluster) as client:
        yield client
