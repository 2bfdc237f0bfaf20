"""nnU-Net: its integrity rules, its way to read label maps, and nothing that passes as background but is unknown."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from curate import manifest, readers
from curate.errors import UsageError
from curate.exporters import Selection, export
from curate.exporters.content import count_bands
from curate.geometry import Geometry
from curate.labelmap import extract
from curate.schema import PER_DATASET
from curate.volume import Volume, read, write


def problems(folder: Path) -> list[str]:
    """Return what breaks the rules of nnU-Net v2's documentation/dataset_format.md and its integrity check."""
    content = json.loads((folder / "dataset.json").read_text())
    found = [f"no {key}" for key in ("channel_names", "labels", "numTraining", "file_ending") if key not in content]
    labels, ending = content["labels"], content["file_ending"]
    values = sorted({one for value in labels.values() for one in (value if isinstance(value, list) else [value])})
    if labels["background"] != 0 or values != list(range(len(values))):
        found.append(f"labels are not consecutive from background = 0: {values}")
    if any(isinstance(value, list) for value in labels.values()):
        if len(content["regions_class_order"]) != len(labels) - 1:
            found.append("regions_class_order has not one entry for each region")
    elif "regions_class_order" in content:
        found.append("regions_class_order without regions")
    cases = sorted(path.name.removesuffix(ending) for path in (folder / "labelsTr").glob("*"))
    if len(cases) != content["numTraining"]:
        found.append(f"numTraining is {content['numTraining']}, there are {len(cases)}")
    images = {path.name.removesuffix(ending)[:-5] for path in (folder / "imagesTr").glob("*")}
    if images != set(cases):
        found.append(f"images of {sorted(images)}, labels of {cases}")
    for case in cases:
        found += _case_problems(folder, case, ending, len(content["channel_names"]), values)
    return found


def _case_problems(folder: Path, case: str, ending: str, channels: int, values: list[int]) -> list[str]:
    label = readers.read(folder / f"labelsTr/{case}{ending}")
    paths = sorted((folder / "imagesTr").glob(f"{case}_[0-9][0-9][0-9][0-9]{ending}"))
    numbers = [int(path.name.removesuffix(ending)[-4:]) for path in paths]
    images = [readers.read(path) for path in paths]
    bands = sum(image.voxels.shape[3] if image.is_colour else 1 for image in images)
    found = [] if bands == channels and numbers == list(range(len(paths))) else [f"{case}: {bands} channels"]
    found += [f"{case}: unexpected values" for _ in set(np.unique(label.voxels)) - set(values)]
    for image in images:
        if image.voxels.shape[:3] != label.voxels.shape or not np.allclose(
            image.geometry.affine, label.geometry.affine
        ):
            found.append(f"{case}: image and label lie on different grids")
        if not np.isfinite(image.voxels).all():
            found.append(f"{case}: not finite")
    return found


def stored_masks(store: Path, dataset: str) -> dict[tuple[str, str], np.ndarray]:
    """Return every mask of a dataset by case and target, from the store."""
    rows = manifest.read_table(store, "masks", [dataset]).to_pylist()
    return {
        (row["case_id"], row["target"]): extract(read(store / row["path"]).voxels, row["label_values"]).full()
        for row in rows
    }


def exported_masks(folder: Path) -> dict[tuple[str, str], np.ndarray]:
    """Return every mask that is not empty by case and target, as nnU-Net reads its label maps."""
    content = json.loads((folder / "dataset.json").read_text())
    masks = {}
    for path in sorted(folder.glob("labelsT[rs]/*")):
        labels = read(path).voxels
        for target, value in content["labels"].items():
            mask = np.isin(labels, value)
            if target != "background" and mask.any():
                masks[path.name.removesuffix(content["file_ending"]), target] = mask
    return masks


def assert_same(one: dict[tuple[str, str], np.ndarray], two: dict[tuple[str, str], np.ndarray]) -> None:
    """Compare masks by case and target, voxel by voxel."""
    assert one.keys() == two.keys()
    for key, mask in one.items():
        np.testing.assert_array_equal(mask, two[key], err_msg=str(key))


