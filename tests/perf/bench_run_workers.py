"""Do two worker processes run a model on the CPU nearly twice as fast as one, and do they change a figure?

Run as `python tests/perf/bench_run_workers.py [OUT.md] [CASES]`; some minutes.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import REPORTS, table
from runs_of_ct import build_store, unmeasured

from bench import scores
from curate.files import write_bytes

CASES, START_CASES = 24, 2
SHAPE, CLASSES = (128, 128, 64), 12
MODEL = "region-growing"
TARGET = 1.8

_HEADER = """\
# Workers of `bench run`: speed of two against one

Synthetic CTs of {shape} voxels with {classes} targets each, suite `all`, model `{model}` on the CPU: whole commands,
n = 1; a run of two cases shows what starting costs. A worker computes scores in threads beside its model, so that one
worker alone uses more than a core: *one worker, one core* is held to a core, as each of two workers is on two cores.
{cores} cores; {load} processes wanted to run in the last minute. What is above three is other work.
Written by `tests/perf/bench_run_workers.py`.

"""


def main(out: Path, cases: int) -> None:
    """Run each way on few and on many cases, compare the rows, and write a table."""
    everyone = sorted(os.sched_getaffinity(0))
    ways = {"one worker, one core": (1, everyone[:1]), "one worker": (1, everyone), "two workers": (2, everyone)}
    with tempfile.TemporaryDirectory() as folder:
        store = build_store(Path(folder, "data"), cases, SHAPE, CLASSES)
        seconds = {
            (name, limit): _run(store, Path(folder, f"{name}-{limit}"), workers, cores, limit)
            for limit in (START_CASES, cases)
            for name, (workers, cores) in ways.items()
        }
        rows = [unmeasured(scores.read(Path(folder, f"{name}-{cases}"))) for name in ways]
    gain = seconds["one worker, one core", cases] / seconds["two workers", cases]
    lines = [(name, *(f"{seconds[name, limit]:.1f}" for limit in (START_CASES, cases))) for name in ways]
    load = f"{os.getloadavg()[0]:.1f}"
    text = _HEADER.format(shape=SHAPE, classes=CLASSES, model=MODEL, cores=os.cpu_count(), load=load)
    text += table(("way", f"{START_CASES} cases, wall s", f"{cases} cases, wall s"), lines)
    (alone, pair), (alone_few, pair_few) = (
        [seconds[name, limit] for name in ("one worker, one core", "two workers")] for limit in (cases, START_CASES)
    )
    further = (alone - alone_few) / (pair - pair_few)
    met = "met" if gain >= TARGET else "**not met**"
    text += f"\nTwo workers are {gain:.2f} times as fast as one of the same core. Target: {TARGET} or more, {met}. "
    text += f"Beyond the first {START_CASES} cases, which hold the start of the processes: {further:.2f} times.\n"
    same = all(other == rows[0] for other in rows[1:])
    text += f"Figures of all three: {'equal' if same else '**NOT equal**'}.\n"
    write_bytes(out, text.encode())


def _run(store: Path, out: Path, workers: int, cores: list[int], limit: int) -> float:
    """Return the wall seconds of one command that is held to some cores."""
    command = ["bench", "run", "all", "--model", MODEL, "--store", str(store), "--out", str(out)]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command, "--workers", str(workers), "--limit", str(limit)],
        check=False,  # a target on which the model does not answer is a finding, not an error of the measurement
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "run_workers.md",
        int(sys.argv[2]) if len(sys.argv) > 2 else CASES,
    )
