"""Pictures in a store of slices, and in one without empty pictures."""

from collections import Counter

import numpy as np
import pytest

from curate.geometry import Geometry
from curate.keeping.pictures import picture_values
from curate.labelmap import BoxMask
from curate.masks import Mask
from curate.pipeline import unexpected
from curate.verify import verify
from curate.volume import Volume, read, write

PICTURES = """
[[images]]
path = "images/{case}.png"
modality = "XR"
[[labels]]
path = "masks/{case}.png"
target = "lung"
"""


@pytest.fixture
def pictures(tree):
    """Write two pictures: one with two lungs and a speck, one whose mask is empty."""
    lungs = np.zeros((64, 48, 1), dtype=np.uint8)
    lungs[5:20, 5:40] = lungs[40:55, 5:40] = 255
    lungs[30, 2] = 255
    for case, mask in (("full", lungs), ("empty", np.zeros_like(lungs))):
        tree.image(f"images/{case}.png", shape=(64, 48, 1))
        write(Volume(mask, Geometry(mask.shape, np.eye(4), unit="pixel")), tree.raw / f"masks/{case}.png")
    return tree


def test_a_picture_passes_and_its_mask_becomes_regions(pictures):
    """The pixels stay, the id names no slice, each lung is a mask, the speck and the empty picture are rows."""
    built = pictures.build(PICTURES, profile="sa-med2d")
    assert verify(built.store) == []
    (image,) = built.rows("images")
    assert (image["image_id"], image["path"], image["spacing_mm"]) == ("tiny/full", "images/tiny/full.png", None)
    source = read(pictures.raw / "images/full.png").voxels
    np.testing.assert_array_equal(read(built.store / image["path"]).voxels, source)
    masks = built.rows("masks")
    assert [(row["mask_id"], row["voxels"]) for row in masks] == [("tiny/full#lung/0", 525), ("tiny/full#lung/1", 525)]
    assert {row["path"] for row in masks} == {"labels/tiny/full.png"}
    rows = {row["code"]: row for row in built.rows("rejections")}
    assert rows["without_mask"]["detail"] == "1 of 1 picture without a mask, not stored"
    assert rows["below_min_area"]["detail"].startswith("1 of 3 masks; nearest to the limit: 0.000325521 of the picture")


def test_pictures_without_a_mask_are_left_out_by_the_cleaning_of_sam_unet(pictures):
    """Only the picture whose mask is empty goes; the other stays as a native build has it, speck and all."""
    built = pictures.build(PICTURES, profile="sa-med2d-16m-clean")
    native = pictures.build(PICTURES, out="native")
    assert [row["image_id"] for row in built.rows("images")] == ["tiny/full"]
    assert built.rows("masks") == native.rows("masks")
    row = built.rows("rejections", code="without_mask")[0]
    assert (row["image_id"], row["rule"], row["step"], row["measured"], row["threshold"]) == (
        *("tiny/empty", "require_mask", 1),
        *(0, 1),
    )
    assert verify(built.store) == []


def test_fewer_or_more_images_than_expected_surprise_nobody(pictures):
    """`[expect]` counts the images of a native build, which slices and dropped images are not."""
    entries = PICTURES + "[expect]\ncases = 2\nimages = 2\nmasks = 1\nrejections = { empty_mask = 1 }\n"
    for name in ("native", "sa-med2d", "sa-med2d-16m-clean"):
        assert pictures.build(entries, out=name, profile=name).reports[0].surprises == []
    wrong = pictures.recipe(entries.replace("images = 2", "images = 3"))
    assert unexpected(wrong, {"images": 2}, Counter(empty_mask=1)) == ["images: found 2, the recipe expects 3"]


def test_overlapping_targets_of_one_picture_lie_in_two_label_maps(tree):
    """Masks that cut through each other go to a second file beside the first."""
    grid = Geometry((40, 40, 1), np.eye(4), unit="pixel")
    for name, low in (("liver", 2), ("stomach", 10)):
        voxels = np.zeros(grid.shape_ijk, dtype=np.uint8)
        voxels[low : low + 20, 5:30] = 1
        write(Volume(voxels, grid), tree.raw / f"a/{name}.png")
    tree.image("a/image.png", shape=(40, 40, 1))
    labels = 'path = "{case}/{label:liver|stomach}.png"\nnames = { liver = "liver", stomach = "stomach" }'
    built = tree.build(
        f'[[images]]\npath = "{{case}}/image.png"\nmodality = "CT"\n[[labels]]\n{labels}', profile="sa-med2d"
    )
    assert sorted(row["path"] for row in built.rows("masks")) == ["labels/tiny/a.2.png", "labels/tiny/a.png"]
    assert verify(built.store) == []


def test_the_first_mask_of_a_target_has_the_value_of_its_target():
    """The value is the same on every picture; further regions, and what has none, get the next free ones."""
    empty = BoxMask.of(np.ones((1, 1, 1), dtype=np.bool_))
    keys = [("spleen", None, 0), ("spleen", None, 1), ("liver", None, 0), ("liver", "anna", 0), ("spleen", None, 2)]
    masks = [Mask(target, "1", "l", rater, empty, instance) for target, rater, instance in keys]
    assert picture_values({("liver", None, None): 1, ("spleen", None, None): 2}, masks) == [2, 3, 1, 4, 5]
