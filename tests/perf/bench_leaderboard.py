"""How long does a large leaderboard take, and how much memory: 20 models, 12,000 masks, 5 steps.

Run as `python tests/perf/bench_leaderboard.py`; it rewrites `reports/perf/leaderboard.md`.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import cost

from bench.finished import read_groups
from bench.leaderboard import build, write
from bench.schema import SCORES
from curate.schema import arrow_schema

MODELS, MASKS, STEPS = 20, 12_000, (1, 2, 3, 5, 10)
DATASETS, PATIENTS, TARGETS = 5, 600, 60
REPORT = Path(__file__).resolve().parents[2] / "reports" / "perf" / "leaderboard.md"

HEADER = f"""\
# Time and memory of a large leaderboard

{MODELS} models, {MASKS:,} masks each at {len(STEPS)} steps ({MODELS * MASKS * len(STEPS):,} rows), {DATASETS} datasets,
{PATIENTS} patients, {TARGETS} targets; scores are made up. *Read* opens and checks the Parquet files; *compute* makes
every figure, comparison and ranking, with their resamples; *all* is what `bench leaderboard` does, reading and writing
included. One thread. CPU seconds are of the process; wall seconds are longer where the machine has other work to do.

| part | CPU seconds | wall seconds |
|---|---|---|
"""


def words(values: list[str], number: int) -> pa.Array:
    """Repeat each of some words for `number` rows in turn."""
    return pa.array(np.resize(np.array(values, dtype=object), number))


def rows(model: str, level: float, seed: int) -> pa.Table:
    """Make the rows of one run: patients and targets differ in difficulty, models in level, steps get better."""
    masks = np.arange(MASKS)
    patient, target = masks % PATIENTS, (masks // PATIENTS * 7 + masks) % TARGETS
    shared, own = np.random.default_rng(0), np.random.default_rng(seed)
    hard = shared.normal(0, 0.1, PATIENTS)[patient] + shared.normal(0, 0.1, TARGETS)[target]
    each = np.repeat(masks, len(STEPS))
    step = np.tile(STEPS, MASKS)
    gain = 0.05 * np.log(step)
    dice = np.clip(level + hard[each] + gain + own.normal(0, 0.08, len(each)), 0, 1)
    failed = np.repeat(own.random(MASKS) < 0.01, len(STEPS))
    scores = {
        name: np.where(failed, np.nan, dice * factor) for name, factor in (("dice", 1), ("iou", 0.9), ("nsd", 0.8))
    }
    scores |= {name: np.where(failed, np.nan, 20 * (1 - dice)) for name in ("hd95_mm", "assd_mm", "volume_error")}
    text = {
        "mask_id": [f"d{p % DATASETS}/p{p}#{t}/{m}" for m, p, t in zip(masks, patient, target, strict=True)],
        "image_id": [f"d{p % DATASETS}/p{p}" for p in patient],
        "patient_id": [f"p{p}" for p in patient],
        "dataset": [f"d{p % DATASETS}" for p in patient],
        "modality": [("CT", "MR", "US")[p % 3] for p in patient],
        "target": [f"target{t}" for t in target],
        "kind": [("organ", "lesion", "vessel")[t % 3] for t in target],
        "anatomy_group": [f"group{t % 6}" for t in target],
        "suite_group": [f"part{t % 2}" for t in target],
        "seen_target": [("seen", "seen", "unseen")[t % 3] for t in target],
    }
    columns = {name: pa.array(np.array(values, dtype=object)[each]) for name, values in text.items()}
    columns |= {name: pa.array(values, from_pandas=True) for name, values in scores.items()}
    columns["reference_voxels"] = pa.array((10.0 ** (2 + target[each] % 4)).astype(np.int64) + 5)
    columns |= {"step": pa.array(step), "n_points": pa.array(step), "n_actions": pa.array(step)}
    columns |= {"tolerance": pa.array(np.full(len(each), 2.0)), "seed": pa.array(np.zeros(len(each), dtype=np.int32))}
    columns |= {f"seconds_{what}": pa.array(own.random(len(each))) for what in ("encode", "prompt", "predict")}
    columns["status"] = pa.array(np.where(failed, "failed", "ok"))
    constant = {"model": model, "suite": "large", "protocol": "clicks@1", "protocol_hash": "bb", "distance_unit": "mm"}
    constant |= {f"seen_{what}": "unknown" for what in ("modality", "dataset", "image")}
    columns |= {name: words([word], len(each)) for name, word in constant.items()}
    schema = arrow_schema(SCORES)
    filled = [columns.get(field.name, pa.nulls(len(each), field.type)) for field in schema]
    return pa.Table.from_arrays(filled, names=schema.names).cast(schema)


def runs(folder: Path) -> list[Path]:
    """Write the runs and return their folders."""
    found = []
    for number in range(MODELS):
        path, model = folder / f"run{number}", f"model{number:02d}"
        path.mkdir()
        pq.write_table(rows(model, 0.6 + 0.005 * number, number + 1), path / "scores.parquet")
        shared = {"suite": {"name": "large", "version": 1}, "protocol": {"name": "clicks", "version": 1}, "store": {}}
        (path / "run.json").write_text(json.dumps({"model": {"name": model}} | shared), encoding="utf-8")
        found.append(path)
    return found


def main() -> None:
    """Measure and write the report."""
    with tempfile.TemporaryDirectory() as folder:
        folders = runs(Path(folder))
        groups, paths = [], []
        costs = {
            "read": cost(lambda: groups.extend(read_groups(folders))),
            "compute": cost(lambda: build(groups[0])),
        }
        groups.clear()
        costs["all"] = cost(lambda: paths.extend(write(folders, Path(folder) / "out")))
        sizes = sum(path.stat().st_size for path in paths) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    text = HEADER + "".join(f"| {name} | {one.cpu:.0f} | {one.wall:.0f} |\n" for name, one in costs.items())
    text += f"\nPeak memory: {peak:.1f} GiB. Files: {sizes:.0f} MiB.\n"
    REPORT.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
