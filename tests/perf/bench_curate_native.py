"""What does `curate build --profile native` cost beyond inflating and deflating a CT with 104 structures?

Run as `python tests/perf/bench_curate_native.py [OUT.md]`; about three minutes.
"""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from ct_phantom import CLASSES, SHAPE, write_dataset
from measure import REPORTS, deflate, inflate, interleaved, median_cpu, median_wall, ratios, table

from curate import manifest, pipeline, profile, recipe
from curate.executor import Where
from curate.files import write_bytes

CASES = 3
ROUNDS = 15
TARGET = 1.5

_HEADER = """\
# CTs with {classes} structures in the profile `native`

{cases} CTs of {shape} voxels (int16, LPS), each with a label map of {classes} structures, in nnU-Net's layout; one
process, the two in turn. `curate build` reads, checks and turns all to RAS+, measures {masks} masks (size, box,
centroid, components), hashes sources, voxels and files, and writes images, label maps and tables: {read} MB in,
{written} MB out. Synthetic: noise and waving ellipsoids. Written by `tests/perf/bench_curate_native.py`.

"""


def main(out: Path) -> None:
    """Build and, in turn, only inflate its inputs and deflate its outputs; write a table."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        recipe_path = write_dataset(work, cases=CASES)
        store = work / "store"
        build = partial(_build, recipe_path, work / "raw", store)
        build()
        masks = len(manifest.read_table(store, "masks"))
        images, labels = (sorted((store / kind).rglob("*.nii.gz")) for kind in ("images", "labels"))
        outputs = [inflate(path) for path in (*images, *labels)]
        inputs = sorted((work / "raw").rglob("*.nii.gz"))

        def only_codecs() -> None:
            for path in inputs:
                inflate(path)
            for content in outputs:
                deflate(content, work / "deflated.gz")

        written = sum(path.stat().st_size for path in (*images, *labels)) / 1e6
        read = sum(path.stat().st_size for path in inputs) / 1e6
        remove = partial(shutil.rmtree, store, ignore_errors=True)
        remove()
        costs = interleaved({"build": build, "codecs": only_codecs}, ROUNDS, after=remove)
    ratio = ratios(costs["build"], costs["codecs"])
    rows = [
        (name, ROUNDS, f"{median_cpu(costs[key]):.2f}", f"{median_wall(costs[key]):.2f}")
        for key, name in (("build", "`curate build`, whole"), ("codecs", "inflate inputs, deflate outputs (isal)"))
    ]
    text = _HEADER.format(
        cases=CASES, shape=SHAPE, classes=CLASSES, masks=masks, read=f"{read:.0f}", written=f"{written:.0f}"
    )
    text += table(("what", "n", "CPU s, median", "wall s, median"), rows)
    text += f"\nCPU ratio, median of pairs (range): **{ratio}**. Target: {TARGET} or less, {_met(ratio)}.\n"
    write_bytes(out, text.encode())


def _met(ratio: str) -> str:
    return "met" if float(ratio.split(maxsplit=1)[0]) <= TARGET else "**not met**"


def _build(recipe_path: Path, raw: Path, store: Path) -> None:
    source = pipeline.Source(recipe.load(str(recipe_path)), raw)
    pipeline.build([source], store, profile.load("native"), Where(1))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "curate_native.md")
