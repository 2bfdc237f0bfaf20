"""Computed seen and unseen beside what a paper states, and the sentence that explains each answer."""

import re

import pytest

from bench import suite
from bench.training import seen_table
from bench.training.cards import TrainingCard, load_card
from bench.training.seen_table import Row, card_of, summary, table
from curate.errors import UnknownNameError

HEAD = """
schema = 1
name = "mine"
version = 1
description = "d"
source = "s"
[protocol]
name = "random-error"
version = 1
"""
CARD = {
    "card": {"name": "mine", "version": "1", "source": "a test"},
    "stages": [{"name": "first", "description": "d"}],
    "datasets": [
        {"id": "lits", "name": "LiTS", "modalities": ["CT"], "targets": ["liver", "liver_tumor"]},
        {"id": "kits19", "name": "KiTS19", "modalities": ["CT"], "targets": ["kidney"], "held_out_splits": ["test"]},
        {"id": "guess", "name": "Guess", "modalities": ["MR"], "targets": ["spleen"], "verified": False},
        {"id": "parts", "name": "Parts", "modalities": ["MR"], "targets": ["brain"], "trained_splits": []},
    ],
    "undisclosed": {"private_datasets": 3, "meaning": "private"},
    "stated": {"source": "a test", "unseen_targets": ["aorta"], "modalities_complete": True},
}


@pytest.fixture
def answer(tmp_path):
    """Return a function from groups in TOML and changes of a card to level and name -> row."""

    def rows(groups, card=None, store=None):
        path = tmp_path / "mine.toml"
        path.write_text(HEAD + groups, encoding="utf-8")
        made = None if card == "none" else TrainingCard.model_validate(CARD | (card or {}))
        return {(row.level, row.name): row for row in table(suite.load(str(path)), made, store)}

    return rows


@pytest.fixture(scope="module")
def sam_med3d_16():
    """Return level and name -> row of SAM-Med3D on its own suite, without a store."""
    rows = table(suite.load("sam-med3d-16"), load_card("sam-med3d"))
    return {(row.level, row.name): row for row in rows}


def group(**words):
    """Return one group in TOML."""
    lines = [f"{key} = {list(value) if isinstance(value, tuple) else repr(value)}" for key, value in words.items()]
    return "[[groups]]\n" + "\n".join(['name = "g"', *lines]) + "\n"


@pytest.mark.parametrize(
    ("target", "computed", "why"),
    [
        ("liver", "seen", "masks of LiTS show it"),
        ("kidney_left", "seen", "masks of KiTS19 show it"),
        ("aorta", "unseen", "the makers call it unseen"),
        ("spleen", "unknown", "Guess may show it, which is not verified"),
        ("stomach", "unknown", "no listed dataset shows it, but 3 private ones are not disclosed"),
    ],
)
def test_a_target_is_explained_by_the_datasets_that_show_it(answer, target, computed, why):
    """Each of the ways in which a target is answered names its evidence."""
    row = answer(group(targets=(target,), stated="unseen"))["target", target]
    assert row == Row("target", target, "g", computed, "unseen", None, why)
    assert row.disagrees is (computed != "unseen")


def test_a_stated_unseen_target_that_a_dataset_may_show_says_so(answer):
    """The makers' word stands, and the doubt is told."""
    stated = {"source": "a test", "unseen_targets": ["spleen"]}
    row = answer(group(targets=("spleen",)), {"stated": stated})["target", "spleen"]
    assert row.why == "the makers call it unseen; Guess may show it, which is not verified"
    assert (row.computed, row.stated, row.disagrees) == ("unseen", None, False)


@pytest.mark.parametrize(
    ("dataset", "computed", "image", "why", "why_image"),
    [
        ("lits", "seen", "unknown", "on the card as LiTS", "whether LiTS was trained on these images is not known"),
        ("kits19:train", "seen", "seen", "on the card as KiTS19", "KiTS19 was trained on its split train"),
        ("kits19:test", "seen", "unseen", "on the card as KiTS19", "held out of KiTS19: its split test"),
        (
            "parts",
            "seen",
            "unknown",
            "on the card as Parts",
            "a part was held out, but no list of it is published",
        ),
        (
            "my-clinic",
            "unknown",
            "unknown",
            "not on the card, nor known to share images with it, but 3 private ones are not disclosed",
            "whether its dataset was trained on is not known",
        ),
    ],
)
def test_a_dataset_is_explained_by_the_card(answer, dataset, computed, image, why, why_image):
    """A dataset is on the card or not; its images are known only where a split was trained on or held out."""
    rows = answer(group(datasets=(dataset,), targets=("liver",)))
    of_dataset, of_image = rows["dataset", dataset.partition(":")[0]], rows["image", dataset]
    assert (of_dataset.computed, of_dataset.why) == (computed, why)
    assert (of_image.computed, of_image.why) == (image, why_image)


