"""Keep what C libraries print about a damaged file from the user's terminal; the rejection says it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_AT_A_TIME = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Send the process's stderr (file descriptor 2) to nowhere inside the block.

    MetaIO and libtiff print there and cannot be told not to. Threads enter one after the other, because each restores
    what it found.
    """
    with _ONE_AT_A_TIME:
        sys.stderr.flush()
        saved = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)
