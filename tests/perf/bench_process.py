"""What a process of its own costs a model: a click in process and through `exec:`, both in one run.

Run as `python tests/perf/bench_process.py [OUT.md]`; takes less than a minute.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import REPORTS, Cost, interleaved, table

from bench.models.base import Session, as_mask
from bench.models.process import serve
from bench.models.process.model import ExecModel
from bench.records import Prompts
from curate.files import write_bytes
from curate.geometry import Geometry
from curate.volume import Volume

ROUNDS = 200
SIDE = 128
TARGETS = 8
SHARES = {"a lesion": 12, "an organ": 48, "all but the border": 126}
"""Name -> side in voxels of the cube that is answered."""

MODEL = """
import numpy as np


class Model:
    card = {"name": "cube", "description": "a cube", "licence": "MIT", "dimensions": [3], "prompts": ["points"]}

    def open(self, image):
        self.shape = image.geometry.shape_ijk
        return self

    def predict(self, prompts):
        inside = np.zeros(self.shape, dtype=bool)
        low = (np.array(self.shape) - int(prompts.key)) // 2
        inside[tuple(slice(n, n + int(prompts.key)) for n in low)] = True
        return inside
"""


def main(out: Path) -> None:
    """Time a click on targets of three sizes, and on several targets at once, and write a Markdown table."""
    voxels = np.random.default_rng(0).normal(size=(SIDE, SIDE, SIDE)).astype(np.float32)
    image = Volume(voxels, Geometry((SIDE, SIDE, SIDE), np.eye(4)))
    definitions: dict[str, type] = {}
    exec(MODEL, definitions)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(f"{MODEL}\n\nfrom serve import serve\nserve(Model)\n", encoding="utf-8")
        (Path(folder) / "serve.py").write_bytes(Path(serve.__file__).read_bytes())
        outside = ExecModel(f"{sys.executable} {program}")
        sessions = definitions["Model"]().open(image), outside.open(image)
        rows = [_row(name, side, sessions, 1) for name, side in SHARES.items()]
        rows.append(_row(f"an organ, {TARGETS} targets in one request, each", SHARES["an organ"], sessions, TARGETS))
        opened = interleaved({"open": lambda: outside.open(image)}, 20)["open"]
    write_bytes(out, _report(rows, statistics.median(one.wall for one in opened)).encode())


def _row(name: str, side: int, sessions: tuple[Session, Session], targets: int) -> tuple[str, ...]:
    calls = dict(zip(("here", "there"), (_clicks(one, side, targets) for one in sessions), strict=True))
    costs = interleaved(calls, ROUNDS)
    here, there = (_milliseconds(costs[where], targets) for where in ("here", "there"))
    over = sorted(b - a for a, b in zip(here, there, strict=True))
    quantiles = (over[int(share * len(over))] for share in (0.1, 0.5, 0.95))
    numbers = (statistics.median(here), statistics.median(there), *quantiles)
    return name, str(side), *(f"{number:.2f}" for number in numbers)


def _clicks(session: Session, side: int, targets: int) -> Callable[[], object]:
    shown = [Prompts(f"{side}").with_point((SIDE // 2,) * 3, 1) for _ in range(targets)]
    many = getattr(session, "predict_many", lambda prompts: [session.predict(one) for one in prompts])
    return lambda: [as_mask(mask, (SIDE, SIDE, SIDE)) for mask in many([one.copy() for one in shown])]


def _milliseconds(costs: list[Cost], targets: int) -> list[float]:
    return [1000 * one.wall / targets for one in costs]


def _report(rows: list[tuple[str, ...]], opening: float) -> str:
    columns = ("answer", "side", "in process", "`exec:`", "overhead, 10th percentile", "median", "95th percentile")
    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return (
        f"# A model in a process of its own: overhead of a click at {SIDE}^3\n\n"
        f"Milliseconds of wall time from the prompts to the checked mask, n = {ROUNDS}, both ways in turn in one run.\n"
        "The model makes a cube and nothing else. `exec:` adds two lines of JSON, the search for the mask's box and a\n"
        f"file in /dev/shm. Opening an image of 8 MB through `exec:` takes {1000 * opening:.1f} ms. Load of the\n"
        f"machine, with all that ran beside this: {load}. Written by `tests/perf/bench_process.py`.\n\n"
        + table(columns, rows)
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "process.md")
