"""What a trial measures of itself: seconds and memory."""

import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_MIB = 1024 if sys.platform.startswith("linux") else 1024**2
"""What `ru_maxrss` counts in a MiB: kilobytes on Linux, bytes on macOS."""


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return what a call returns, and the seconds that it took."""
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def peak_memory_mb(session: object = None) -> float:
    """Return the peak resident memory of this process so far, in MiB, and that of the process of a session."""
    elsewhere = getattr(session, "peak_memory_mb", 0.0)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB
    return own + elsewhere if isinstance(elsewhere, float) else own
