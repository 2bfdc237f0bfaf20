"""What all click protocols share: one click a step, and the options that change what a model is shown."""

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from bench.protocols.errors_of import Errors
from bench.protocols.key import Key
from bench.protocols.options import Parametric, Steps, Unit, require_target, spacing_in
from bench.protocols.picking import Picker
from bench.records import Prompts
from curate.labelmap import BoxMask


class Clicking(Parametric):
    """One click a step, into what is still wrong; without anything wrong, none."""

    score_after: Steps = (1, 3, 5, 10)
    points: Literal["all", "newest"] = "all"
    """Show all clicks so far, or the newest alone."""
    previous_mask: bool = False
    """Show the prediction of the step before as a mask to start from."""
    stop_at_dice: Annotated[float, Field(gt=0, le=1)] | None = None
    """The user is content from this Dice on, and clicks no more."""
    distances: Unit = "voxels"

    @abstractmethod
    def picker(self, key: Key) -> Picker:
        """Return where the click of this step lands."""

    @property
    def shown_kinds(self) -> set[str]:
        """Points, and the previous mask where it is on."""
        return {"points", "previous"} if self.previous_mask else {"points"}

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """Steps after which the prediction is scored."""
        return self.score_after

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add one click; return the history itself where nothing is wrong, or the user is content."""
        require_target(reference)
        errors = Errors.between(reference, prediction)
        if not errors.wrong.size or self._content(errors, reference, prediction):
            return history
        place = self.picker(key)(errors, spacing_in(self.distances, key), key.generator())
        label = int(errors.wanted[tuple(place)])
        shown = history if self.points == "all" else without_points(history)
        shown = shown.with_point((place + errors.corner_ijk).tolist(), label)
        previous = prediction if self.previous_mask else history.previous
        return replace(shown, previous=previous, n_actions=history.n_actions + 1)

    def _content(self, errors: Errors, reference: BoxMask, prediction: BoxMask | None) -> bool:
        if self.stop_at_dice is None or prediction is None:
            return False
        return errors.dice(reference.count) >= self.stop_at_dice


def without_points(prompts: Prompts) -> Prompts:
    """Return prompts without their points; what they cost stays."""
    none = np.zeros((0, 3), dtype=np.int64)
    return replace(prompts, points_ijk=none, labels=np.zeros(0, dtype=np.int64))
