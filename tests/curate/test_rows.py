import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate import rows
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.labelmap import BoxMask, slices
from curate.masks import Absent, Mask
from curate.matching import ImageFile
from curate.phantoms import ellipsoid
from curate.readers.header import Header
from curate.recipe import Recipe
from curate.regions import LabelMap
from curate.rules import Decision
from curate.scan import Case
from curate.volume import Volume

poses = runpy.run_path(str(Path(__file__).with_name("poses.py")))
grid, centred = poses["grid"], poses["centred"]
IMAGE = {key: key for key in ("image_id", "dataset", "case_id", "patient_id", "modality", "sequence")}
FACTS = dict.fromkeys(("title", "licence", "licence_evidence", "citation", "source", "annotation"), "x")


def recipe(images=({"path": "{case}.nii", "modality": "CT"},), labels=()):
    """Return a recipe of the dataset `tiny`."""
    labels = labels or [{"path": "{case}_l.nii", "target": "liver"}]
    content = {"schema": 1, "dataset": {"id": "tiny", "region": "abdomen", **FACTS}}
    return Recipe.model_validate(content | {"images": images, "labels": labels})


def mask(target, voxels=None, rater=None):
    """Return a mask of a full-grid array."""
    return Mask(target, "7", "label.nii", rater, BoxMask.of(np.ones((1, 1, 1), bool) if voxels is None else voxels))


def split(one):
    """Return the decision that split a mask into its sides."""
    return Decision(one, "sides_split", "", 2, None, "changed")


@pytest.mark.parametrize(
    ("shape", "dtype", "unit", "suffix"),
    [
        ((4, 4, 1), "uint8", "pixel", ".png"),
        ((4, 4, 1), "uint16", "pixel", ".png"),
        ((4, 4, 1, 3), "uint8", "pixel", ".png"),
        ((4, 4, 1, 3), "uint16", "pixel", ".nii.gz"),  # Pillow has no 16-bit colour
        ((4, 4, 1), "float32", "pixel", ".nii.gz"),
        ((4, 4, 1), "int16", "pixel", ".nii.gz"),
        ((4, 4, 1), "uint8", "mm", ".nii.gz"),  # a slice of a scan has a spacing to keep
        ((4, 4, 4), "uint8", "mm", ".nii.gz"),
    ],
)
def test_pictures_are_png_where_png_can_hold_them(shape, dtype, unit, suffix):
    """Only 8-bit pictures and 16-bit grey ones become PNG; anything else would lose something."""
    assert rows.image_suffix(Volume(np.zeros(shape, dtype), Geometry(shape[:3], np.eye(4), unit))) == suffix


@pytest.mark.parametrize(("channel", "expected"), [(None, "tiny/p1"), ("T1", "tiny/p1/T1")])
def test_the_image_id_names_dataset_case_and_channel(channel, expected):
    """The channel is part of the id where the recipe has one."""
    images = [{"path": "{case}.nii", "modality": "MR", "channel": channel}]
    case = Case("p1", "p1", None, (), ())
    assert rows.image_id(recipe(images), case, ImageFile("p1.nii", 0)) == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_images_must_be_finite(value):
    """NaN and infinite voxels are counted and named; integers pass unchecked."""
    voxels = np.ones((3, 3, 3), np.float32)
    volume = Volume(voxels, grid((3, 3, 3)))
    rows.check_finite(volume, Path("a/b.nii"))
    rows.check_finite(Volume(voxels.astype(np.int16), volume.geometry), Path("b.nii"))
    voxels[0, 0, :2] = value
    with pytest.raises(ReadError, match=r"^b\.nii: 2 voxels are NaN or infinite") as caught:
        rows.check_finite(volume, Path("a/b.nii"))
    assert caught.value.code == "nonfinite_voxels"


def test_the_row_of_an_image_states_its_stored_grid(tmp_path):
    """Shape, spacing and affine are those of the stored volume; the orientation is that of the source."""
    source = tmp_path / "p1.nii"
    source.write_bytes(b"bytes")
    geometry = grid((3, 4, 5), (0.7, 0.8, 5), "LPS", origin=(1, 2, 3))
    volume = Volume(np.zeros((3, 4, 5), np.int16), geometry).canonical()
    case = Case("p1", "patient", None, (), ())
    header = Header((3, 4, 5), geometry.affine, 2, orientation_stated=False)
    stored = rows.Stored("images/x", volume.geometry, volume.voxel_sha256())
    row = rows.image_row(
        recipe(), case, ImageFile("p1.nii", 0), recipe().images[0], header=header, stored=stored, source=source
    )
    assert (row["image_id"], row["patient_id"], row["region"]) == ("tiny/p1", "patient", "abdomen")
    assert (row["source_orientation"], row["geometry"]) == ("LPS", "repaired:orientation_assumed")
    assert row["spacing_mm"] == pytest.approx([0.7, 0.8, 5])
    assert np.allclose(np.reshape(row["affine"], (4, 4)), geometry.canonical().affine)
    assert row["voxel_sha256"] == volume.voxel_sha256()


