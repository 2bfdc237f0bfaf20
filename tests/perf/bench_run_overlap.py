"""How much of the time is the model at work, if reading, prompts and metrics overlap with it, and if they do not?

Run as `python tests/perf/bench_run_overlap.py [OUT.md]`; some minutes.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from measure import REPORTS, table
from runs_of_ct import CLASSES, SHAPE, build_store, unmeasured

from bench import models, scores, suite, trial
from bench import run as runs
from bench.suite import plan
from curate.executor import Where
from curate.files import write_bytes

CASES = 8
SECONDS_OPEN, SECONDS_STEP = 0.5, 0.3
WORKERS = (1, 2, 4)
TARGET_SHARE = 0.8

MODEL = '''
import fcntl, time
from pathlib import Path

from bench.models.base import Capabilities, ModelCard
from bench.models.reference import BoxFill

HERE = Path(__file__).parent
CALLS = HERE / "calls.log"


def busy(seconds):
    """Occupy the one device, which serves one process at a time, and note from when to when."""
    with (HERE / "device").open("w") as device:
        fcntl.flock(device, fcntl.LOCK_EX)
        start = time.time()
        time.sleep(seconds)
        with CALLS.open("a") as log:
            log.write(f"{start} {time.time()}\\n")


class Session:
    def __init__(self, inner):
        self.inner = inner

    def predict(self, prompts):
        return self.predict_many([prompts])[0]

    def predict_many(self, prompts):
        busy(SECONDS_STEP)
        return [self.inner.predict(one) for one in prompts]


class Sleeper(BoxFill):
    """Sleeps as a GPU lets its process sleep; answers with filled boxes, which have surfaces to measure."""

    def open_with_references(self, image, references):
        busy(SECONDS_OPEN)
        return Session(super().open_with_references(image, references))
'''

_HEADER = """\
# How busy the model is: one after the other, and overlapped

{cases} synthetic CTs of {shape} voxels with {classes} targets each, suite `all` ({protocol}). The model sleeps
{opening} s for an image and {step} s for a step of all its targets, on one device that serves one process at a time,
and answers with filled boxes. Share: seconds of the model over the time from its first call to the last row stored.
*One after the other* reads, prompts, asks and scores in one thread. {cores} cores; {load} processes wanted to run in
the last minute, this one among them. n = 1. Written by `tests/perf/bench_run_overlap.py`.

"""


class Now(Executor):
    """Computes at once what it is given."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a result that is there already."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def main(out: Path) -> None:
    """Run the same units in each way, compare the rows, and write a table."""
    with tempfile.TemporaryDirectory() as folder:
        store = build_store(Path(folder, "data"), CASES)
        path = Path(folder, "sleeper.py")
        path.write_text(
            MODEL.replace("SECONDS_STEP", str(SECONDS_STEP)).replace("SECONDS_OPEN", str(SECONDS_OPEN)), "utf-8"
        )
        found = {"one after the other": _measured(path, lambda: _plain(path, store))}
        for workers in WORKERS:
            name = f"`bench run --workers {workers}`"
            found[name] = _measured(path, lambda n=workers: _run(path, store, Path(folder, f"run{n}"), n))
    rows = [one for one, _, _ in found.values()]
    same = all(unmeasured([_only_trial(row) for row in other]) == unmeasured(rows[0]) for other in rows[1:])
    write_bytes(out, _report({name: (busy, wall) for name, (_, busy, wall) in found.items()}, same=same).encode())


def _plain(path: Path, store: Path) -> list[dict[str, Any]]:
    """Evaluate unit by unit, as a plain loop does."""
    chosen, model = suite.load("all"), models.load(f"{path}:Sleeper")
    return [
        row
        for unit in plan(chosen, store)
        for row in trial.finish(trial.ask(unit, chosen, model, trial.read_unit(unit, store), None, Now()))
    ]


def _run(path: Path, store: Path, out: Path, workers: int) -> list[dict[str, Any]]:
    runs.run(suite.load("all"), models.Choice(f"{path}:Sleeper"), store, out, Where(workers))
    return scores.read(out)


def _measured(path: Path, call: Any) -> tuple[list[dict[str, Any]], float, float]:
    """Return the rows, the seconds of the model, and the seconds from its first call to the end."""
    log = path.with_name("calls.log")
    log.unlink(missing_ok=True)
    rows = call()
    end = time.time()
    spans = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    return rows, sum(b - a for a, b in spans), end - min(a for a, _ in spans)


def _only_trial(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a row what a run adds to that of a trial."""
    added = {"model", "suite", "suite_group", "dataset", "patient_id", "image_id", "target", "modality", "kind"}
    return {name: value for name, value in row.items() if name not in added | {"anatomy_group"} and "seen_" not in name}


def _report(found: dict[str, tuple[float, float]], *, same: bool) -> str:
    load = f"{os.getloadavg()[0]:.1f}"
    protocol = suite.load("all").protocol.name
    head = _HEADER.format(
        cases=CASES,
        shape=SHAPE,
        classes=CLASSES,
        protocol=protocol,
        opening=SECONDS_OPEN,
        step=SECONDS_STEP,
        cores=os.cpu_count(),
        load=load,
    )
    lines = [
        (
            name,
            f"{busy:.1f}",
            f"{wall:.1f}",
            f"{100 * busy / wall:.0f} %",
            "yes" if busy / wall > TARGET_SHARE else "no",
        )
        for name, (busy, wall) in found.items()
    ]
    columns = ("way", "model, s", "wall, s", "share", f"above {100 * TARGET_SHARE:.0f} %")
    equal = "equal in every column that is not measured" if same else "**NOT equal**"
    return f"{head}{table(columns, lines)}\nRows of all ways: {equal}.\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "run_overlap.md")
