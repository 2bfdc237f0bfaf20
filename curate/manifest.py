"""The tables of a store: write them, read them, and say what a store is."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

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


GROUP_ROWS = 1 << 18
"""Rows of a Parquet row group: large enough to be read fast, small enough to be written from little memory."""
_ROWS_AT_ONCE = 1 << 13
"""Rows that are Python objects at one time."""

DATASETS_PATH = "manifest/datasets.parquet"
STORE_PATH = "manifest/store.json"


class TableWriter:
    """Writes one table as Parquet, in a `with` block, row group after row group; same rows, same bytes.

    Rows are taken as they come, so that twenty million of them need no more memory than one row group. The file is
    there when the block has ended well, and `sha256` with it; an error leaves what was there before.
    """

    def __init__(self, path: Path, table: Table, metadata: Mapping[str, str] | None = None) -> None:
        """Take the path of the file, its columns, and words for its metadata."""
        self.sha256 = ""
        self._path, self._table, self._schema = path, table, arrow_schema(table, metadata)
        self._held = self._schema.empty_table()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open a temporary file."""
        import pyarrow.parquet as pq

        self._temporary = self._stack.enter_context(replacing(self._path, keep_equal=True))
        self._writer = pq.ParquetWriter(self._temporary, self._schema, compression="zstd")
        return self

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows.

        Raises:
            ValueError: When a row's keys are not exactly the columns.
        """
        waiting = iter(rows)
        while part := list(islice(waiting, _ROWS_AT_ONCE)):
            self.add_table(arrow_table(self._table, part))

    def add_table(self, rows: "pa.Table") -> None:
        """Append an Arrow table of the same columns."""
        import pyarrow as pa

        self._held = pa.concat_tables([self._held, rows.replace_schema_metadata(self._schema.metadata)])
        while self._held.num_rows >= GROUP_ROWS:
            self._write(self._held.slice(0, GROUP_ROWS))
            self._held = self._held.slice(GROUP_ROWS).combine_chunks()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left and rename the file, or drop it after an error."""
        with self._stack:
            try:
                if error is None and self._held.num_rows:
                    self._write(self._held)
            finally:
                self._writer.close()
            if error is not None:
                raise error
            self.sha256 = sha256_of_file(self._temporary)

    def _write(self, rows: "pa.Table") -> None:
        self._writer.write_table(rows.combine_chunks(), row_group_size=GROUP_ROWS)


def write_table(
    path: Path, table: Table, rows: Iterable[Mapping[str, Any]], metadata: Mapping[str, str] | None = None
) -> str:
    """Write rows as Parquet by a `TableWriter` and return the SHA-256 of the file."""
    with TableWriter(path, table, metadata) as writer:
        writer.add(rows)
    return writer.sha256


def read_table(
    store: Path, name: TableName, datasets: Sequence[str] | None = None, *, columns: Sequence[str] | None = None
) -> "pa.Table":
    """Read one kind of table of a store, for some datasets or for all, sorted by dataset.

    Only the columns that are named are read from disk, and they come in that order; by default all of them.

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
    tables = [_parquet(store / table_path(name, dataset), schema, columns) for dataset in wanted]
    if tables:
        return pa.concat_tables(tables)
    return schema.empty_table() if columns is None else schema.empty_table().select(list(columns))


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


def _parquet(path: Path, schema: "pa.Schema", columns: Sequence[str] | None = None) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, schema=schema, columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"{path}: cannot be read ({reason}); build the store again") from error
