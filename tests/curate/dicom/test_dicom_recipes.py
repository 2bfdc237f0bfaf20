"""DICOM through a recipe: a folder is an image, a structure set names its masks."""

import numpy as np
import pytest
from PIL import Image

from curate import manifest, pipeline, profile, recipe, volume
from curate.executor import Where
from curate.labelmap import extract
from curate.pipeline import Source

RECIPE = """
schema = 1
[dataset]
id = "tiny-dicom"
title = "Tiny DICOM"
licence = "CC0-1.0"
licence_evidence = "made by a test"
citation = "none"
source = "a test"
annotation = "phantom"
region = "abdomen"
[[images]]
path = "{case}/ct/"
modality = "CT"
[[labels]]
path = "structures.dcm"
case = "p1"
rois = { "(?i)^liver" = "liver", "^spleen$" = "spleen" }
"""


@pytest.fixture
def scene(made, lay, tmp_path):
    """Write a series of five slices and a structure set with a liver in two parts and a name that nobody maps."""
    grid = lay()
    made.classic(grid, names=[f"p1/ct/{k}" for k in (3, 1, 4, 0, 2)])

    def square(k, i0, i1):
        return grid.to_world([(i0, 1.5, k), (i1, 1.5, k), (i1, 3.5, k), (i0, 3.5, k)])

    made.structures(
        {"Liver left": [square(1, 0.5, 2.5)], "LIVER right": [square(2, 3.5, 5.5)], "Doe^Jane": [square(3, 0.5, 2.5)]}
    )
    (tmp_path / "tiny-dicom.toml").write_text(RECIPE, encoding="utf-8")
    return made, grid, tmp_path


def build(folder, text=RECIPE):
    """Build the tree below a folder and return the rows of every table, and the report."""
    (folder / "tiny-dicom.toml").write_text(text, encoding="utf-8")
    source = Source(recipe.load(str(folder / "tiny-dicom.toml")), folder / "dicom")
    report = pipeline.build([source], folder / "store", profile.load("native"), Where(1))[0]
    names = ("images", "masks", "rejections", "splits")
    return {name: manifest.read_table(folder / "store", name).to_pylist() for name in names}, report


def test_structures_of_one_target_are_united(scene):
    """Two regions that one pattern takes are one mask of four voxels, on the canonical grid."""
    _, grid, folder = scene
    tables, _ = build(folder)
    (mask,) = tables["masks"]
    assert (mask["target"], mask["voxels"], mask["source_label"]) == ("liver", 8, "(?i)^liver")
    canonical = grid.canonical()
    low, high = canonical.to_voxel(grid.to_world([(1, 2, 1), (5, 3, 2)]))
    box = np.array(mask["bbox_ijk"])
    assert np.minimum(low, high) == pytest.approx(box[:3], abs=1e-6)
    assert np.maximum(low, high) + 1 == pytest.approx(box[3:], abs=1e-6)


def test_an_absent_region_is_a_true_negative_and_a_foreign_one_a_row_without_its_name(scene):
    """A pattern that takes nothing is `empty_mask`; a region that no pattern takes is named by its number alone."""
    _, _, folder = scene
    tables, _ = build(folder)
    found = {row["code"]: row for row in tables["rejections"]}
    assert found["empty_mask"]["target"] == "spleen"
    assert "no pattern of the recipe takes structure number 3" in found["unknown_label_name"]["detail"]
    assert tables["images"][0]["labelled_targets"] == ["liver", "spleen"]


def test_no_header_text_enters_a_table(scene):
    """Names, dates and free text of the headers stand nowhere in the store."""
    _, _, folder = scene
    build(folder)
    content = b"".join(path.read_bytes() for path in (folder / "store").rglob("*") if path.is_file())
    tables = str(build(folder)[0])
    for secret in ("Doe", "MRN-77", "19700101", "20200101", "Thorax secret"):
        assert secret not in tables
        assert secret.encode() not in content


