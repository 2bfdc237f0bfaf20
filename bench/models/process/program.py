"""A program that answers lines with lines, under a time limit, and that never outlives who started it."""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from curate.errors import MedseenError

_LONGEST_LINE = 4 << 20
"""Bytes; a longer answer is no answer, since arrays travel in files."""
_CHUNK = 1 << 16
_QUOTED = 160
"""Characters of what a program last wrote to its standard error, or of what it answered, in a message."""
_MOST_STDERR = 16 << 20
"""Bytes that a talkative program may leave on the disk."""
_GRACE_SECONDS = 2.0
"""How long a program may take to end by itself."""
_GUARD = Path(__file__).with_name("guard.py")


class ProgramError(MedseenError):
    """A program ended, could not be understood, or answered with an error."""


class Program:
    """A running program.

    Args:
        command: The program and its arguments.
        folder: Removed by the guard if this process is gone before `end`.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._stderr = tempfile.TemporaryFile("a+b")  # noqa: SIM115, open as long as the program runs
        self._lifeline, theirs = socket.socketpair()
        guarded = [sys.executable, "-I", "-S", str(_GUARD), str(theirs.fileno()), str(folder), *command]
        with theirs:
            self._guard = subprocess.Popen(  # noqa: S603, the user's own command
                guarded,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._answers = b""
        self.alive = True
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)

    def ask(self, line: bytes, seconds: float) -> bytes:
        """Send a line and return the next one; a program that gives none is ended.

        Raises:
            TimeoutError: When the line is not taken and answered in time.
            ProgramError: When the program has ended or says too much; its standard error is quoted.
        """
        try:
            return self._exchange(line, time.monotonic() + seconds)
        except TimeoutError as error:
            self.kill()
            raise TimeoutError(f"no answer within {seconds:g} s{self._last_words()}") from error
        except BaseException:
            self.kill()
            raise

    def end(self) -> None:
        """Close the pipes and let the program end by itself; kill it where it does not."""
        self._close_pipes()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(_GRACE_SECONDS)
        self.kill()
        self._stderr.close()

    def kill(self) -> None:
        """End the program and all processes of its group, at once."""
        self.alive = False
        self._close_pipes()
        with contextlib.suppress(OSError):
            self._lifeline.send(b"k")
        try:
            self._guard.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._lifeline.close()

    def _exchange(self, line: bytes, deadline: float) -> bytes:
        stdin, stdout = self._guard.stdin, self._guard.stdout
        if not self.alive or stdin is None or stdout is None:
            raise ProgramError("the program has been ended")
        self._shorten_stderr()
        left = memoryview(line)
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            selector.register(self._lifeline, selectors.EVENT_READ)
            selector.register(stdin, selectors.EVENT_WRITE)
            while b"\n" not in self._answers:
                ready = {key.fileobj for key, _ in selector.select(max(0.0, deadline - time.monotonic()))}
                if not ready:
                    raise TimeoutError
                if stdin in ready:
                    left = self._write(stdin.fileno(), left)
                    if not left:
                        selector.unregister(stdin)
                if stdout in ready:
                    self._read(stdout.fileno())
                elif self._lifeline in ready:
                    raise self._ended()
        answer, _, self._answers = self._answers.partition(b"\n")
        return answer

    def _write(self, descriptor: int, left: memoryview) -> memoryview:
        try:
            return left[os.write(descriptor, left[:_CHUNK]) :]
        except BlockingIOError:
            return left
        except OSError as error:
            raise self._ended() from error

    def _read(self, descriptor: int) -> None:
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            raise self._ended()
        self._answers += chunk
        if len(self._answers) > _LONGEST_LINE:
            raise ProgramError(f"answered with more than {_LONGEST_LINE} bytes: {quoted(self._answers)}")

    def _ended(self) -> ProgramError:
        try:
            status = self._guard.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return ProgramError(f"the program closed its standard output{self._last_words()}")
        self.kill()
        with contextlib.suppress(ValueError):
            return ProgramError(f"the program was ended by {signal.Signals(status - 128).name}{self._last_words()}")
        return ProgramError(f"the program ended with status {status}{self._last_words()}")

    def _last_words(self) -> str:
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - 4 * _QUOTED))
        text = " ".join(self._stderr.read().decode("utf-8", "replace").split())
        return f"; it wrote last: {text[-_QUOTED:]}" if text else ""

    def _shorten_stderr(self) -> None:
        if os.fstat(self._stderr.fileno()).st_size > _MOST_STDERR:
            self._stderr.truncate(0)

    def _close_pipes(self) -> None:
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()


def quoted(answer: bytes) -> str:
    """Return the beginning of an answer, fit for a message."""
    return repr(answer[:_QUOTED].decode("utf-8", "replace"))
