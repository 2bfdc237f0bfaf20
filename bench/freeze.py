"""The first prompts of a suite over a store, in a file that says what it holds by its hash.

Everybody who runs a suite with the file shows the same first prompts, whatever NumPy or the protocol's code becomes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import protocols
from bench.protocols import PromptProtocol
from bench.protocols.frozen import COLUMNS, row_of, rows_sha256
from bench.protocols.key import Key
from bench.records import Prompts
from bench.suite import Suite, Unit, plan
from curate import volume
from curate.files import replacing
from curate.labelmap import BoxMask, extract

METADATA = ("suite", "protocol", "protocol_hash", "prompts_sha256")
"""Keys of the file's metadata, all of them text."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was written."""

    path: Path
    prompts_sha256: str
    """What a suite names the prompts by: the hash of the rows, whatever wrote the file."""
    prompts: int
    """Trials with prompts: masks, each once a seed."""
    not_applicable: int
    """Trials of masks to which the protocol cannot be applied."""


def freeze(suite: Suite, store: Path, out: Path) -> Frozen:
    """Draw the first prompts of all masks of a suite in a store and write them to one Parquet file.

    Equal arguments give equal bytes with one version of pyarrow, and an equal `prompts_sha256` with any.

    Args:
        suite: Says which masks, which protocol, and how many seeds; first prompts that it names play no part.
        store: Root of the store.
        out: The file.

    Raises:
        StoreError: When there is no finished store.
        ReadError: When a label map cannot be read.
        UsageError: When no mask belongs to the suite, or for a protocol that first shows what the file cannot hold (a
            mask, a stroke).
    """
    protocol = suite.protocol.drawing()
    drawn = [row for unit in plan(suite, store) for row in _rows(unit, store, protocol, suite.protocol.seeds)]
    rows = [row for row in drawn if row is not None]
    _write(rows, suite, protocol, out)
    return Frozen(out, rows_sha256(rows), len(rows), len(drawn) - len(rows))


def _rows(unit: Unit, store: Path, protocol: PromptProtocol, seeds: int) -> Iterator[Mapping[str, Any] | None]:
    """Yield a row for each mask and seed of a unit; None where the protocol cannot be applied."""
    image = unit.image
    spacing = tuple(image["spacing_mm"] or (1.0, 1.0, 1.0))
    for mask, reference in references(unit, store):
        what = mask["mask_id"].removeprefix(f"{image['image_id']}#")
        for seed in range(seeds):
            key = Key(
                protocol.name, protocol.version, image["dataset"], image["image_id"], what, 1, seed, spacing=spacing
            )
            try:
                shown = protocol.prompt(reference, None, Prompts("first"), key)
            except ValueError:
                yield None
                continue
            yield row_of(mask["mask_id"], seed, shown, protocol.actions(shown))


def references(unit: Unit, store: Path) -> Iterator[tuple[Mapping[str, Any], BoxMask]]:
    """Yield the masks of a unit; reads its label maps, not its image.

    Raises:
        ReadError: When a label map cannot be read.
    """
    labels: dict[str, np.ndarray[Any, Any]] = {}
    for mask in unit.masks:
        if mask["path"] not in labels:
            labels[mask["path"]] = volume.read(store / mask["path"]).voxels
        yield mask, extract(labels[mask["path"]], mask["label_values"], tuple(mask["bbox_ijk"]))


def _write(rows: Sequence[Mapping[str, Any]], suite: Suite, protocol: PromptProtocol, out: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    said = (suite.name, f"{protocol.name}@{protocol.version}", protocols.sha256(protocol), rows_sha256(rows))
    integers = pa.list_(pa.int32())
    types = {"mask_id": pa.string(), "seed": pa.int32(), "n_actions": pa.int32()}
    fields = [
        pa.field(name, types.get(name, integers), metadata={"description": text}) for name, text in COLUMNS.items()
    ]
    schema = pa.schema(fields, metadata=dict(zip(METADATA, said, strict=True)))
    table = pa.Table.from_pylist(list(rows), schema=schema)
    with replacing(out, keep_equal=True) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=100_000)
