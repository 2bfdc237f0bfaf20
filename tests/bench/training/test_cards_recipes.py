"""Training cards against recipes: two readings of the same datasets, made apart from each other."""

import pytest

from bench.training.cards import load_card
from curate import recipe
from curate.plugins import shipped_names
from curate.vocabulary import Vocabulary

CARDS = [name for name in shipped_names("cards") if load_card(name).datasets]
RECIPES = set(shipped_names("recipes"))
VOCABULARY = Vocabulary.load()


def names(target):
    """Return a target, its pair, and everything that it is a part of or an instance of."""
    return {target, VOCABULARY.unsided(target), *VOCABULARY.ancestors(target)} - {None}


@pytest.mark.parametrize("card", CARDS)
def test_a_card_shows_nothing_that_the_recipe_of_the_dataset_lacks(card):
    """Every target and modality of a verified entry is one of the recipe, or part of one, left and right as a pair."""
    for entry in load_card(card).datasets:
        if entry.verified and entry.id in RECIPES:
            known = recipe.load(entry.id)
            shown = set(known.targets()) | {VOCABULARY.unsided(target) for target in known.targets()}
            strange = {target for target in entry.targets if not names(target) & shown}
            assert (entry.id, strange) == (entry.id, set())
            assert set(entry.modalities) <= {image.modality for image in known.images}


@pytest.mark.parametrize(("card", "least"), [("sam-med3d", 56), ("segvol", 25), ("sa-med2d-16m", 74)])
def test_most_datasets_of_a_card_have_a_recipe(card, least):
    """Of SAM-Med3D all but LAScarQS22 and StructSeg19, which ship task by task; of SegVol all."""
    assert len({entry.id for entry in load_card(card).datasets} & RECIPES) >= least
