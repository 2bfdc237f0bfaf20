"""From the slices with prompts to their neighbours, by the box of the mask on the slice before."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bench.models.planar.planes import Patch, PlaneBox
from bench.models.planar.prompting import Shown


@dataclass(frozen=True, slots=True)
class Front:
    """A slice that comes next on the way from a prompted one."""

    target: int
    number: int
    """The slice."""
    step: int
    """1 upwards, -1 downwards."""
    left: int
    """Slices that may follow it."""

    def next(self) -> "Front | None":
        """Return the slice after this one; None where the way ends."""
        return Front(self.target, self.number + self.step, self.step, self.left - 1) if self.left else None


def first_fronts(target: int, prompted: Iterable[int], count: int) -> Iterator[Front]:
    """Yield the neighbours of the prompted slices.

    Each slice is reached from the prompted one nearest to it (of two, from the lower), so that no slice is asked
    about twice.

    Args:
        target: Which of the targets.
        prompted: Slices with prompts.
        count: Slices of the image.
    """
    numbers = sorted(prompted)
    for before, after in zip([None, *numbers], [*numbers, None], strict=True):
        up = 0 if before is None else count - 1 - before if after is None else (after - before) // 2
        down = 0 if after is None else after if before is None else (after - before - 1) // 2
        if before is not None and up:
            yield Front(target, before + 1, 1, up - 1)
        if after is not None and down:
            yield Front(target, after - 1, -1, down - 1)


def shown_at(front: Front, masks: Mapping[int, Patch], own: Shown | None) -> Shown | None:
    """Return the box of the mask on the slice before, with the slice's own points; None where that mask is empty."""
    box: PlaneBox = masks[front.number - front.step].box
    if box[0] == box[2]:
        return None
    return Shown(box, own.points if own else ())
