"""A model in a process of its own that looks to a trial like any other, and whose calls have a time limit.

A call that takes too long, or that ends the process, is an error of the targets that it asked for. The process is made
again for the next call, its image opened again, and every target's earlier prompts are repeated before its next one, so
that what a session remembers is what it would remember without the accident. After an accident the remaining targets
of the image are asked alone: an answer then depends on no other target.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.models import AnyModel
from bench.models.choice import Choice
from bench.records import Prompts
from bench.runner.model_process import KilledForMemoryError, ModelProcess, ModelProcessError
from bench.runner.replies import Raised
from bench.runner.served import Introduction
from curate.errors import UsageError
from curate.labelmap import BoxMask
from curate.volume import Volume


def supervised(choice: Choice, seconds: float) -> AnyModel:
    """Make a model in a process of its own.

    Args:
        choice: Which model, with which weights, where.
        seconds: Limit of each call of `open`, `predict` and `predict_many`; making the model has none.

    Raises:
        UsageError: When it cannot be made.
    """
    keeper = Keeper(choice, seconds)
    return SupervisedReference(keeper) if keeper.introduction.sees_reference else SupervisedModel(keeper)


class Keeper:
    """Keeps a process for a model: one at a time, made again when it is needed and gone.

    Raises:
        UsageError: When the model cannot be made.
    """

    def __init__(self, choice: Choice, seconds: float) -> None:
        self._choice, self._seconds = choice, seconds
        self._process = ModelProcess(choice, seconds)
        self.introduction = self._introduced()
        self.opened: object = None
        """Token of the session whose image is open in the process."""

    @property
    def alive(self) -> bool:
        """Whether the process of the last call is still there."""
        return self._process.alive

    @property
    def peak_memory_mb(self) -> float:
        """Peak resident memory of the process of now, MiB."""
        return self._process.peak_memory_mb

    def ask(self, kind: str, *arguments: Any) -> Any:
        """Ask the process, which is made again if it has ended.

        Raises:
            Exception: What `ModelProcess.ask` raises.
        """
        if not self.alive:
            self._process = ModelProcess(self._choice, self._seconds)
            self._introduced()
        return self._process.ask(kind, arguments)

    def _introduced(self) -> Introduction:
        self.opened = None
        try:
            introduction: Introduction = self._process.introduction()
        except (ModelProcessError, KilledForMemoryError) as error:
            raise UsageError(f"model `{self._choice.name}` cannot be made: {error}; check --weights") from error
        return introduction


class SupervisedModel:
    """A model whose sessions live in another process."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.card = keeper.introduction.card
        self.weights_sha256 = keeper.introduction.weights_sha256

    def open(self, image: Volume) -> "SupervisedSession":
        """Open an image there."""
        return SupervisedSession(self._keeper, image, None)


class SupervisedReference(SupervisedModel):
    """The same for a model that is shown the truth."""

    def open_with_references(self, image: Volume, references: Mapping[str, BoxMask]) -> "SupervisedSession":
        """Open an image and its references there."""
        return SupervisedSession(self._keeper, image, references)


class SupervisedSession:
    """An image that is open in another process, and opened again when that process is gone."""

    def __init__(self, keeper: Keeper, image: Volume, references: Mapping[str, BoxMask] | None) -> None:
        self._keeper = keeper
        self._token = object()
        self._opening = (image, references)
        self._answered: dict[str, list[Prompts]] = {}
        """By key, the prompts that have been answered, oldest first."""
        self._known: set[str] = set()
        """Keys whose answered prompts the process of now has seen."""
        self._alone = False
        self._batches = self._open()

    @property
    def predict_many(self) -> Callable[[Sequence[Prompts]], list[BoxMask | Exception]] | None:
        """Segment several targets in one call; None where the model cannot, or may not after an accident."""
        return self._predict_many if self._batches and not self._alone else None

    @property
    def peak_memory_mb(self) -> float:
        """Peak resident memory of the process that the image is open in, MiB."""
        return self._keeper.peak_memory_mb

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target."""
        mask: BoxMask = self._ask("predict", prompts, [prompts])
        return mask

    def _predict_many(self, prompts: Sequence[Prompts]) -> list[BoxMask | Exception]:
        given = self._ask("predict_many", list(prompts), prompts)
        return [one.error() if isinstance(one, Raised) else one for one in given]

    def _ask(self, kind: str, argument: Any, prompts: Sequence[Prompts]) -> Any:
        try:
            self._remind([one.key for one in prompts])
            answer = self._keeper.ask(kind, argument)
        finally:
            self._alone = self._alone or not self._keeper.alive
        for one in prompts:
            self._answered.setdefault(one.key, []).append(one)
        return answer

    def _remind(self, keys: Sequence[str]) -> None:
        """Bring the process of now to where the targets had been."""
        if not self._keeper.alive or self._keeper.opened is not self._token:
            self._open()
        for key in keys:
            if key not in self._known:
                for prompts in self._answered.get(key, []):
                    self._keeper.ask("predict", prompts)
                self._known.add(key)

    def _open(self) -> bool:
        self._known = set()
        batches: bool = self._keeper.ask("open", *self._opening)
        self._keeper.opened = self._token
        return batches
