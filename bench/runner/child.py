"""The process that a supervised model runs in. A script: `child.py DESCRIPTOR`, one end of a socket pair.

It is told, in this order, where modules are found, which model to make, and then what to ask of it.
"""

import faulthandler
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_GRACE_SECONDS = 60.0
"""So long after its time limit this process ends by itself: then nobody was left to end it."""


def main(descriptor: int) -> None:
    """Make a model and answer requests until nobody is there to ask."""
    connection: Connection[Any, Any] = Connection(descriptor)
    try:
        sys.path[:] = connection.recv()  # what comes after it is unpickled by modules that lie there
        choice, seconds = connection.recv()
        answer_all(connection, choice, seconds)
    except (EOFError, ConnectionError):
        return


def answer_all(connection: "Connection[Any, Any]", choice: Any, seconds: float) -> None:
    """Answer one request after the other, with the peak memory in MiB; an error is an answer too."""
    from bench.runner.replies import guarded
    from bench.runner.served import Served
    from bench.trial.measuring import peak_memory_mb

    served = Served(choice)
    connection.send((guarded(served.load), peak_memory_mb()))
    with Path(os.devnull).open("w") as nowhere:
        while True:
            kind, arguments = connection.recv()
            faulthandler.dump_traceback_later(seconds + _GRACE_SECONDS, exit=True, file=nowhere)
            reply = guarded(lambda: getattr(served, kind)(*arguments))  # noqa: B023, called at once
            faulthandler.cancel_dump_traceback_later()
            connection.send((reply, peak_memory_mb()))


if __name__ == "__main__":
    main(int(sys.argv[1]))
