"""SA-Med2D: its file grammar, its JSON files, and its slicing rules held against a plain re-implementation."""

import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import measure

from curate import manifest
from curate.exporters import Selection, export
from curate.exporters.sa_med2d import token
from curate.exporters.slices import LEAST_SHARE, sound_axes
from curate.labelmap import extract
from curate.volume import read

IMAGE = re.compile(
    r"(?P<token>[a-z0-9]+_[a-z0-9]+)--(?P<dataset>[^/]+?)--(?P<case>[^/]+?)--(?P<slice>[xyz]_\d{4}|2d_none)"
)
MASK = re.compile(IMAGE.pattern + r"--(?P<number>\d{4})_(?P<region>\d{3})")


def pixels(path: Path) -> np.ndarray:
    """Return a picture as (column, row[, channel])."""
    with Image.open(path) as picture:
        return np.swapaxes(np.asarray(picture), 0, 1)


def exported(out: Path) -> dict[str, list[str]]:
    """Return SAMed2D_v1.json."""
    return json.loads((out / "SAMed2D_v1.json").read_text())


@pytest.fixture(scope="module")
def out(phantom_store, tmp_path_factory) -> Path:
    """Return an export of all phantoms."""
    folder = tmp_path_factory.mktemp("sa-med2d") / "out"
    export(phantom_store, "sa-med2d", folder)
    return folder


def test_names_follow_the_grammar(out):
    """Split at `--`, an image has four fields and a mask five, the first four being its image's."""
    for image, masks in exported(out).items():
        stem = image.removeprefix("images/").removesuffix(".png")
        assert IMAGE.fullmatch(stem)
        assert len(stem.split("--")) == 4
        for mask in masks:
            fields = mask.removeprefix("masks/").removesuffix(".png").split("--")
            assert "--".join(fields[:4]) == stem
            assert MASK.fullmatch("--".join(fields))


def test_the_json_file_names_every_file_once(out, phantom_store):
    """SAMed2D_v1.json and the folders hold the same files, and no image without a mask."""
    content = exported(out)
    masks = [mask for found in content.values() for mask in found]
    on_disk = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert on_disk == {*content, *masks}
    assert len(masks) == len(set(masks))
    assert all(content.values())
    assert export(phantom_store, "sa-med2d", out).files == len(on_disk)


def test_the_loaders_of_sam_med2d_find_the_splits(out, phantom_store):
    """image2label_train.json and label2image_test.json hold their split alone, and all of it."""
    splits = {row["image_id"]: row["split"] for row in manifest.read_table(phantom_store, "splits").to_pylist()}
    train = json.loads((out / "image2label_train.json").read_text())
    held_out = {split: json.loads((out / f"label2image_{split}.json").read_text()) for split in ("val", "test")}
    by_split = defaultdict(dict)
    for image, masks in exported(out).items():
        fields = IMAGE.fullmatch(image.removeprefix("images/").removesuffix(".png"))
        by_split[splits[f"{fields['dataset']}/{fields['case']}"]][image] = masks
    assert train == by_split["train"]
    for split, found in held_out.items():
        assert found == {mask: image for image, masks in by_split[split].items() for mask in masks}


@pytest.mark.parametrize("dataset", ["phantom-nnunet", "phantom-png"])
def test_masks_are_the_large_regions_of_every_slice(dataset, out, phantom_store):
    """Cutting each mask along all axes and labelling it with scikit-image gives exactly the mask files."""
    classes = json.loads((out / "SAMed2D_v1_class_mapping_id.json").read_text())[dataset]
    found = defaultdict(list)
    for path in sorted((out / "masks").glob(f"*--{dataset}--*")):
        fields = MASK.fullmatch(path.name.removesuffix(".png"))
        found[fields["case"], int(fields["number"]), fields["slice"]].append(pixels(path))
    expected = defaultdict(list)
    for row in manifest.read_table(phantom_store, "masks", [dataset]).to_pylist():
        mask = extract(read(phantom_store / row["path"]).voxels, row["label_values"]).full()
        for axis in range(3) if mask.shape[2] > 1 else [2]:
            for index, plane in enumerate(np.moveaxis(mask, axis, 0)):
                labels = measure.label(plane, connectivity=2)
                for region in (labels == number for number in range(1, labels.max() + 1)):
                    if region.sum() / region.size >= 100 / (256 * 256):
                        name = f"{'xyz'[axis]}_{index:04}" if mask.shape[2] > 1 else "2d_none"
                        expected[row["case_id"], classes[row["target"]], name].append(np.uint8(255) * region)
    assert found.keys() == expected.keys()
    for key, masks in expected.items():
        assert sorted(one.tobytes() for one in masks) == sorted(one.tobytes() for one in found[key])
        assert all(one.dtype == np.uint8 for one in found[key])


