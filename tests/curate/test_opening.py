import nibabel
import numpy as np
import pytest

from curate import profile, scan
from curate.opening import open_images
from curate.piece import Ledger

MASK = """
[[images]]
path = "images/{case}.nii.gz"
modality = "CT"
[[labels]]
path = "other/{case}.nii.gz"
values = { 1 = "spleen" }
[[labels]]
path = "labels/{case}.nii.gz"
values = { 1 = "liver" }
on_grid_mismatch = "mask"
"""
ROWS = ("image_id", "stage", "code", "source_path")


@pytest.fixture
def opened(tree):
    """Return a function that opens the images of the only case, and returns them with what the ledger says."""

    def call(entries=tree.ENTRIES, rules="native"):
        recipe = tree.recipe(entries)
        (case,) = scan.find(recipe, tree.source_tree).cases
        ledger = Ledger(case, recipe)
        images = open_images(case, recipe, profile.load(rules), tree.source_tree, ledger)
        return images, ledger.piece.rejections

    return call


def test_headers_alone_are_read(tree, opened):
    """An image is open on its canonical grid while its voxels are still missing from the file."""
    path = tree.raw / "images/a.nii"
    tree.label("labels/a.nii.gz", {1: 2})
    path.parent.mkdir()
    nibabel.save(nibabel.Nifti1Image(np.zeros((6, 5, 4), np.int16), np.eye(4)), path)
    path.write_bytes(path.read_bytes()[:400])
    (image,), rejections = opened(tree.ENTRIES.replace("images/{case}.nii.gz", "images/{case}.nii"))
    assert (image.image_id, image.grid.shape_ijk, image.header.verdict) == ("tiny/a", (6, 5, 4), "ok")
    assert (rejections, image.keys) == ([], set())


def test_a_header_that_cannot_be_read_is_a_row(tree, opened):
    """The row names image, stage, code and file."""
    tree.case("a")
    (tree.raw / "images/a.nii.gz").write_bytes(b"no image")
    images, (row,) = opened()
    assert images == []
    assert [row[name] for name in ROWS] == ["tiny/a", "check", "unreadable", "images/a.nii.gz"]


def test_the_geometry_of_a_label_replaces_a_wrong_one(tree, opened):
    """With `mask` the image lies where that label lies, and only that one; the verdict says so."""
    tree.image("images/a.nii.gz", spacing=1.0)
    tree.label("labels/a.nii.gz", {1: 2}, spacing=2.5)
    tree.label("other/a.nii.gz", {1: 2}, spacing=4.0)
    (image,), rejections = opened(MASK)
    assert (image.grid.spacing_mm, image.header.verdict) == ((2.5, 2.5, 2.5), "repaired:geometry_of_label")
    assert rejections == []


def test_the_same_geometry_needs_no_repair(tree, opened):
    """A label that lies where its image lies leaves the verdict `ok`."""
    tree.image("images/a.nii.gz")
    tree.label("labels/a.nii.gz", {1: 2})
    (image,), _ = opened(MASK)
    assert image.header.verdict == "ok"


def test_a_picture_gets_the_geometry_of_its_volume(tree, opened):
    """An image in pixels lies where its label lies in millimetres."""
    np.save(tree.raw / "a.npy", np.zeros((6, 5, 4), np.int16))
    tree.label("labels/a.nii.gz", {1: 2}, spacing=2.5)
    (image,), _ = opened(MASK.replace("images/{case}.nii.gz", "{case}.npy"))
    assert (image.grid.unit, image.grid.spacing_mm) == ("mm", (2.5, 2.5, 2.5))


def test_another_shape_is_no_matter_of_geometry(tree, opened):
    """A label of another shape cannot say where the image lies: both are named with their grids."""
    tree.image("images/a.nii.gz")
    tree.label("labels/a.nii.gz", {1: 2}, shape=(7, 5, 4))
    images, (row,) = opened(MASK)
    assert images == []
    assert row["code"] == "grid_mismatch"
    assert "labels/a.nii.gz: its geometry is to be the image's, but label (7, 5, 4) @ 2 x 2 x 2 mm" in row["detail"]


def test_a_label_that_cannot_be_read_says_nothing_of_geometry(tree, opened):
    """Where the label that should say it is damaged, the image is a row of the label's code."""
    tree.image("images/a.nii.gz")
    tree.label("labels/a.nii.gz", {1: 2}).write_bytes(b"no label")
    images, (row,) = opened(MASK)
    assert images == []
    assert [row[name] for name in ROWS] == ["tiny/a", "check", "unreadable", "images/a.nii.gz"]


@pytest.mark.parametrize(("name", "shape"), [("a.png", (6, 5, 1)), ("a.nii.gz", (6, 5, 1))])
def test_a_profile_in_millimetres_wants_volumes(tree, opened, name, shape):
    """Pictures, and volumes of one slice, are rows under a profile that measures in millimetres."""
    suffix = name.removeprefix("a")
    tree.image(f"images/{name}", shape=shape)
    tree.label(f"labels/{name}", {1: 2}, shape=shape)
    entries = tree.ENTRIES.replace(".nii.gz", suffix)
    assert opened(entries)[1] == []
    images, (row,) = opened(entries, rules="sa-med3d")
    assert (images, row["code"]) == ([], "profile_needs_volume")
    assert "profile sa-med3d works in mm on volumes; this is (6, 5, 1)" in row["detail"]
