"""Runs of a few masks, written as a run would write them."""

import json

import pyarrow.parquet as pq
import pytest

from bench.schema import SCORES
from curate.schema import arrow_table

SUITE = {"name": "tiny", "version": 1, "sha256": "aa"}
PROTOCOL = {"name": "clicks", "version": 2, "parameters": {"steps": [1]}, "sha256": "bb"}
STORE = {"profile": "as-is", "sha256": "cc"}
ROW = {column.name: None for column in SCORES} | {
    "suite": "tiny",
    "suite_group": "all",
    "dataset": "d1",
    "patient_id": "p1",
    "target": "liver",
    "modality": "CT",
    "anatomy_group": "abdomen",
    "kind": "organ",
    "reference_voxels": 10,
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


@pytest.fixture(scope="session")
def write_run():
    """Return a function that writes a run of some rows into a folder."""

    def write(path, rows, model="net", card=None, **facts):
        path.mkdir(parents=True)
        full = []
        for number, row in enumerate(rows):
            mask = row.get("mask_id", f"m{number}")
            full.append(ROW | {"model": model, "mask_id": mask, "image_id": mask.split("#")[0]} | row)
        pq.write_table(arrow_table(SCORES, full), path / "scores.parquet")
        shared = {"suite": SUITE, "protocol": PROTOCOL, "store": STORE}
        content = {"model": {"name": model, "licence": "MIT"} | (card or {})} | shared | facts
        (path / "run.json").write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_run(write_run, tmp_path):
    """Return a function that writes a run of some rows and returns its folder."""

    def make(rows, model="net", folder=None, card=None, **facts):
        return write_run(tmp_path / (folder or f"run-{len(list(tmp_path.iterdir()))}"), rows, model, card, **facts)

    return make
