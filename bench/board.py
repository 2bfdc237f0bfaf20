"""Everything that a leaderboard says, before anybody lays it out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.gap import LevelGap
from bench.published import Result
from bench.statistics.comparisons import Comparison
from bench.statistics.coverage import Coverage
from bench.statistics.figures import ALL, FAILED_IS_ZERO, OVER_MASKS, Figure, Figures, Key
from bench.statistics.ranking import Rank
from bench.training.leaks import Leak


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the table."""

    name: str
    is_reference: bool
    facts: Mapping[str, Any]
    """What `run.json` says."""
    rows_sha256: str
    coverage: Coverage
    ranks: Mapping[str, Rank]
    """Scheme (an aggregation, or one of `bench.statistics.ranking`) -> rank.

    Empty for references and for models that cover only part of the suite.
    """


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the writers lay out."""

    entries: tuple[Entry, ...]
    """Best first: ranked models, then those of partial coverage, then references."""
    steps: tuple[int, ...]
    figures: Figures
    tolerances: tuple[tuple[str, float], ...]
    """(unit, tolerance) pairs that NSD was measured with."""
    definitions: tuple[tuple[str, str], ...]
    published: tuple[Result, ...] = ()
    """What papers report on the same tasks: shown beside the runs, never ranked or averaged with them."""
    comparisons: tuple[Comparison, ...] = ()
    """Every two models that are no references."""
    tie_groups: tuple[tuple[str, ...], ...] = ()
    """Ranked models, best group first: no test separates a model from the first of its group."""
    agreement: Mapping[tuple[str, str], float | None] = field(default_factory=dict)
    """Two schemes -> Kendall's tau-b between their places."""
    gaps: Mapping[str, tuple[LevelGap, ...]] = field(default_factory=dict)
    """Model that is no reference -> its generalisation gaps at the last step."""
    leaks: Mapping[str, tuple[Leak, ...]] = field(default_factory=dict)
    """Model that is no reference -> images that it was, or may have been, trained on."""

    @property
    def last_step(self) -> int:
        """The step that the headline is about."""
        return self.steps[-1]

    @property
    def stability(self) -> Mapping[str, tuple[float, ...] | None]:
        """Ranked model -> shares of the resamples in which it has place 1, 2, ...; None for too few patients."""
        return {entry.name: entry.ranks[OVER_MASKS].shares for entry in self.entries if entry.ranks}

    @property
    def facts(self) -> Mapping[str, Any]:
        """Suite, protocol and store, which all runs share."""
        return self.entries[0].facts

    def figure(
        self,
        model: str,
        metric: str = "dice",
        *,
        split: tuple[str, str] = (ALL, ALL),
        step: int | None = None,
        policy: str = FAILED_IS_ZERO,
        aggregation: str = OVER_MASKS,
    ) -> Figure | None:
        """Look one figure up; None when the model has no such split."""
        key = Key(model, *split, self.last_step if step is None else step, metric, policy, aggregation)
        return self.figures.get(key)
