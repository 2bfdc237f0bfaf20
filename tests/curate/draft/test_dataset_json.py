"""nnU-Net's raw folders and the Decathlon: what their dataset.json says becomes the draft."""

import json

import pytest

from curate import phantoms, recipe
from curate.draft import draft
from curate.draft.dataset_json import read_labels
from curate.draft.names import Namer
from curate.errors import UsageError

REGIONS = {"background": 0, "whole tumor": [1, 2, 3], "NCR": 1, "ED": 2, "ET": 3, "ignore": 4}


def dataset(**content) -> str:
    """Return the text of a dataset.json."""
    return json.dumps(content)


def test_nnunet_v2(draft_of):
    """Channels, a region, an ignored value and labelled test cases of version 2 all come out of dataset.json."""
    text = dataset(channel_names={"0": "T1", "1": "FLAIR"}, labels=REGIONS, file_ending=".nii.gz", numTraining=2)
    files = {"Dataset007_Brain/dataset.json": text}
    for split, number in (("Tr", 1), ("Tr", 2), ("Ts", 3)):
        files[f"Dataset007_Brain/labels{split}/b_{number:03}.nii.gz"] = "@labels 1 2 3"
        for channel in range(2):
            files[f"Dataset007_Brain/images{split}/b_{number:03}_{channel:04}.nii.gz"] = "@mr"
    found = draft_of(files)
    assert (found.draft.layout, found.counts) == ("nnU-Net v2 raw", (3, 6, 3))
    assert [(one.channel, one.modality, one.sequence) for one in found.recipe.images] == [
        ("0000-T1", "MR", "T1"),
        ("0001-FLAIR", "MR", "FLAIR"),
    ]
    (entry,) = found.recipe.labels
    assert {str(value): target for value, target in entry.values.items()} == {
        "1": "brain_tumor_necrotic_core",
        "2": "brain_tumor_edema",
        "3": "brain_tumor_enhancing",
    }
    assert [str(value) for value in entry.composites["brain_tumor"]] == ["1", "2", "3"]
    assert [str(value) for value in entry.ignore_values] == ["4"]
    assert {case.case_id: found.recipe.splits.names[case.split] for case in found.found.cases} == {
        "b_001": "train",
        "b_002": "train",
        "b_003": "test",
    }


def test_nnunet_v1(draft_of):
    """Version 1 names values the other way round and its channels `modality`; without labels, test cases stay out."""
    text = dataset(modality={"0": "CT"}, labels={"0": "background", "1": "liver", "2": "cancer"}, name="Task003_Liver")
    found = draft_of(
        {
            "dataset.json": text,
            "imagesTr/liver_1_0000.nii.gz": "@ct",
            "imagesTr/liver_2_0000.nii.gz": "@ct",
            "imagesTs/liver_9_0000.nii.gz": "@ct",
            "labelsTr/liver_1.nii.gz": "@labels 1 2",
            "labelsTr/liver_2.nii.gz": "@labels 1",
        }
    )
    assert (found.draft.layout, found.counts, found.found.unnamed) == ("nnU-Net v1 raw", (2, 2, 2), 2)
    assert found.recipe.targets() == ["liver", "liver_tumor"]
    assert found.recipe.dataset.title == "Task003_Liver"


