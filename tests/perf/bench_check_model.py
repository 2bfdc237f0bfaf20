"""How long `bench check-model` takes for each network of published size, with golden weights and no data.

Run as `python tests/perf/bench_check_model.py [OUT.md] [MODEL...]`; takes about a minute a model on two idle cores.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
from measure import REPORTS, ROOT, table

from bench import models
from bench.golden import golden_weight
from curate.files import write_bytes

MODELS = (
    *("sam-med3d", "sam-med3d-crop", "sam-med3d-native", "sam-med2d", "sam-unet-res34", "sam-unet-res50"),
    *("sam-vit-b-256", "sam-vit-b", "sam-vit-l", "sam-vit-h"),
)


def main(out: Path, names: tuple[str, ...]) -> None:
    """Check each model in a process of its own; the report grows row by row."""
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(_row(name, Path(folder) / "checkpoint.pth"))
        write_bytes(out, _report(rows).encode())


def _row(name: str, weights: Path) -> tuple[object, ...]:
    parameters = _write_checkpoint(name, weights)
    command = [sys.executable, "-m", "bench", "check-model", name, "--weights", weights, "--device", "cpu", "--json"]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    seconds = time.perf_counter() - start
    if done.returncode > 1:
        raise RuntimeError(f"`bench check-model {name}` ended with {done.returncode}; its message is above")
    rows = json.loads(done.stdout)
    found = Counter(row["result"] for row in rows)
    left_out = "; ".join(row["check"] for row in rows if row["result"] == "left out")
    counts = ", ".join(f"{count} {result}" for result, count in sorted(found.items()))
    return name, f"{parameters / 1e6:.0f}", f"{seconds:.0f}", f"{os.getloadavg()[0]:.1f}", counts, left_out or "-"


def _write_checkpoint(name: str, path: Path) -> int:
    """Save golden weights as a bare state dict; return how many parameters there are."""
    factory = models.REGISTRY.load(name)
    blank = factory.__new__(factory)
    expected = blank.unfilled().state_dict()
    torch.save({key: torch.from_numpy(golden_weight(key, tuple(value.shape))) for key, value in expected.items()}, path)
    return sum(value.numel() for value in expected.values())


def _report(rows: list[tuple[object, ...]]) -> str:
    columns = ("model", "parameters, millions", "wall s", "load at its end", "results", "left out")
    return (
        "# Time of `bench check-model`\n\n"
        f"Golden weights in a checkpoint, the whole command in a process of its own, CPU, {os.cpu_count()} cores;\n"
        "n = 1. The time includes that the checkpoint is verified, before the minute that the checks have.\n"
        "What would open one more image when that minute is over is left out, and said so; `--all` runs it, too.\n"
        "Load: of the machine, over the last minute, with everything that ran beside this. Written by\n"
        "`tests/perf/bench_check_model.py`.\n\n" + table(columns, rows)
    )


if __name__ == "__main__":
    chosen = tuple(sys.argv[2:]) or MODELS
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "check_model.md", chosen)