@pytest.mark.parametrize(("codes", "turn"), [("LPS", (0, 0, 0)), ("PSR", (0.2, -0.3, 0.1))])
def test_the_row_of_an_ellipsoid_is_its_closed_form(codes, turn):
    """Volume is 4/3 pi abc, the centroid is the centre in RAS+ mm, the box holds every voxel."""
    geometry = centred((60, 64, 50), (1.5, 1.25, 2), codes, turn)
    voxels = ellipsoid(geometry, (6, -9, 4), (20, 15, 25))
    row = rows.mask_row(IMAGE, mask("liver", voxels), geometry, path="labels/x", values=(3, 1))
    assert row["volume_mm3"] == pytest.approx(4 / 3 * np.pi * 20 * 15 * 25, rel=0.01)
    assert row["volume_mm3"] == pytest.approx(row["voxels"] * 1.5 * 1.25 * 2)
    assert row["centroid_mm"] == pytest.approx([6, -9, 4], abs=0.1)
    assert row["voxels"] == voxels[slices(tuple(row["bbox_ijk"]))].sum() == voxels.sum()
    sides = np.subtract(row["bbox_ijk"][3:], row["bbox_ijk"][:3])
    assert row["extent_mm"] == pytest.approx((sides * geometry.spacing).tolist())
    assert (row["mask_id"], row["kind"], row["side"]) == ("image_id#liver", "organ", None)
    assert (row["components"], row["touches_border"], row["label_values"]) == (1, False, [3, 1])


@pytest.mark.parametrize("values", [(1,), (2,), (1, 2)])
def test_a_mask_has_one_row_wherever_its_voxels_lie(values):
    """A mask that still lies in its label map has the row of its voxels alone: every number, to the last bit of mm."""
    geometry = centred((40, 32, 20), (1.5, 1.25, 2), "PSR", (0.2, -0.3, 0.1))
    labels = np.random.default_rng(3).choice([0, 1, 2], (40, 4, 5), p=[0.8, 0.1, 0.1]).repeat(8, axis=1)
    labels = labels.repeat(4, axis=2).astype(np.uint8)
    lazy = replace(mask("liver"), voxels=LabelMap(labels).mask(values))
    eager = mask("liver", np.isin(labels, values))
    first, second = (rows.mask_row(IMAGE, one, geometry, path="x", values=(1,)) for one in (lazy, eager))
    assert first.pop("centroid_mm") == pytest.approx(second.pop("centroid_mm"))
    assert first == second
    assert first["components"] > 1


def test_a_rater_is_part_of_the_mask_id():
    """Two raters' masks of one target are two rows."""
    row = rows.mask_row(IMAGE, mask("kidney_left", rater="r2"), grid((3, 3, 3)), path="x", values=(1,))
    assert (row["mask_id"], row["side"]) == ("image_id#kidney_left/r2", "left")


def test_pictures_have_voxels_but_no_millimetres():
    """On a pixel grid volume, extent and centroid do not exist."""
    picture = Geometry((5, 6, 1), np.eye(4), "pixel")
    row = rows.mask_row(IMAGE, mask("liver", np.ones((5, 6, 1), bool)), picture, path="x", values=(1,))
    assert (row["voxels"], row["volume_mm3"], row["extent_mm"], row["centroid_mm"]) == (30, None, None, None)


@pytest.mark.parametrize(
    ("shape", "low", "high", "touches"),
    [
        ((9, 9, 9), (1, 1, 1), (8, 8, 8), False),
        ((9, 9, 9), (0, 1, 1), (8, 8, 8), True),
        ((9, 9, 9), (1, 1, 1), (8, 8, 9), True),
        ((9, 9, 1), (1, 1, 0), (8, 8, 1), False),  # a slice has no border across it
        ((9, 9, 1), (1, 1, 0), (8, 9, 1), True),
        ((1, 9, 9), (0, 1, 1), (1, 8, 8), False),
    ],
)
def test_a_mask_touches_the_border_in_the_image_plane(shape, low, high, touches):
    """The edge of the image is the first and last voxel of every axis that has more than one."""
    voxels = np.zeros(shape, dtype=np.bool_)
    voxels[slices((*low, *high))] = True
    row = rows.mask_row(IMAGE, mask("liver", voxels), grid(shape), path="x", values=(1,))
    assert row["touches_border"] is touches


def test_what_was_looked_for_includes_what_was_not_there():
    """Present and absent targets are labelled; a target that was split stands as its two sides."""
    kidney = mask("kidney")
    absent = [Absent("spleen", None)]
    assert rows.labelled([kidney, mask("liver")], absent, []) == ["kidney", "liver", "spleen"]
    sides = ["kidney_left", "kidney_right"]
    assert rows.labelled([kidney, mask("liver")], absent, [split(kidney)]) == [*sides, "liver", "spleen"]


def test_a_target_that_one_rater_has_whole_stays_labelled():
    """When the mask of one rater is split and that of another is not, all three targets were looked for."""
    first, second = mask("kidney", rater="a"), mask("kidney", rater="b")
    assert rows.labelled([first, second], [], [split(first)]) == ["kidney", "kidney_left", "kidney_right"]


def test_label_values_are_the_same_in_every_case():
    """Targets are numbered in the recipe's order, raters apart, sides after all of them."""
    labels = [
        {"path": "{case}_a.nii", "values": {5: "kidney", 9: "liver"}, "rater": "a"},
        {"path": "{case}_b.nii", "target": "kidney", "rater": "b"},
    ]
    assert rows.label_values(recipe(labels=labels)) == {
        ("kidney", "a", None): 1,
        ("liver", "a", None): 2,
        ("kidney", "b", None): 3,
        ("kidney_left", "a", None): 4,
        ("kidney_right", "a", None): 5,
        ("kidney_left", "b", None): 6,
        ("kidney_right", "b", None): 7,
    }


def test_a_side_of_the_recipe_keeps_its_value():
    """A recipe that has a side of its own gives it one value, not a second one for the split."""
    labels = [{"path": "{case}_a.nii", "values": {1: "kidney_left", 2: "kidney"}}]
    values = rows.label_values(recipe(labels=labels))
    assert values == {("kidney_left", None, None): 1, ("kidney", None, None): 2, ("kidney_right", None, None): 3}