def test_a_dataset_is_explained_by_its_lineage(answer):
    """SEG.A is on no card, but some of its images are KiTS19; the sentence quotes the table of lineage."""
    rows = answer(group(datasets=("sega",), targets=("liver",)))
    shared = r"KiTS19 \(sega \w+ kits19: .*20 of its 56 images"
    assert re.match(f"not on the card, but it shares images with {shared}", rows["dataset", "sega"].why)
    assert re.match(f"images of it are also in {shared}.*; which ones is not known", rows["image", "sega"].why)


def test_a_held_out_split_whose_images_stand_elsewhere_is_unknown(answer):
    """LiTS is in MSD Liver: a split held out of one may have been seen in the other."""
    datasets = [
        {"id": "lits", "name": "LiTS", "modalities": ["CT"], "targets": [], "held_out_splits": ["test"]},
        {"id": "msd-liver", "name": "MSD Liver", "modalities": ["CT"], "targets": []},
    ]
    row = answer(group(datasets=("lits:test",), targets=("liver",)), {"datasets": datasets})["image", "lits:test"]
    assert row.computed == "unknown"
    assert row.why.startswith("its split test was held out; images of it are also in MSD Liver (msd-liver ")


@pytest.mark.parametrize(
    ("modality", "computed", "why"),
    [
        ("CT", "seen", "LiTS and KiTS19 have it"),
        ("US", "unseen", "no listed dataset has it, and the training modalities are listed in full"),
    ],
)
def test_a_modality_is_explained_by_the_datasets_that_have_it(answer, modality, computed, why):
    """A modality is seen through a dataset, or unseen because the list is complete."""
    row = answer(group(modalities=(modality,), targets=("liver",)))["modality", modality]
    assert (row.computed, row.why) == (computed, why)


def test_a_modality_of_an_open_list_is_unknown(answer):
    """Without the makers' word that the list is complete, an unlisted modality is unknown."""
    row = answer(group(modalities=("US",), targets=("liver",)), {"stated": {"source": "t"}})["modality", "US"]
    assert (row.computed, row.why) == ("unknown", "no listed dataset has it, but 3 private ones are not disclosed")


def test_without_a_card_every_sentence_says_so(answer):
    """A model that discloses nothing gets four times unknown, for one reason."""
    rows = answer(group(datasets=("lits",), modalities=("CT",), targets=("liver",)), "none")
    assert {row.computed for row in rows.values()} == {"unknown"}
    assert {row.why for row in rows.values()} == {"the model has no training card: nothing is disclosed"}


def test_patterns_of_targets_are_looked_up_and_sides_folded(answer):
    """`gluteus_*` is three muscles, each with a left and a right that count as their pair; `*` stands for nothing."""
    rows = answer(group(targets=("gluteus_*",)))
    assert [name for level, name in rows if level == "target"] == [
        "gluteus_maximus",
        "gluteus_medius",
        "gluteus_minimus",
    ]
    assert answer(group()) == {}


def test_a_store_answers_for_its_own_masks(answer, store):
    """With a store, rows are of what it has: 8 masks of two datasets, 5 of CT, 2 of MR, 1 of XR, 4 of the liver."""
    rows = answer(group(), store=store)
    counts = {key: row.masks for key, row in rows.items()}
    assert counts["dataset", "hard"] == 7
    assert counts["dataset", "pictures"] == 1
    assert (counts["modality", "CT"], counts["modality", "MR"], counts["modality", "XR"]) == (5, 2, 1)
    assert (counts["target", "liver"], counts["target", "kidney_tumor"]) == (3, 1)
    assert (counts["image", "hard"], counts["image", "hard:train"]) == (5, 2)
    assert sum(number for (level, _), number in counts.items() if level == "target") == 8


def test_published_lists_of_held_out_images_are_followed_in_a_store(answer, store):
    """One image of the official split was held out by name: its row stands apart from those that were trained on."""
    listed = {"id": "hard", "name": "Hard", "modalities": ["CT"], "targets": [], "held_out_images": ["hard/oblique"]}
    row = answer(group(), {"datasets": [listed]}, store)["image", "hard:train"]
    assert (row.computed, row.why, row.masks) == ("unseen", "held out of Hard", 2)


