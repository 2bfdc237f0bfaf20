"""Is a table of twenty million masks written from little memory, and read by everybody's tool in a second?

Run as `python tests/perf/bench_curate_manifest.py [OUT.md] [ROWS]`; about three minutes and 1.5 GB of disk.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from measure import REPORTS, table

from curate import manifest
from curate.files import write_bytes
from curate.schema import MASKS, arrow_schema

ROWS = 20_000_000
SAMPLE_ROWS = 100_000
ROUNDS = 5
TARGET_SECONDS = 1.0
_BATCH = 1 << 14
_TARGETS = np.array([f"target_{number:03}" for number in range(219)])
_DATASETS = np.array([f"dataset_{number:02}" for number in range(95)])
_MODALITIES = np.array(["CT", "MR", "PET", "US", "XR", "OCT", "fundus", "dermoscopy", "endoscopy", "microscopy"])
_NUMBERS = {"volume_mm3": 1e5, "voxels": 1e4, "components": 5}

_HEADER = """\
# A masks table of {rows} rows

Generated rows with all {columns} columns, as many as SA-Med2D-20M has masks: {size} MB of Parquet in row groups of
{group} rows. Written by `curate.manifest.TableWriter` in {seconds} s, with the making of the rows; the process held
{before} MB at most before it, and {peak} MB at most while it wrote. Rows that come as Python dictionaries, as a build
has them (`write_table`), cost {micros} us of CPU each, measured on {sample}.

The question, wall time, file in the page cache: how many masks, and how many voxels together, has each target in CT?
All five tools open the file by its path and agree. Written by `tests/perf/bench_curate_manifest.py`.

"""


def main(out: Path, rows: int = ROWS) -> None:
    """Write the table in a process of its own, read it with five tools in turn and write a report."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks.parquet"
        command = [sys.executable, __file__, "--write", str(path), str(rows)]
        seconds, baseline_mb, peak_mb = map(float, subprocess.check_output(command, text=True).split())
        size_mb = path.stat().st_size / 1e6
        times: dict[str, list[float]] = {name: [] for name in READERS}
        answers = {}
        for _ in range(ROUNDS):
            for name, reader in READERS.items():
                start = time.perf_counter()
                answers[name] = reader(str(path))
                times[name].append(time.perf_counter() - start)
        per_row = _seconds_per_row(Path(folder) / "rows.parquet")
    if len({str(answer) for answer in answers.values()}) != 1:
        raise SystemExit(f"the readers disagree: {answers}")
    medians = {name: statistics.median(each) for name, each in times.items()}
    lines = [(name, ROUNDS, f"{medians[name]:.2f}", f"{max(times[name]):.2f}", _met(medians[name])) for name in READERS]
    text = _HEADER.format(
        rows=f"{rows:,}",
        columns=len(MASKS),
        size=f"{size_mb:,.0f}",
        group=f"{manifest.GROUP_ROWS:,}",
        seconds=f"{seconds:.0f}",
        before=f"{baseline_mb:,.0f}",
        peak=f"{peak_mb:,.0f}",
        micros=f"{per_row * 1e6:.0f}",
        sample=f"{SAMPLE_ROWS:,}",
    )
    text += table(("tool", "n", "median s", "slowest s", f"below {TARGET_SECONDS:g} s"), lines)
    write_bytes(out, text.encode())


def _met(seconds: float) -> str:
    return "yes" if seconds < TARGET_SECONDS else "**no**"


def _with_pandas(path: str) -> list[tuple[str, int, int]]:
    import pandas as pd

    frame = pd.read_parquet(path, columns=["target", "voxels"], filters=[("modality", "==", "CT")])
    found = frame.groupby("target")["voxels"].agg(["size", "sum"])
    return _answer(found.index, found["size"], found["sum"])


def _with_dask(path: str) -> list[tuple[str, int, int]]:
    import dask.dataframe as dd

    frame = dd.read_parquet(
        path, columns=["target", "voxels"], filters=[("modality", "==", "CT")], split_row_groups=True
    )
    found = frame.groupby("target")["voxels"].agg(["size", "sum"]).compute(scheduler="threads")
    return _answer(found.index, found["size"], found["sum"])


def _with_pyarrow(path: str) -> list[tuple[str, int, int]]:
    import pyarrow.dataset as ds

    found = ds.dataset(path).to_table(columns=["target", "voxels"], filter=pc.field("modality") == "CT")
    found = found.group_by("target").aggregate([("voxels", "count"), ("voxels", "sum")])
    return _answer(*(found[name].to_pylist() for name in ("target", "voxels_count", "voxels_sum")))


