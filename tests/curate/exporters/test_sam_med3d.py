"""SAM-Med3D: the tree that its loader walks, one binary file per mask, and one image however many masks it has."""

from pathlib import Path

import numpy as np
import pytest

from curate import manifest
from curate.errors import UsageError
from curate.exporters import Selection, export
from curate.geometry import Geometry
from curate.labelmap import extract
from curate.volume import Volume, read, write


def loader_pairs(root: Path, kinds: tuple[str, ...]) -> list[tuple[Path, Path]]:
    """Return image and label paths as SAM-Med3D's loader finds them below `<root>/*/*`."""
    pairs = []
    for folder in sorted(root.glob("*/*")):
        for kind in kinds:
            for label in sorted((folder / f"labels{kind}").glob("*")):
                base = label.name.split(".nii.gz", maxsplit=1)[0]
                path = str(folder / f"labels{kind}" / f"{base}.nii.gz")
                pairs.append((Path(path.replace("labels", "images")), Path(path)))
    return pairs


def test_the_loader_finds_each_mask_once(phantom_store, tmp_path):
    """Train, val and test folders hold the masks of their split, with the store's voxels, each next to its image."""
    report = export(phantom_store, "sam-med3d", tmp_path / "out")
    splits = {row["image_id"]: row["split"] for row in manifest.read_table(phantom_store, "splits").to_pylist()}
    images = {row["image_id"]: row["path"] for row in manifest.read_table(phantom_store, "images").to_pylist()}
    rows = [row for row in manifest.read_table(phantom_store, "masks").to_pylist() if row["modality"] == "CT"]
    found = {}
    for split, kind in (("train", "Tr"), ("val", "Val"), ("test", "Ts")):
        for image, label in loader_pairs(tmp_path / "out", (kind,)):
            target, dataset = label.parts[-4], label.parts[-3].removeprefix("ct_")
            key = f"{dataset}/{label.name.removesuffix('.nii.gz')}#{target}"
            assert splits[key.partition("#")[0]] == split
            assert image.samefile(phantom_store / images[key.partition("#")[0]])
            found[key] = read(label)
    assert found.keys() == {row["mask_id"] for row in rows}
    assert report.masks == len(rows)
    for row in rows:
        expected = extract(read(phantom_store / row["path"]).voxels, row["label_values"]).full()
        np.testing.assert_array_equal(found[row["mask_id"]].voxels, expected.astype(np.uint8))
        image = read(phantom_store / images[row["image_id"]])
        assert found[row["mask_id"]].geometry.same_grid(image.geometry)


def test_an_image_is_linked_not_copied(phantom_store, tmp_path):
    """Three targets of one CT are three names of one file."""
    export(phantom_store, "sam-med3d", tmp_path / "out", Selection(datasets=("phantom-nnunet",)))
    names = list((tmp_path / "out").glob("*/ct_phantom-nnunet/images*/body_000.nii.gz"))
    assert len(names) == 3
    assert len({path.stat().st_ino for path in names}) == 1


def test_only_ct_is_clamped(glioma_store, phantom_store, tmp_path):
    """The loader clamps where a path has `/ct_` in it: in every CT path, and in no MR path."""
    export(phantom_store, "sam-med3d", tmp_path / "out")
    export(glioma_store, "sam-med3d", tmp_path / "mr")
    assert all("/ct_" in str(image) for image, _ in loader_pairs(tmp_path / "out", ("Tr", "Val", "Ts")))
    pairs = loader_pairs(tmp_path / "mr", ("Tr",))
    assert not any("/ct_" in str(image) for image, _ in pairs)
    folders = {label.parts[-3] for _, label in pairs}
    assert folders == {"mr_flair_glioma", "mr_t1_glioma", "mr_t1c_glioma", "mr_t2_glioma"}


def test_an_mr_case_called_ct_is_not_clamped(tmp_path, build_store):
    """A name of a case must not trigger the clamp, nor the replacement of `labels` by `images`."""
    grid = Geometry((20, 20, 20), np.diag([1.5, 1.5, 1.5, 1.0]))
    mask = np.zeros((20, 20, 20), dtype=np.uint8)
    mask[5:15, 5:15, 5:15] = 1
    write(Volume(np.ones((20, 20, 20), dtype=np.int16), grid), tmp_path / "raw/brains/images/ct_labels1.nii.gz")
    write(Volume(mask, grid), tmp_path / "raw/brains/seg/ct_labels1.nii.gz")
    body = """[[images]]
path = "images/{case}.nii.gz"
modality = "MR"
[[labels]]
path = "seg/{case}.nii.gz"
target = "brain" """
    report = export(build_store(tmp_path, {"brains": body}), "sam-med3d", tmp_path / "out")
    ((image, label),) = loader_pairs(tmp_path / "out", ("Tr",))
    assert "/ct_" not in str(image)
    assert image.is_file()
    assert np.count_nonzero(read(label).voxels) == 1000
    assert report.notes == ()


@pytest.mark.parametrize("name", ["ct_data/out", "my_labels"])
def test_a_folder_that_misleads_the_loader_is_refused(name, phantom_store, tmp_path):
    """A root with `/ct_` would clamp everything, one with `labels` would hide every image."""
    with pytest.raises(UsageError, match="misleads SAM-Med3D's loader; give another --out"):
        export(phantom_store, "sam-med3d", tmp_path / name)


def test_pictures_are_left_out_with_a_row(phantom_store, tmp_path, rows_of):
    """A 2D image has no place in a volume trainer, and the account says so."""
    report = export(phantom_store, "sam-med3d", tmp_path / "out")
    rows = rows_of(tmp_path / "out/export_rejections.csv")
    assert {row["code"] for row in rows} == {"needs_volume"}
    assert report.left_out == {"needs_volume": 3}
    assert {row["dataset"] for row in rows} == {"phantom-png"}


def test_another_spacing_is_noted(phantom_store, organs_store, tmp_path):
    """Images that are not at 1.5 mm are exported with a note, because the loader does not resample."""
    report = export(phantom_store, "sam-med3d", tmp_path / "out")
    (note,) = report.notes
    assert note.startswith("7 images are not at 1.5 mm, at which SAM-Med3D is trained")
    assert note.endswith("build with --profile sa-med3d")
    assert export(organs_store, "sam-med3d", tmp_path / "organs").notes == ()


def test_overlapping_masks_stay_whole(organs_store, tmp_path):
    """Binary files need no label map: liver and stomach keep the voxels that they share."""
    export(organs_store, "sam-med3d", tmp_path / "out")
    liver, stomach = (
        read(tmp_path / f"out/{target}/mr_t2_organs/labelsTr/a.nii.gz") for target in ("liver", "stomach")
    )
    assert np.count_nonzero(liver.voxels & stomach.voxels) == 5 * 13 * 13


def test_channels_share_one_label_file(glioma_store, tmp_path):
    """The mask of four sequences on one grid is written once and linked three times."""
    export(glioma_store, "sam-med3d", tmp_path / "out")
    labels = [label for _, label in loader_pairs(tmp_path / "out/", ("Tr",)) if label.parts[-4] == "brain_tumor"]
    assert len(labels) == 11
    assert len({label.stat().st_ino for label in labels}) == 3
