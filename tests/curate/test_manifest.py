import json

import dask.dataframe as dd
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate import manifest
from curate.errors import StoreError
from curate.schema import PER_DATASET, SCHEMA_VERSION, arrow_schema, arrow_table

ROW = {"image_id": "tiny/a", "dataset": "tiny", "patient_id": "a", "split": "test", "origin": "hashed"}

VALUES = {
    "string": "word",
    "bool": True,
    "int32": 3,
    "int64": 2**40,
    "double": 0.5,
    "list<int32>": [1, 2],
    "list<int32>[6]": [0, 1, 2, 3, 4, 5],
    "list<double>[3]": [0.25, 1.0, 2.0],
}
READERS = {
    "pandas": lambda path: pd.read_parquet(path).to_dict("records"),
    "dask": lambda path: dd.read_parquet(path).compute(scheduler="sync").to_dict("records"),
    "pyarrow": lambda path: pq.read_table(path).to_pylist(),
    "polars": lambda path: pl.read_parquet(path).to_dicts(),
    "duckdb": lambda path: duckdb.sql(f"SELECT * FROM '{path}'").to_arrow_table().to_pylist(),
}


def write_store(store, *datasets, **content):
    """Write a `store.json` that lists the images tables of some datasets."""
    files = {manifest.table_path("images", dataset): "0" for dataset in datasets}
    path = store / manifest.STORE_PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema_version": SCHEMA_VERSION, "files": files, **content}), encoding="utf-8")


def test_same_rows_give_the_same_bytes(tmp_path):
    """Two tables of the same rows are one file, and the hash that writing returns is the file's."""
    import hashlib

    digests = [manifest.write_table(tmp_path / name, PER_DATASET["splits"], [ROW], {"k": "v"}) for name in "ab"]
    content = (tmp_path / "a").read_bytes()
    assert content == (tmp_path / "b").read_bytes()
    assert digests == [hashlib.sha256(content).hexdigest()] * 2
    assert pq.read_schema(tmp_path / "a").metadata[b"k"] == b"v"
    assert pq.read_schema(tmp_path / "a").field("split").metadata[b"description"] == b"train, val or test"


def test_rows_may_come_one_by_one(tmp_path, monkeypatch):
    """A generator gives the bytes of a list, in row groups of one size, however the rows are cut on their way."""
    rows = [ROW | {"image_id": f"tiny/{number}"} for number in range(25)]
    monkeypatch.setattr(manifest, "GROUP_ROWS", 10)
    digests = set()
    for name, at_once in enumerate((1, 3, 10, 24, 1000)):
        monkeypatch.setattr(manifest, "_ROWS_AT_ONCE", at_once)
        digests.add(manifest.write_table(tmp_path / str(name), PER_DATASET["splits"], iter(rows)))
    with manifest.TableWriter(tmp_path / "b", PER_DATASET["splits"]) as writer:
        writer.add(rows[:7])
        writer.add_table(arrow_table(PER_DATASET["splits"], rows[7:]))
        assert not (tmp_path / "b").exists()
    digests.add(writer.sha256)
    assert len(digests) == 1
    content = pq.ParquetFile(tmp_path / "0")
    assert [content.metadata.row_group(n).num_rows for n in range(content.num_row_groups)] == [10, 10, 5]
    assert content.read()["image_id"].to_pylist() == [row["image_id"] for row in rows]


def test_a_long_table_takes_the_memory_of_one_group(tmp_path, monkeypatch):
    """While a million rows are written, no more Arrow memory is held than a few row groups need."""
    monkeypatch.setattr(manifest, "GROUP_ROWS", 20_000)
    batch = arrow_table(PER_DATASET["splits"], [ROW] * 10_000)
    before, peak = pa.total_allocated_bytes(), 0
    with manifest.TableWriter(tmp_path / "t", PER_DATASET["splits"]) as writer:
        for _ in range(100):
            writer.add_table(batch)
            peak = max(peak, pa.total_allocated_bytes())
    assert pq.read_metadata(tmp_path / "t").num_rows == 1_000_000
    assert peak - before < 8 * batch.nbytes


