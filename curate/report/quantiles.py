"""Five numbers of a distribution."""

from collections.abc import Iterable
from typing import Any

from curate.report.table import Column

NAMES = ("lowest", "q1", "median", "q3", "highest")
DEFINITION = "Quartiles are interpolated linearly between the values (type 7 of Hyndman and Fan 1996)."


def five(values: Iterable[float], digits: int = 12) -> dict[str, Any]:
    """Return n and lowest, lower quartile, median, upper quartile and highest value, rounded to significant digits.

    Values that do not exist (NaN) are left out of n and of all five; without values the five are None.
    """
    import numpy as np

    found = np.asarray(list(values), dtype=np.float64)
    found = found[np.isfinite(found)]
    if not found.size:
        return {"n": 0} | dict.fromkeys(NAMES)
    points = np.quantile(found, [0, 0.25, 0.5, 0.75, 1])
    return {"n": int(found.size)} | {
        name: float(f"{point:.{digits}g}") for name, point in zip(NAMES, points, strict=True)
    }


def columns(unit: str, why: str) -> tuple[Column, ...]:
    """Return the columns of what `five` gives; `unit` stands in the titles, as in `Median, mm`."""
    suffix = f", {unit}" if unit else ""
    return (Column("n", "n", "count"), *(Column(name, f"{_TITLES[name]}{suffix}", "number", why) for name in NAMES))


_TITLES = {"lowest": "Lowest", "q1": "Lower quartile", "median": "Median", "q3": "Upper quartile", "highest": "Highest"}
