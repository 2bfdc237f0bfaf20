"""A protocol whose first prompts come from a file, and the rows of that file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from bench import protocols
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
                "the frozen prompts hold none for this mask and seed; write them again with `bench freeze`"
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


def load(content: bytes, prompts_sha256: str, protocol: PromptProtocol, name: str) -> FrozenFirst:
    """Return a protocol with its first step taken from a file of frozen prompts.

    Args:
        content: The file's bytes.
        prompts_sha256: Hash of the prompts that it must hold.
        protocol: The protocol that drew them.
        name: What the file is called, for messages.

    Raises:
        UsageError: When the file is none of frozen prompts, holds others than named, or those of another protocol.
    """
    rows, found, drawn_by, drawn_by_hash = _parsed(content, name)
    if found != prompts_sha256:
        raise UsageError(
            f"first prompts {name}: their hash is {found}, the suite names {prompts_sha256[:12]}...; give that hash"
            " if they are the ones that are meant"
        )
    if drawn_by_hash != protocols.sha256(protocol):
        raise UsageError(
            f"first prompts {name}: drawn by {drawn_by}, or with other parameters than the suite's; write them again"
            f" with `bench freeze SUITE --store STORE --out {name}`"
        )
    return FrozenFirst(protocol, rows, found)


@lru_cache(maxsize=2)
def _parsed(content: bytes, name: str) -> tuple[Mapping[tuple[str, int], Mapping[str, Any]], str, str, str]:
    """Return rows by mask_id and seed, their hash, and name and hash of the protocol; once per process and file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
        rows = table.select(list(COLUMNS)).to_pylist()
    except (pa.ArrowException, OSError, KeyError) as error:
        raise UsageError(
            f"first prompts {name}: no file of frozen prompts ({str(error).splitlines()[0]}); write it with"
            f" `bench freeze SUITE --store STORE --out {name}`"
        ) from error
    said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    by_mask = {(row["mask_id"], row["seed"]): row for row in rows}
    return by_mask, rows_sha256(rows), said.get("protocol", "no protocol"), said.get("protocol_hash", "")


def _boxes(numbers: Sequence[int]) -> tuple[Box, ...]:
    rows = np.array(numbers, dtype=np.int64).reshape(-1, 6).tolist()
    return tuple((r[0], r[1], r[2], r[3], r[4], r[5]) for r in rows)
