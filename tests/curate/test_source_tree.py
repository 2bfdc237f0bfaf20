from pathlib import Path

import pytest

from curate import scan
from curate.errors import UsageError
from curate.source_tree import SourceTree

ELSEWHERE = """
[[images]]
root = "other"
path = "images/{case}.nii.gz"
modality = "CT"
[[labels]]
path = "labels/{case}.nii.gz"
values = { 1 = "liver" }
"""


def test_a_path_lies_in_its_own_tree_or_below_a_root(tmp_path):
    """`ROOT:PATH` lies below the root's folder; a colon that follows no root is a part of a file's name."""
    tree = SourceTree(tmp_path / "raw", {"other": tmp_path / "x"})
    assert tree.locate("a/b.nii") == tmp_path / "raw/a/b.nii"
    assert tree.locate("other:a/b.nii") == tmp_path / "x/a/b.nii"
    assert tree.locate("scan 12:30.nii") == tmp_path / "raw/scan 12:30.nii"


def test_the_folders_to_look_through(tmp_path):
    """The dataset's own folder comes first and has no name; roots that the recipe does not read from are left out."""
    tree = SourceTree(tmp_path, {"b": tmp_path / "b", "a": tmp_path / "a", "unused": tmp_path / "c"})
    assert list(tree.folders(["a", "b"])) == [(None, tmp_path), ("a", tmp_path / "a"), ("b", tmp_path / "b")]


def test_workers_get_absolute_folders(tmp_path, monkeypatch):
    """Relative folders become absolute, because a worker may run elsewhere."""
    monkeypatch.chdir(tmp_path)
    tree = SourceTree(Path("raw"), {"other": Path("x")}).absolute()
    assert tree == SourceTree(tmp_path / "raw", {"other": tmp_path / "x"})


def test_what_is_missing_is_said_with_what_to_type(tree):
    """A dataset that is not there, a root that is not given and one that is not there are three different lines."""
    found = tree.recipe(ELSEWHERE)
    nowhere = tree.folder / "nowhere"
    with pytest.raises(UsageError, match=r"nowhere: no such folder; give the unpacked Tiny volumes with --raw DIR$"):
        SourceTree(nowhere, {"other": tree.raw}).check(found)
    with pytest.raises(UsageError, match=r"^tiny reads from `other` too; say where it lies: --root other=DIR$"):
        SourceTree(tree.raw).check(found)
    with pytest.raises(UsageError, match=r"nowhere: no such folder; say where `other` lies: --root other=DIR$"):
        SourceTree(tree.raw, {"other": nowhere}).check(found)
    SourceTree(tree.raw, {"other": tree.raw, "unused": nowhere}).check(found)


def test_entries_match_below_their_own_root_only(tree):
    """A file below the dataset's own folder is no image of an entry with a root, though its path fits."""
    other = tree.folder / "other"
    for path in (tree.raw / "images/a.nii.gz", tree.raw / "labels/a.nii.gz", other / "images/b.nii.gz"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = scan.find(tree.recipe(ELSEWHERE), SourceTree(tree.raw, {"other": other}))
    assert {rejection.source_path: rejection.code for rejection in found.rejections} == {
        "labels/a.nii.gz": "no_image",
        "other:images/b.nii.gz": "no_label",
    }
    assert (found.named, found.unnamed) == (2, 1)
