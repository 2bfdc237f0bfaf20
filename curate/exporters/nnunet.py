"""nnU-Net v2: `Dataset501_<name>/{dataset.json, imagesTr, labelsTr, imagesTs, labelsTs}`, one per dataset of the store.

Rules: documentation/dataset_format.md and region_based_training.md of MIC-DKFZ/nnUNet. Cases of the split `test` go to
imagesTs and labelsTs, which nnU-Net does not train on. `splits_final.json` holds the store's own train and val cases,
no patient in both; copied to nnUNet_preprocessed it keeps nnU-Net from drawing folds that mix a patient's scans.
"""

import json
from pathlib import Path
from typing import Any

from curate import manifest
from curate.exporters.folder import safe_name
from curate.exporters.frame import Export, run
from curate.exporters.multiclass import HELD_OUT, Plan, plans, write_cases
from curate.exporters.report import ExportReport
from curate.exporters.selection import Selection
from curate.files import write_bytes

_FIRST_ID = 501
"""Ids below are for others: 1 to 10 are the Decathlon's."""


def export(store: Path, out: Path, selection: Selection) -> ExportReport:
    """Write the chosen part of a store as a folder for `nnUNet_raw`; see `curate.exporters.Exporter`.

    Raises:
        UsageError: Also when two targets of a dataset overlap and neither holds the other.
    """
    return run("nnunet", store, out, selection, _fill)


def _fill(export: Export) -> None:
    facts = {row["dataset"]: row for row in manifest.read_datasets(export.store)}
    ids = {dataset: number for number, dataset in enumerate(sorted(facts), start=_FIRST_ID)}
    for plan in plans(export):
        folder = f"Dataset{ids[plan.dataset]:03}_{safe_name(plan.dataset)}"
        names: dict[str, list[str]] = {"train": [], "val": [], HELD_OUT: []}
        for case, _, _ in write_cases(export, plan, folder, numbered=True):
            names[case.split].append(safe_name(case.case_id))
        training = len(names["train"]) + len(names["val"])
        _write_json(export.folder / folder / "dataset.json", _dataset_json(plan, training, facts[plan.dataset]))
        if names["train"] and names["val"]:
            _write_json(export.folder / folder / "splits_final.json", [{"train": names["train"], "val": names["val"]}])
        if not training:
            export.notes.append(f"{folder}: all of its cases are held out for testing; nnU-Net has none to train on")


def _dataset_json(plan: Plan, training: int, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the content of dataset.json; the order of `labels` is that of `regions_class_order`."""
    values = plan.values
    labels: dict[str, int | list[int]] = {"background": 0}
    for target, region in values.regions.items():
        labels[target] = list(region) if len(region) > 1 else region[0]
    content: dict[str, Any] = {
        "channel_names": {str(number): name for number, name in enumerate(plan.form.channel_names)},
        "labels": labels,
        "numTraining": training,
        "file_ending": plan.form.suffix,
        "name": facts["title"],
        "licence": facts["licence"],
        "reference": facts["citation"],
        "release": facts["source"],
    }
    if values.nested:
        content["regions_class_order"] = list(values.own.values())
    return content


def _write_json(path: Path, content: Any) -> None:
    """Write JSON in the order of its keys, which means something here."""
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
