"""Rows of scores: what stands in each of them, and those of targets without scores."""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from bench import protocols
from bench.answers import status_of
from bench.protocols import PromptProtocol
from bench.records import Prompts
from bench.schema import FURTHER, MEASURED, SCORED
from bench.trial.reading import Target
from bench.trial.scoring import Scores

Row = dict[str, Any]
"""The columns of scores from `protocol` on, `mask_id` and `reference_voxels`."""


@dataclass(frozen=True, slots=True, eq=False)
class Unscored:
    """A row whose scores are being computed."""

    row: Row
    scores: Future[Scores]

    def whole(self) -> Row:
        """Wait for the scores and return the row with them."""
        return {**self.row, **self.scores.result()}


@dataclass(frozen=True, slots=True)
class Rows:
    """Makes rows of one protocol."""

    protocol: PromptProtocol

    def row(self, target: Target, step: int, shown: Prompts, status: str, detail: str | None) -> Row:
        """Return what every row has, scored or not."""
        return {
            "mask_id": target.mask_id,
            "reference_voxels": target.reference.count,
            "protocol": f"{self.protocol.name}@{self.protocol.version}",
            "protocol_hash": protocols.sha256(self.protocol),
            "seed": target.seed,
            "step": step,
            "n_points": len(shown.labels),
            "n_actions": self.protocol.actions(shown),
            "status": status,
            "detail": detail,
        }

    def failed(
        self,
        target: Target,
        error: BaseException,
        *,
        from_step: int = 1,
        prompts: Prompts | None = None,
        status: str | None = None,
    ) -> list[Row]:
        """Return the rows of a target from a step on, with the status of an error (or the one given), no scores."""
        found, detail = status_of(error)
        blank: Row = {column.name: None for column in (*SCORED, *FURTHER, *MEASURED)}
        shown = prompts or Prompts(target.key)
        steps = [step for step in self.protocol.scored_steps if step >= from_step]
        return [{**self.row(target, step, shown, status or found, detail), **blank} for step in steps]
