"""`random-error`: the clicks of the SAM-Med3D paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask, union_box

_SCORE_AFTER = (1, 3, 5, 10)


@dataclass(frozen=True, slots=True)
class RandomError:
    """One point a step: the first uniformly in the foreground, each next uniformly in the error region.

    A point's label is its side: 1 where the reference has the voxel, 0 where the prediction wrongly has it. When there
    is no error left, the paper is silent; the published code then clicks a random foreground voxel, and so do we.
    Source: SAM-Med3D (ECCV 2024 workshops), section 4; scored after 1, 3, 5 and 10 points.
    """

    name: ClassVar[str] = "random-error"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset({"points"})

    score_after: tuple[int, ...] = _SCORE_AFTER

    @classmethod
    def create(cls, version: int, parameters: Mapping[str, Any]) -> "RandomError":
        """Make the protocol from a suite's words.

        Raises:
            UsageError: For another version, or parameters other than `score_after`, ascending steps from 1.
        """
        if version != cls.version:
            raise UsageError(f"protocol {cls.name} has version {cls.version} here, the suite asks for {version}")
        unknown = sorted(set(parameters) - {"score_after"})
        if unknown:
            raise UsageError(f"protocol {cls.name} takes `score_after`, found `{unknown[0]}`")
        steps = parameters.get("score_after", _SCORE_AFTER)
        if not _ascending(steps):
            raise UsageError(f"protocol {cls.name}: score_after must be ascending steps from 1, found {steps!r}")
        return cls(tuple(steps))

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """Steps after which the prediction is scored."""
        return self.score_after

    @property
    def parameters(self) -> dict[str, Any]:
        """The steps, which is all that can vary."""
        return {"score_after": list(self.score_after)}

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add one point to the history."""
        generator = key.generator()
        if prediction is not None:
            box = union_box(reference.box, prediction.box)
            wanted = reference.within(box)
            point = _uniform(wanted != prediction.within(box), generator)
            if point is not None:
                return history.with_point(tuple(point + box[:3]), int(wanted[tuple(point)]))
        point = _uniform(reference.voxels, generator)
        if point is None:
            raise ValueError("the reference is empty: there is no foreground to click")
        return history.with_point(tuple(point + reference.box[:3]), 1)

    def actions(self, prompts: Prompts) -> int:
        """Return the number of clicks."""
        return len(prompts.labels)


def _ascending(steps: Any) -> bool:
    """Tell whether a suite's words are whole numbers from 1, each larger than the one before."""
    if not isinstance(steps, list | tuple) or not steps or any(type(step) is not int for step in steps):
        return False
    return steps[0] >= 1 and all(a < b for a, b in pairwise(steps))


def _uniform(region: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.int64] | None:
    """Draw one voxel of a region, (3,), each with the same probability; None when it is empty."""
    voxels = np.flatnonzero(region)
    if voxels.size == 0:
        return None
    return np.array(np.unravel_index(voxels[generator.integers(voxels.size)], region.shape), dtype=np.int64)