@pytest.mark.parametrize("dataset", ["phantom-nnunet", "phantom-nrrd", "phantom-png"])
def test_phantoms_keep_the_rules_and_their_masks(dataset, phantom_store, tmp_path):
    """Every dataset passes the integrity rules, and its label maps give back exactly the store's masks."""
    export(phantom_store, "nnunet", tmp_path / "raw")
    (folder,) = (tmp_path / "raw").glob(f"Dataset5??_{dataset}")
    assert problems(folder) == []
    assert_same(exported_masks(folder), stored_masks(phantom_store, dataset))


def test_ids_do_not_depend_on_the_selection(phantom_store, tmp_path):
    """A dataset keeps its number when others are left out."""
    export(phantom_store, "nnunet", tmp_path / "raw", Selection(datasets=("phantom-png",)))
    assert [path.name for path in (tmp_path / "raw").glob("Dataset*")] == ["Dataset503_phantom-png"]


def test_a_recipe_reads_the_export_back(phantom_store, tmp_path, build_store: Callable[..., Path]):
    """Built from its own nnU-Net export, a dataset has the same masks and the same images."""
    chosen = Selection(datasets=("phantom-nnunet",))
    export(phantom_store, "nnunet", tmp_path / "nnunet", chosen)
    (folder,) = (tmp_path / "nnunet").glob("Dataset*")
    content = json.loads((folder / "dataset.json").read_text())
    regions = {name: value for name, value in content["labels"].items() if isinstance(value, list)}
    values = {value: name for name, value in content["labels"].items() if name != "background" and name not in regions}
    body = f"""[[images]]
path = "images*/{{case}}_0000.nii.gz"
modality = "CT"
[[labels]]
path = "labels*/{{case}}.nii.gz"
values = {{ {", ".join(f"{value} = '{name}'" for value, name in values.items())} }}
composites = {{ {", ".join(f"{name} = {value}" for name, value in regions.items())} }}"""
    (tmp_path / "raw").mkdir()
    folder.rename(tmp_path / "raw/again")
    (tmp_path / "again").mkdir()
    again = build_store(tmp_path / "again", {"again": body}, tmp_path / "raw")
    assert_same(stored_masks(again, "again"), stored_masks(phantom_store, "phantom-nnunet"))
    hashes = [
        {row["case_id"]: row["voxel_sha256"] for row in manifest.read_table(store, "images", [name]).to_pylist()}
        for store, name in ((again, "again"), (phantom_store, "phantom-nnunet"))
    ]
    assert hashes[0] == hashes[1]


def test_regions_are_decoded_in_their_order(phantom_store, tmp_path):
    """Painting each region's value in the order of regions_class_order, as nnU-Net does, gives the label map again."""
    export(phantom_store, "nnunet", tmp_path / "raw", Selection(datasets=("phantom-nnunet",)))
    (folder,) = (tmp_path / "raw").glob("Dataset*")
    content = json.loads((folder / "dataset.json").read_text())
    assert content["labels"] == {"background": 0, "kidney": [1, 2], "kidney_tumor": 2, "liver": 3}
    regions = [value for name, value in content["labels"].items() if name != "background"]
    for path in folder.glob("labelsT?/*"):
        labels = read(path).voxels
        painted = np.zeros_like(labels)
        for region, value in zip(regions, content["regions_class_order"], strict=True):
            painted[np.isin(labels, region)] = value
        np.testing.assert_array_equal(painted, labels)


def test_test_patients_are_never_trained_on(phantom_store, tmp_path):
    """Cases of the split `test` stand in imagesTs; splits_final.json holds the others by the store's own split."""
    export(phantom_store, "nnunet", tmp_path / "raw")
    splits = {row["image_id"]: row["split"] for row in manifest.read_table(phantom_store, "splits").to_pylist()}
    assert {"train", "val", "test"} == set(splits.values())
    with_folds = 0
    for folder in (tmp_path / "raw").glob("Dataset*"):
        dataset = folder.name.partition("_")[2]
        for path in folder.glob("labelsT?/*"):
            split = splits[f"{dataset}/{path.name.partition('.')[0]}"]
            assert path.parent.name == ("labelsTs" if split == "test" else "labelsTr")
        if (folder / "splits_final.json").is_file():
            (fold,) = json.loads((folder / "splits_final.json").read_text())
            assert {splits[f"{dataset}/{case}"] for case in fold["train"]} == {"train"}
            assert {splits[f"{dataset}/{case}"] for case in fold["val"]} == {"val"}
            with_folds += 1
    assert with_folds


