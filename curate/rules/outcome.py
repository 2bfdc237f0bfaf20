"""What a rule says of one mask."""

from dataclasses import dataclass
from typing import Literal

from curate.masks import Mask

Effect = Literal["left_out", "changed", "noted"]
"""left_out: the mask goes; changed: it stays otherwise than it came, or as several; noted: it stays as it is."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule did to a mask, or to several that come from one, and by which measurement."""

    mask: Mask
    """As it came to the rule."""
    code: str
    detail: str
    measured: float | None
    threshold: float | None
    effect: Effect
    rule: str = ""
    """Name of the rule in the profile."""
    step: int = 0
    """Place of the rule in the profile's list, from 1."""
    before: int = 1
    """Masks that came to the rule and that this is about."""
    after: int = 0
    """What is left of them, in masks."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The masks that go on (none, the same, or parts) and the decision, where there was one."""

    masks: tuple[Mask, ...]
    decision: Decision | None = None


def beyond(mask: Mask, code: str, measured: float, threshold: float, unit: str) -> Outcome:
    """Return the outcome for a mask on the wrong side of a threshold: it goes."""
    detail = f"{measured:.6g} {unit}, the profile's limit is {threshold:.6g}"
    return Outcome((), Decision(mask, code, detail, measured, threshold, "left_out"))