def test_the_summary_counts_targets_by_group(answer):
    """Of three targets that a group calls unseen, one is seen, one unseen and one unknown."""
    rows = answer(group(targets=("liver", "aorta", "spleen"), stated="unseen"))
    assert summary(list(rows.values())) == [
        {"group": "g", "stated": "unseen", "targets": 3, "seen": 1, "unseen": 1, "unknown": 1}
    ]


@pytest.mark.parametrize(
    ("word", "name"),
    [("sam-med3d", "sam-med3d"), ("sam-med3d@stage2", "sam-med3d@stage2"), ("region-growing", "untrained")],
)
def test_a_card_is_found_by_its_name_or_by_its_model(word, name):
    """A card's own name, a stage of it, and the name of a model that states its card."""
    found, card = card_of(word)
    assert (found, card.card.name) == (name, name)


def test_a_model_without_a_card_has_none(monkeypatch):
    """A model that states no card is told apart from one that does not exist."""
    monkeypatch.setitem(seen_table.models.REGISTRY.builtin, "silent", "bench.listing:rows")
    assert card_of("silent") == ("silent, which has no training card", None)
    with pytest.raises(UnknownNameError, match="no training card or model `sam-med3`; did you mean `sam-med3d`"):
        card_of("sam-med3")


def test_sam_med3d_and_its_paper_agree_on_new_and_shared_sources(sam_med3d_16):
    """Of the twelve datasets that the paper calls new, those without known relatives are unseen; four are shared."""
    for name in ("totalsegmentator-v1", "amos22", "kits21", "brats21"):
        assert (sam_med3d_16["dataset", name].computed, sam_med3d_16["dataset", name].stated) == ("seen", "seen")
    for name in ("han-seg", "iseg17", "mrbrains18", "cseg22", "atlas-liver", "tdsc-abus2023"):
        assert (sam_med3d_16["dataset", name].computed, sam_med3d_16["dataset", name].stated) == ("unseen", "unseen")
    assert sum(row.stated == "unseen" for (level, _), row in sam_med3d_16.items() if level == "dataset") == 12


def test_sam_med3d_held_out_splits_are_unseen(sam_med3d_16):
    """The official test split of TotalSegmentator and validation split of AMOS22 were held out, as the paper says."""
    for name in ("totalsegmentator-v1:test", "amos22:val"):
        row = sam_med3d_16["image", name]
        assert (row.computed, row.stated, row.disagrees) == ("unseen", "unseen", False)


@pytest.mark.parametrize(
    ("level", "name", "computed", "why"),
    [
        ("image", "brats21", "unknown", "published; images of it are also in BraTS18, BraTS19, BraTS20, BraTS13"),
        ("image", "kits21", "unknown", "no list of it is published; images of it are also in KiTS19"),
        ("dataset", "sega", "seen", "shares images with KiTS19"),
        ("target", "liver_tumor", "seen", "masks of LITS, MSD HepaticVessel and MSD Liver show it"),
    ],
)
def test_where_sam_med3d_and_its_paper_disagree_the_sentence_says_why(sam_med3d_16, level, name, computed, why):
    """BraTS21-Val against BraTS13 to 20, KiTS21-Val against KiTS19, SEG.A from KiTS19, the tumour of LiTS."""
    row = sam_med3d_16[level, name]
    assert (row.computed, row.stated, row.disagrees) == (computed, "unseen", True)
    assert why in row.why


def test_ultrasound_is_unseen_by_paper_and_card(sam_med3d_16):
    """The one modality that the paper kept for evaluation."""
    row = sam_med3d_16["modality", "US"]
    assert (row.computed, row.stated, row.disagrees) == ("unseen", "unseen", False)


def test_a_new_dataset_of_seen_targets_is_called_so(answer):
    """A dataset that is unseen while every target of it is stated to be seen: new source, old targets."""
    stated = {"source": "a test", "public_datasets_complete": True}
    rows = answer(group(datasets=("my-clinic",), targets=("liver",), stated="seen"), {"stated": stated})
    assert rows["dataset", "my-clinic"].why.endswith("share images with it: a new source of seen targets")
    rows = answer(group(datasets=("my-clinic",), targets=("liver",)), {"stated": stated})
    assert rows["dataset", "my-clinic"].why.endswith("share images with it")
