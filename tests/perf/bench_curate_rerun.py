"""Does building a finished store of 1,000 cases again take seconds, and leave every file as it is?

Run as `python tests/perf/bench_curate_rerun.py [OUT.md]`; about two minutes.
"""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from ct_phantom import write_dataset
from measure import REPORTS, cost, median_cpu, median_wall, table

from curate import manifest, pipeline, profile, recipe
from curate.executor import Where
from curate.files import write_bytes

CASES = 1000
SHAPE = (48, 48, 24)
CLASSES = 30
ROUNDS = 5

_HEADER = """\
# Building a finished store again

A store of {cases} cases ({masks} masks) is built, then built again {rounds} times with the same command.
Written by `tests/perf/bench_curate_rerun.py`.

"""


def main(out: Path) -> None:
    """Build, build again, compare the times of change of all files and write a table."""
    with tempfile.TemporaryDirectory() as folder:
        path, store = _source(Path(folder)), Path(folder, "store")
        build = partial(_build, path, store)
        first = cost(build)
        before = _states(store)
        again = [cost(build) for _ in range(ROUNDS)]
        after = _states(store)
        masks = len(manifest.read_table(store, "masks"))
    touched = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    rows = [
        ("first build", 1, f"{first.cpu:.1f}", f"{first.wall:.1f}"),
        ("again", ROUNDS, f"{median_cpu(again):.1f}", f"{median_wall(again):.1f}"),
    ]
    text = _HEADER.format(cases=f"{CASES:,}", masks=f"{masks:,}", rounds=ROUNDS)
    text += table(("build", "n", "CPU s", "wall s"), rows)
    shown = f": **{', '.join(touched[:12])}**" if touched else ""
    text += f"\nFiles whose time of change or inode differs afterwards: {len(touched)} of {len(after)}{shown}.\n"
    write_bytes(out, text.encode())


def _source(folder: Path) -> Path:
    """Write ten cases and link each a hundred times."""
    path = write_dataset(folder, 10, SHAPE, CLASSES)
    for source in list((folder / "raw").rglob("*.nii.gz")):
        for number in range(10, CASES, 10):
            case = int(source.name[3:6])
            os.link(source, source.with_name(source.name.replace(f"ct_{case:03}", f"ct_{number + case:03}")))
    return path


def _build(path: Path, store: Path) -> None:
    source = pipeline.Source(recipe.load(str(path)), path.parent / "raw")
    pipeline.build([source], store, profile.load("native"), Where(1))


def _states(store: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of change of every file."""
    states = {path: path.stat() for path in store.rglob("*") if path.is_file()}
    return {path.relative_to(store).as_posix(): (state.st_ino, state.st_mtime_ns) for path, state in states.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "curate_rerun.md")