def test_images_are_volumes_scaled_from_minimum_to_maximum(phantom_store, tmp_path):
    """A slice's grey values are those of the volume, stretched to 0 to 255 and cut off, in three equal channels."""
    out = tmp_path / "out"
    export(phantom_store, "sa-med2d", out, Selection(datasets=("phantom-nnunet",), targets=("kidney_tumor",)))
    for image in exported(out):
        fields = IMAGE.fullmatch(image.removeprefix("images/").removesuffix(".png"))
        voxels = read(phantom_store / f"images/phantom-nnunet/{fields['case']}.nii.gz").voxels.astype(float)
        scaled = np.floor((voxels - voxels.min()) / (voxels.max() - voxels.min()) * 255)
        plane = np.take(scaled, int(fields["slice"][2:]), axis="xyz".index(fields["slice"][0]))
        found = pixels(out / image)
        assert found.shape == (*plane.shape, 3)
        assert np.abs(found - plane[..., np.newaxis]).max() <= 1
        assert np.mean(found[..., 0] == plane) > 0.99


def test_eight_neighbours_make_one_region(colour_store, tmp_path, rows_of):
    """Two squares that touch at a corner are one region; one of two pixels in 3072 is too small and accounted for."""
    out = tmp_path / "out"
    export(colour_store, "sa-med2d", out)
    masks = exported(out)["images/dermoscopy_00--skin--s0--2d_none.png"]
    assert sorted(int((pixels(out / mask) > 0).sum()) for mask in masks) == [100, 125]
    row = rows_of(out / "export_rejections.csv")[0]
    assert (row["code"], row["effect"]) == ("small_regions", "changed")
    assert row["detail"] == "1 of 3 regions are below 0.153 % of their slices"


def test_pictures_keep_their_colours(colour_store, tmp_path):
    """An 8-bit colour picture is exported with the pixels that it has."""
    export(colour_store, "sa-med2d", tmp_path / "out")
    found = pixels(tmp_path / "out/images/dermoscopy_00--skin--s1--2d_none.png")
    np.testing.assert_array_equal(found, read(colour_store / "images/skin/s1.png").voxels[:, :, 0])


def test_class_numbers_do_not_depend_on_the_selection(phantom_store, tmp_path):
    """A class of a dataset has one number, counted from 0, in every export of the store."""
    export(phantom_store, "sa-med2d", tmp_path / "all", Selection(datasets=("phantom-nrrd",)))
    export(phantom_store, "sa-med2d", tmp_path / "part", Selection(datasets=("phantom-nrrd",), targets=("spleen",)))
    whole, part = (
        json.loads((tmp_path / name / "SAMed2D_v1_class_mapping_id.json").read_text()) for name in ("all", "part")
    )
    assert whole == {"phantom-nrrd": {"kidney_left": 0, "kidney_right": 1, "liver": 2, "spleen": 3}}
    assert part == {"phantom-nrrd": {"spleen": 3}}


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((40, 40, 40), [0, 1, 2]),
        ((40, 40, 20), [0, 1, 2]),
        ((40, 40, 19), [2]),
        ((60, 40, 25), [0, 2]),
        ((9, 4, 1), [2]),
    ],
)
def test_slices_are_not_twice_as_long_as_wide(shape, axes):
    """An axis is left out where its slices' shorter side is less than half of the longer; pictures always stay."""
    assert sound_axes(shape) == axes


def test_elongated_axes_are_accounted_for(tmp_path, build_store, rows_of):
    """A flat volume is cut along one axis, a mask too small for its slices is lost, and both are told."""
    from curate.geometry import Geometry
    from curate.volume import Volume, write

    grid = Geometry((60, 60, 8), np.diag([1.0, 1.0, 5.0, 1.0]))
    labels = np.zeros(grid.shape_ijk, dtype=np.uint8)
    labels[10:40, 10:40, 2:6], labels[50:52, 50:52, 3] = 1, 2
    write(Volume(np.arange(labels.size, dtype=np.int32).reshape(labels.shape), grid), tmp_path / "raw/flat/i/a.nii.gz")
    write(Volume(labels, grid), tmp_path / "raw/flat/l/a.nii.gz")
    body = """[[images]]
path = "i/{case}.nii.gz"
modality = "MR"
sequence = "T1c"
[[labels]]
path = "l/{case}.nii.gz"
values = { 1 = "liver", 2 = "liver_tumor" }"""
    report = export(build_store(tmp_path, {"flat": body}), "sa-med2d", tmp_path / "out")
    assert set(exported(tmp_path / "out")) == {f"images/mr_t1c--flat--a--z_000{n}.png" for n in range(2, 6)}
    rows = {row["code"]: row for row in rows_of(tmp_path / "out/export_rejections.csv")}
    assert rows["elongated_slices"]["detail"] == "no slices along x, y of a volume of (60, 60, 8)"
    assert rows["no_slice"]["target"] == "liver_tumor"
    assert (report.masks, report.left_out) == (1, {"no_slice": 1})
    assert LEAST_SHARE > 4 / 3600


def test_tokens_are_those_of_the_release():
    """Modalities and sequences become the release's first fields; others fall back to `<modality>_00`."""
    words = {("CT", None): "ct_00", ("CT", "CTA"): "ct_00", ("CT", "Tmax"): "ct_tmax", ("MR", "T1c"): "mr_t1c"}
    words |= {("MR", "cine"): "mr_cmr", ("MR", "DWI-highb"): "mr_hbv", ("MR", "T2-FS"): "mr_00", ("XR", None): "x_ray"}
    words |= {("US", None): "ultrasound_00", ("fundus", None): "fundus_photography", ("PET", "FDG"): "pet_00"}
    assert {key: token(*key) for key in words} == words
