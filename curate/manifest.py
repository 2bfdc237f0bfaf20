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
        StoreError: When the store, or a dataset that was asked for, is not there, or a table is damaged.
    """
    import pyarrow as pa

    present = dataset_names(read_store(store))
    missing = sorted(set(datasets or ()) - set(present))
    if missing:
        raise StoreError(f"{store} has no dataset `{missing[0]}`; it has {', '.join(present) or 'none'}")
    schema = arrow_schema(PER_DATASET[name])
    wanted = present if datasets is None else sorted(set(datasets))
    tables = [_parquet(store / table_path(name, dataset), schema) for dataset in wanted]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def read_frame(store: Path, name: TableName, datasets: Sequence[str] | None = None) -> "pd.DataFrame":
    """Read one kind of table as a pandas frame; see `read_table`."""
    frame: pd.DataFrame = read_table(store, name, datasets).to_pandas()
    return frame


def read_datasets(store: Path) -> list[dict[str, Any]]:
    """Return the rows of the datasets table, sorted by dataset; empty before the first build has ended."""
    path = store / DATASETS_PATH
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = _parquet(path, arrow_schema(DATASETS)).to_pylist()
    return rows


def dataset_names(content: Mapping[str, Any]) -> list[str]:
    """Return the datasets of a store by its `store.json`, sorted; tables that a killed build left do not count."""
    tables = (path.removeprefix("manifest/images/") for path in content["files"] if path.startswith("manifest/images/"))
    return sorted(name.removesuffix(".parquet") for name in tables)


def read_store(store: Path, path: str = STORE_PATH) -> dict[str, Any]:
    """Return `store.json`: schema version, profile, tool version, counts, and the hash of every file.

    Args:
        store: Root of the store.
        path: Where it lies, relative to the store.

    Raises:
        StoreError: When there is no finished store, or one of another schema version.
    """
    try:
        content: dict[str, Any] = json.loads((store / path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(
            f"{store}: no finished store here; make one with `curate build RECIPE --raw DIR --out {store}`"
        ) from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{store / path}: cannot be read ({error}); build the store again") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise StoreError(f"{store}: schema version {version}, this medseen reads {SCHEMA_VERSION}")
    return content


def _parquet(path: Path, schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, schema=schema)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"{path}: cannot be read ({reason}); build the store again") from error
