"""From what sources call things to the vocabulary's targets."""

import csv

import pytest

from curate.draft.names import Namer, nearest
from curate.vocabulary import Vocabulary

NAMES = {
    "Left Kidney": "kidney_left",
    "kidney_left": "kidney_left",
    "kidneyLeft": "kidney_left",
    "Parotid_L": "parotid_gland_left",
    "rib_left_3": "rib_3_left",
    "vertebrae_T9": "vertebra_t9",
    "C7": "vertebra_c7",
    "hip_left_001": "hip_bone_left",
    "oesophagus": "esophagus",
    "BrainStem": "brainstem",
    "clavicula_right": "clavicle_right",
    "portal vein and splenic vein": "portal_vein_and_splenic_vein",
    "enhancing tumour (ET)": "brain_tumor_enhancing",
    "GTV-1": "tumor",
    "blorbx": None,
    "": None,
    "123": None,
}


@pytest.mark.parametrize(("name", "target"), NAMES.items())
def test_name(name, target):
    """Spelling, word order, sides, levels and part numbers do not matter; what is not known stays unknown."""
    assert Namer().target(name) == target


@pytest.mark.parametrize(
    ("context", "name", "others", "target"),
    [
        ("Task01_BrainTumour", "edema", (), "brain_tumor_edema"),
        ("Task04_Hippocampus", "Anterior", (), "hippocampus_anterior"),
        ("Task03_Liver", "cancer", (), "liver_tumor"),
        ("", "tumor", ("pancreas",), "pancreas_tumor"),
        ("", "tumor", ("liver", "kidney"), "tumor"),
        ("lung", "GTV", (), "lung_tumor"),
        ("Task03_Liver", "spleen", (), "spleen"),
    ],
)
def test_vague_names_need_their_dataset(context, name, others, target):
    """A tumour is that of the one organ that the dataset or the label map is about; several organs leave it open."""
    assert Namer([context]).target(name, others) == target


def test_every_target_is_found_by_its_slug():
    """The vocabulary's own slugs and names mean themselves, but for names that two targets share."""
    targets = Vocabulary.load().targets.values()
    assert [one.slug for one in targets if Namer().target(one.slug) != one.slug] == []
    assert [one.slug for one in targets if Namer().target(one.name) not in (one.slug, None)] == []


def test_nearest_is_a_suggestion_only():
    """A misprint has no target, but the nearest word is offered."""
    assert Namer().target("gallblader") is None
    assert nearest("gallblader") == "gallbladder"


@pytest.mark.shared
def test_synonyms_of_public_datasets(shared_dir):
    """Of the label names of public datasets whose target we have, most are found, and one in 200 at most is wrong.

    Those that differ are vague words (`tumour`, `lesion`, `myocardium`) without their dataset.
    """
    known = Vocabulary.load().targets
    with (shared_dir / "facts/vocabulary/synonyms.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["kind"] == "single" and row["slug"] in known]
    found = [(Namer().target(row["raw_label"]), row["slug"]) for row in rows]
    right = sum(target == slug for target, slug in found)
    wrong = sum(target not in (slug, None) for target, slug in found)
    assert len(found) > 3000
    assert right / len(found) > 0.85
    assert wrong / len(found) < 0.005
