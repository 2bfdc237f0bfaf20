"""MONAI's data lists, in the layout of the Medical Segmentation Decathlon: `<dataset>/{dataset.json, imagesTr, ...}`.

`monai.data.load_decathlon_datalist` reads `training`, `validation` and `test` from dataset.json. A value names the
innermost target, as in the Decathlon, whose liver is 1 and the tumour in it 2; `regions` says which values make up a
target that holds others.
"""

import json
from pathlib import Path
from typing import Any

from curate import manifest
from curate.exporters.folder import safe_name
from curate.exporters.frame import Export, run
from curate.exporters.multiclass import Plan, plans, write_cases
from curate.exporters.report import ExportReport
from curate.exporters.selection import Selection
from curate.files import write_bytes

_LISTS = {"train": "training", "val": "validation", "test": "test"}


def export(store: Path, out: Path, selection: Selection) -> ExportReport:
    """Write the chosen part of a store as data lists; see `curate.exporters.Exporter`.

    Raises:
        UsageError: Also when two targets of a dataset overlap and neither holds the other.
    """
    return run("decathlon", store, out, selection, _fill)


def _fill(export: Export) -> None:
    facts = {row["dataset"]: row for row in manifest.read_datasets(export.store)}
    for plan in plans(export):
        folder = safe_name(plan.dataset)
        lists: dict[str, list[dict[str, Any]]] = {}
        for case, label, images in write_cases(export, plan, folder, numbered=False):
            image = images if len(images) > 1 else images[0]
            item = {"image": image, "label": label, "patient_id": case.patient_id}
            lists.setdefault(_LISTS[case.split], []).append(item)
        content = _properties(plan, lists, facts[plan.dataset]) | {"training": []} | lists
        text = json.dumps(content, indent=2, ensure_ascii=False)
        write_bytes(export.folder / folder / "dataset.json", (text + "\n").encode())


def _properties(plan: Plan, lists: dict[str, list[dict[str, Any]]], facts: dict[str, Any]) -> dict[str, Any]:
    """Return what dataset.json says besides its lists."""
    is_2d = all(image.geometry.is_2d for case in plan.cases for image in case.images)
    values = plan.values
    content: dict[str, Any] = {
        "name": facts["title"],
        "description": facts["annotation"],
        "reference": facts["citation"],
        "licence": facts["licence"],
        "release": facts["source"],
        "tensorImageSize": "2D" if is_2d else "3D",
        "modality": {str(number): name for number, name in enumerate(plan.form.channel_names)},
        "labels": {"0": "background"} | {str(value): target for target, value in values.own.items()},
        "numTraining": len(lists.get("training", [])),
        "numTest": len(lists.get("test", [])),
    }
    if values.nested:
        content["regions"] = {target: list(region) for target, region in values.regions.items()}
    return content
