"""Runs whose Dice is a formula, in memory and on disk."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench.finished import FinishedRun
from bench.schema import SCORES
from curate.schema import arrow_table

FACTS = {
    "suite": {"name": "tiny", "version": 1, "sha256": "aa"},
    "protocol": {"name": "clicks", "version": 2, "parameters": {"steps": [1]}, "sha256": "bb"},
    "store": {"profile": "as-is", "sha256": "cc"},
}
ROW = {column.name: None for column in SCORES} | {
    "model": "net",
    "suite": "tiny",
    "suite_group": "all",
    "dataset": "d1",
    "patient_id": "p1",
    "target": "liver",
    "modality": "CT",
    "anatomy_group": "abdomen_thorax",
    "kind": "organ",
    "reference_voxels": 500,
    "seen_target": "seen",
    "seen_modality": "seen",
    "seen_dataset": "unseen",
    "seen_image": "unknown",
    "protocol": "clicks@2",
    "protocol_hash": "bb",
    "seed": 0,
    "step": 1,
    "n_points": 1,
    "n_actions": 1,
    "status": "ok",
    "tolerance": 2.0,
    "distance_unit": "mm",
}


def full_rows(rows, model="net"):
    """Fill rows up to whole ones; a mask's name is its place in the list unless it has one."""
    full = []
    for number, row in enumerate(rows):
        mask = row.get("mask_id", f"m{number:03}")
        full.append(ROW | {"model": model, "mask_id": mask, "image_id": mask.split("#")[0]} | row)
    return full


@pytest.fixture
def finished():
    """Return a function that makes a run of some rows in memory."""

    def make(rows, model="net"):
        frame = pd.DataFrame(full_rows(rows, model)).sort_values(["mask_id", "step", "seed"], ignore_index=True)
        for name in ("dataset", "patient_id", "mask_id", "target", "modality", "status", "seen_target", "suite_group"):
            frame[name] = frame[name].astype("category")
        frame["dice"] = frame["dice"].astype(np.float64)
        return FinishedRun("run", {"model": {"name": model}} | FACTS, frame)

    return make


@pytest.fixture
def make_run(tmp_path):
    """Return a function that writes a run of some rows and returns its folder."""

    def make(rows, model="net", folder=None, card=None, **facts):
        path = tmp_path / (folder or f"run-{len(list(tmp_path.iterdir()))}")
        path.mkdir()
        pq.write_table(arrow_table(SCORES, full_rows(rows, model)), path / "scores.parquet")
        content = {"model": {"name": model, "licence": "MIT"} | (card or {})} | FACTS | facts
        (path / "run.json").write_text(json.dumps(content), encoding="utf-8")
        return path

    return make
