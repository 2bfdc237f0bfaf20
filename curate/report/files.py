"""The tables of a report for programs: CSV and JSON, every row and every column."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from curate.report.table import Table


def to_csv(table: Table) -> str:
    """Write a table as CSV; a value that does not exist is an empty field, several words are joined by `|`."""
    stream = io.StringIO()
    names = [column.name for column in table.columns]
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _flat(value) for name, value in row.items()} for row in table.rows)
    return stream.getvalue()


def to_json(table: Table) -> str:
    """Write a table as JSON, one row a line, with the meaning of its columns; a value that does not exist is null."""
    head: Mapping[str, Any] = {
        "key": table.key,
        "title": table.title,
        "caption": table.caption,
        "columns": [
            {"name": column.name, "title": column.title, "kind": column.kind, "null_means": column.why}
            for column in table.columns
        ],
    }
    text = json.dumps(head, indent=2, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
    rows = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in table.rows)
    return f'{text},\n  "rows": [\n{rows}\n  ]\n}}\n'


def _flat(value: object) -> object:
    return "|".join(map(str, value)) if isinstance(value, list) else value
