"""Units of a run, one after the other or side by side, so that the model waits as little as possible."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import zip_longest
from typing import Any, TypeVar

from bench.runner.work import Work
from bench.suite import Unit
from bench.trial import Asked, Row
from curate import executor
from curate.executor import Where

T = TypeVar("T")

_THREADS = 2
"""Per worker process: one asks the model while the other reads the next unit, or waits for the scores of the last."""

Outcome = list[Row] | BaseException
Done = Callable[[Unit, Outcome], list[dict[str, Any]]]
"""Called once for each unit, with its rows or what became of them; one call at a time."""


def run(
    work: Work, units: Sequence[Unit], where: Where, done: Done, *, ahead: bool = True
) -> Generator[list[dict[str, Any]]]:
    """Yield what `done` makes of each unit, in the order of completion.

    Args:
        work: What is done with a unit.
        units: All of them.
        where: One worker is this process, whose main thread asks the model, so that Control-C reaches it; several are
            processes of their own, or a cluster.
        done: Stores the rows of a unit as soon as they are there.
        ahead: With one worker, ask for a unit before the scores of the one before it are there.
    """
    if here(where):
        yield from _here(work, units, done, ahead=ahead)
    else:
        for unit, outcome in executor.run(work, units, Where(where.workers, where.scheduler, _THREADS)):
            yield done(unit, outcome)


def here(where: Where) -> bool:
    """Tell whether the work is done in this process."""
    return where.scheduler is None and where.workers == 1


def _here(work: Work, units: Sequence[Unit], done: Done, *, ahead: bool) -> Generator[list[dict[str, Any]]]:
    """Read the next unit, and finish the one before, in threads beside the one that asks the model."""
    if not units:
        return
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "finish") as finisher:
        before: Future[list[dict[str, Any]]] | None = None
        coming = reader.submit(work.read, units[0])
        for unit, following in zip_longest(units, units[1:]):
            read = _outcome(coming.result)
            if following is not None:
                coming = reader.submit(work.read, following)
            asked = read if isinstance(read, Exception) else _outcome(partial(work.ask, unit, read))
            if before is not None:
                yield before.result()
            before = finisher.submit(_finished, work, unit, asked, done)
            if not ahead:
                yield before.result()
                before = None
        if before is not None:
            yield before.result()


def _finished(work: Work, unit: Unit, asked: Asked | Exception, done: Done) -> list[dict[str, Any]]:
    return done(unit, asked if isinstance(asked, Exception) else _outcome(partial(work.finish, asked)))


def _outcome(call: Callable[[], T]) -> T | Exception:
    """Return what a call gives or raises: whatever it is becomes rows of this unit."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001, see above
        return error
