import csv
import dataclasses
import re
import time

import pytest

from curate.errors import UnknownNameError
from curate.plugins import shipped_folder
from curate.schema import IMAGES
from curate.vocabulary import ANATOMY_GROUPS, KINDS, NAMED_PAIRS, REGIONS, SIDES, Vocabulary, target_rows
from curate.vocabulary.words import _load

VOCABULARY = Vocabulary.load()
NAMED = [f"{pair}_{side}" for pair in NAMED_PAIRS for side in SIDES]


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
        ("kidney_left", {"side": None}, "kidney_left: its slug ends in _left, but it has no side"),
        ("kidney_left", {"parent": "lung_right"}, "kidney_left: its parent `lung_right` lies on the other side"),
        ("heart_atrium_left", {"side": "left"}, "heart_atrium_left: it is one of a named pair"),
        ("heart_atrium_left", {"opposite": "heart_atrium_right"}, "heart_atrium_left: it is one of a named pair"),
        ("kidney_left", {"kind": "bone"}, "kidney_left: `kidney_right` differs from it in more than its side"),
        ("liver", {"kind": "meat"}, "liver: kind `meat` is not one of organ, gland"),
        ("liver", {"region": "belly"}, "liver: region `belly` is not one of head, eye"),
        ("liver", {"anatomy_group": "organs"}, "liver: anatomy_group `organs` is not one of abdomen_thorax"),
        ("liver", {"code_source": None}, "liver: a code needs a source"),
        ("fetus", {"snomed_region": "10200004"}, "fetus: category, laterality and region codes need a type code"),
        ("kidney_left", {"snomed_laterality": "24028007"}, "kidney_left: laterality code 24028007 is not that of its"),
        ("prostate_or_uterus", {"union_of": ("prostate",)}, "prostate_or_uterus: a union names at least two targets"),
        (
            "prostate_or_uterus",
            {"union_of": ("prostate", "womb")},
            "prostate_or_uterus: it names `womb`, which does not",
        ),
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


@pytest.mark.parametrize("slug", NAMED)
def test_named_pairs_are_no_mirror_pairs(slug):
    """Heart chambers and the like have neither side nor opposite, so that no flip swaps them and no midline splits."""
    target = VOCABULARY.target(slug)
    assert (target.side, target.opposite) == (None, None)
    assert {"heart", "mediastinum", "liver"} & set(VOCABULARY.ancestors(slug))
    assert VOCABULARY.sides(slug.rpartition("_")[0]) is None


def test_roots_are_the_body_and_what_a_microscope_sees():
    """Only the body, what only a microscope sees, and devices have no parent."""
    roots = [slug for slug, target in VOCABULARY.targets.items() if target.parent is None]
    assert sorted(roots) == ["body", "cell", "device", "histology_gland"]


def test_every_lesion_of_an_organ_descends_from_it():
    """Tumours and cysts are parts of the organ that they grow in."""
    organs = {
        "kidney_tumor": "kidney",
        "kidney_cyst_left": "kidney",
        "liver_tumor": "liver",
        "brain_tumor_core": "brain",
    }
    assert all(organ in VOCABULARY.ancestors(lesion) for lesion, organ in organs.items())


def test_a_union_lies_where_its_parts_lie():
    """A target that is a union shares an ancestor other than the body with each of its parts."""
    unions = [target for target in VOCABULARY.targets.values() if target.union_of]
    assert len(unions) >= 5
    for union in unions:
        for part in union.union_of:
            own = {union.slug, *VOCABULARY.ancestors(union.slug)}
            assert own & {part, *VOCABULARY.ancestors(part)} - {"body"}, (union.slug, part)


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
    with pytest.raises(UnknownNameError, match=r"unknown CT sequence `FLAIR`; known: CBCT, CBF, .*, portal-venous$"):
        VOCABULARY.sequence("FLAIR", "CT")
    meaning = next(column.meaning for column in IMAGES if column.name == "modality")
    assert [VOCABULARY.modality(name) for name in meaning.split(", ")] == list(VOCABULARY.sequences_of)


def test_target_rows_count_datasets():
    """A row says how many datasets label a target, each once; a dataset of one side does not count for the whole."""
    rows = {row["slug"]: row for row in target_rows({"a": ["liver", "kidney_left", "liver"], "b": ["liver"]})}
    assert len(rows) == len(VOCABULARY.targets)
    assert [rows[slug]["datasets"] for slug in ("liver", "kidney_left", "kidney")] == [2, 1, 0]
    assert rows["kidney_left"]["opposite"] == "kidney_right"
    with pytest.raises(UnknownNameError, match="unknown target `livr`; did you mean `liver`"):
        target_rows({"a": ["livr"]})


def test_the_vocabulary_loads_in_no_time():
    """A thousand targets are read within 50 ms of processor time."""
    seconds = []
    for _ in range(7):
        start = time.process_time()
        _load.__wrapped__(shipped_folder("vocabulary"))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.05
