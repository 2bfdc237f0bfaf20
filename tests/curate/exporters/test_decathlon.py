"""Data lists, read by MONAI itself."""

import json

import numpy as np
import pytest

from curate import manifest
from curate.exporters import Selection, export
from curate.labelmap import extract
from curate.volume import read

LISTS = {"train": "training", "val": "validation", "test": "test"}


def monai_list(path, key: str) -> list[dict]:
    """Return one list of a dataset.json as MONAI reads it."""
    from monai.data import load_decathlon_datalist

    return load_decathlon_datalist(path, is_segmentation=True, data_list_key=key)


def test_monai_finds_every_file_of_every_split(phantom_store, tmp_path):
    """Each list holds the cases of its split, once, with files that exist."""
    from monai.data.decathlon_datalist import check_missing_files

    export(phantom_store, "decathlon", tmp_path / "out")
    splits = manifest.read_table(phantom_store, "splits").to_pylist()
    for folder in (path for path in (tmp_path / "out").iterdir() if path.is_dir()):
        content = json.loads((folder / "dataset.json").read_text())
        for split, key in LISTS.items():
            expected = sorted(
                row["image_id"].partition("/")[2]
                for row in splits
                if row["dataset"] == folder.name and row["split"] == split
            )
            if not expected:
                assert content.get(key, []) == []
                continue
            items = monai_list(folder / "dataset.json", key)
            assert check_missing_files(items, ["image", "label"]) == []
            assert sorted(item["label"].rpartition("/")[2].partition(".")[0] for item in items) == expected


@pytest.mark.parametrize("dataset", ["phantom-nnunet", "phantom-png"])
def test_monai_loads_the_masks_of_the_store(dataset, phantom_store, tmp_path):
    """What MONAI loads through the list, by the regions of dataset.json, is each mask of the store."""
    from monai.transforms import LoadImage

    export(phantom_store, "decathlon", tmp_path / "out", Selection(datasets=(dataset,)))
    path = tmp_path / "out" / dataset / "dataset.json"
    content = json.loads(path.read_text())
    regions = content.get("regions") or {name: [int(value)] for value, name in content["labels"].items()}
    items = [item for key in LISTS.values() if content.get(key) for item in monai_list(path, key)]
    labels = {item["label"].rpartition("/")[2].partition(".")[0]: item for item in items}
    load = LoadImage(image_only=True)
    rows = manifest.read_table(phantom_store, "masks", [dataset]).to_pylist()
    for row in rows:
        item = labels[row["case_id"]]
        found, image = np.asarray(load(item["label"])), np.asarray(load(item["image"]))
        expected = extract(read(phantom_store / row["path"]).voxels, row["label_values"]).full()
        assert found.shape == image.shape
        np.testing.assert_array_equal(np.isin(found, regions[row["target"]]).reshape(expected.shape), expected)
    assert len(rows) == sum(len(np.unique(np.asarray(load(item["label"])))) - 1 for item in items)


def test_channels_are_a_list_of_files(glioma_store, tmp_path):
    """MONAI stacks the listed sequences into one array with the channel first."""
    from monai.transforms import LoadImage

    export(glioma_store, "decathlon", tmp_path / "out")
    path = tmp_path / "out/glioma/dataset.json"
    content = json.loads(path.read_text())
    assert content["modality"] == {"0": "FLAIR", "1": "T1", "2": "T1c", "3": "T2"}
    assert (content["numTraining"], content["numTest"], content["tensorImageSize"]) == (2, 0, "3D")
    assert "test" not in content
    image = np.asarray(LoadImage(image_only=True)(monai_list(path, "training")[0]["image"]))
    t2 = next(
        row
        for row in manifest.read_table(glioma_store, "images").to_pylist()
        if row["case_id"] == "p0" and row["sequence"] == "T2"
    )
    assert image.shape == (4, 40, 36, 30)
    np.testing.assert_array_equal(image[3], read(glioma_store / t2["path"]).voxels)


def test_labels_name_the_innermost_target(phantom_store, tmp_path):
    """As in the Decathlon, the organ's value is what is left of it, and `regions` says what makes it whole."""
    export(phantom_store, "decathlon", tmp_path / "out", Selection(datasets=("phantom-nnunet",)))
    content = json.loads((tmp_path / "out/phantom-nnunet/dataset.json").read_text())
    assert content["labels"] == {"0": "background", "1": "kidney", "2": "kidney_tumor", "3": "liver"}
    assert content["regions"] == {"kidney": [1, 2], "kidney_tumor": [2], "liver": [3]}
    assert content["licence"] == "CC-BY-4.0"
