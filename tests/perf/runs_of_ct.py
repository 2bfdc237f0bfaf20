"""What the scripts about runs share: a store of synthetic CTs, and the rows of a run without what was measured."""

from pathlib import Path
from typing import Any

from ct_phantom import write_dataset

from bench.schema import MEASURED
from curate import pipeline, profile, recipe
from curate.executor import Where

SHAPE = (256, 256, 96)
CLASSES = 24
_MEASURED = {column.name for column in MEASURED}


def build_store(folder: Path, cases: int, shape: tuple[int, int, int] = SHAPE, classes: int = CLASSES) -> Path:
    """Write synthetic CTs and build a store of them; return it."""
    path = write_dataset(folder, cases, shape, classes)
    pipeline.build(
        [pipeline.Source(recipe.load(str(path)), folder / "raw")], folder / "store", profile.load("native"), Where(1)
    )
    return folder / "store"


def unmeasured(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without seconds and memory, in an order of their own."""
    kept = [{name: value for name, value in row.items() if name not in _MEASURED} for row in rows]
    return sorted(kept, key=lambda row: (row["mask_id"], row["seed"], row["step"]))
