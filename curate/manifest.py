"""The tables of a store: write them, read them, and say what a store is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from curate.errors import StoreError
from curate.files import replacing, sha256_of_file
from curate.schema import DATASETS, PER_DATASET, SCHEMA_VERSION, Table, arrow_schema, arrow_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TableName = Literal["images", "masks", "rejections", "splits"]


def table_path(name: TableName, dataset: str) -> str:
    """Return where a dataset's table lies, relative to the store."""
    return f"manifest/{name}/{dataset}.parquet"


DATASETS_PATH = "manifest/datasets.parquet"
STORE_PATH = "manifest/store.json"


def write_table(
    path: Path, table: Table, rows: Sequence[Mapping[str, Any]], metadata: Mapping[str, str] | None = None
) -> str:
    """Write rows as Parquet, atomically, and return the SHA-256 of the file; same rows, same bytes."""
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        pq.write_table(arrow_table(table, rows, metadata), temporary, compression="zstd")
        return sha256_of_file(temporary)


def read_table(store: Path, name: TableName, datasets: Sequence[str] | None = None) -> "pa.Table":
    """Read one kind of table of a store, for some datasets or for all, sorted by dataset.

    Raises:
        StoreError: When the store, or a dataset that was asked for, is not there.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    read_store(store)
    present = sorted(path.stem for path in (store / "manifest" / name).glob("*.parquet"))
    missing = sorted(set(datasets or ()) - set(present))
    if missing:
        raise StoreError(f"{store} has no dataset `{missing[0]}`; it has {', '.join(present) or 'none'}")
    tables = [
        pq.read_table(store / table_path(name, dataset), schema=arrow_schema(PER_DATASET[name]))
        for dataset in (present if datasets is None else sorted(set(datasets)))
    ]
    return pa.concat_tables(tables) if tables else arrow_schema(PER_DATASET[name]).empty_table()


def read_frame(store: Path, name: TableName, datasets: Sequence[str] | None = None) -> "pd.DataFrame":
    """Read one kind of table as a pandas frame; see `read_table`."""
    frame: pd.DataFrame = read_table(store, name, datasets).to_pandas()
    return frame


def read_datasets(store: Path) -> list[dict[str, Any]]:
    """Return the rows of the datasets table, sorted by dataset; empty before the first build has ended."""
    import pyarrow.parquet as pq

    path = store / DATASETS_PATH
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = pq.read_table(path, schema=arrow_schema(DATASETS)).to_pylist()
    return rows


def read_store(store: Path) -> dict[str, Any]:
    """Return `store.json`: schema version, profile, tool version, counts, and the hash of every file.

    Raises:
        StoreError: When there is no finished store, or one of another schema version.
    """
    path = store / STORE_PATH
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(
            f"{store}: no finished store here; make one with `curate build RECIPE --raw DIR --out {store}`"
        ) from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); build the store again") from error
    if content.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"{store}: schema version {content.get('schema_version')}, this medseen reads {SCHEMA_VERSION}"
        )
    return content
