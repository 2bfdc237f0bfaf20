"""The story of `bench transfer`: read the runs, examine each, lay out the tables, write the page and its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.page.files import FORMATS
from bench.page.tables import Table
from bench.transfer import page, texts
from bench.transfer.findings import examine
from bench.transfer.reading import read_study
from bench.transfer.sections import sections
from curate.files import write_bytes


def write(folders: Sequence[Path], out: Path) -> list[Path]:
    """Write the transfer study of some runs; the same rows give the same bytes, whatever their order.

    Args:
        folders: Folders of runs of one suite (variants included) on one store; models and protocols may differ.
        out: Folder for `index.html`, `transfer.md`, `transfer.json`, and each table as Markdown, CSV, LaTeX and JSON in
            `tables`. Tables that an earlier study left there are removed.

    Returns:
        Every file that was written; the page first.

    Raises:
        UsageError: Runs that cannot stand in one study.
        StoreError: A run that cannot be read.
    """
    study = read_study(folders)
    found = [examine(series, study.strata) for series in study.series]
    parts = sections(study, found)
    tables = texts.named_tables(parts)
    files = {
        "index.html": page.render(study, found, parts),
        "transfer.md": texts.to_markdown(study, found, parts),
        "transfer.json": texts.summary(study, tables),
    }
    for name, text in files.items():
        write_bytes(out / name, text.encode())
    return [*(out / name for name in files), *_write_tables(tables, out / "tables")]


def _write_tables(tables: Mapping[str, Table], folder: Path) -> list[Path]:
    texts_of = {
        f"{name}.{suffix}": render(table) for name, table in tables.items() for suffix, render in FORMATS.items()
    }
    for name, text in texts_of.items():
        write_bytes(folder / name, text.encode())
    for old in folder.iterdir():
        if old.name not in texts_of and old.suffix.removeprefix(".") in FORMATS:
            old.unlink()
    return [folder / name for name in texts_of]
