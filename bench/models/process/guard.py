"""Starts a program, and ends it with all that it started when the process that wanted it is gone, however it went.

Run as a script, `guard.py DESCRIPTOR FOLDER COMMAND...`. The descriptor is one end of a socket pair whose other end
only the wanting process holds: a byte from there asks for the program's end, the end of the stream says that nobody
is left to clear up, and the guard's own end tells the other side that the program has ended.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

_NOT_FOUND = 127
_SIGNALLED = 128
"""Exit statuses, as shells have them: no such command; 128 + the number of the signal that ended it."""


def main(lifeline: int, folder: str, command: Sequence[str]) -> int:
    """Run the command to its end, which may be ours, and return its exit status."""
    try:
        program = subprocess.Popen(command, start_new_session=True)  # noqa: S603, the user's own command
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return _NOT_FOUND
    _let_go_of_pipes()
    abandoned = threading.Event()
    threading.Thread(target=_watch, args=(lifeline, program.pid, abandoned), daemon=True).start()
    status = program.wait()
    _kill_group(program.pid)
    if abandoned.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return status if status >= 0 else _SIGNALLED - status


def _let_go_of_pipes() -> None:
    """Hold no end of the pipes, so that each side sees when the other closes them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)


def _watch(lifeline: int, group: int, abandoned: threading.Event) -> None:
    try:
        asked = os.read(lifeline, 1)
    except OSError:
        asked = b""
    if not asked:
        abandoned.set()
    _kill_group(group)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