def _with_polars(path: str) -> list[tuple[str, int, int]]:
    import polars as pl

    scan = pl.scan_parquet(path).filter(pl.col("modality") == "CT").group_by("target")
    found = scan.agg(pl.len(), pl.col("voxels").sum()).collect()
    return _answer(*(found[name].to_list() for name in ("target", "len", "voxels")))


def _with_duckdb(path: str) -> list[tuple[str, int, int]]:
    import duckdb

    query = f"SELECT target, count(*), sum(voxels) FROM '{path}' WHERE modality = 'CT' GROUP BY target"
    return _answer(*zip(*duckdb.connect().execute(query).fetchall(), strict=True))


READERS: dict[str, Callable[[str], list[tuple[str, int, int]]]] = {
    "pandas": _with_pandas,
    "dask": _with_dask,
    "pyarrow": _with_pyarrow,
    "polars": _with_polars,
    "duckdb": _with_duckdb,
}


def _answer(targets: object, counts: object, sums: object) -> list[tuple[str, int, int]]:
    return sorted((str(a), int(b), int(c)) for a, b, c in zip(targets, counts, sums, strict=True))


def _batches(rows: int) -> Iterator[pa.Table]:
    """Yield made-up rows of the masks table."""
    schema, random = arrow_schema(MASKS), np.random.default_rng(0)
    for first in range(0, rows, _BATCH):
        count = min(_BATCH, rows - first)
        yield pa.table([_column(field, first, count, random) for field in schema], schema=schema)


def _column(field: pa.Field, first: int, count: int, random: np.random.Generator) -> pa.Array:
    """Make up one column: few words for what is controlled, a word of its own per row for what is unique."""
    number = (
        np.arange(first, first + count) * len(_DATASETS) // ROWS
    )  # a table is sorted, so datasets follow each other
    picks = {
        "target": (_TARGETS, random.integers(0, len(_TARGETS), count)),
        "dataset": (_DATASETS, number),
        "modality": (_MODALITIES, number % len(_MODALITIES)),
    }
    if field.name in picks:
        words, chosen = picks[field.name]
        return pa.DictionaryArray.from_arrays(chosen, words).cast(field.type)
    if pa.types.is_string(field.type):
        return _words(field.name, first, count)
    if pa.types.is_boolean(field.type):
        return pa.array(random.random(count) < 0.2)
    if pa.types.is_fixed_size_list(field.type):
        size = field.type.list_size
        values = pa.array(random.integers(0, 512, count * size)).cast(field.type.value_type)
        return pa.FixedSizeListArray.from_arrays(values, type=field.type)
    if pa.types.is_list(field.type):
        values = pa.array(random.integers(1, 105, count)).cast(field.type.value_type)
        return pa.ListArray.from_arrays(pa.array(np.arange(count + 1, dtype=np.int32)), values, type=field.type)
    return pa.array(random.exponential(_NUMBERS.get(field.name, 10), count).astype(np.int64)).cast(field.type)


def _words(name: str, first: int, count: int) -> pa.Array:
    """Make up words: a number in what is an id or a path, one word in what is free."""
    if not name.endswith(("_id", "path")):
        return pa.repeat("word", count)
    numbers = np.arange(first, first + count) // (1 if name == "mask_id" else 4)
    return pc.binary_join_element_wise(name, pa.array(numbers).cast(pa.string()), "/")


def _seconds_per_row(path: Path) -> float:
    rows = next(_batches(SAMPLE_ROWS)).to_pylist()
    start = time.process_time()
    manifest.write_table(path, MASKS, (row for _ in range(SAMPLE_ROWS // len(rows) + 1) for row in rows))
    return (time.process_time() - start) / (len(rows) * (SAMPLE_ROWS // len(rows) + 1))


def _write(path: Path, rows: int) -> tuple[float, float, float]:
    """Write the table; return seconds and the largest resident memory before and after, in MB."""
    manifest.write_table(path, MASKS, next(_batches(_BATCH)).to_pylist())
    before, start = _resident_mb(), time.perf_counter()
    with manifest.TableWriter(path, MASKS) as writer:
        for batch in _batches(rows):
            writer.add_table(batch)
    return time.perf_counter() - start, before, _resident_mb()


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        sys.stdout.write(" ".join(map(str, _write(Path(sys.argv[2]), int(sys.argv[3])))))
    else:
        given = sys.argv[1:]
        main(Path(given[0]) if given else REPORTS / "curate_manifest.md", *map(int, given[1:2]))
