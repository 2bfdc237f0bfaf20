"""What do a voxel, a mask and a slice cost? The rates that `docs/scale.md` reckons with.

Run as `python tests/perf/bench_curate_rates.py [OUT.md]`; about two minutes.
"""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from ct_phantom import CLASSES, SHAPE, write_dataset
from measure import REPORTS, Cost, cost, median_cpu, median_wall, table

from curate import exporters, manifest, pipeline, profile, recipe
from curate.executor import Where
from curate.files import write_bytes

FEW = 7
"""Structures of the second CT: SA-Med3D-140K has 6.5 masks per image."""
ROUNDS = 3
SPACING_ONLY = """\
schema = 1
name = "spacing"
description = "Nothing but 1.5 mm."
source = "tests/perf"

[[rules]]
rule = "resample"
spacing_mm = 1.5
"""

_HEADER = """\
# Rates of a build and an export

One CT of {shape} voxels (int16) with {many} structures, and one with {few}; one process, medians of {rounds}.
`spacing` resamples to 1.5 mm and drops nothing. Slices are those of the profile `sa-med2d`: PNG of 8 bits that have a
mask, across all axes that it takes. Written by `tests/perf/bench_curate_rates.py`.

"""


def main(out: Path) -> None:
    """Time each step `ROUNDS` times and write a table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for classes in (CLASSES, FEW):
            work = Path(folder, str(classes))
            path = write_dataset(work, 1, SHAPE, classes)
            (work / "spacing.toml").write_text(SPACING_ONLY, encoding="utf-8")
            for name in ("native", str(work / "spacing.toml"), "sa-med2d"):
                store = work / "store" / Path(name).stem
                costs = [cost(partial(_build, path, store, name)) for _ in range(ROUNDS)]
                rows.append(_row(f"build, `{Path(name).stem}`", classes, costs, store))
            spaced = work / "store" / "spacing"
            costs = [cost(partial(_export, spaced, work / "out")) for _ in range(ROUNDS)]
            rows.append(_row("export `sam-med3d` of `spacing`", classes, costs, spaced, work / "out"))
    columns = ("step", "structures", "images", "masks", "CPU s", "wall s", "MB written")
    write_bytes(
        out, (_HEADER.format(shape=SHAPE, many=CLASSES, few=FEW, rounds=ROUNDS) + table(columns, rows)).encode()
    )


def _row(step: str, classes: int, costs: list[Cost], store: Path, written: Path | None = None) -> tuple[object, ...]:
    images, masks = (len(manifest.read_table(store, name)) for name in ("images", "masks"))
    files = {path.stat().st_ino: path.stat().st_size for path in (written or store).rglob("*") if path.is_file()}
    seconds = (f"{each(costs):.2f}" for each in (median_cpu, median_wall))
    return step, classes, images, masks, *seconds, f"{sum(files.values()) / 1e6:.1f}"


def _build(path: Path, store: Path, name: str) -> None:
    shutil.rmtree(store, ignore_errors=True)
    pipeline.build([pipeline.Source(recipe.load(str(path)), path.parent / "raw")], store, profile.load(name), Where(1))


def _export(store: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    exporters.export(store, "sam-med3d", out)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "curate_rates.md")
