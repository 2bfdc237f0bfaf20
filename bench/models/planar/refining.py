"""Answers on one slice that go on from the answer before, action by action."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from bench.models.planar.decoding import Decoder, Request
from bench.models.planar.memory import Memory
from bench.models.planar.network import Embedding
from bench.models.planar.prompting import Shown


@dataclass(slots=True, eq=False)
class _Way:
    """One target on its way through its actions."""

    steps: list[Shown]
    answered: int = 0
    logits: Tensor | None = None


class Refiner:
    """Answers the actions of many targets in step, and remembers the answers.

    An answer follows from the actions up to it, in their order; whether they came in one call or in many does not
    matter.
    """

    def __init__(self, decoder: Decoder, limit_bytes: int) -> None:
        """Remember logits up to a limit; forgotten ones are computed again."""
        self._decoder = decoder
        self._logits: Memory[tuple[int, Shown], Tensor] = Memory(limit_bytes)

    def answers(self, number: int, embedding: Embedding, shown: Sequence[Shown]) -> list[Tensor]:
        """Return the last logits, (side / 4, side / 4), of each target.

        Args:
            number: The slice.
            embedding: Of that slice.
            shown: What is shown of each target; each says where it is.
        """
        ways = [self._begun(number, one) for one in shown]
        while due := [way for way in ways if way.answered < len(way.steps)]:
            requests = [Request(way.steps[way.answered], way.logits) for way in due]
            for way, logits in zip(due, self._decoder.answers(embedding, requests), strict=True):
                self._logits.put((number, way.steps[way.answered]), logits, logits.nbytes)
                way.answered, way.logits = way.answered + 1, logits
        return [way.logits for way in ways if way.logits is not None]

    def _begun(self, number: int, shown: Shown) -> _Way:
        """Return a target's actions, answered as far as is remembered."""
        steps = [shown] if self._decoder.options.previous == "none" else shown.steps()
        for count in range(len(steps), 0, -1):
            logits = self._logits.get((number, steps[count - 1]))
            if logits is not None:
                return _Way(steps, count, logits)
        return _Way(steps)
