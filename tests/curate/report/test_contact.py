import numpy as np
import pytest
from PIL import Image

from curate.executor import Where
from curate.report import contact
from curate.report.contact import COLOURS, OTHER, sheets


@pytest.mark.parametrize(
    ("names", "count", "chosen"),
    [("abcdef", 3, "bdf"), ("abcdef", 1, "d"), ("ab", 6, "ab"), ("abcde", 2, "bd"), ("", 6, "")],
)
def test_images_are_chosen_evenly(names, count, chosen):
    """One from the middle of each of as many equal parts as are wanted; never one twice."""
    assert "".join(contact._evenly(list(names), count)) == chosen


def test_a_tile_shows_the_slice_with_most_mask(tree, tmp_path):
    """The liver fills slice 3 of 4 most: that slice stands on the tile, with its outline and the spleen's."""
    tree.case("a")
    _relabel(tree, lambda labels: labels.__setitem__((slice(None), slice(None), 2), 1))
    (sheet,) = sheets(tree.build().store, tmp_path, 6, Where(1))
    (tile,) = sheet.tiles
    assert tile.place == "axial slice 3 of 4"
    assert tile.targets == ("liver",)
    picture = np.asarray(Image.open(tmp_path / tile.file))
    assert picture.shape == (tile.height, tile.width, 3)
    assert (picture[0, 0] == tuple(bytes.fromhex(sheet.legend[0][1][1:]))).all(), "the liver reaches the corner"


def test_a_target_that_is_not_on_the_slice_is_not_named(tree, tmp_path):
    """The spleen lies on another slice than the liver, which is larger."""
    tree.case("a")

    def change(labels):
        labels[:] = 0
        labels[:, :, 0], labels[0, 0, 3] = 1, 2

    _relabel(tree, change)
    (sheet,) = sheets(tree.build().store, tmp_path, 6, Where(1))
    assert [target for target, _ in sheet.legend] == ["liver", "spleen"]
    assert sheet.tiles[0].targets == ("liver",)


def test_colours_go_to_the_largest_targets():
    """Targets beyond the palette share one colour."""
    import pandas as pd

    masks = pd.DataFrame({"target": [f"t{n}" for n in range(9)], "voxels": range(9)})
    legend = contact._legend(masks)
    assert list(legend)[:2] == ["t8", "t7"]
    assert list(legend.values()) == [*COLOURS, OTHER, OTHER]


def test_an_image_that_cannot_be_read_is_a_tile_that_says_why(tree, tmp_path):
    """A truncated file, a missing label map and a label map of another image stop nobody; no folder of ours is told."""
    for name in "abcd":
        tree.case(name)
    store = tree.build().store
    image = store / "images/tiny/a.nii.gz"
    image.write_bytes(image.read_bytes()[:90])
    (store / "labels/tiny/b.nii.gz").unlink()
    tree.image("odd.nii.gz", shape=(3, 3, 3)).replace(store / "labels/tiny/c.nii.gz")
    (sheet,) = sheets(store, tmp_path, 6, Where(1))
    problems = [tile.problem for tile in sheet.tiles]
    assert problems[0].startswith("images/tiny/a.nii.gz: cannot be read")
    assert problems[1].startswith("labels/tiny/b.nii.gz: cannot be read")
    assert problems[2] == "labels/tiny/c.nii.gz: not on the grid of images/tiny/c.nii.gz"
    assert problems[3] is None
    assert [tile.file is None for tile in sheet.tiles] == [True, True, True, False]


def test_an_image_without_a_mask_is_shown(tree, tmp_path):
    """A true negative has no label map: its middle slice, without outlines."""
    tree.case("a", {})
    (sheet,) = sheets(tree.build().store, tmp_path, 6, Where(1))
    assert sheet.legend == ()
    assert (sheet.tiles[0].place, sheet.tiles[0].targets) == ("axial slice 3 of 4", ())


def test_instances_of_one_target_share_its_colour(tree, tmp_path):
    """Two nuclei of one picture are two outlines and one line of the legend."""
    tree.image("images/a.png", shape=(6, 5, 1))
    tree.label("labels/a.png", {1: 2, 2: 4}, shape=(6, 5, 1))
    entries = tree.ENTRIES.replace(".nii.gz", ".png").replace(
        'values = { 1 = "liver", 2 = "spleen" }', 'instances = "cell_nucleus"'
    )
    (sheet,) = sheets(tree.build(entries).store, tmp_path, 6, Where(1))
    assert sheet.legend == (("cell_nucleus", COLOURS[0]),)
    assert (sheet.tiles[0].place, sheet.tiles[0].spacing_mm) == ("single slice", None)


@pytest.mark.slow
def test_any_number_of_workers_draws_the_same(tree, tmp_path, digests):
    """In this thread, in threads and in two processes: the same tiles, the same bytes."""
    for name in "abc":
        tree.case(name, seed=ord(name))
    store = tree.build().store
    drawn = []
    for name, where in (("one", Where(1)), ("threads", Where()), ("two", Where(2))):
        found = sheets(store, tmp_path / name, 6, where)
        drawn.append((found, digests(tmp_path / name)))
    assert drawn[0] == drawn[1] == drawn[2]


def _relabel(tree, change):
    """Change the voxels of the label map of case `a`."""
    from curate.volume import Volume, read, write

    path = tree.raw / "labels/a.nii.gz"
    old = read(path)
    labels = old.voxels.copy()
    change(labels)
    write(Volume(labels, old.geometry), path)
