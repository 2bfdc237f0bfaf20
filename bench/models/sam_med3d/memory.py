"""What came of earlier clicks, so that the next click goes on from there."""

from typing import Any, Generic, NoReturn, TypeVar

from bench.models.recent import Recent
from bench.models.sam_med3d.windows import Triple

V = TypeVar("V")
ANSWERS_KEPT = 256
"""The last two steps of 104 targets, with room to spare; 0.13 MB of logits for each window of an answer."""


class Answers(Generic[V]):
    """Remembers what followed from which clicks in which cube."""

    def __init__(self) -> None:
        self._known: Recent[tuple[Any, ...], V] = Recent(ANSWERS_KEPT)

    def longest(self, clicks: tuple[Any, ...], start: Triple | None = None) -> tuple[int, V | None]:
        """Return how many of the first clicks have a known answer, and that answer; 0 and None where none has."""
        for n in range(len(clicks), 0, -1):
            try:
                return n, self._known.get((start, clicks[:n]), _unknown)
            except KeyError:
                continue
        return 0, None

    def keep(self, clicks: tuple[Any, ...], answer: V, start: Triple | None = None) -> None:
        """Remember an answer, and forget the one unused for longest where there are too many."""
        self._known.get((start, clicks), lambda: answer)


def _unknown() -> NoReturn:
    raise KeyError
