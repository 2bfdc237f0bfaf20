import csv
import dataclasses
import json
import re

import pytest

from curate.errors import UnknownNameError
from curate.plugins import shipped_folder
from curate.schema import IMAGES
from curate.vocabulary import ANATOMY_GROUPS, KINDS, REGIONS, SIDES, Vocabulary

VOCABULARY = Vocabulary.load()
CHAMBERS = [f"heart_{part}_{side}" for part in ("atrium", "ventricle") for side in SIDES]


def changed(slug, **values):
    """Return the vocabulary with one target replaced."""
    target = dataclasses.replace(VOCABULARY.target(slug), **values)
    return Vocabulary({**VOCABULARY.targets, slug: target}, VOCABULARY.sequences_of)


def test_the_shipped_vocabulary_breaks_no_law():
    """The shipped targets have closed words, existing parents and opposites, and no circle."""
    assert VOCABULARY.check() == []


@pytest.mark.parametrize(
    ("slug", "values", "law"),
    [
        ("liver", {"parent": "tummy"}, "liver: it names `tummy`, which does not exist"),
        ("abdomen", {"parent": "liver"}, "liver: it is its own ancestor"),
        ("kidney_left", {"opposite": None}, "kidney_left: it is left of nothing"),
        ("kidney_left", {"opposite": "lung_right"}, "kidney_left: `lung_right` is not its mirror image"),
        ("kidney_left", {"side": "right"}, "kidney_left: its side is right, but its slug does not end so"),
        ("kidney_left", {"kind": "bone"}, "kidney_left: `kidney_right` differs from it in more than its side"),
        ("liver", {"kind": "meat"}, "liver: kind `meat` is not one of organ, gland"),
        ("liver", {"region": "belly"}, "liver: region `belly` is not one of head, eye"),
        ("liver", {"anatomy_group": "organs"}, "liver: anatomy_group `organs` is not one of abdomen_thorax"),
        ("liver", {"code_source": None}, "liver: a code needs a source"),
    ],
)
def test_check_finds_a_broken_law(slug, values, law):
    """Each law is reported when one target is changed to break it."""
    assert any(problem.startswith(law) for problem in changed(slug, **values).check())


