"""From the rows of a trial to a piece of `scores.parquet`."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import scores, trial
from bench.models.base import ModelCard
from bench.suite import Suite, Unit
from bench.training.cards import TrainingCard
from bench.training.seen import seen
from curate.errors import UsageError

_OF_MASK = (
    *("dataset", "patient_id", "image_id", "mask_id", "target"),
    *("modality", "anatomy_group", "kind", "suite_group"),
)
"""Columns that stand in the store's table of masks, or that the suite's plan added to it."""


@dataclass(frozen=True, slots=True)
class Storing:
    """Writes what became of a unit, with what its masks are and whether the model has seen them."""

    out: Path
    suite: Suite
    card: ModelCard
    training: TrainingCard | None

    def __call__(self, unit: Unit, outcome: list[trial.Row] | BaseException) -> list[dict[str, Any]]:
        """Write the piece of a unit, atomically, and return its rows; a lost unit has failed rows.

        Raises:
            UsageError: Where that is what became of it: wrong configuration is no row.
        """
        if isinstance(outcome, UsageError):
            raise outcome
        found = trial.lost(unit, self.suite, outcome) if isinstance(outcome, BaseException) else outcome
        rows = [self._whole(row, unit) for row in found]
        scores.write_piece(self.out, _name(unit), rows)
        return rows

    def _whole(self, row: trial.Row, unit: Unit) -> dict[str, Any]:
        mask = next(mask for mask in unit.masks if mask["mask_id"] == row["mask_id"])
        answers = seen(
            self.training,
            target=mask["target"],
            modality=mask["modality"],
            dataset=mask["dataset"],
            image_id=mask["image_id"],
            split=unit.split,
            voxel_sha256=unit.image["voxel_sha256"],
        )
        return {
            "model": self.card.name,
            "suite": self.suite.name,
            **{name: mask[name] for name in _OF_MASK},
            "seen_target": answers.target,
            "seen_modality": answers.modality,
            "seen_dataset": answers.dataset,
            "seen_image": answers.image,
            **row,
        }


def _name(unit: Unit) -> str:
    """Return a file name for a unit's piece: its image and the masks that were run."""
    text = "\n".join([unit.image["image_id"], *(mask["mask_id"] for mask in unit.masks)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
