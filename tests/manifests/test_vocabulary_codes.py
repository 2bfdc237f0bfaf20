"""Codes and groups of targets, against the tables that they are taken from."""

import csv
import re

import pytest

from curate.vocabulary import NAMED_PAIRS, Vocabulary

VOCABULARY = Vocabulary.load()
TARGETS = VOCABULARY.targets
BESIDE_THE_MIDLINE = {
    *("lung_upper_lobe", "lung_lower_lobe", "main_bronchus", "pulmonary_artery", "pulmonary_vein"),
    *("subclavian_artery", "brachiocephalic_vein", "carotid_artery", "common_carotid_artery"),
}
"""Pairs that differ in shape but lie on either side of the midline: left and right are where they are."""
REGION_IS_NO_TARGET = {"pleural_effusion", "pericardial_effusion"}
"""Lesions of the pleural and pericardial cavities, which have codes, but are no targets."""
TABLE_2 = {
    "abdomen_thorax": "aorta urinary_bladder carotid_artery colon duodenum esophagus eyeball gallbladder "
    "inferior_vena_cava kidney liver lung pancreas portal_vein_and_splenic_vein prostate_or_uterus pulmonary_artery "
    "small_bowel spleen stomach trachea adrenal_gland",
    "bone": "clavicle femur hip_bone humerus rib_1 rib_12 sacrum scapula vertebra_c1 vertebra_t12 vertebra_l5",
    "brain": "brain brainstem",
    "cardiac": "heart_atrium heart_myocardium heart_ventricle",
    "muscle": "autochthon gluteus_maximus gluteus_medius gluteus_minimus iliopsoas",
    "lesion": "brain_tumor_edema brain_tumor_enhancing kidney_tumor",
}
"""Supplement table 2 of SAM-Med3D, as far as it states groups of seen targets."""


@pytest.fixture(scope="module")
def stated(shared_dir):
    """Return the rows of the gathered code tables."""
    with (shared_dir / "facts" / "taxonomy_facts.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def sources(target):
    """Return the files that state the type and the region of a target's code."""
    first, _, second = target.code_source.partition(" + ")
    return first.rpartition(" ")[2], (second or first).rpartition(" ")[2]


@pytest.mark.shared
def test_codes_are_stated_by_their_sources(stated):
    """Category and type of every coded target stand together in the table that it cites, and so does its region."""
    types = {(row["category_code"], row["code_value"], row["source"].rpartition("/")[2]) for row in stated}
    places = {(row["code_value"], row["source"].rpartition("/")[2]) for row in stated}
    places |= {(row["region_code"], row["source"].rpartition("/")[2]) for row in stated}
    coded = [target for target in TARGETS.values() if target.snomed_type]
    assert len(coded) > 400
    for target in coded:
        of_type, of_region = sources(target)
        assert (target.snomed_category or "", target.snomed_type, of_type) in types, target.slug
        assert not target.snomed_region or (target.snomed_region, of_region) in places, target.slug


@pytest.mark.shared
def test_no_code_is_from_outside_the_dicom_lists(shared_dir):
    """Codes that were gathered from elsewhere than the lists that DICOM and Slicer ship stand in no target."""
    with (shared_dir / "facts" / "vocabulary" / "seed.csv").open(encoding="utf-8") as stream:
        seed = [row for row in csv.DictReader(stream) if row["in_dicom_sources"] == "no" and row["slug"] in TARGETS]
    assert len(seed) > 100
    assert [row["slug"] for row in seed if TARGETS[row["slug"]].snomed_type] == []


def test_lesions_are_coded_by_type_and_region():
    """A coded lesion names its type and, unless it is one anywhere, the organ that it lies in."""
    lesions = [target for target in TARGETS.values() if target.kind == "lesion" and target.snomed_type]
    assert len(lesions) > 25
    assert {target.slug for target in lesions if target.snomed_region is None} <= {"tumor", "cyst", "metastasis"}


def test_a_lesion_lies_in_the_region_of_its_code():
    """The region code of a lesion is the type code of one of its ancestors."""
    lesions = [target for target in TARGETS.values() if target.kind == "lesion" and target.snomed_region]
    coded = {one.slug: {TARGETS[slug].snomed_type for slug in VOCABULARY.ancestors(one.slug)} for one in lesions}
    assert {one.slug for one in lesions if one.snomed_region not in coded[one.slug]} == REGION_IS_NO_TARGET


@pytest.mark.shared
def test_named_pairs_are_settled(shared_dir):
    """Every pair that was gathered as named, not mirrored, is one here, or lies on either side of the midline."""
    with (shared_dir / "facts" / "vocabulary" / "seed.csv").open(encoding="utf-8") as stream:
        named = {row["slug"].rpartition("_")[0] for row in csv.DictReader(stream) if row["pair_kind"] == "named"}
    assert named - set(NAMED_PAIRS) == BESIDE_THE_MIDLINE
    assert set(NAMED_PAIRS) - named == {"coronary_artery"}
    assert all(VOCABULARY.sides(slug) for slug in BESIDE_THE_MIDLINE)


@pytest.mark.parametrize("group", TABLE_2)
def test_groups_are_those_of_the_supplement_table(group):
    """Targets of the table stand in its group, with the parts of sided ones, and no note says `by analogy`."""
    for slug in TABLE_2[group].split():
        for one in (slug, *(VOCABULARY.sides(slug) or ())):
            target = TARGETS[one]
            assert target.anatomy_group == group, one
            assert "analogy" not in (target.note or ""), one


def test_notes_are_short():
    """A note is a phrase, not a story."""
    assert [slug for slug, target in TARGETS.items() if len(target.note or "") > 130] == []
    assert [slug for slug, target in TARGETS.items() if re.search(r"[.!]$", target.note or "")] == []