@pytest.mark.parametrize("reader", ["pandas", "dask", "pyarrow", "polars", "duckdb"])
def test_a_table_is_opened_by_everybodys_tool(tmp_path, reader):
    """A masks table, lists and all, is read by its path alone, with every value in its place."""
    path = tmp_path / "masks.parquet"
    row = {column.name: VALUES[column.kind] for column in PER_DATASET["masks"]}
    manifest.write_table(path, PER_DATASET["masks"], [row, row | {"side": None, "centroid_mm": None}])
    rows = READERS[reader](path)
    assert [list(rows[0]), len(rows)] == [list(row), 2]
    assert {
        name: list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value
        for name, value in rows[0].items()
    } == row


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    """A row that breaks the schema raises, and the file of before is untouched, with no temporary file beside it."""
    path = tmp_path / "t.parquet"
    manifest.write_table(path, PER_DATASET["splits"], [ROW])
    before = path.read_bytes()
    with pytest.raises(pa.ArrowException, match="non-nullable"):
        manifest.write_table(path, PER_DATASET["splits"], [{**ROW, "patient_id": None}])
    with pytest.raises(ValueError, match="lacks"), manifest.TableWriter(path, PER_DATASET["splits"]) as writer:
        writer.add([ROW] * 20_000 + [{}])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_tables_are_read_by_dataset(tmp_path):
    """Tables come for all datasets of `store.json` or for some, sorted; a table that it does not list is no part."""
    for dataset in ("b", "a.x", "killed"):
        path = tmp_path / manifest.table_path("splits", dataset)
        manifest.write_table(path, PER_DATASET["splits"], [{**ROW, "dataset": dataset}])
    write_store(tmp_path, "b", "a.x")
    assert manifest.read_table(tmp_path, "splits")["dataset"].to_pylist() == ["a.x", "b"]
    assert manifest.read_frame(tmp_path, "splits", ["b"])["dataset"].tolist() == ["b"]
    with pytest.raises(StoreError, match=r"has no dataset `killed`; it has a\.x, b"):
        manifest.read_table(tmp_path, "splits", ["killed"])


def test_some_columns_are_those_of_the_whole_table(tmp_path):
    """Named columns come in the order of their names and types as in the whole table, also from an empty store."""
    columns = ["split", "image_id"]
    write_store(tmp_path)
    whole = manifest.read_table(tmp_path, "splits")
    assert manifest.read_table(tmp_path, "splits", columns=columns).schema.equals(whole.select(columns).schema)
    for dataset in ("a", "b"):
        path = tmp_path / manifest.table_path("splits", dataset)
        manifest.write_table(path, PER_DATASET["splits"], [{**ROW, "dataset": dataset}])
    write_store(tmp_path, "a", "b")
    whole = manifest.read_table(tmp_path, "splits")
    assert whole.num_rows == 2
    assert manifest.read_table(tmp_path, "splits", columns=columns).equals(whole.select(columns))


def test_an_empty_store_has_empty_tables(tmp_path):
    """Without datasets, every table still has its columns."""
    write_store(tmp_path)
    for name, table in PER_DATASET.items():
        assert manifest.read_table(tmp_path, name).schema.equals(arrow_schema(table))
    assert manifest.read_datasets(tmp_path) == []


def test_a_damaged_table_is_one_line(tmp_path):
    """A Parquet file cut short, or of other columns, is a store that must be built again, not a traceback."""
    write_store(tmp_path, "tiny")
    path = tmp_path / manifest.table_path("splits", "tiny")
    manifest.write_table(path, PER_DATASET["splits"], [ROW])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"tiny\.parquet: cannot be read \(.+\); build the store again"):
        manifest.read_table(tmp_path, "splits")
    path.unlink()
    with pytest.raises(StoreError, match=r"tiny\.parquet: cannot be read"):
        manifest.read_table(tmp_path, "splits")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no finished store here; make one with `curate build RECIPE --raw DIR --out"),
        ("{", r"store\.json: cannot be read \(.+\); build the store again"),
        ("[]", f"schema version None, this medseen reads {SCHEMA_VERSION}"),
        ('{"schema_version": 99}', f"schema version 99, this medseen reads {SCHEMA_VERSION}"),
    ],
)
def test_what_is_no_finished_store_is_refused(tmp_path, text, message):
    """A missing, broken or foreign `store.json` says what to do."""
    if text is not None:
        (tmp_path / "manifest").mkdir()
        (tmp_path / manifest.STORE_PATH).write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=message):
        manifest.read_store(tmp_path)
