import gzip

import pytest

from curate import profile, readers
from curate.errors import UsageError
from curate.executor import Where
from curate.pipeline import Source
from curate.preview import preview


def look(tree, entries=None, rules="native", **where):
    """Preview a tree in this thread."""
    source = Source(tree.recipe(entries or tree.ENTRIES), tree.raw)
    return preview(source, profile.load(rules), Where(**({"workers": 1} | where)))


def test_a_scan_counts_without_touching_voxels(tree):
    """Names and headers give the counts, and no file is written; voxels that are cut off go unseen."""
    for name in ("a", "b"):
        tree.case(name)
    path = tree.image("images/c.nii.gz", shape=(40, 40, 40))
    tree.label("labels/c.nii.gz", {1: 2}, shape=(40, 40, 40))
    path.write_bytes(path.read_bytes()[:-40])
    before = sorted(path.name for path in tree.folder.rglob("*"))
    found = look(tree, tree.ENTRIES + "[expect]\ncases = 3\n")
    assert (found.cases, found.images, found.label_files, found.named_files, found.unnamed_files) == (3, 3, 3, 6, 0)
    assert (found.details, found.surprises) == ([], [])
    assert sorted(path.name for path in tree.folder.rglob("*")) == sorted([*before, "tiny.toml"])


def test_what_headers_tell_is_what_the_build_says(tree):
    """Damaged headers, other grids and missing files get the same codes for the same files as in a build."""
    for name in ("no_header", "other_grid", "fine", "no_label_header"):
        tree.case(name)
    (tree.raw / "images/no_header.nii.gz").write_bytes(b"x")
    (tree.raw / "labels/no_label_header.nii.gz").write_bytes(gzip.compress(b"x" * 100))
    tree.label("labels/other_grid.nii.gz", {1: 2, 2: 4}, spacing=3.0)
    tree.image("images/alone.nii.gz")
    found = look(tree)
    told = {tuple(line.split(": ")[:2]) for line in found.details}
    built = {(row["code"], row["source_path"]) for row in tree.build().rows("rejections")}
    assert told == built - {("no_label", f"images/{name}.nii.gz") for name in ("other_grid", "no_label_header")}
    assert (found.images, found.label_files) == (3, 1)


def test_expectations_are_held_against_headers_from_one_side(tree):
    """More than expected is a surprise; less is none where only voxels can tell; counts by name are exact."""
    tree.case("a")
    tree.image("images/alone.nii.gz")

    def expecting(cases, no_label):
        return f"{tree.ENTRIES}[expect]\ncases = {cases}\nrejections = {{ no_label = {no_label}, empty_mask = 3 }}\n"

    assert look(tree, expecting(1, 1)).surprises == []
    assert look(tree, expecting(2, 2)).surprises == [
        "cases: found 1, the recipe expects 2",
        "no_label: found 1, the recipe expects 2",
    ]
    assert look(tree, expecting(1, 0)).surprises == ["no_label: found 1, the recipe expects 0"]


def test_pictures_under_a_profile_in_mm_surprise_as_little_as_in_a_build(tree):
    """A scan for sa-med3d says which pictures it would leave out, and is content."""
    tree.image("images/a.png", shape=(8, 8, 1))
    tree.label("labels/a.png", {1: 2}, shape=(8, 8, 1))
    entries = tree.ENTRIES.replace(".nii.gz", ".png").replace('"CT"', '"XR"')
    found = look(tree, entries, "sa-med3d")
    assert found.rejections == {"image_rejected": 1, "profile_needs_volume": 1}
    assert found.surprises == []


def test_an_error_that_nobody_foresaw_is_a_row(tree, monkeypatch):
    """A reader's bug on one file is a row of that case, and the scan goes on."""
    tree.case("a")
    tree.case("b")
    header = readers.header

    def fragile(path, part):
        if path.name == "a.nii.gz":
            raise ZeroDivisionError("bug")
        return header(path, part)

    monkeypatch.setattr(readers, "header", fragile)
    found = look(tree)
    assert found.details == [
        f"unexpected_error: {kind}/a.nii.gz: ZeroDivisionError: bug" for kind in ("images", "labels")
    ]
    assert (found.images, found.surprises) == (1, ["unexpected_error: found 2, the recipe expects 0"])


def test_an_empty_tree_is_a_surprise(tree):
    """A scan of the wrong folder says so."""
    assert look(tree).surprises == ["cases: found none; is --raw the folder that the recipe's paths start from?"]


def test_a_scheduler_that_is_not_there_is_an_error(tree):
    """A wrong address stops the scan before it reads a name."""
    with pytest.raises(UsageError, match="no dask scheduler answers at `nonsense`"):
        look(tree, scheduler="nonsense")


def test_parallel_scans_agree(tree):
    """Threads find what one worker finds."""
    for n in range(6):
        tree.case(f"c{n}", {1: 2})
    tree.label("labels/c3.nii.gz", {1: 2}, shape=(6, 5, 5))
    assert look(tree, workers=None) == look(tree)
