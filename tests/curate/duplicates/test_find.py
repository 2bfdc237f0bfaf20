"""The whole way: stores in, table out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from curate.duplicates import DUPLICATES, find, groups, rows, table, write
from curate.duplicates.images import ImageRef
from curate.errors import StoreError, UsageError
from curate.executor import Where
from curate.geometry import Geometry
from curate.volume import Volume

HERE = Where(workers=1)


def pairs(report) -> dict[tuple[str, str], str]:
    """Return kind by pair."""
    return {(row["image_a"], row["image_b"]): row["kind"] for row in report.rows}


def test_the_same_voxels_under_another_name_format_and_orientation_are_exact(shelf, scan, scan_volume):
    """A renamed copy, an NRRD and a file stored in LPS are exact duplicates of the first; another scan is not."""
    original = scan_volume(scan(1))
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    to_lps[:2, 3] = np.array(original.voxels.shape[:2]) - 1
    lps = Volume(original.voxels[::-1, ::-1], Geometry(original.voxels.shape, to_lps))
    images = {
        "a/train/p1.nii.gz": original,
        "a/train/p2.nii.gz": scan_volume(scan(2)),
        "b/test/renamed.nii.gz": original,
        "c/train/other.nrrd": original,
        "d/train/turned.nii.gz": lps,
    }
    report = find([shelf.store("store", images)], HERE)
    assert pairs(report) == {("a/p1", name): "exact" for name in ("b/renamed", "c/other", "d/turned")}
    assert {row["image_b"]: row["crosses_split"] for row in report.rows} == {
        "b/renamed": True,
        "c/other": False,
        "d/turned": False,
    }
    assert all(row["crosses_dataset"] and row["duplicate_group"] == 1 for row in report.rows)
    assert report.counts == {
        "images": 5,
        "pairs": 3,
        "groups": 1,
        "crossing_datasets": 3,
        "crossing_splits": 1,
        "not_compared": 0,
    }
    assert report.has_findings


def test_near_duplicates_are_found_across_stores(shelf, scan, scan_volume, changes):
    """Copies in a second store are found, named and grouped; both stores stand in the row."""
    ours = shelf.store("ours", {f"a/train/p{n}.nii.gz": scan_volume(scan(n)) for n in range(3)})
    copies = {
        f"b/train/p{n}.nii.gz": scan_volume(np.ascontiguousarray(changes[name][0](scan(n))))
        for n, name in ((0, "turned"), (2, "all at once"))
    }
    theirs = shelf.store("theirs", copies)
    report = find([ours, theirs], HERE)
    assert pairs(report) == {("a/p0", "b/p0"): "reoriented", ("a/p2", "b/p2"): changes["all at once"][1]}
    assert {(row["store_a"], row["store_b"]) for row in report.rows} == {(str(ours), str(theirs))}
    assert not report.has_findings
    assert groups(report.rows) == {
        (str(ours), "a/p0"): 1,
        (str(theirs), "b/p0"): 1,
        (str(ours), "a/p2"): 2,
        (str(theirs), "b/p2"): 2,
    }


def test_pictures_are_compared_among_themselves(shelf, scan, changes):
    """A JPEG-compressed copy of a picture is found; a volume beside it does not matter."""
    shape = (150, 130, 1)
    pictures = [changes["min-max to uint8"][0](scan(n, shape)).astype(np.uint8) for n in range(3)]
    copy = changes["JPEG"][0](pictures[1]).astype(np.uint8)
    images = {
        f"a/train/p{n}.png": Volume(voxels, Geometry(shape, np.eye(4), "pixel"))
        for n, voxels in enumerate([*pictures, copy])
    }
    images["b/train/p1.nii.gz"] = Volume(scan(1), Geometry((40, 44, 36), np.eye(4)))
    report = find([shelf.store("store", images)], HERE)
    assert pairs(report) == {("a/p1", "a/p3"): "altered"}


def test_a_damaged_and_a_constant_image_are_rows(shelf, scan, scan_volume):
    """An image that cannot be read, and one without content, are rows with a reason; the others are compared."""
    constant = scan_volume(np.full((9, 9, 9), 3, dtype=np.float32))
    images = {f"a/train/p{n}.nii.gz": scan_volume(scan(n)) for n in (1, 2)}
    images |= {"a/train/p3.nii.gz": scan_volume(scan(1) * 2), "a/train/p4.nii.gz": constant}
    store = shelf.store("store", images)
    damaged = store / "images/a/p2.nii.gz"
    damaged.write_bytes(damaged.read_bytes()[:200])
    report = find([store], HERE)
    assert pairs(report) == {
        ("a/p1", "a/p3"): "rescaled",
        ("a/p2", None): "not_compared",
        ("a/p4", None): "not_compared",
    }
    details = {row["image_a"]: row["detail"] for row in report.rows}
    assert "p2.nii.gz: cannot be read" in details["a/p2"]
    assert "all voxels are 3" in details["a/p4"]
    assert report.counts["not_compared"] == 2
    assert report.has_findings


def test_a_part_is_found_in_the_whole(shelf, scan, scan_volume):
    """Whichever sorts first, a scan without its outer slices comes first in the row, and the turn starts from it."""
    whole = scan(3)
    part = np.ascontiguousarray(whole[:, 3:-3, ::-1])
    images = {"a/train/p1.nii.gz": scan_volume(whole), "b/train/p1.nii.gz": scan_volume(part)}
    images |= {"c/train/p1.nii.gz": scan_volume(scan(4)[:, 3:-3]), "d/train/p1.nii.gz": scan_volume(scan(4)[::-1])}
    report = find([shelf.store("store", images)], HERE)
    assert pairs(report) == {("b/p1", "a/p1"): "reoriented+padded", ("c/p1", "d/p1"): "reoriented+padded"}
    assert [row["transform"] for row in report.rows] == ["+i+j-k", "-i+j+k"]


@pytest.mark.parametrize(
    ("dataset", "patient", "split", "expected"),
    [
        ("a", "p", "train", (True, False, False)),
        ("a", "q", "test", (False, False, True)),
        ("b", "p", "train", (False, True, False)),
    ],
)
def test_a_row_says_what_its_pair_crosses(dataset, patient, split, expected):
    """One patient is one key in one dataset."""
    first = ImageRef("store", "x", "a", "p", "train", "x.nii.gz", "hash")
    second = replace(first, image_id="y", dataset=dataset, patient_id=patient, split=split)
    row = rows.exact(first, second)
    assert (row["image_a"], row["image_b"]) == ("x", "y")
    assert (row["same_patient"], row["crosses_dataset"], row["crosses_split"]) == expected


@pytest.mark.parametrize(
    "where", [Where(), pytest.param(Where(workers=2), marks=pytest.mark.slow)], ids=["threads", "processes"]
)
def test_workers_change_nothing(shelf, scan, scan_volume, changes, where):
    """Threads and processes give the rows of one worker."""
    volumes = [scan(0), scan(1), changes["noise"][0](scan(0)), 2 * scan(1)]
    store = shelf.store("store", {f"a/train/p{n}.nii.gz": scan_volume(one) for n, one in enumerate(volumes)})
    found = find([store], HERE)
    assert len(found.rows) == 2
    assert found.rows == find([store], where).rows


def test_the_table_can_be_written_three_ways(shelf, scan, scan_volume):
    """Parquet, CSV and JSON hold the same rows; Parquet says what each column means; other names are refused."""
    images = {"a/train/p1.nii.gz": scan_volume(scan(1)), "b/test/p1.nii.gz": scan_volume(2 * scan(1))}
    report = find([shelf.store("store", images)], HERE)
    for suffix in table.SUFFIXES:
        write(shelf.folder / f"found{suffix}", report.rows)
    parquet = pq.read_table(shelf.folder / "found.parquet")
    assert parquet.to_pylist() == report.rows
    described = {field.name: field.metadata[b"description"].decode() for field in parquet.schema}
    assert described == {column.name: column.meaning for column in DUPLICATES}
    (row,) = report.rows
    assert json.loads((shelf.folder / "found.json").read_text()) == [dict(row)]
    csv = pd.read_csv(shelf.folder / "found.csv")
    assert csv[["image_a", "image_b", "kind"]].to_numpy().tolist() == [["a/p1", "b/p1", "rescaled"]]
    with pytest.raises(UsageError, match=r"--out found\.xlsx: give a name that ends in \.parquet, \.csv, \.json"):
        table.check_suffix(Path("found.xlsx"))


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    """The message says how to make one."""
    with pytest.raises(StoreError, match="no finished store here; make one with `curate build"):
        find([tmp_path], HERE)
