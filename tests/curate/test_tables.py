from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from curate import profile, tables
from curate.piece import Piece
from curate.rejections import Rejection
from curate.scan import Found

NATIVE = profile.load("native")


def row(code, case_id, detail="x"):
    """Return a rejection of the dataset `tiny`."""
    return Rejection("tiny", "scan", code, detail, case_id=case_id)


@pytest.fixture
def recipe():
    """Return what `write_tables` asks of a recipe."""
    return SimpleNamespace(dataset=SimpleNamespace(id="tiny"), sha256="0" * 64)


def test_rows_of_the_scan_and_of_the_cases_stand_in_one_order(tmp_path, recipe):
    """Rejections are sorted by case wherever they come from; rows of no case count as `None`, as they always did."""
    scan = Found((), (row("no_label", "c"), row("system_file", None), row("excluded", "b"), row("no_image", "z")), 0, 0)
    pieces = [
        ("a", Piece(rejections=[row("empty_mask", "a").row()])),
        ("b", Piece(rejections=[row("unreadable", "b").row(), row("bad_geometry", "b", "w").row()])),
        ("d", Piece()),
    ]
    written = tables.write_tables(tmp_path, recipe, NATIVE, scan, iter(pieces))
    path = "manifest/rejections/tiny.parquet"
    found = [(one["case_id"], one["code"]) for one in pq.read_table(tmp_path / path).to_pylist()]
    assert found == [
        (None, "system_file"),
        ("a", "empty_mask"),
        ("b", "bad_geometry"),
        ("b", "excluded"),
        ("b", "unreadable"),
        ("c", "no_label"),
        ("z", "no_image"),
    ]
    assert (written.rejections, written.masks, written.images) == (7, 0, [])


def test_an_error_in_the_middle_leaves_the_old_tables(tmp_path, recipe):
    """A piece that cannot be read ends the writing before any table is replaced."""
    tables.write_tables(tmp_path, recipe, NATIVE, Found((), (row("no_label", "c"),), 0, 0), iter(()))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}

    def damaged():
        yield "a", Piece(rejections=[row("empty_mask", "a").row()])
        raise OSError("piece b is gone")

    with pytest.raises(OSError, match="piece b is gone"):
        tables.write_tables(tmp_path, recipe, NATIVE, Found((), (), 0, 0), damaged())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
