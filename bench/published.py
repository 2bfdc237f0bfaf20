"""Results that papers report, as data: `manifests/published`. They are shown beside re-run numbers, never mixed in.

`papers.csv` has one row per paper, the other files one row per number of a table.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from curate.errors import ConfigError
from curate.plugins import shipped_folder

LEVELS = ("all", "seen", "unseen")
"""Closed list of `target_level`."""
UNITS = ("%", "1", "s", "1/s")
"""Closed list of `unit`."""
CLICKS_PER = ("volume", "slice")
"""Closed list of `clicks_per`: what the clicks are counted in; None without prompts."""


@dataclass(frozen=True, slots=True)
class Paper:
    """Where numbers were published."""

    paper: str
    """Key."""
    title: str
    citation: str
    url: str
    read_from: str
    """Which file or page the numbers were read from, and what stands against them."""


@dataclass(frozen=True, slots=True)
class Result:
    """One published number; what a paper does not state is None."""

    paper: str
    model: str
    """As the paper calls it."""
    weights: str | None
    """Which weights or training, in words."""
    suite: str | None
    """The shipped suite that has the same tasks; None where none does."""
    dataset: str | None
    """Recipe id; None for all of the suite."""
    modality: str | None
    group: str | None
    """Anatomical group, or group of the suite; None for all."""
    target_level: str
    """One of LEVELS: which targets the number is of, as the paper divides them."""
    protocol: str
    """How prompts were made: a protocol or variant of medseen where there is one, else in words."""
    clicks: int | None
    clicks_per: str | None
    """One of CLICKS_PER."""
    metric: str
    value: float
    unit: str
    """One of UNITS."""
    n: int | None
    """Masks; None where the paper does not count them."""
    place: str
    """Table or page part."""
    page: int | None
    note: str | None
    """What a reader must know, doubts included."""


def results() -> tuple[Result, ...]:
    """Return every published number, in the order of the files."""
    files = sorted(path for path in _folder().glob("*.csv") if path.stem != "papers")
    return tuple(result for path in files for result in _results(path))


def of_suite(name: str) -> tuple[Result, ...]:
    """Return the numbers that were published for the tasks of a suite, whatever its variant."""
    return tuple(result for result in results() if result.suite == name.partition("@")[0])


@cache
def papers() -> Mapping[str, Paper]:
    """Return every paper by its key."""
    with (_folder() / "papers.csv").open(encoding="utf-8", newline="") as stream:
        return {row["paper"]: Paper(**row) for row in csv.DictReader(stream)}


@cache
def _results(path: Path) -> tuple[Result, ...]:
    """Read one file.

    Raises:
        ConfigError: For a value that cannot be read, with file and line.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(_result(path, line, row) for line, row in enumerate(csv.DictReader(stream), start=2))


def _result(path: Path, line: int, row: Mapping[str, str]) -> Result:
    values = {name: value or None for name, value in row.items()}
    try:
        numbers = {name: None if values[name] is None else int(row[name]) for name in ("clicks", "n", "page")}
        return Result(**{**values, **numbers, "value": float(row["value"])})  # type: ignore[arg-type]
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}:{line}: {error}") from error


def _folder() -> Path:
    return shipped_folder("published")
