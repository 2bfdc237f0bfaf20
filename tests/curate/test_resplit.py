"""Splits that know of duplicates."""

import pytest

from curate import manifest
from curate.duplicates import find, groups
from curate.errors import StoreError
from curate.executor import Where
from curate.resplit import Move, reassigned, resplit
from curate.verify import verify


def row(image: str, patient: str, split: str, origin: str = "official", dataset: str = "a") -> dict[str, str]:
    """Return a row of a splits table."""
    return {"image_id": image, "dataset": dataset, "patient_id": patient, "split": split, "origin": origin}


def sides(rows) -> str:
    """Return split and origin of each row, in order."""
    return " ".join(f"{one['split']}:{one['origin']}" for one in rows)


@pytest.mark.parametrize(
    ("rows", "groups", "expected"),
    [
        ([row("x", "p", "train"), row("y", "q", "test")], {"x": 1, "y": 2}, "train:official test:official"),
        ([row("x", "p", "train"), row("y", "q", "train", "hashed")], {"x": 1, "y": 1}, "train:official train:hashed"),
        ([row("x", "p", "train"), row("y", "q", "test")], {"x": 1, "y": 1}, "test:grouped test:official"),
        ([row("x", "p", "train"), row("y", "q", "val")], {"x": 1, "y": 1}, "val:grouped val:official"),
        ([row("x", "p", "train"), row("y", "q", "test", "hashed")], {"x": 1, "y": 1}, "train:official train:grouped"),
        (
            [row("x", "p", "train", "hashed"), row("y", "q", "val", "hashed")],
            {"x": 1, "y": 1},
            "val:grouped val:hashed",
        ),
        ([row("x", "p", "train"), row("y", "q", "test", "grouped")], {"x": 1, "y": 1}, "train:official train:grouped"),
    ],
    ids=["apart", "agreed", "test wins", "val wins", "official wins", "hashed alone", "official beats an older move"],
)
def test_a_group_stands_on_one_side(rows, groups, expected):
    """What the sources state decides, the most held-out first; hashes decide where nothing is stated."""
    assert sides(reassigned(rows, groups)) == expected


def test_patients_carry_a_group_on():
    """A second image of a patient ties two groups together; equal patient keys of two datasets tie nothing."""
    rows = [
        row("x", "p", "train"),
        row("y1", "q", "train"),
        row("y2", "q", "train"),
        row("z", "r", "test"),
        row("w", "p", "train", dataset="b"),
    ]
    after = reassigned(rows, {"x": 1, "y1": 1, "y2": 2, "z": 2})
    assert [one["split"] for one in after] == ["test", "test", "test", "test", "train"]


def leaking(tree) -> str:
    """Write a source tree in which test case c3 is a copy of training case c1; return the recipe's entries."""
    for split, name, seed in (("train", "c1", 1), ("train", "c2", 2), ("test", "c3", 1)):
        tree.image(f"{split}/{name}.nii.gz", seed=seed, shape=(12, 11, 10))
        tree.label(f"labels-{split}/{name}.nii.gz", {1: 2, 2: 4}, shape=(12, 11, 10))
    return tree.ENTRIES.replace("images/", "{split}/").replace('"labels/', '"labels-{split}/')


def test_a_store_is_split_again_and_stays_sound(tree, digests):
    """A copy in another split moves with its original; the store verifies, and a second run changes no byte."""
    store = tree.build(leaking(tree)).store
    found = find([store], Where(workers=1))
    assert found.counts["crossing_splits"] == 1
    assert resplit(store, groups(found.rows)) == [Move("tiny/c1", "train", "test")]
    assert verify(store) == []
    assert find([store], Where(workers=1)).counts["crossing_splits"] == 0
    assert sides(manifest.read_table(store, "splits").to_pylist()) == "test:grouped train:official test:official"
    before = digests(store)
    assert resplit(store, groups(found.rows)) == []
    assert digests(store) == before


@pytest.mark.parametrize("resume", ["missing", "never", "always"])
def test_another_build_keeps_what_was_moved(tree, resume):
    """Built again, with a case more, the moved patient stays where it was moved."""
    entries = leaking(tree)
    store = tree.build(entries).store
    resplit(store, groups(find([store], Where(workers=1)).rows))
    tree.image("train/c4.nii.gz", seed=4)
    tree.label("labels-train/c4.nii.gz", {1: 2, 2: 4})
    tree.build(entries, resume=resume)
    rows = manifest.read_table(store, "splits").to_pylist()
    assert sides(rows) == "test:grouped train:official test:official train:official"
    assert verify(store) == []


def test_a_damaged_table_of_splits_is_not_overwritten_silently(tree):
    """What was moved may stand in it alone, so the next build stops with the file's name and what to do."""
    tree.case("c1")
    path = tree.build().store / manifest.table_path("splits", "tiny")
    path.write_bytes(b"PAR1")
    with pytest.raises(
        StoreError, match=r"tiny\.parquet: cannot be read, so what `curate split` moved is lost; delete it"
    ):
        tree.build()
    path.unlink()
    assert verify(tree.build().store) == []


def test_tables_go_on_saying_where_they_come_from(tree):
    """The Parquet metadata of a splits table survives."""
    import pyarrow.parquet as pq

    tree.case("c1")
    store = tree.build().store
    path = store / manifest.table_path("splits", "tiny")
    before = pq.read_schema(path)
    resplit(store, {(str(store), "tiny/c1"): 1})
    assert pq.read_schema(path).equals(before, check_metadata=True)


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    """The message says how to make one."""
    with pytest.raises(StoreError, match="no finished store here"):
        resplit(tmp_path, {})


def test_groups_of_other_stores_do_not_matter(tree):
    """Images of the same name in another store tie nothing here."""
    for name in ("c1", "c2"):
        tree.case(name, seed=int(name[1]))
    store = tree.build().store
    assert resplit(store, {("elsewhere", "tiny/c1"): 1, ("elsewhere", "tiny/c2"): 1}) == []