def test_slugs_are_snake_case_and_names_are_unique():
    """Slugs are lower-case words joined by underscores, and no two targets share a name."""
    assert [slug for slug in VOCABULARY.targets if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", slug)] == []
    names = [target.name for target in VOCABULARY.targets.values()]
    assert len(set(names)) == len(names)


def test_no_row_of_the_tables_is_lost():
    """Every row of targets.csv is a target of its own, and every row of modalities.csv a modality or sequence."""
    with (shipped_folder("vocabulary") / "targets.csv").open(encoding="utf-8") as stream:
        assert sum(1 for _ in csv.DictReader(stream)) == len(VOCABULARY.targets)
    with (shipped_folder("vocabulary") / "modalities.csv").open(encoding="utf-8") as stream:
        pairs = [(row["modality"], row["sequence"]) for row in csv.DictReader(stream)]
    assert len(set(pairs)) == len(pairs) == sum(1 + len(names) for names in VOCABULARY.sequences_of.values())


def test_every_closed_word_is_used():
    """The closed lists hold no word that no target has."""
    targets = VOCABULARY.targets.values()
    assert {target.kind for target in targets} == set(KINDS)
    assert {target.region for target in targets} == set(REGIONS)
    assert {target.side for target in targets} == {*SIDES, None}
    assert {target.anatomy_group for target in targets} == {*ANATOMY_GROUPS, None}


def test_only_the_middle_lobe_of_the_lung_is_one_sided():
    """Every sided target has an opposite, except the middle lobe, which the left lung does not have."""
    lonely = [slug for slug, target in VOCABULARY.targets.items() if target.side and not target.opposite]
    assert lonely == ["lung_middle_lobe_right"]


@pytest.mark.parametrize("slug", CHAMBERS)
def test_heart_chambers_are_no_mirror_pairs(slug):
    """A heart chamber has neither side nor opposite, so that nothing mirrors it, and the heart is its ancestor."""
    target = VOCABULARY.target(slug)
    assert (target.side, target.opposite) == (None, None)
    assert "heart" in VOCABULARY.ancestors(slug)
    assert VOCABULARY.sides(slug.rpartition("_")[0]) is None


def test_roots_are_the_body_and_what_a_microscope_sees():
    """Only the body, the cell and the histological gland have no parent."""
    roots = [slug for slug, target in VOCABULARY.targets.items() if target.parent is None]
    assert roots == ["body", "cell", "histology_gland"]


def test_every_lesion_of_an_organ_descends_from_it():
    """Tumours and cysts are parts of the organ that they grow in."""
    organs = {
        "kidney_tumor": "kidney",
        "kidney_cyst_left": "kidney",
        "liver_tumor": "liver",
        "brain_tumor_core": "brain",
    }
    assert all(organ in VOCABULARY.ancestors(lesion) for lesion, organ in organs.items())


@pytest.mark.parametrize(
    ("slug", "sides"),
    [
        ("kidney", ("kidney_left", "kidney_right")),
        ("lung", ("lung_left", "lung_right")),
        ("rib_1", ("rib_1_left", "rib_1_right")),
        ("liver", None),
        ("kidney_left", None),
        ("lung_middle_lobe_right", None),
    ],
)
def test_sides_are_those_of_a_paired_target(slug, sides):
    """A paired target gives left and right; anything else gives None."""
    assert VOCABULARY.sides(slug) == sides


def test_unsided_inverts_sides():
    """Either side of a paired target leads back to it; what has no side leads nowhere."""
    paired = [slug for slug in VOCABULARY.targets if VOCABULARY.sides(slug)]
    assert len(paired) > 50
    assert all(VOCABULARY.unsided(side) == slug for slug in paired for side in VOCABULARY.sides(slug))
    assert VOCABULARY.unsided("liver") is None
    assert VOCABULARY.unsided("heart_atrium_left") is None


def test_ancestors_go_from_near_to_far():
    """The first rib on the left belongs to the left ribs, the ribs, the thorax and the body, in this order."""
    assert VOCABULARY.ancestors("rib_1_left") == ("ribs_left", "ribs", "thorax", "body")


def test_laterality_codes_agree_with_slugs():
    """The SNOMED CT codes of left (7771000) and right (24028007) stand on targets whose slugs say so."""
    coded = [target for target in VOCABULARY.targets.values() if target.snomed_laterality]
    codes = {"7771000": "_left", "24028007": "_right"}
    assert len(coded) > 90
    assert all(target.slug.endswith(codes[target.snomed_laterality]) for target in coded)


@pytest.mark.parametrize(
    ("look_up", "word", "message"),
    [
        ("target", "kidny_left", "unknown target `kidny_left`; did you mean `kidney_left`?"),
        ("target", "Liver", "unknown target `Liver`; did you mean `liver`?"),
        ("modality", "ct", "unknown modality `ct`; did you mean `CT`?"),
        ("modality", "sonar", "unknown modality `sonar`; known: CT, MR, OCT, PET, US, XR"),
        ("sequence", "T1ce", "unknown sequence `T1ce`; did you mean `T1c`?"),
        ("region", "brain", "unknown region `brain`; known: abdomen, cell"),
        ("sides", "kidny", "unknown target `kidny`; did you mean `kidney`?"),
        ("ancestors", "kidny", "unknown target `kidny`; did you mean `kidney`?"),
    ],
)
def test_an_unknown_word_names_the_nearest(look_up, word, message):
    """Every lookup refuses an unknown word in one line that says what was probably meant."""
    with pytest.raises(UnknownNameError, match=f"^{re.escape(message)}"):
        getattr(VOCABULARY, look_up)(word)


def test_sequences_belong_to_modalities():
    """FLAIR is a sequence of MR and none of CT; the modalities of the images table are all known."""
    assert VOCABULARY.sequence("FLAIR") == VOCABULARY.sequence("FLAIR", "MR") == "FLAIR"
    with pytest.raises(UnknownNameError, match=r"unknown CT sequence `FLAIR`; known: CBCT, CBF, CBV, CTA, MTT, Tmax$"):
        VOCABULARY.sequence("FLAIR", "CT")
    meaning = next(column.meaning for column in IMAGES if column.name == "modality")
    assert [VOCABULARY.modality(name) for name in meaning.split(", ")] == list(VOCABULARY.sequences_of)


def totalsegmentator_slug(name):
    """Turn a class name of TotalSegmentator into the slug that it should have here."""
    renamed = {"iliac_artery": "common_iliac_artery", "iliac_vena": "common_iliac_vein", "hip": "hip_bone"}
    renamed |= {"clavicula": "clavicle", "costal_cartilages": "costal_cartilage"}
    name = re.sub(r"^rib_(left|right)_(\d+)$", r"rib_\2_\1", name)
    name = re.sub(r"^vertebrae_([CTLS]\d+)$", lambda found: f"vertebra_{found[1].lower()}", name)
    base, side = re.fullmatch(r"(.*?)((?:_left|_right)?)", name).groups()
    return renamed.get(base, base) + side


@pytest.mark.shared
@pytest.mark.parametrize(
    ("dataset", "classes"), [("TotalSegmentator_v1", 104), ("TotalSegmentator_v2", 117), ("TotalSegmentatorMRI", 56)]
)
def test_every_totalsegmentator_class_is_a_target(shared_dir, dataset, classes):
    """Every class of the TotalSegmentator datasets is in the vocabulary under the expected slug, on the right side."""
    facts = json.loads((shared_dir / "facts" / "datasets.json").read_text(encoding="utf-8"))
    labels = next(entry["labels"] for entry in facts if entry["id"] == dataset)
    slugs = [totalsegmentator_slug(name) for value, name in labels.items() if value.isdigit()]
    assert len(set(slugs)) == classes
    assert [slug for slug in slugs if slug not in VOCABULARY.targets] == []
    chambers = ("heart_", "atrial_")
    sides = {slug: VOCABULARY.target(slug).side for slug in slugs if not slug.startswith(chambers)}
    assert [slug for slug, side in sides.items() if slug.endswith(("_left", "_right")) != (side is not None)] == []


@pytest.mark.shared
def test_codes_are_stated_by_their_sources(shared_dir):
    """Every SNOMED CT category and type of a target stands in the code table that it cites."""
    with (shared_dir / "facts" / "taxonomy_facts.csv").open(encoding="utf-8") as stream:
        stated = {
            (row["category_code"], row["code_value"], row["source"].rpartition("/")[2])
            for row in csv.DictReader(stream)
        }
    coded = [target for target in VOCABULARY.targets.values() if target.snomed_type]
    wrong = [
        target.slug
        for target in coded
        if (target.snomed_category or "", target.snomed_type, target.code_source.rpartition(" ")[2]) not in stated
    ]
    assert len(coded) > 300
    assert wrong == []
