"""`training-random`: the clicks with which SAM-Med3D is trained."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from bench.protocols.clicking import Clicking, without_points
from bench.protocols.key import Key
from bench.protocols.options import Steps
from bench.protocols.picking import Picker, uniform
from bench.records import Prompts
from curate.labelmap import BoxMask

_FIRST, _LAST = 3, 9
"""Steps between which the one without a point lies."""


class TrainingRandom(Clicking):
    """Eleven steps of uniform clicks in the error, the newest alone; at two steps no click, only the previous mask.

    The steps without a click are the last one and one drawn uniformly from steps 3 to 9 (2 to 8 counted from 0).
    Source: uni-medical/SAM-Med3D at f3de1fa, train.py; its `--multi_click` is `points = "all"`. Where nothing is
    wrong that script fails, and no click is added here.
    """

    name: ClassVar[str] = "training-random"

    score_after: Steps = (1, 3, 5, 11)
    points: Literal["all", "newest"] = "newest"
    previous_mask: bool = True
    steps: Annotated[int, Field(ge=1)] = 11
    """Length of the loop; its last step has no click."""

    def picker(self, key: Key) -> Picker:
        """Return a uniform draw."""
        del key
        return uniform

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add one click, or at two of the steps show the mask alone."""
        if prediction is None or key.step not in (self.steps, _step_without(key)):
            return super().prompt(reference, prediction, history, key)
        return replace(without_points(history), previous=prediction) if self.previous_mask else history


def _step_without(key: Key) -> int:
    """Draw the step, the same at every step of a trial."""
    start = replace(key, step=0).generator()
    return int(np.int64(start.integers(_FIRST, _LAST + 1)))
