"""What one case adds to the store: its rows, its files, and why something of it was left out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from curate.matching import LabelFile
from curate.recipe import Recipe
from curate.rejections import Rejection, Stage
from curate.scan import Case


@dataclass(slots=True)
class Piece:
    """What one case adds to the store."""

    images: list[dict[str, Any]] = field(default_factory=list)
    masks: list[dict[str, Any]] = field(default_factory=list)
    rejections: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Path relative to the store -> SHA-256."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How much one case adds to the store: what is kept of a piece in memory."""

    images: int
    masks: int
    rejections: Mapping[str, int]
    """Code -> rows, for every stage but `rule`."""
    decisions: Mapping[str, int]
    """Code -> rows of the profile's rules."""

    @classmethod
    def of(cls, piece: Piece) -> "Tally":
        """Count the rows of a piece."""
        rejections = Counter(row["code"] for row in piece.rejections if row["stage"] != "rule")
        decisions = Counter(row["code"] for row in piece.rejections if row["stage"] == "rule")
        return cls(len(piece.images), len(piece.masks), rejections, decisions)


class Ledger:
    """The piece of a case that is being built, and the pen for its rejections."""

    def __init__(self, case: Case, recipe: Recipe) -> None:
        self.case, self.recipe, self.piece = case, recipe, Piece()

    def reject(self, stage: Stage, code: str, detail: str, **where: Any) -> None:
        """Add a rejection of this case; `where` has further columns of its row."""
        rejection = Rejection(self.recipe.dataset.id, stage, code, detail, case_id=self.case.case_id, **where)
        self.piece.rejections.append(rejection.row())

    def reject_each(self, files: Iterable[LabelFile], stage: Stage, code: str, detail: str, **where: Any) -> None:
        """Add a rejection for each of several label files."""
        for file in files:
            self.reject(stage, code, detail, source_path=file.path, **where)