def test_a_dataset_that_is_all_held_out_is_noted(phantom_store, tmp_path):
    """An export without training cases says so in its report."""
    report = export(phantom_store, "nnunet", tmp_path / "raw", Selection(splits=("test",)))
    assert any("all of its cases are held out for testing" in note for note in report.notes)


def test_overlapping_targets_are_refused_by_name(organs_store, tmp_path):
    """Liver and stomach share voxels and neither holds the other, so no label map is written at all."""
    message = "`liver` and `stomach` overlap in organs/a, and neither holds the other: .* --targets '!liver'"
    with pytest.raises(UsageError, match=message):
        export(organs_store, "nnunet", tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_without_one_of_the_pair_all_is_well(organs_store, tmp_path):
    """Masks of two layers of the store are merged into one label map, nested across layers."""
    chosen = Selection(targets=("liver*", "spleen"))
    report = export(organs_store, "nnunet", tmp_path / "raw", chosen)
    folder = tmp_path / "raw/Dataset501_organs"
    assert problems(folder) == []
    expected = {key: mask for key, mask in stored_masks(organs_store, "organs").items() if key[1] != "stomach"}
    assert_same(exported_masks(folder), expected)
    assert (report.cases, report.masks, report.left_out) == (3, 8, {})
    paths = {row["path"] for row in manifest.read_table(organs_store, "masks").to_pylist() if row["case_id"] == "a"}
    assert len(paths) == 2


def test_not_labelled_is_not_background(organs_store, tmp_path, rows_of):
    """A case in which nobody looked for a chosen target is left out with a row; an empty mask is a true negative."""
    report = export(organs_store, "nnunet", tmp_path / "raw", Selection(targets=("stomach", "spleen", "liver_tumor")))
    (row,) = rows_of(tmp_path / "raw/export_rejections.csv")
    assert (row["case_id"], row["code"], row["effect"]) == ("b", "not_labelled", "left_out")
    assert row["detail"] == "not labelled for stomach; choose others with --targets"
    cases = {case for case, _ in exported_masks(tmp_path / "raw/Dataset501_organs")}
    assert cases == {"a", "c"}
    assert report.cases == 2


def test_a_mask_that_the_build_left_out_is_not_background(organs_store, tmp_path, rows_of):
    """Where a rule dropped the only mask of a target, the case cannot be trained on for that target."""
    store = shutil.copytree(organs_store, tmp_path / "store")
    masks = manifest.read_table(store, "masks", ["organs"]).to_pylist()
    rejections = manifest.read_table(store, "rejections", ["organs"]).to_pylist()
    (dropped,) = [row for row in masks if row["mask_id"] == "organs/a#spleen"]
    masks.remove(dropped)
    rejections.append(
        rejections[0] | {"image_id": "organs/a", "case_id": "a", "target": "spleen", "code": "below_min_volume"}
    )
    for name, rows in (("masks", masks), ("rejections", rejections)):
        manifest.write_table(store / manifest.table_path(name, "organs"), PER_DATASET[name], rows)
    report = export(store, "nnunet", tmp_path / "raw", Selection(targets=("liver", "spleen")))
    (row,) = rows_of(tmp_path / "raw/export_rejections.csv")
    assert (row["case_id"], row["code"]) == ("a", "mask_left_out")
    assert report.cases == 2


def test_channels_are_numbered_alike_in_every_case(glioma_store, tmp_path, rows_of):
    """Four sequences become _0000 to _0003 in one order; the case that lacks one is left out with a row."""
    report = export(glioma_store, "nnunet", tmp_path / "raw")
    folder = tmp_path / "raw/Dataset501_glioma"
    content = json.loads((folder / "dataset.json").read_text())
    assert problems(folder) == []
    assert content["channel_names"] == {"0": "FLAIR", "1": "T1", "2": "T1c", "3": "T2"}
    images = {row["image_id"]: row["path"] for row in manifest.read_table(glioma_store, "images").to_pylist()}
    for number, channel in enumerate(("flair", "t1", "t1ce", "t2")):
        exported = folder / f"imagesTr/p0_{number:04}.nii.gz"
        assert exported.samefile(glioma_store / images[f"glioma/p0/{channel}"])
    (row,) = rows_of(tmp_path / "raw/export_rejections.csv")
    assert (row["case_id"], row["code"]) == ("p2", "other_channels")
    assert "most cases have flair/MR/FLAIR x1" in row["detail"]
    assert (report.cases, report.images, report.masks) == (2, 8, 32)


def test_one_sequence_can_be_chosen(glioma_store, tmp_path):
    """With --modalities MR/FLAIR every case has the one channel that is asked for."""
    report = export(glioma_store, "nnunet", tmp_path / "raw", Selection(modalities=("MR/FLAIR",)))
    folder = tmp_path / "raw/Dataset501_glioma"
    assert problems(folder) == []
    assert sorted(path.name for path in (folder / "imagesTr").iterdir()) == [f"p{n}_0000.nii.gz" for n in range(3)]
    assert report.cases == 3


def test_the_whole_tumour_is_the_union_of_its_parts(glioma_store, tmp_path):
    """A composite that has no voxel of its own still is a region, and values stay consecutive."""
    export(glioma_store, "nnunet", tmp_path / "raw")
    labels = json.loads((tmp_path / "raw/Dataset501_glioma/dataset.json").read_text())["labels"]
    assert labels["brain_tumor"] == [1, 2, 3, 4]
    assert_same(
        exported_masks(tmp_path / "raw/Dataset501_glioma"),
        {key: mask for key, mask in stored_masks(glioma_store, "glioma").items() if key[0] != "p2"},
    )


def test_colour_pictures_have_three_channels_in_one_file(colour_store, tmp_path):
    """nnU-Net reads red, green and blue from one PNG, so dataset.json names three channels; labels are PNG too."""
    export(colour_store, "nnunet", tmp_path / "raw")
    folder = tmp_path / "raw/Dataset501_skin"
    content = json.loads((folder / "dataset.json").read_text())
    assert problems(folder) == []
    assert content["channel_names"] == {"0": "R", "1": "G", "2": "B"}
    assert content["file_ending"] == ".png"
    assert_same(exported_masks(folder), stored_masks(colour_store, "skin"))


@pytest.mark.parametrize(("dtype", "suffix"), [(np.uint8, ".png"), (np.uint16, ".nii.gz")])
@pytest.mark.parametrize("bands", [1, 3])
def test_bands_are_counted_in_both_formats(dtype, suffix, bands, tmp_path):
    """Colour is seen in the header of a PNG and of the NIfTI that holds what PNG cannot."""
    voxels = np.zeros((6, 5, 1, 3) if bands == 3 else (6, 5, 1), dtype=dtype)
    write(Volume(voxels, Geometry((6, 5, 1), np.eye(4), unit="pixel")), tmp_path / f"picture{suffix}")
    assert count_bands(tmp_path, f"picture{suffix}") == bands


def test_ct_is_named_so_that_its_intensities_are_kept(phantom_store, tmp_path):
    """nnU-Net normalises by the dataset's intensities exactly where a channel is called CT."""
    export(phantom_store, "nnunet", tmp_path / "raw", Selection(datasets=("phantom-nrrd",)))
    content = json.loads((tmp_path / "raw/Dataset502_phantom-nrrd/dataset.json").read_text())
    assert content["channel_names"] == {"0": "CT"}
    assert (content["licence"], content["reference"]) == ("CC-BY-4.0", "Doe 2026, phantom-nrrd")


def test_two_raters_need_a_choice(phantom_store, tmp_path, rows_of):
    """With two masks of one target a case is left out, and the row says how to choose one of them."""
    store = shutil.copytree(phantom_store, tmp_path / "store")
    rows = manifest.read_table(store, "masks", ["phantom-png"]).to_pylist()
    first = rows[0]
    rows[0] = first | {"mask_id": f"{first['mask_id']}/anna"}
    rows.append(first | {"mask_id": f"{first['mask_id']}/ben"})
    manifest.write_table(store / manifest.table_path("masks", "phantom-png"), PER_DATASET["masks"], rows)
    chosen = Selection(datasets=("phantom-png",))
    report = export(store, "nnunet", tmp_path / "both", chosen)
    (row,) = rows_of(tmp_path / "both/export_rejections.csv")
    assert (row["code"], row["case_id"]) == ("several_masks", first["case_id"])
    assert "choose one with --targets lung/anna" in row["detail"]
    assert report.left_out == {"several_masks": 1}
    report = export(store, "nnunet", tmp_path / "one", Selection(("phantom-png",), ("lung/anna",)))
    assert report.masks == 1
