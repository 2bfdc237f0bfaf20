"""How much of the published label lists the vocabulary understands, and that it understands it as it was gathered."""

import csv
import json
import re
from pathlib import Path

import pytest

from curate.errors import UnknownNameError
from curate.vocabulary import ModalitySynonyms, Synonyms, Vocabulary

VOCABULARY = Vocabulary.load()
LISTS = {
    "TotalSegmentator v1": ("totalsegmentator-v1", "TS:total_v1", 104),
    "TotalSegmentator v2": ("totalsegmentator-v2", "TS:total", 117),
    "TotalSegmentator MR": ("totalsegmentatormri", "TS:total_mr", 50),
    "SAT-DS": ("sat-ds", "SAT-DS", 451),
    "SA-Med2D, structures": ("sa-med2d", "SA-Med2D fragments", 67),
    "SA-Med2D, masks of the demo": ("sa-med2d", "SAM-Med2D demo", 24),
    "SAM-Med3D, supplement table 2": ("sa-med3d", "SAM-Med3D Table 2", 51),
    "IMed-361M": ("imed-361m", "IMIS/IMed-361M", 237),
}
"""Title -> context, name of the gathered list, labels in it; every one of them resolves."""
READ_OTHERWISE = {
    ("intestine", "sa-med2d"): ("small_bowel",),
    ("intestine", "sat-ds"): ("small_bowel",),
    ("intestine", "imed-361m"): ("small_bowel",),
}
"""Labels that are gathered as ambiguous: the sets that have them label the small bowel."""
TASKS_UNRESOLVED = {"lung_pleural"}
"""Classes of TotalSegmentator's further tasks, teeth aside, that mean nothing here."""
SEQUENCES_OF_TOKENS = {
    **dict.fromkeys(("ct_00", "mr_00", "mr_cmr", "pet_00", "ultrasound_00", "x_ray")),
    **dict.fromkeys(("dermoscopy_00", "endoscopy_00", "fundus_photography")),
    **dict.fromkeys(("mr_t1", "mr_t1w", "mr_mprage"), "T1"),
    **dict.fromkeys(("mr_t1c", "mr_t1ce", "mr_t1gd"), "T1c"),
    **dict.fromkeys(("mr_t2", "mr_t2w"), "T2"),
    **{f"{scanner}_{name.lower()}": name for scanner in ("ct", "mr") for name in ("CBF", "CBV", "MTT", "Tmax")},
    **{f"mr_{name.lower()}": name for name in ("ADC", "DWI", "FLAIR", "LGE", "PD", "rCBF", "rCBV", "TTP")},
    "mr_hbv": "DWI-highb",
}
"""The 34 modality tokens of SA-Med2D-20M -> sequence."""


def gathered(shared_dir, name):
    """Return the rows of a gathered list, one for each label that is no background."""
    with (shared_dir / "facts" / "vocabulary" / "synonyms.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["list"] == name and row["kind"] not in ("ignore", "meta")]
    if name == "SAT-DS":
        rows = [row for row in rows if row["source"].endswith("terminology_list.json")]
    return list({row["raw_label"]: row for row in rows}.values())


def unresolved(labels, context):
    """Return the labels that mean no target."""
    return {label for label in labels if not Synonyms.load().find(VOCABULARY.targets, label, context)}


@pytest.mark.shared
@pytest.mark.parametrize("title", LISTS)
def test_every_label_of_a_list_is_understood(shared_dir, title):
    """All labels of the list resolve in its context, to the targets that were gathered for them."""
    context, name, count = LISTS[title]
    rows = gathered(shared_dir, name)
    assert len(rows) == count
    assert unresolved((row["raw_label"] for row in rows), context) == set()
    for row in rows:
        found = VOCABULARY.resolve(row["raw_label"], context)
        expected = READ_OTHERWISE.get((row["raw_label"], context))
        choices = {tuple(row["slug"].split("+")), (row["composite_slug"],)} if expected is None else {expected}
        assert found in choices, row["raw_label"]


@pytest.mark.shared
def test_ranges_of_the_supplement_table_are_understood():
    """The ribs and vertebrae that supplement table 2 of SAM-Med3D names as ranges are targets of their own."""
    ribs = [f"rib_{side}_{number}" for side in ("left", "right") for number in range(1, 13)]
    vertebrae = [f"vertebrae_{level}{n}" for level, last in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, last + 1)]
    found = {VOCABULARY.resolve(label, "sa-med3d") for label in ribs + vertebrae}
    assert len(found) == 48
    assert unresolved(ribs + vertebrae, "sa-med3d") == set()


@pytest.mark.shared
def test_further_tasks_of_totalsegmentator_are_understood_but_for_teeth(shared_dir):
    """Classes of the other tasks resolve too, but for the numbered teeth and one name."""
    with (shared_dir / "facts" / "vocabulary" / "synonyms.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if re.match(r"TS:(?!total|teeth|snomed)", row["list"])]
    left = {
        row["raw_label"]
        for row in rows
        if unresolved([row["raw_label"]], f"totalsegmentator-{row['list'][3:].replace('_', '-')}")
    }
    assert len({row["raw_label"] for row in rows}) > 230
    assert left == TASKS_UNRESOLVED


@pytest.mark.shared
@pytest.mark.parametrize(
    ("dataset", "classes"), [("TotalSegmentator_v1", 104), ("TotalSegmentator_v2", 117), ("TotalSegmentatorMRI", 56)]
)
def test_classes_of_totalsegmentator_are_targets_of_their_own(shared_dir, dataset, classes):
    """No two classes of a TotalSegmentator dataset are one target, and left and right are told apart."""
    facts = json.loads((shared_dir / "facts" / "datasets.json").read_text(encoding="utf-8"))
    labels = next(entry["labels"] for entry in facts if entry["id"] == dataset)
    found = {name: VOCABULARY.resolve(name) for value, name in labels.items() if value.isdigit()}
    assert len(set(found.values())) == len(found) == classes
    for name, (slug,) in found.items():
        side = re.search("_(left|right)(_|$)", name)
        assert side is None or slug.endswith(f"_{side[1]}"), (name, slug)


def test_the_tokens_of_sa_med2d_are_understood():
    """Each of the 34 modality tokens means a modality and, where it names one, a sequence."""
    resolve = ModalitySynonyms.load().resolve
    assert len(SEQUENCES_OF_TOKENS) == 34
    assert {token: resolve(token)[1] for token in SEQUENCES_OF_TOKENS} == SEQUENCES_OF_TOKENS
    modalities = {"ct": "CT", "mr": "MR", "pet": "PET", "ultrasound": "US", "x": "XR"}
    for token in SEQUENCES_OF_TOKENS:
        scanner = token.partition("_")[0]
        assert resolve(token)[0] == modalities.get(scanner, scanner), token


@pytest.mark.parametrize("title", LISTS)
def test_the_page_states_what_resolves(title):
    """docs/vocabulary.md states for each list how many labels it has, and that all of them resolve."""
    context, _, count = LISTS[title]
    page = Path(__file__).resolve().parents[2] / "docs" / "vocabulary.md"
    assert f"| {title} | `{context}` | {count} | {count} |" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("word", ["IAC", "edema", "ventricle", "left ventricle", "necrosis", "scar", "cancer"])
def test_words_that_lists_use_differently_need_a_context(word):
    """A word with two meanings is refused without the list that it stands in."""
    with pytest.raises(UnknownNameError, match=f"^`{word}` depends on its dataset; give one of these contexts: "):
        VOCABULARY.resolve(word)
