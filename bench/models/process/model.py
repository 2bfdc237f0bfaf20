"""A model that is a program of its own; `docs/your-model.md` has the protocol."""

import contextlib
import shlex
import weakref
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.models.process import arrays, messages
from bench.models.process.connection import Connection, Limits
from bench.models.process.program import ProgramError
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask
from curate.volume import Volume

_DEFAULT_LIMITS = Limits()


class ExecModel:
    """Starts a program and asks it; the program ends with this object.

    A program that ends, hangs or cannot be understood costs the target that was asked for; it is started again for
    the next.

    Args:
        command: The program and its arguments, as in a shell.
        weights: Checkpoint, handed on to the program.
        device: Handed on to the program.
        limits: Time limits.

    Raises:
        UsageError: When the program cannot be started, or does not introduce itself as a model.
    """

    def __init__(
        self, command: str, weights: Path | None = None, device: str = "cpu", limits: Limits = _DEFAULT_LIMITS
    ) -> None:
        if not command.strip():
            raise UsageError("exec: names no program; give `exec:COMMAND`, such as `exec:python my_model.py`")
        self.connection = Connection(command, weights, device, limits)
        self.closed: deque[tuple[int, str]] = deque()
        """Generation and name of sessions that have ended and of which the program must still be told."""
        weakref.finalize(self, self.connection.end)
        try:
            self.card, self.weights_sha256 = self.connection.card()
        except Exception as error:
            self.connection.end()
            said = f"{type(error).__name__}: {error}" if not isinstance(error, ProgramError) else str(error)
            raise UsageError(f"exec:{command}: {said}; docs/your-model.md has the protocol") from error

    def open(self, image: Volume) -> "ExecSession":
        """Hand the image over and let the program encode it."""
        with self.connection.lock:
            session = ExecSession(self, image)
            session.ready()
            return session

    def tell_closed(self) -> None:
        """Let the program forget the images whose sessions have ended; if it cannot, it ends and forgets all."""
        while self.closed:
            generation, name = self.closed.popleft()
            if generation == self.connection.generation:
                with contextlib.suppress(Exception):
                    self.connection.request("close", {"session": name}, self.connection.limits.close)


class ExecSession:
    """One image, opened by a program; opened again by the next one if that program ends."""

    def __init__(self, model: ExecModel, image: Volume) -> None:
        connection = model.connection
        self._model = model  # keeps the program alive
        self._name = connection.new_name()
        self._grid = image.geometry
        self._image = messages.image_fields(image, self._name)
        self._opened = [0]
        weakref.finalize(self, _forget, connection.folder / self._name, self._opened, self._name, model.closed)
        arrays.write(connection.folder / self._name, image.voxels)

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target."""
        return self.predict_many([prompts])[0]

    def predict_many(self, prompts: Sequence[Prompts]) -> list[BoxMask]:
        """Segment several targets in one request.

        Raises:
            UnsupportedError, MemoryError, TimeoutError, ProgramError: What the program says, or what became of it.
        """
        connection = self._model.connection
        with connection.lock:
            self.ready()
            shown = [messages.prompt_fields(one, connection.folder, connection.new_name()) for one in prompts]
            seconds = connection.limits.predict * max(1, len(shown))
            try:
                reply = connection.request("predict", {"session": self._name, "prompts": shown}, seconds)
                return self._masks(reply.get("masks"), len(shown))
            finally:
                _remove(connection.folder, shown)

    def ready(self) -> None:
        """Open the image in the program that is running, if that has not been done."""
        connection = self._model.connection
        self._model.tell_closed()
        connection.ready()
        if self._opened[0] != connection.generation:
            connection.request("open", {"session": self._name, "image": self._image}, connection.limits.open)
            self._opened[0] = connection.generation

    def _masks(self, answers: Any, count: int) -> list[BoxMask]:
        if not isinstance(answers, list) or len(answers) != count:
            raise ProgramError(f"answered with the masks {answers!r:.80}, expected a list of {count}")
        return [messages.mask_of(answer, self._model.connection.folder, self._grid) for answer in answers]


def resolved(command: str) -> str:
    """Return a command that means the same in every working directory: the paths of files in it are made absolute."""
    words = shlex.split(command)
    return shlex.join(
        [str(Path(word).absolute()) if "-" not in word[:1] and Path(word).is_file() else word for word in words]
    )


def source_sha256(command: str) -> str | None:
    """Return a digest of the files that a command names; None where it names none."""
    from curate.files import sha256_of_file, sha256_of_json

    digests = [sha256_of_file(Path(word)) for word in shlex.split(command) if Path(word).is_file()]
    return sha256_of_json(digests) if digests else None


def _forget(path: Path, opened: list[int], name: str, closed: deque[tuple[int, str]]) -> None:
    """Note that a session has ended; the program is told at the next request, since now may be any moment."""
    path.unlink(missing_ok=True)
    if opened[0]:
        closed.append((opened[0], name))


def _remove(folder: Path, shown: Sequence[dict[str, Any]]) -> None:
    for one in shown:
        if one["previous"] is not None:
            with contextlib.suppress(OSError):
                (folder / one["previous"]["file"]).unlink()
