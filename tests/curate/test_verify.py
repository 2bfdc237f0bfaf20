import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate import manifest, volume
from curate.errors import StoreError
from curate.schema import PER_DATASET, arrow_table
from curate.verify import verify
from curate.volume import Volume, write


@pytest.fixture
def store(tree):
    """Return a store of two datasets, two cases each, in which nothing is wrong."""
    tree.case("a")
    tree.case("b")
    built = tree.build()
    tree.build(name="other")
    assert verify(built.store) == []
    return built.store


def approve(store, path):
    """Write a file's true hash into `store.json`, so that only the deeper checks can find what is wrong."""
    content = json.loads((store / manifest.STORE_PATH).read_text(encoding="utf-8"))
    content["files"][path] = hashlib.sha256((store / path).read_bytes()).hexdigest()
    (store / manifest.STORE_PATH).write_text(json.dumps(content), encoding="utf-8")


def edit(store, name, change):
    """Change the rows of one table of the dataset `tiny`, and approve of the file."""
    path = manifest.table_path(name, "tiny")
    rows = pq.read_table(store / path).to_pylist()
    manifest.write_table(store / path, PER_DATASET[name], change(rows))
    approve(store, path)


def test_one_flipped_bit_is_found(store):
    """A single bit in an image file is one line."""
    path = store / "images/tiny/a.nii.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert verify(store) == ["images/tiny/a.nii.gz: changed since it was built"]


def test_a_deleted_label_map_is_found(store):
    """A label map that is gone is one line for the file, and one for what its masks name."""
    (store / "labels/tiny/b.nii.gz").unlink()
    lines = verify(store)
    assert "labels/tiny/b.nii.gz: missing" in lines
    assert len(lines) == 2
    assert "b.nii.gz: cannot be read" in lines[0] + lines[1]


@pytest.mark.parametrize(
    "path", ["images/tiny/c.nii.gz", "labels/stray.nii.gz", "manifest/masks/third.parquet", "images/x/.part-1-a.png"]
)
def test_a_stray_file_is_found(store, path):
    """A file that no build wrote is a line, wherever it lies; the rest is still checked."""
    (store / path).parent.mkdir(exist_ok=True)
    (store / path).touch()
    (store / "images/other/a.nii.gz").unlink()
    assert verify(store) == sorted([f"{path}: not in store.json", "images/other/a.nii.gz: missing"])


@pytest.mark.parametrize("cut", [0, 10, 500])
def test_a_damaged_table_is_a_line_and_the_other_datasets_are_checked(store, cut):
    """A Parquet file cut short is a line, not a traceback; another dataset's masks are still counted."""
    path = store / manifest.table_path("masks", "tiny")
    path.write_bytes(path.read_bytes()[:cut])
    labels = store / "labels/other/a.nii.gz"
    found = volume.read(labels)
    write(Volume(found.voxels * 0, found.geometry), labels)
    approve(store, "labels/other/a.nii.gz")
    lines = verify(store)
    assert lines[0] == "manifest/masks/tiny.parquet: changed since it was built"
    assert [line.split(" has ")[0] for line in lines[1:]] == ["masks: other/a#liver", "masks: other/a#spleen"]


def test_an_edited_row_is_found(store):
    """A row that somebody edits changes the file's hash."""
    path = store / manifest.table_path("masks", "tiny")
    rows = pq.read_table(path).to_pylist()
    rows[0]["target"] = "spleen"
    manifest.write_table(path, PER_DATASET["masks"], rows)
    assert verify(store) == ["manifest/masks/tiny.parquet: changed since it was built"]


@pytest.mark.parametrize(
    ("table", "change", "lines"),
    [
        (
            "masks",
            lambda rows: [rows[0] | {"voxels": 7}, *rows[1:]],
            ["masks: tiny/a#liver has 40 voxels in (0, 0, 0, 2, 5, 4), the table says 7 in [0, 0, 0, 2, 5, 4]"],
        ),
        (
            "masks",
            lambda rows: [rows[0] | {"bbox_ijk": [0] * 6}, *rows[1:]],
            ["masks: tiny/a#liver has 40 voxels in (0, 0, 0, 2, 5, 4), the table says 40 in [0, 0, 0, 0, 0, 0]"],
        ),
        (
            "masks",
            lambda rows: [rows[0] | {"label_values": [2]}, *rows[1:]],
            ["masks: tiny/a#liver has 40 voxels in (2, 0, 0, 4, 5, 4), the table says 40 in [0, 0, 0, 2, 5, 4]"],
        ),
        (
            "masks",
            lambda rows: rows[1:],
            ["images: tiny/a was labelled for liver, which is neither a mask nor a rejection"],
        ),
        ("masks", lambda rows: [*rows, rows[0]], ["masks: mask_id tiny/a#liver stands 2 times"]),
        (
            "masks",
            lambda rows: [rows[0] | {"path": "labels/tiny/b.2.nii.gz"}, *rows[1:]],
            ["masks: tiny/a#liver names labels/tiny/b.2.nii.gz", "b.2.nii.gz: cannot be read"],
        ),
        ("images", lambda rows: rows[1:], ["masks: no image tiny/a", "splits: no image tiny/a"]),
        (
            "images",
            lambda rows: [rows[0] | {"path": "images/tiny/x.png"}, *rows[1:]],
            ["images: tiny/a names images/tiny/x.png"],
        ),
        (
            "images",
            lambda rows: [rows[0] | {"labelled_targets": ["liver"]}, *rows[1:]],
            ["images: tiny/a has spleen, for which it was not labelled"],
        ),
        ("splits", lambda rows: rows[1:], ["splits: image tiny/a has none"]),
        (
            "splits",
            lambda rows: [
                row | {"patient_id": "p", "split": split} for row, split in zip(rows, ("train", "test"), strict=True)
            ],
            [
                "splits: patient p stands in test, train",
                "splits: tiny/a is of patient p, the images table says a",
                "splits: tiny/b is of patient p, the images table says b",
            ],
        ),
    ],
)
def test_a_broken_promise_behind_right_hashes_is_found(store, table, change, lines):
    """Tables that contradict each other or the label maps are found although every hash is right."""
    edit(store, table, change)
    found = verify(store)
    assert len(found) == len(lines)
    for line in lines:
        assert any(line in one for one in found), found


def test_other_columns_are_found(store):
    """A table with a column less, or of another type, is a line that names the table."""
    path = manifest.table_path("splits", "tiny")
    pq.write_table(pq.read_table(store / path).drop_columns(["origin"]), store / path)
    approve(store, path)
    assert verify(store) == ["manifest/splits/tiny.parquet: columns differ from the schema of `splits`"]
    table = arrow_table(PER_DATASET["splits"], [])
    pq.write_table(table.set_column(0, "image_id", pa.array([], pa.int64())), store / path)
    approve(store, path)
    assert verify(store) == ["manifest/splits/tiny.parquet: columns differ from the schema of `splits`"]


def test_what_is_no_store_is_refused(tmp_path):
    """A folder without a finished store is wrong usage."""
    with pytest.raises(StoreError, match="no finished store here"):
        verify(tmp_path)