def test_a_missing_slice_is_a_row(scene):
    """A series with a gap is rejected with what was found, and its structure set with it."""
    made, _, folder = scene
    (made.folder / "p1/ct/1").unlink()
    tables, _ = build(folder)
    assert sorted(row["code"] for row in tables["rejections"]) == ["bad_geometry", "image_rejected"]


def test_two_series_need_a_choice(scene):
    """A folder of two series is ambiguous until the recipe says which one is meant."""
    made, grid, folder = scene
    made.classic(grid, names=[f"p1/ct/other{k}" for k in range(5)], SeriesInstanceUID="9.9", SeriesDescription="scout")
    tables, _ = build(folder)
    assert "2 of 2 series fit" in next(r["detail"] for r in tables["rejections"] if r["code"] == "ambiguous_file")
    chosen = RECIPE.replace('modality = "CT"', 'modality = "CT"\nseries = { description = "^Thorax" }')
    tables, _ = build(folder, chosen)
    assert [row["source_path"] for row in tables["images"]] == ["p1/ct/"]


def test_a_changed_slice_is_built_again(scene):
    """A folder is unchanged only while all its files are."""
    made, grid, folder = scene
    first, _ = build(folder)
    again, report = build(folder)
    assert (report.reused, again) == (1, first)
    made.classic(grid, voxels=np.full(grid.shape_ijk, 7, dtype=np.int16), names=[f"p1/ct/{k}" for k in (3, 1, 4, 0, 2)])
    changed, report = build(folder)
    assert report.reused == 0
    assert changed["images"][0]["voxel_sha256"] != first["images"][0]["voxel_sha256"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('path = "structures/"', "`segments` and `rois` go with single files, not with a path that ends in /"),
        ('path = "{case}/ct.nii.gz"\nseries = { modality = "CT" }', "`series` goes with a path that ends in /"),
        ('path = "{case}/ct/"\nseries = { descripton = "x" }', "did you mean `description`"),
    ],
)
def test_wrong_recipes_are_one_line(tmp_path, wrong, message):
    """What goes only with folders is refused elsewhere."""
    original = 'path = "structures.dcm"' if "structures" in wrong else 'path = "{case}/ct/"'
    (tmp_path / "tiny-dicom.toml").write_text(RECIPE.replace(original, wrong), encoding="utf-8")
    with pytest.raises(recipe.ConfigError, match=message) as error:
        recipe.load(str(tmp_path / "tiny-dicom.toml"))
    assert "\n" not in str(error.value)


def test_pictures_follow_the_names_of_the_slices(made, lay, tmp_path):
    """`slice_order = "image_files"`: picture n lies on the slice of the n-th file, in whatever direction names run."""
    grid = lay(shape=(6, 5, 4), spacing=(1, 1, 2))
    made.classic(grid, names=[f"p1/ct/{9 - k}.dcm" for k in range(4)])
    (tmp_path / "dicom/p1/ground").mkdir()
    for n in range(4):
        rows = np.zeros((5, 6), np.uint8)
        rows[1, n] = 255
        Image.fromarray(rows).save(tmp_path / f"dicom/p1/ground/liver_{n}.png")
    labels = 'path = "{case}/ground/"\ntarget = "liver"\non_grid_mismatch = "image"\nslice_order = "image_files"'
    tables, _ = build(tmp_path, RECIPE.partition("[[labels]]")[0] + f"[[labels]]\n{labels}\n")
    (mask,) = tables["masks"]
    store = tmp_path / "store"
    found = extract(volume.read(store / mask["path"]).voxels, mask["label_values"]).full()
    canonical = volume.Volume(np.arange(6 * 5 * 4).reshape(6, 5, 4), grid).canonical().voxels
    assert {int(value) for value in canonical[found]} == {(n * 5 + 1) * 4 + 3 - n for n in range(4)}
