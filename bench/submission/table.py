"""`scores.parquet` as a stranger wrote it: bounded before it is read, and only the columns of `bench.schema`."""

from typing import TYPE_CHECKING, Any

from bench.schema import SCORES
from bench.submission.problem import SubmissionError, quoted
from curate.schema import Column, arrow_schema

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 5_000_000
_MOST_GROUPS = 10_000
_MOST_UNPACKED_BYTES = 2 << 30
_MOST_METADATA = 16 << 20
_LONGEST_WORD = 4096
"""Bytes of one text: a name, or what went wrong."""
_FIX = "pack the run again: bench pack RUN --out FILE.zip"
_EARLIER = {"seed": 0}
"""What a column that runs of earlier versions lack meant there; other nullable ones were null."""
_TEXTS = {column.name for column in SCORES if column.kind == "string"}


def read(content: bytes) -> "pd.DataFrame":
    """Read the rows in the order of the file, words as categories.

    Texts are read as dictionaries, so that a short file cannot repeat a long one until the memory is full.

    Raises:
        SubmissionError: For a file that is no Parquet, is too large, or has other columns or types.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    options = {
        "thrift_string_size_limit": _MOST_METADATA,
        "thrift_container_size_limit": 1_000_000,
        "pre_buffer": False,
    }
    try:
        shape = pq.ParquetFile(pa.BufferReader(content), **options)
        _check_size(shape.metadata)
        _check_columns(shape.schema_arrow)
        texts = [name for name in shape.schema_arrow.names if name in _TEXTS]
        table = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts, **options).read()
    except (OSError, ValueError, MemoryError, OverflowError, pa.ArrowException) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise SubmissionError("columns", f"scores.parquet cannot be read: {quoted(first)}", _FIX) from None
    _check_words(table)
    return _frame(table)


def _check_size(metadata: Any) -> None:
    rows, groups = metadata.num_rows, metadata.num_row_groups
    if not 0 < rows <= _MOST_ROWS or groups > _MOST_GROUPS:
        raise SubmissionError("columns", f"scores.parquet has {rows} rows in {groups} groups", _FIX)
    if metadata.num_columns > 4 * len(SCORES):
        raise SubmissionError("columns", f"scores.parquet has {metadata.num_columns} columns", _FIX)
    parts = [metadata.row_group(n) for n in range(groups)]  # of columns it is not asked: some damage ends the process
    sizes = [part.total_byte_size for part in parts]
    if min(sizes) < 0 or sum(sizes) > _MOST_UNPACKED_BYTES or sum(part.num_rows for part in parts) != rows:
        raise SubmissionError("columns", "scores.parquet says sizes of itself that cannot be", _FIX)


def _check_columns(schema: Any) -> None:
    """Refuse unknown, repeated and missing columns, and types that are not those of the contract."""
    known = {column.name: column for column in SCORES}
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    unknown = [name for name in schema.names if name not in known]
    lacking = sorted(name for name in known.keys() - set(schema.names) if not _may_lack(known[name]))
    for what, names in (("twice", twice), ("that is unknown", unknown)):
        if names:
            raise SubmissionError("columns", f"scores.parquet has a column {what}: {quoted(names[0])}", _FIX)
    if lacking:
        raise SubmissionError("columns", f"scores.parquet lacks {', '.join(lacking)}", _FIX)
    for field in schema:
        if not _fits(field.type, known[field.name].kind):
            expected = known[field.name].kind
            raise SubmissionError("columns", f"column {field.name} is {quoted(field.type)}, expected {expected}", _FIX)


def _may_lack(column: Column) -> bool:
    return column.nullable or column.name in _EARLIER


def _fits(kind: Any, expected: str) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if expected == "string":
        return bool(types.is_string(kind) or types.is_large_string(kind))
    return bool(types.is_integer(kind) if expected.startswith("int") else types.is_floating(kind))


def _check_words(table: Any) -> None:
    """Refuse endless texts, and nulls or NaN where the contract has none."""
    import pyarrow.compute as pc

    for column in SCORES:
        if column.name not in table.column_names:
            continue
        if not column.nullable and table[column.name].null_count:
            raise SubmissionError("columns", f"column {column.name} has nulls", _FIX)
        if column.kind == "double" and pc.any(pc.is_nan(table[column.name])).as_py():
            raise SubmissionError("values", f"column {column.name} has NaN where null was meant", _FIX)
        for chunk in table[column.name].chunks if column.kind == "string" else ():
            words = getattr(chunk, "dictionary", chunk)
            if (pc.max(pc.binary_length(words)).as_py() or 0) > _LONGEST_WORD:
                raise SubmissionError("columns", f"column {column.name} has a text above {_LONGEST_WORD} bytes", _FIX)


def _frame(table: Any) -> "pd.DataFrame":
    """Return all columns of the contract, in its order and types."""
    import pyarrow as pa

    for field in arrow_schema(SCORES):
        if field.name not in table.column_names:
            absent = pa.array([_EARLIER.get(field.name)] * len(table), field.type)
            table = table.append_column(field.name, absent)
    arrays = []
    for field in arrow_schema(SCORES):
        kind = pa.dictionary(pa.int32(), pa.string()) if pa.types.is_string(field.type) else field.type
        try:
            arrays.append(table[field.name].cast(kind))
        except pa.ArrowException as error:
            raise SubmissionError("columns", f"column {field.name}: {quoted(error)}", _FIX) from None
    try:
        frame: pd.DataFrame = pa.table(arrays, names=[column.name for column in SCORES]).to_pandas()
    except (ValueError, pa.ArrowException) as error:
        raise SubmissionError("columns", f"scores.parquet cannot be read: {quoted(error)}", _FIX) from None
    return frame
