"""Do two worker processes build nearly twice as fast as one, and how much memory does a worker hold?

Run as `python tests/perf/bench_curate_workers.py [OUT.md]`; about twenty minutes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ct_phantom import CLASSES, SHAPE, write_dataset
from measure import REPORTS, Cost, cost, median_cpu, median_wall, peak_bytes, ratios, table

from curate import pipeline, profile, recipe
from curate.executor import Where
from curate.files import write_bytes

CASES = 160
START_CASES = 2
CODEC_CASES = 40
ROUNDS = 3
SPEED_TARGET, MEMORY_TARGET = 1.8, 6
_PROFILES = ("native", "sa-med3d")

_HEADER = """\
# Workers: speed of two, memory of one

A CT of {shape} voxels (int16) with {classes} structures, many times under other names, in the profile `native`:
`curate build --workers 1`, then `--workers 2`, each whole, in turn; times are medians. Two cases show what the start of
the processes costs. *Codec alone* does no more than inflate the case's inputs and deflate as many bytes by isal, in one
process and then in two that share nothing: what two processes can gain on this machine, which has {cores} cores; in the
minute before the report {load} processes wanted to run on it. Written by `tests/perf/bench_curate_workers.py`.

"""

_MEMORY = """
Memory of one worker: resident at most while it builds that case, less what was resident after it had built a tiny one
(libraries loaded), over the {image:.0f} MB of the image's voxels. In a process of its own.

"""

_BUILD_IN_PROCESS = """
import pathlib, re, shutil, sys
from curate import pipeline, profile, recipe
from curate.executor import Where

def build(folder):
    store = pathlib.Path(folder, "store")
    source = pipeline.Source(recipe.load(f"{folder}/ct.toml"), pathlib.Path(folder, "raw"))
    pipeline.build([source], store, profile.load(sys.argv[3]), Where(1))
    shutil.rmtree(store)

def resident(key):
    return int(re.search(key + r":\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text()).group(1)) * 1024

build(sys.argv[1])
pathlib.Path("/proc/self/clear_refs").write_text("5")
before = resident("VmRSS")
build(sys.argv[2])
print(resident("VmHWM") - before)
"""


_CODEC_IN_PROCESS = """
import pathlib, sys
from measure import deflate, inflate

inputs, target = sorted(pathlib.Path(sys.argv[1]).rglob("*.nii.gz")), pathlib.Path(sys.argv[2])
for _ in range(int(sys.argv[3])):
    for path in inputs:
        deflate(inflate(path), target)
"""


def main(out: Path) -> None:
    """Build with one and with two processes in turn, then measure the machine and memory; write a table."""
    with tempfile.TemporaryDirectory() as folder:
        many, one, tiny = (Path(folder, name) for name in ("many", "one", "tiny"))
        write_dataset(tiny, cases=1, shape=(48, 48, 24))
        write_dataset(one, cases=1)
        costs = {
            f"{cases} cases": _in_turn(partial(_build, _multiplied(one, many, cases), many), many)
            for cases in (START_CASES, CASES)
        }
        costs[f"{CODEC_CASES} cases, codec alone"] = _in_turn(partial(_codec, one / "raw", many), many)
        load = f"{os.getloadavg()[0]:.1f}"
        peaks = [peak_bytes(_BUILD_IN_PROCESS, str(tiny), str(one), name) for name in _PROFILES]
    image_bytes = 2 * SHAPE[0] * SHAPE[1] * SHAPE[2]
    rows = [
        (what, ROUNDS, *(f"{median(one):.1f}" for median in (median_wall, median_cpu) for one in pair), _faster(pair))
        for what, pair in costs.items()
    ]
    memory = [
        (name, f"{peak / 1e6:.0f}", f"{peak / image_bytes:.1f}", _met(peak / image_bytes < MEMORY_TARGET))
        for name, peak in zip(_PROFILES, peaks, strict=True)
    ]
    text = _HEADER.format(shape=SHAPE, classes=CLASSES, cores=os.cpu_count(), load=load)
    columns = ("what", "n", *(f"{n} worker{'s' * (n > 1)}, {kind} s" for kind in ("wall", "CPU") for n in (1, 2)))
    text += table((*columns, "times faster (range)"), rows)
    gain, further = _faster(costs[f"{CASES} cases"]), _further(costs)
    met = _met(float(gain.split(maxsplit=1)[0]) >= SPEED_TARGET)
    text += f"\n{CASES} cases: {gain} times faster, median of pairs. Target: {SPEED_TARGET} or more, {met}. "
    text += f"Beyond the first {START_CASES}, which hold the start of the processes: {further:.2f} times.\n"
    text += _MEMORY.format(image=image_bytes / 1e6)
    text += table(("profile", "MB", "images", f"below {MEMORY_TARGET}"), memory)
    write_bytes(out, text.encode())


def _in_turn(work: Callable[[int], None], folder: Path) -> tuple[list[Cost], list[Cost]]:
    """Time work by one process and by two, in turn, several times; what it wrote is deleted outside of that time."""
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for number in range(2 * ROUNDS):
        costs[number % 2].append(cost(partial(work, 1 + number % 2)))
        shutil.rmtree(folder / "store", ignore_errors=True)
    return costs


def _faster(pair: tuple[list[Cost], list[Cost]]) -> str:
    return ratios(*pair, attribute="wall")


def _further(costs: dict[str, tuple[list[Cost], list[Cost]]]) -> float:
    """Return how many times faster two workers are in all cases but those that the start is measured with."""
    few, many = ([median_wall(one) for one in costs[f"{cases} cases"]] for cases in (START_CASES, CASES))
    return (many[0] - few[0]) / (many[1] - few[1])


def _met(is_met: object) -> str:
    return "met" if is_met else "**not met**"


def _multiplied(one: Path, many: Path, cases: int) -> Path:
    """Link the files of one case under many names, in a new folder; return the recipe."""
    shutil.rmtree(many, ignore_errors=True)
    for source in (one / "raw").rglob("*.nii.gz"):
        for number in range(cases):
            target = many / source.relative_to(one).with_name(source.name.replace("ct_000", f"ct_{number:03}"))
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
    return Path(shutil.copy(one / "ct.toml", many))


def _codec(raw: Path, folder: Path, processes: int) -> None:
    """Inflate and deflate the one case again and again, shared out among processes."""
    command = [sys.executable, "-c", _CODEC_IN_PROCESS, str(raw)]
    each = str(CODEC_CASES // processes)
    started = [
        subprocess.Popen([*command, str(folder / f"{number}.gz"), each], cwd=Path(__file__).parent)
        for number in range(processes)
    ]
    if any(process.wait() for process in started):
        raise RuntimeError("inflating and deflating alone failed; its message is above")


def _build(path: Path, folder: Path, workers: int) -> None:
    source = pipeline.Source(recipe.load(str(path)), folder / "raw")
    pipeline.build([source], folder / "store", profile.load("native"), Where(workers))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "curate_workers.md")
