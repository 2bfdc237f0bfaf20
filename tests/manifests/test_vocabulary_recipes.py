"""What recipes say that a label value means, against the label lists that were gathered apart from them."""

import csv
import re
from collections import defaultdict

import pytest

from curate import recipe
from curate.plugins import shipped_folder, shipped_names
from curate.vocabulary import Synonyms, Vocabulary
from curate.vocabulary.spelling import rows

OTHER_IDS = {
    "crossmoda": "crossmoda21",
    "segrap2023-t1": "segrap2023",
    **{f"{name}-{half}": name for name in ("amos22", "chaos", "mm-whs") for half in ("ct", "mr")},
}
"""Ids of the gathered lists that recipes spell otherwise."""
LIST_IS_WRONG = {
    "brats-tcga-gbm": {1: "the labels are those of 2017: 1 is necrosis together with non-enhancing tumour"},
    "brats-tcga-lgg": {1: "the labels are those of 2017: 1 is necrosis together with non-enhancing tumour"},
    "crossmoda23": dict.fromkeys((1, 2), "the list has the two parts the wrong way round"),
    "emidec": {3: "an infarction of the heart, not of the brain"},
    "ivygap-radiomics": {1: "the list says necrotic, to be checked; the recipe counts non-enhancing tumour too"},
    "lisa": dict.fromkeys((1, 2), "the two hippocampi have a value each, but which is left is stated both ways"),
    "lnq2023": {1: "the nodes that are annotated are the enlarged ones of the mediastinum"},
    "mrbrains13": {1: "the list is that of the three classes of the challenge, the recipe's the eight for training"},
    "rhuh-gbm": {1: "the list adds non-enhancing tumour on its own, and marks it as not verified"},
    "saros": {6: "the glands of value 6 are the parotids; two others have values of their own"},
    "structseg19-t3": dict.fromkeys((3, 5, 6), "the organisers' readme has another order"),
    "ucsf-pdgm": {1: "the compartment is called non-enhancing or necrotic; the list says necrotic, to be checked"},
    "upenn-gbm": {1: "the list says necrotic, to be checked; no statement of the authors was found"},
}
"""Recipe -> value -> why the recipe is right where they differ."""
WITHOUT_RECIPE = {"sat-ds", "sa-med2d", "sa-med3d", "imed-361m", "endovis18", "fetreg"}
"""Contexts of synonyms that are no recipe."""
GENERAL = {"lesion", "tumor", "cyst"}
"""Targets whose names say too little for a dataset of one organ."""
SHIFTED = {"dap-atlas": 1}
"""Lists that leave out a first value: 1 of DAP Atlas is what is left to annotate."""


def gathered(shared_dir):
    """Return recipe id -> label value -> sets of slugs, one of which the value must mean; corrections win."""
    stated = defaultdict(dict)
    with (shared_dir / "facts" / "vocabulary" / "synonyms.csv").open(encoding="utf-8") as stream:
        listed = sorted(csv.DictReader(stream), key=lambda row: row["list"].startswith("MORE:"))
    for row in listed:
        is_meant = row["kind"] in ("single", "union", "overlap") and "not labelled" not in row["raw_label"]
        if not is_meant or not re.fullmatch(r"-?[1-9]\d*", row["value"]):
            continue
        name = row["list"].removeprefix("MORE:").lower().replace("_", "-")
        parts = frozenset(row["slug"].split("+"))
        whole = {frozenset((row["composite_slug"],))} if row["composite_slug"] else set()
        value = int(row["value"]) + SHIFTED.get(name, 0)
        stated[OTHER_IDS.get(name, name)][value] = {parts} | whole
    return stated


def meanings(entry, value):
    """Return every target that a label entry gives to a value."""
    if entry.values is None:
        return {target for target in (entry.target, entry.instances) if target}
    single = {target for values, target in entry.values.items() if value in values}
    return single | {target for target, union in entry.composites.items() if any(value in values for values in union)}


def disagreements(name, stated):
    """Yield (value, what the list says, what the recipe says) of a recipe."""
    labels = [entry for entry in recipe.load(name).labels if entry.threshold is None]
    entries = [entry for entry in labels if entry.values is not None or entry.target]
    for value, choices in stated.items():
        found = set().union(*(meanings(entry, value) for entry in entries))
        if entries and not any(choice <= found for choice in choices):
            yield value, sorted("+".join(sorted(choice)) for choice in choices), sorted(found)


@pytest.mark.shared
def test_recipes_and_gathered_label_lists_agree(shared_dir):
    """A value means the same in a recipe and in the list of its dataset, but where the list is known to be wrong."""
    stated = gathered(shared_dir)
    names = [name for name in shipped_names("recipes") if name in stated]
    found = {name: {value: says for value, *says in disagreements(name, stated[name])} for name in names}
    settled = {name: LIST_IS_WRONG.get(name, {}) for name in names}
    open_ones = {
        (name, value): says for name, by in found.items() for value, says in by.items() if value not in settled[name]
    }
    assert len(names) > 60
    assert open_ones == {}
    assert [(name, value) for name, by in settled.items() for value in by if value not in found[name]] == []


def test_names_in_recipes_mean_what_the_synonyms_say():
    """What a recipe makes of a structure's name is what the name resolves to, or narrows a general word."""
    find, compared = Synonyms.load().find, 0
    for name in shipped_names("recipes"):
        for entry in recipe.load(name).labels:
            for label, target in {**(entry.names or {}), **(entry.segments or {}), **(entry.rois or {})}.items():
                found = find(Vocabulary.load().targets, label, name)
                compared += bool(found)
                assert found in ((), (target,)) or set(found) <= GENERAL, (name, label)
    assert compared > 200


def test_contexts_are_recipes_or_lists():
    """A synonym's context is a recipe that ships, or a label list, or a dataset that has none."""
    contexts = {row["context"] for row in rows(shipped_folder("vocabulary") / "synonyms.csv")} - {""}
    others = {context for context in contexts - set(shipped_names("recipes")) if "totalsegmentator-" not in context}
    assert others == WITHOUT_RECIPE


def test_synonyms_agree_with_recipes():
    """A synonym that states a label value names what the recipe of its dataset finds there."""
    table = [row for row in rows(shipped_folder("vocabulary") / "synonyms.csv") if row["value"]]
    stated = [row for row in table if row["context"] in shipped_names("recipes")]
    assert len(stated) > 100
    for row in stated:
        entries = [entry for entry in recipe.load(row["context"]).labels if entry.threshold is None]
        found = set().union(*(meanings(entry, int(row["value"])) for entry in entries))
        assert not found or set(row["target"].split("+")) <= found, row
