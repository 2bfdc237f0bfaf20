"""Volumes in a store of slices: which pictures there are, what their masks are, and what is said of the rest."""

from collections import defaultdict

import numpy as np
import pytest
from skimage import measure

from curate import profile, slicing
from curate.geometry import Geometry
from curate.labelmap import extract, slices
from curate.verify import verify
from curate.volume import Volume, read, write

SHAPE = (40, 48, 30)
SPACING_MM = (1.5, 1.0, 2.0)
BOXES = {
    1: [(4, 5, 6, 24, 25, 20)],  # a liver
    2: [(30, 30, 5, 36, 36, 12), (30, 40, 5, 36, 46, 12)],  # a spleen in two parts
    3: [(2, 40, 25, 3, 41, 26)],  # a stomach of one voxel: below the share on slices of 40 x 48, not on smaller ones
}
ENTRIES = """
[[images]]
path = "images/{case}_t1.nii.gz"
channel = "t1"
modality = "MR"
[[images]]
path = "images/{case}_t2.nii.gz"
channel = "t2"
modality = "MR"
[[labels]]
path = "labels/{case}.nii.gz"
values = { 1 = "liver", 2 = "spleen", 3 = "stomach", 4 = "pancreas" }
"""


@pytest.fixture(scope="module")
def tree_and_labels(planted, tmp_path_factory):
    """Write two channels on one grid, and their label map, for patients a and b."""
    tree = planted(tmp_path_factory.mktemp("slices"))
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for value, boxes in BOXES.items():
        for box in boxes:
            labels[slices(box)] = value
    grid = Geometry(SHAPE, np.diag([*SPACING_MM, 1.0]))
    for case in "ab":
        write(Volume(labels, grid), tree.raw / f"labels/{case}.nii.gz")
        for seed, channel in enumerate(("t1", "t2")):
            noise = np.random.default_rng(seed).integers(-50, 900, SHAPE).astype(np.int16)
            write(Volume(noise, grid), tree.raw / f"images/{case}_{channel}.nii.gz")
    return tree, labels


@pytest.fixture(scope="module")
def built(tree_and_labels):
    """Return the store of slices of both patients."""
    return tree_and_labels[0].build(ENTRIES, profile="sa-med2d")


def expected_masks(labels):
    """Return, for each slice, the 8-connected regions of each target that cover at least 100 / 256^2 of it."""
    found = defaultdict(list)
    for axis in range(3):
        for index, plane in enumerate(np.moveaxis(labels, axis, 0)):
            for value, target in ((1, "liver"), (2, "spleen"), (3, "stomach")):
                regions = measure.label(plane == value, connectivity=2)
                for region in (regions == number for number in range(1, regions.max() + 1)):
                    if region.sum() / region.size >= 100 / 256**2:
                        found["xyz"[axis], index].append((target, region.tobytes()))
    return found


def test_every_slice_with_a_mask_is_a_picture(built, tree_and_labels):
    """Pictures, their masks and the values that say so are those of a plain re-implementation, and no other."""
    assert verify(built.store) == []
    masks = defaultdict(list)
    for row in built.rows("masks", case_id="a"):
        mask = extract(read(built.store / row["path"]).voxels, row["label_values"])
        masks[row["image_id"]].append((row["target"], mask.full()[:, :, 0].tobytes()))
        assert (mask.count, row["components"]) == (row["voxels"], 1)
    for channel in ("t1", "t2"):
        for (axis, index), found in expected_masks(tree_and_labels[1]).items():
            assert sorted(masks.pop(f"tiny/a/{channel}.{axis}_{index:04}")) == sorted(found)
    assert masks == {}


def test_ids_and_paths_follow_the_slice(built):
    """`<dataset>/<case>/<channel>.<slice>`; channels share a label map; the second region of a target is `/1`."""
    row = built.rows("images", image_id="tiny/a/t1.x_0031")[0]
    assert row["path"] == "images/tiny/a/t1.x_0031.png"
    masks = {channel: built.rows("masks", image_id=f"tiny/a/{channel}.x_0031") for channel in ("t1", "t2")}
    for channel, rows in masks.items():
        assert [mask["mask_id"] for mask in rows] == [f"tiny/a/{channel}.x_0031#spleen/{n}" for n in (0, 1)]
        assert {mask["path"] for mask in rows} == {"labels/tiny/a/x_0031.png"}
        assert [mask["label_values"] for mask in rows] == [[2], [5]]
    assert len({row["split"] for row in built.rows("splits", patient_id="a")}) == 1


def test_a_slice_lies_where_the_volume_says(built):
    """In-plane spacing, the distance to the next slice, world position and volumes in mm3 are those of the volume."""
    row = built.rows("images", image_id="tiny/a/t1.y_0010")[0]
    assert (row["shape_ijk"], row["spacing_mm"]) == ([40, 30, 1], [1.5, 2.0, 1.0])
    affine = np.array(row["affine"]).reshape(4, 4)
    np.testing.assert_allclose(affine @ [7, 9, 0, 1], [7 * 1.5, 10 * 1.0, 9 * 2.0, 1])
    liver = built.rows("masks", mask_id="tiny/a/t1.y_0010#liver/0")[0]
    assert liver["volume_mm3"] == pytest.approx(20 * 14 * 3.0)
    assert liver["extent_mm"] == [30.0, 28.0, 1.0]
    np.testing.assert_allclose(liver["centroid_mm"], [13.5 * 1.5, 10.0, 12.5 * 2.0])


