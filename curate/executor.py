"""Run one function over many items with dask: in this process, in processes beside it, or on any cluster."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from curate import cluster
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
    threads: int = 1
    """Items that each of the processes works on at once."""

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
        UsageError: When no scheduler answers at the given address, or when it goes away.
    """
    if not items:
        return
    if where.scheduler is None and (where.workers == 1 or (where.workers is None and len(items) == 1)):
        for item in items:
            yield item, _called(function, item)
        return
    started = cluster.local(where.workers, where.threads)
    with started if where.scheduler is None else cluster.running(where.scheduler) as client:
        yield from _stream(client, function, items)


def worker_number() -> int:
    """Return the number, from 0, of the process that calls this among those that `run` started; 0 in any other."""
    if "distributed" not in sys.modules:  # else a run in one process would load it for nothing
        return 0
    from distributed import get_worker

    try:
        name = get_worker().name
    except ValueError:
        return 0
    return name if isinstance(name, int) else 0


def _called(function: Callable[[T], R], item: T) -> R | BaseException:
    try:
        return function(item)
    except Exception as error:  # noqa: BLE001, whatever it is becomes a row of this item
        return error


def _stream(client: "Client", function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[T, R | BaseException]]:
    """Run items side by side; those whose worker died run again, each alone, so that no bystander is blamed."""
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    suspects: list[T] = []
    try:
        for item, result in _side_by_side(client, function, items):
            if isinstance(result, KilledWorker):
                suspects.append(item)
            else:
                yield item, result
        for item in suspects:
            yield from _side_by_side(client, function, [item])
    except (CommClosedError, CancelledError) as error:
        raise UsageError("the dask scheduler went away; start it and give the same command, which goes on") from error


def _side_by_side(
    client: "Client", function: Callable[[T], R], items: Sequence[T]
) -> Iterator[tuple[T, R | BaseException]]:
    from distributed import as_completed

    waiting = iter(items)
    item_of: dict[object, T] = {}

    def submitted(count: int) -> Iterator[object]:
        for item in islice(waiting, max(0, count)):
            future = client.submit(function, item, pure=False)
            item_of[future.key] = item
            yield future

    running = as_completed(submitted(_room(client)))
    for future in running:
        error = future.exception()
        yield item_of.pop(future.key), error if error is not None else future.result()
        for following in submitted(_room(client) - running.count()):  # workers may have come or gone
            running.add(following)


def _room(client: "Client") -> int:
    """Return how many items the cluster of this moment may hold."""
    return _AHEAD * max(1, sum(int(threads) for threads in client.nthreads().values()))


def check(where: Where) -> None:
    """Refuse an address at which no scheduler answers, before work that would need it.

    Raises:
        UsageError: When an address is given and nothing there speaks dask's protocol.
    """
    if where.scheduler is not None:
        cluster.check(where.scheduler)
