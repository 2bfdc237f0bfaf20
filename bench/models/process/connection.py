"""One program and what was agreed with it: requests, answers, time limits, and a new start after an end."""

import json
import os
import shlex
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.models.base import ModelCard
from bench.models.process import arrays, messages
from bench.models.process.program import Program, ProgramError, quoted


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a program may take; its hello may ask for others than these, but for the first."""

    hello: float = 300.0
    """To start, import and load its weights."""
    open: float = 300.0
    predict: float = 120.0
    """For each target of a request."""
    close: float = 10.0


class Connection:
    """Speaks the protocol with a program, which is started when it is needed and after it has ended.

    Args:
        command: As in a shell, without the shell's own words (`sh -c '...'` has them).
        weights: Handed to the program in the hello.
        device: Likewise: `cpu` or `cuda`.
        limits: Time limits.
    """

    def __init__(self, command: str, weights: Path | None, device: str, limits: Limits) -> None:
        self._command = shlex.split(command)
        self._greeting = {"weights": None if weights is None else str(weights.resolve()), "device": device}
        self._owner = os.getpid()
        self.limits = limits
        self.folder = arrays.new_folder()
        self.lock = threading.RLock()
        self.generation = 0
        """How many times the program has been started; what an earlier one had opened is lost."""
        self._program: Program | None = None
        self._number = 0

    def start(self) -> dict[str, Any]:
        """Start the program, say hello and return its answer.

        Raises:
            ProgramError: When it cannot be started or understood.
            TimeoutError: When it says nothing in time.
        """
        self._program = Program(self._command, self.folder)
        self.generation += 1
        greeting = {"protocol": messages.NAME, "version": messages.VERSION, "folder": str(self.folder)}
        reply = self.request("hello", {**greeting, **self._greeting}, self.limits.hello)
        self.limits = _agreed(self.limits, reply.get("seconds", {}))
        return reply

    def card(self) -> tuple[ModelCard, str | None]:
        """Start the program; return its card and the digest of its weights, if it states one.

        Raises:
            ProgramError: As `start`, and for a card that is none.
            TimeoutError: As `start`.
        """
        reply = self.start()
        digest = reply.get("weights_sha256")
        return messages.card_of(reply), None if digest is None else str(digest)

    def ready(self) -> None:
        """Start the program again if it has ended."""
        if self._program is None or not self._program.alive:
            self.start()

    def request(self, kind: str, fields: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send one request and return its answer.

        Raises:
            UnsupportedError, MemoryError, TimeoutError, ProgramError: What the answer says, or what happened instead.
        """
        if self._program is None:
            raise ProgramError("the program has not been started")
        self._number += 1
        line = json.dumps({"id": self._number, "request": kind, **fields}, allow_nan=False)
        answer = self._program.ask(line.encode() + b"\n", seconds)
        reply = _object(answer)
        if reply is None or reply.get("id") != self._number:
            self._program.kill()
            expected = f'a JSON object with "id": {self._number}'
            raise ProgramError(f"answered `{kind}` with {quoted(answer)}, expected {expected} on standard output")
        error = messages.error_of(reply)
        if error is not None:
            raise error
        return reply

    def new_name(self) -> str:
        """Return a file name that has not been used in the folder."""
        self._number += 1
        return f"{self._number}.npy"

    def end(self) -> None:
        """End the program and remove the folder; a forked copy of this process leaves both alone."""
        if os.getpid() != self._owner:
            return
        if self._program is not None:
            self._program.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def _object(answer: bytes) -> dict[str, Any] | None:
    try:
        reply = json.loads(answer)
    except ValueError:
        return None
    return reply if isinstance(reply, dict) else None


def _agreed(limits: Limits, asked: Any) -> Limits:
    if not isinstance(asked, dict):
        raise ProgramError(f"`seconds` must be an object, found {asked!r:.80}")
    for name, seconds in asked.items():
        if name not in ("open", "predict", "close") or not isinstance(seconds, int | float) or not 0 < seconds < 1e6:
            raise ProgramError(
                f"`seconds`: expected open, predict or close and a number, found {name}: {seconds!r:.40}"
            )
    return replace(limits, **asked)
