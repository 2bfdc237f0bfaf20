"""Runs that exist in memory only, and a run with its predictions."""

import pandas as pd
import pytest

from bench import models
from bench import run as runs
from bench.finished import FinishedRun
from curate.executor import Where

WORDS = {
    "dataset": "d1",
    "patient_id": "p1",
    "target": "liver",
    "modality": "CT",
    "anatomy_group": "abdomen",
    "kind": "organ",
    "image_id": "d1/c1",
    "seen_target": "seen",
    "seen_modality": "seen",
    "seen_dataset": "unseen",
    "seen_image": "unknown",
    "status": "ok",
}


@pytest.fixture(scope="session")
def finished():
    """Return a function that makes a finished run of some rows, without files."""

    def make(rows, model="net", **facts):
        full = [WORDS | {"mask_id": f"m{at}", "step": 1, "seed": 0, "dice": None} | row for at, row in enumerate(rows)]
        frame = pd.DataFrame(full).astype(dict.fromkeys(WORDS, "category") | {"mask_id": "category", "dice": float})
        frame = frame.sort_values(["mask_id", "step", "seed"], ignore_index=True)
        return FinishedRun(model, {"model": {"name": model}} | facts, frame)

    return make


@pytest.fixture(scope="module")
def kept_run(store, everything, tmp_path_factory):
    """Return a function that runs a model on the small store, keeps its predictions and returns the folder."""

    def start(name):
        folder = tmp_path_factory.mktemp("runs") / "run"
        runs.run(everything, models.Choice(name), store, folder, Where(1, None), keep_predictions=True)
        return folder

    return start
