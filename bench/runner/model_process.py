"""A process in which a model runs, and which is ended when it does not answer in time."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.models.choice import Choice
from bench.runner.replies import Raised
from curate.errors import MedseenError

_CHILD = Path(__file__).with_name("child.py")
_VMSTAT = Path("/proc/vmstat")
_LAST_SECONDS = 5.0
"""How long a process whose connection is closed may take to be gone."""


class ModelProcessError(MedseenError):
    """The process of a model ended while it was asked for something."""


class KilledForMemoryError(MemoryError):
    """The system ended the process of a model because memory ran out."""


class ModelProcess:
    """A running process that makes one model, and then answers what `bench.runner.served.Served` answers.

    Args:
        choice: The model.
        seconds: Limit of each request; making the model has none.
    """

    def __init__(self, choice: Choice, seconds: float) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", str(_CHILD), str(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603, our own script
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
            )
        self._connection: Connection[Any, Any] = Connection(ours.detach())
        self._seconds = seconds
        self._memory_kills = memory_kills()
        self.peak_memory_mb = 0.0
        """Peak resident memory of the process up to its last answer, MiB."""
        self.end = weakref.finalize(self, _end, self._process, self._connection)
        """Ends the process and all that it started; it also runs when this object is no longer used."""
        with contextlib.suppress(ConnectionError):  # the process is gone; `introduction` says how it went
            self._connection.send([path or str(Path.cwd()) for path in sys.path])
            self._connection.send((choice, seconds))

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return bool(self.end.alive)

    def introduction(self) -> Any:
        """Wait until the model is made, and return the `Introduction`; asked for once.

        Raises:
            UsageError: When it cannot be made.
            ModelProcessError, KilledForMemoryError: When the process ends instead.
        """
        return self._received(None)

    def ask(self, kind: str, arguments: Sequence[Any]) -> Any:
        """Return the answer to one request.

        Raises:
            TimeoutError: When there is none in time; the process is then ended.
            ModelProcessError, KilledForMemoryError: When the process ends instead.
            Exception: What the model raised, by the same name and text.
        """
        with contextlib.suppress(ConnectionError):  # what became of it is seen when its answer is awaited
            self._connection.send((kind, arguments))
        return self._received(self._seconds)

    def _received(self, seconds: float | None) -> Any:
        try:
            if self._connection.poll(seconds):
                answer, self.peak_memory_mb = self._connection.recv()
            else:
                self.end()
                answer = Raised(TimeoutError, "TimeoutError", f"no answer within {seconds:g} s")
        except (EOFError, ConnectionError):
            raise self._lost() from None
        except BaseException:  # an answer that nobody waits for any more must not be taken for that to the next request
            self.end()
            raise
        if isinstance(answer, Raised):
            raise answer.error()
        return answer

    def _lost(self) -> Exception:
        """Say how the process ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_SECONDS)
        self.end()
        status = self._process.returncode
        if status >= 0:
            return ModelProcessError(f"the model's process ended with status {status}")
        name = signal.Signals(-status).name
        if -status == signal.SIGKILL and memory_kills() > self._memory_kills:
            return KilledForMemoryError(f"the model's process was ended by {name}, as the system does without memory")
        return ModelProcessError(f"the model's process was ended by {name}")


def memory_kills() -> int:
    """Return how many processes the system has ended for want of memory; 0 where it does not count them."""
    try:
        lines = _VMSTAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _end(process: "subprocess.Popen[bytes]", connection: "Connection[Any, Any]") -> None:
    connection.close()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
