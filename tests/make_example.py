"""Make `reports/example`: reference models on phantoms, as others would send them, and their leaderboard.

    python tests/make_example.py            make it anew
    python tests/make_example.py --check    say what would change; exit status 1 where anything would

Every file is text and the same on any machine: runs are packed with `bench pack --portable`, which leaves out what
machines differ in, and rows are written as CSV.
"""

import shutil
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from bench.cli import main as bench
from curate import phantoms
from curate.cli import main as curate

EXAMPLE = Path(__file__).resolve().parent.parent / "reports" / "example"
RECIPES = ("phantom-nnunet", "phantom-nrrd", "phantom-png")
MODELS = ("oracle", "box-fill", "region-growing", "empty")
SUITE = Path(__file__).with_name("example.toml")
TEXT = {".md", ".csv", ".json", ".tex", ".html"}
"""Suffixes of what is kept of a leaderboard; bundles and binary files are not."""
LEFT_OUT = {"leaderboard.json"}
"""Text that is not kept: its figures are those of `leaderboard.csv`, at thrice the length."""
README = """# An example leaderboard

Four models without weights on phantoms. `python -m nox -s reports` makes every file of this folder anew, and CI fails
where one differs.

- `index.html` (open it from disk), `leaderboard.md` and the tables beside them: what `bench leaderboard` writes, but
  for `leaderboard.json`, whose figures are those of `leaderboard.csv`.
- `suite.toml`: what was evaluated.
- `runs/MODEL/`: what `bench pack --portable` keeps of a run; its rows as CSV in place of Parquet.

Left out, because it differs from machine to machine: times, memory, the commit, the device, versions of libraries and
the hash of the store. Scores are rounded to 6 decimals.
"""


def make(out: Path) -> None:
    """Write the example into a folder, which is emptied first."""
    with TemporaryDirectory() as folder:
        work = Path(folder)
        runs = [_run(model, _store(work), work) for model in MODELS]
        _call(bench, "leaderboard", *runs, "--out", work / "board")
        shutil.rmtree(out, ignore_errors=True)
        for run in runs:
            _copy_run(run, out / "runs" / run.name)
        for path in sorted(work.joinpath("board").rglob("*")):
            if path.suffix in TEXT and path.name not in LEFT_OUT:
                _write(out / path.relative_to(work / "board"), path.read_bytes())
    _write(out / "suite.toml", SUITE.read_bytes())
    _write(out / "README.md", README.encode())


def differences(one: Path, other: Path) -> list[str]:
    """Return the files that one of two folders lacks, or that differ, sorted."""
    files = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (one, other)
    ]
    return sorted(str(name) for name in {*files[0], *files[1]} if files[0].get(name) != files[1].get(name))


def _store(work: Path) -> Path:
    """Return a store of phantoms, built when first asked for."""
    if not (work / "store").is_dir():
        phantoms.write_all(work / "raw")
        _call(curate, "build", *RECIPES, "--raw", work / "raw", "--out", work / "store")
    return work / "store"


def _run(model: str, store: Path, work: Path) -> Path:
    """Run a model, and return the folder of its packed and unpacked run."""
    run, packed, place = work / "made" / model, work / f"{model}.zip", work / "runs" / model
    _call(bench, "run", SUITE, "--model", model, "--store", store, "--out", run, "--device", "cpu")
    _call(bench, "pack", run, "--out", packed, "--portable")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(place)
    return place


def _copy_run(run: Path, out: Path) -> None:
    _write(out / "run.json", (run / "run.json").read_bytes())
    rows = pq.read_table(run / "scores.parquet").to_pandas()
    _write(out / "scores.csv", rows.to_csv(index=False, lineterminator="\n").encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _call(command, *arguments: object) -> None:
    """Run a command as a user would, and stop where it is not fine."""
    if (status := command([str(argument) for argument in arguments])) != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: exit status {status}")


def main(arguments: list[str]) -> int:
    """Make the example, or compare a new one with it."""
    if "--check" not in arguments:
        make(EXAMPLE)
        return 0
    with TemporaryDirectory() as folder:
        make(Path(folder) / "example")
        found = differences(EXAMPLE, Path(folder) / "example")
    for name in found:
        sys.stderr.write(f"reports/example/{name} differs; make it anew: python -m nox -s reports\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
