"""What a model was shown, on disk: one small JSON file for each image, scored step and seed of a run.

With it a prediction can be looked at beside its prompts, and asked for again. A mask to start from is not written: it
is the prediction of the step before, which is kept beside, or follows from protocol and reference.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.records import Prompts
from curate.errors import ReadError
from curate.files import write_json

FOLDER = "prompts"
_FILE = re.compile(r"\.step\d+\.seed\d+\.json")
"""What follows the image's own name."""


def keep(run: Path, image_id: str, step: int, seed: int, prompts: Mapping[str, Prompts]) -> None:
    """Write what was shown of some masks of an image up to a step, by mask_id; the file's other masks stay.

    Raises:
        OSError: When it cannot be written.
        ReadError: When the file that is there is damaged.
    """
    path = run / FOLDER / f"{image_id}.step{step}.seed{seed}.json"
    rows = {row["mask_id"]: row for row in _read(path)} if path.is_file() else {}
    rows |= {mask_id: {"mask_id": mask_id, "seed": seed, "step": step, **_row(one)} for mask_id, one in prompts.items()}
    write_json(path, [rows[mask_id] for mask_id in sorted(rows)], indent=None)


def read(run: Path, image_id: str) -> list[dict[str, Any]]:
    """Return what was shown of an image, sorted by mask, seed and step; an empty list where nothing was kept.

    Returns:
        Rows of `mask_id`, `seed`, `step`, `points_ijk` (n lists of 3 voxel indices, oldest first), `labels` (n of 1 or
        0), `box` (half-open i0 j0 k0 i1 j1 k1, or None), `boxes` (such boxes, one slice thick) and `strokes` (each
        with `tool`, `label` and `voxels_ijk`).

    Raises:
        ReadError: When a file is damaged.
    """
    start = run / FOLDER / image_id
    files = sorted(start.parent.iterdir()) if start.parent.is_dir() else []
    ours = [file for file in files if file.name.startswith(start.name) and _FILE.fullmatch(file.name, len(start.name))]
    return sorted(
        (row for file in ours for row in _read(file)), key=lambda row: (row["mask_id"], row["seed"], row["step"])
    )


def _row(prompts: Prompts) -> dict[str, Any]:
    return {
        "points_ijk": prompts.points_ijk.tolist(),
        "labels": prompts.labels.tolist(),
        "box": None if prompts.box is None else [int(n) for n in prompts.box],
        "boxes": [[int(n) for n in box] for box in prompts.boxes],
        "strokes": [
            {"tool": one.tool, "label": one.label, "voxels_ijk": one.voxels_ijk.tolist()} for one in prompts.strokes
        ],
    }


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReadError("unreadable", f"{file}: cannot be read ({error})") from error
    return rows
