"""The cells of a leaderboard's tables: how a figure, a count or a missing value is printed."""

from dataclasses import dataclass

from bench.statistics.figures import NO_MASK, NO_MAXIMUM_INTERVAL, NO_MEDIAN_INTERVAL, Figure

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
_NEVER = (NO_MEDIAN_INTERVAL, NO_MAXIMUM_INTERVAL)
"""Reasons that concern a whole column, and are said once in its caption."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell."""

    text: str
    notes: tuple[str, ...] = ()
    """Interval and n, in smaller type, one line each."""
    why: str = ""
    """Why there is no value, when `text` is a dash."""
    order: float | None = None
    """What a numeric column is sorted by; None stands last."""


def figure_cell(figure: Figure | None, n_masks: int, decimals: int = 3, *, signed: bool = False) -> Cell:
    """Print one figure with its interval, and with its n where that is not the `n_masks` that its row states."""
    if figure is None or figure.value is None:
        return Cell(DASH, why=figure.why_no_value or NO_MASK if figure else NO_MASK)
    n = "" if figure.n_masks == n_masks else f"n = {figure.n_masks:,}"
    notes = tuple(note for note in (_interval(figure, decimals, signed=signed), n) if note)
    return Cell(number(figure.value, decimals, signed=signed), notes, order=figure.value)


def n_cell(figure: Figure | None) -> Cell:
    """Print the masks, patients and datasets of a figure."""
    if figure is None or figure.n_masks == 0:
        return count_cell(0)
    patients, datasets = plural(figure.n_patients, "patient"), plural(figure.n_datasets, "dataset")
    return Cell(f"{figure.n_masks:,}", (patients, datasets), order=figure.n_masks)


def count_cell(count: int) -> Cell:
    """Print a number of masks."""
    return Cell(f"{count:,}", order=count)


def share_cell(share: float) -> Cell:
    """Print a share in per cent; only all is 100 %, only none is 0 %."""
    if share in (0, 1):
        return Cell(f"{100 * share:.0f} %", order=share)
    text = f"{100 * share:.1f} %"
    return Cell({"100.0 %": "> 99.9 %", "0.0 %": "< 0.1 %"}.get(text, text), order=share)


def number(value: float, decimals: int = 3, *, signed: bool = False) -> str:
    """Print a number with a true minus sign; a value that rounds to nothing has no sign."""
    text = f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def plural(count: int, word: str) -> str:
    """Print a count of things."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _interval(figure: Figure, decimals: int, *, signed: bool) -> str:
    if figure.low is None or figure.high is None:
        return "" if figure.why_no_interval in _NEVER else figure.why_no_interval or ""
    return f"[{number(figure.low, decimals, signed=signed)}, {number(figure.high, decimals, signed=signed)}]"