def test_pictures_are_stretched_over_the_whole_volume(built, tree_and_labels):
    """Every slice of a channel has the grey scale of its volume; the unit of the source holds no longer."""
    volume = slicing.as_bytes(read(tree_and_labels[0].raw / "images/a_t2.nii.gz")).voxels
    for name, plane in (("x_0010", volume[10]), ("z_0010", volume[:, :, 10])):
        picture = read(built.store / f"images/tiny/a/t2.{name}.png").voxels
        np.testing.assert_array_equal(picture[:, :, 0], plane)
    assert {row["intensity_unit"] for row in built.rows("images")} == {None}


def test_a_slice_tells_true_negatives_from_what_is_unknown(built):
    """Looked for and not there stays labelled; voxels too few for a mask make a target unknown on that slice."""
    labelled = {
        row["image_id"].rpartition(".")[2]: row["labelled_targets"] for row in built.rows("images", case_id="a")
    }
    assert labelled["x_0010"] == ["liver", "pancreas", "spleen", "stomach"]
    assert labelled["y_0040"] == ["liver", "pancreas", "spleen"]  # 1 of 40 x 30 pixels: 0.08 %
    assert "z_0025" not in labelled  # nothing but that voxel lies there


def test_what_is_dropped_is_one_row_per_image_target_and_rule(built):
    """Rows count masks and do not grow with slices; slices without a mask are counted, and none is stored."""
    rows = built.rows("rejections", case_id="a", image_id="tiny/a/t1", stage="rule")
    found = {(row["target"], row["code"]): row for row in rows}
    assert len(found) == len(rows)
    assert {key: (row["step"], row["rule"], row["masks_before"], row["masks_after"]) for key, row in found.items()} == {
        ("liver", "sliced"): (1, "slice", 1, 20 + 20 + 14),
        ("spleen", "sliced"): (1, "slice", 1, 6 + 12 + 7),
        ("spleen", "components_split"): (3, "split_components", 13, 26),
        ("stomach", "sliced"): (1, "slice", 1, 3),
        ("stomach", "below_min_area"): (4, "min_area_share", 3, 0),
        (None, "without_mask"): (1, "slice", None, None),
    }
    area = found["stomach", "below_min_area"]
    assert (area["measured"], area["threshold"], area["effect"]) == (1 / (40 * 30), 100 / 256**2, "left_out")
    empty = found[None, "without_mask"]
    kept = len(built.rows("images", case_id="a")) // 2
    assert (empty["measured"], empty["effect"]) == (sum(SHAPE) - kept, "changed")
    assert empty["detail"] == f"{118 - kept} of 118 slices across x, y, z without a mask, not stored"


def test_a_volume_without_any_mask_left_gives_no_picture(tree):
    """A volume of which the rules leave nothing is a row that says so, and no image."""
    tree.case("a")
    path = tree.folder / "none.toml"
    limit = '[[rules]]\nrule = "slice"\n[[rules]]\nrule = "min_voxels"\nthreshold = 1000\n'
    path.write_text(f'schema = 1\nname = "none"\ndescription = "d"\nsource = "s"\n{limit}')
    built = tree.build(profile=str(path))
    assert (built.rows("images"), built.rows("masks"), verify(built.store)) == ([], [], [])
    row = built.rows("rejections", code="without_mask")[0]
    assert (row["image_id"], row["effect"], row["measured"]) == ("tiny/a", "left_out", 15)


def test_any_number_of_workers_gives_the_same_bytes(built, tree_and_labels, digests):
    """One process and two write the same store of slices."""
    other = tree_and_labels[0].build(ENTRIES, profile="sa-med2d", workers=2, out="two").store
    for part in ("images", "labels", "manifest"):
        assert digests(built.store / part) == digests(other / part)


def test_resampling_comes_before_slicing(tree_and_labels, tmp_path):
    """Slices of a resampled volume have its spacing, and its number of voxels."""
    path = tmp_path / "both.toml"
    rules = '[[rules]]\nrule = "resample"\nspacing_mm = 3\n[[rules]]\nrule = "slice"\naxes = ["z"]\n'
    path.write_text(f'schema = 1\nname = "both"\ndescription = "d"\nsource = "s"\n{rules}')
    built = tree_and_labels[0].build(ENTRIES, profile=str(path), out="resampled")
    assert {tuple(row["shape_ijk"]) for row in built.rows("images")} == {(20, 16, 1)}
    assert {tuple(row["spacing_mm"]) for row in built.rows("images")} == {(3.0, 3.0, 3.0)}
    assert verify(built.store) == []
    assert profile.load(str(path)).axes == ("z",)
