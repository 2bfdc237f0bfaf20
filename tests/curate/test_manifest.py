import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate import manifest
from curate.errors import StoreError
from curate.schema import PER_DATASET, SCHEMA_VERSION, arrow_schema

ROW = {"image_id": "tiny/a", "dataset": "tiny", "patient_id": "a", "split": "test", "origin": "hashed"}


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


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    """A row that breaks the schema raises, and the file of before is untouched, with no temporary file beside it."""
    path = tmp_path / "t.parquet"
    manifest.write_table(path, PER_DATASET["splits"], [ROW])
    before = path.read_bytes()
    with pytest.raises(pa.ArrowException, match="non-nullable"):
        manifest.write_table(path, PER_DATASET["splits"], [{**ROW, "patient_id": None}])
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
