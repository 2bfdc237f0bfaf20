"""A protocol whose first prompts come from a file, and the rows of that file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.protocols import PromptProtocol
from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.files import sha256_of_json
from curate.geometry import Box
from curate.labelmap import BoxMask

COLUMNS = {
    "mask_id": "Which mask.",
    "seed": "Which of the repeated trials.",
    "points_ijk": "Voxel indices on the image's own grid: i, j, k of one point after the other.",
    "labels": "Of each point: 1 inside the target, 0 outside.",
    "box": "Half-open box in voxels: i0 j0 k0 i1 j1 k1; empty where none is shown.",
    "boxes": "Boxes one slice thick: six numbers each, one after the other.",
    "n_actions": "What the prompts cost a user.",
}
"""Name and description of every column, in order."""
_HELD = ("points", "box", "boxes")


def row_of(mask_id: str, seed: int, prompts: Prompts, n_actions: int) -> dict[str, Any]:
    """Return the row of one mask's first prompts.

    Raises:
        UsageError: For prompts that the columns cannot hold, or none at all.
    """
    beyond = sorted(prompts.kinds - set(_HELD)) or ([] if prompts.kinds else ["nothing"])
    if beyond:
        raise UsageError(f"the protocol first shows {beyond[0]}, which cannot be frozen; {', '.join(_HELD)} can")
    return {
        "mask_id": mask_id,
        "seed": seed,
        "points_ijk": prompts.points_ijk.ravel().tolist(),
        "labels": prompts.labels.tolist(),
        "box": [int(n) for n in prompts.box or ()],
        "boxes": [int(n) for box in prompts.boxes for n in box],
        "n_actions": n_actions,
    }


def rows_sha256(rows: Sequence[Mapping[str, Any]]) -> str:
    """Hash rows by what they hold, in any order; no file format or library plays a part."""
    plain = [[row[name] for name in COLUMNS] for row in rows]
    return sha256_of_json(sorted(plain, key=lambda one: (one[0], one[1])))


@dataclass(frozen=True, slots=True)
class FrozenFirst:
    """A protocol whose first step is read from rows; later steps are its own."""

    protocol: PromptProtocol
    rows: Mapping[tuple[str, int], Mapping[str, Any]]
    """By mask_id and seed."""
    prompts_sha256: str

    @property
    def name(self) -> str:
        """The protocol's own."""
        return self.protocol.name

    @property
    def version(self) -> int:
        """The protocol's own."""
        return self.protocol.version

    @property
    def kinds(self) -> frozenset[str]:
        """The protocol's own."""
        return self.protocol.kinds

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """The protocol's own."""
        return self.protocol.scored_steps

    @property
    def parameters(self) -> dict[str, Any]:
        """The protocol's own, and the hash of the prompts: rows say that they were made with them."""
        return {**self.protocol.parameters, "first_prompts": self.prompts_sha256}

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Return the frozen prompts at the first step, and the protocol's at the others.

        Raises:
            ValueError: When the file has none for this mask and seed.
        """
        if key.step != 1:
            return self.protocol.prompt(reference, prediction, history, key)
        row = self.rows.get((f"{key.image_id}#{key.target}", key.seed))
        if row is None:
            raise ValueError(
                "the frozen prompts hold none for this mask and seed; write them again with bench.freeze.freeze"
            )
        return replace(
            history,
            points_ijk=np.array(row["points_ijk"], dtype=np.int64).reshape(-1, 3),
            labels=np.array(row["labels"], dtype=np.int64),
            box=_boxes(row["box"])[0] if row["box"] else None,
            boxes=_boxes(row["boxes"]),
            n_actions=row["n_actions"],
        )

    def actions(self, prompts: Prompts) -> int:
        """Return what these prompts cost a user."""
        return self.protocol.actions(prompts)


def _boxes(numbers: Sequence[int]) -> tuple[Box, ...]:
    rows = np.array(numbers, dtype=np.int64).reshape(-1, 6).tolist()
    return tuple((r[0], r[1], r[2], r[3], r[4], r[5]) for r in rows)
