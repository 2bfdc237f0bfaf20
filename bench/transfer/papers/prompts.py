"""What a run had been shown at a step, in the words of the papers' columns."""

from dataclasses import dataclass

from bench.published import Result
from bench.transfer.reading import Series

_CLICKS = ("random-error", "training-random", "ritm", "edt-largest", "off-centre")
_CLICKS_A_SLICE = ("slice-points",)
_BOXES = ("box", "box-jittered", "slice-boxes")
_BOX_FIRST = ("box-then-clicks", "cvpr25")


@dataclass(frozen=True, slots=True, order=True)
class Prompt:
    """One column of a table of prompts; sorted as the papers print them: fewer clicks first."""

    clicks: int
    """Clicks so far, on the image or on every slice; 0 for a box alone."""
    per: str
    """`volume`, `slice`, or `` where no click is counted."""
    text: str
    """`box`, `1 pt`, `3N pts`, or protocol and step where a paper has no word for it."""


BOX = Prompt(0, "", "box")


def points(clicks: int, per: str) -> Prompt:
    """Return so many clicks: `3 pts`, or `3N pts` on the N slices that hold the target."""
    many = f"{clicks}N" if per == "slice" and clicks > 1 else "N" if per == "slice" else str(clicks)
    return Prompt(clicks, per, f"{many} pt{'' if many == '1' else 's'}")


def prompt_of(series: Series, step: int) -> Prompt:
    """Return what had been shown when a step of a run was scored."""
    name = series.protocol.partition("@")[0]
    if name in _CLICKS:
        return points(step, "volume")
    if name in _CLICKS_A_SLICE:
        return points(step, "slice")
    if name in _BOXES or (name in _BOX_FIRST and step == 1):
        return BOX
    if name in _BOX_FIRST:
        return Prompt(step - 1, "volume", f"box + {step - 1} pt{'' if step == 2 else 's'}")
    return Prompt(step, "", f"{name}, step {step}")


def prompt_of_result(result: Result) -> Prompt:
    """Return what a paper had shown."""
    if result.clicks is not None and result.clicks_per is not None and result.protocol in _CLICKS:
        return points(result.clicks, result.clicks_per)
    return BOX if result.protocol in _BOXES else Prompt(result.clicks or 0, "", result.protocol)