def test_decathlon_with_four_dimensions(draft_of):
    """Channels of a 4D file share a path, and `volume_index` tells them apart."""
    text = dataset(
        name="BRATS",
        modality={"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        labels={"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
        licence="CC-BY-SA 4.0",
        reference='https://example.org/"quoted"\nand more',
    )
    found = draft_of(
        {
            "dataset.json": text,
            "imagesTr/._BRATS_001.nii.gz": b"left behind",
            "imagesTr/BRATS_001.nii.gz": "@4d",
            "labelsTr/BRATS_001.nii.gz": "@labels 1 2",
        },
        "task01-brain-tumour",
    )
    assert (found.draft.layout, found.counts) == ("Medical Segmentation Decathlon", (1, 4, 1))
    assert {one.path for one in found.recipe.images} == {"imagesTr/{case}.nii.gz"}
    assert [(one.volume_index, one.sequence) for one in found.recipe.images] == [
        (0, "FLAIR"),
        (1, "T1"),
        (2, "T1c"),
        (3, "T2"),
    ]
    assert found.recipe.targets() == ["brain_tumor_edema", "brain_tumor_nonenhancing", "brain_tumor_enhancing"]
    facts = found.recipe.dataset
    assert (facts.licence, facts.licence_evidence) == ("unclear", "dataset.json: CC-BY-SA 4.0")
    assert facts.citation == 'https://example.org/"quoted"\nand more'


def test_decathlon_of_one_channel_needs_no_channel_name(draft_of):
    """Where `modality` has one entry, images are 3D and have no channel."""
    text = dataset(modality={"0": "MRI"}, labels={"0": "background", "1": "Anterior"}, name="Hippocampus")
    found = draft_of({"dataset.json": text, "imagesTr/h_1.nii.gz": "@mr", "labelsTr/h_1.nii.gz": "@labels 1"})
    (image,) = found.recipe.images
    assert (image.channel, image.volume_index, image.modality) == (None, None, "MR")
    assert found.recipe.targets() == ["hippocampus_anterior"]


def test_draft_of_a_phantom_is_its_finished_recipe(tmp_path):
    """Entries drafted from the nnU-Net phantom are those that the shipped recipe writes by hand."""
    phantoms.write_nnunet(tmp_path / "tree", cases=3)
    (tmp_path / "drafted.toml").write_text(draft(tmp_path / "tree", "drafted").toml, encoding="utf-8")
    found, shipped = recipe.load(str(tmp_path / "drafted.toml")), recipe.load("phantom-nnunet")
    assert found.images == shipped.images
    assert found.labels == shipped.labels
    assert found.dataset.region == shipped.dataset.region


def test_names_without_a_target_wait_as_comments(draft_of):
    """A value whose name the vocabulary does not know is left out of `values`, and a line says so."""
    text = dataset(channel_names={"0": "CT"}, labels={"background": 0, "liver": 1, "blorbx": 7}, file_ending=".nii.gz")
    files = {"dataset.json": text, "imagesTr/a_0000.nii.gz": "@ct", "labelsTr/a.nii.gz": "@labels 1 7"}
    found = draft_of(files)
    assert found.recipe.targets() == ["liver"]
    assert '# 7 = "?" decide: the source calls it "blorbx"' in found.draft.toml
    assert any("no target yet: 7" in note for note in found.draft.notes)


@pytest.mark.parametrize(
    "stated",
    [
        None,
        [],
        "liver",
        {"a": None},
        {"a": {}},
        {"a": [None, "x"]},
        {"a": True},
        {"a": 1.5},
        {"0": {}},
        {"a": "9" * 40},
    ],
)
def test_labels_of_another_shape_are_no_labels(stated):
    """Whatever stands where labels should be, nothing is made up of it."""
    found = read_labels(stated, Namer())
    assert (found.mapped, found.unmapped) == ({}, ())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"labels": []}', '{"labels": {"a": 1}}', "\udcff"])
def test_a_dataset_json_that_says_nothing_is_passed_by(maker, text):
    """A broken or foreign dataset.json leaves the tree to the other layouts."""
    files = {"images/1.nii.gz": "@ct", "masks/1.nii.gz": "@labels 1", "images/2.nii.gz": "@ct"}
    tree = maker.plant(files | {"masks/2.nii.gz": "@labels 1", "dataset.json": text.encode("utf-8", "surrogateescape")})
    assert maker.draft(tree).draft.layout == "paired folders"


def test_a_dataset_json_alone_is_no_dataset(maker):
    """Without images beside it there is nothing to draft, and the message says how many files there were."""
    tree = maker.plant({"dataset.json": dataset(labels={"liver": 1})})
    with pytest.raises(UsageError, match="no image with a label file was recognised among 1 files"):
        draft(tree, "drafted")
