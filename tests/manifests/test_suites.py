"""The suites that ship: they load, name what exists, and say what their papers say."""

from fnmatch import fnmatchcase

import pytest

from bench import suite
from bench.suite import datasets_named, target_names
from bench.training import cards
from curate import recipe
from curate.lineage import Lineage
from curate.plugins import shipped_names
from curate.vocabulary import Vocabulary

SUITES = shipped_names("suites")
RECIPES = set(shipped_names("recipes"))
NEW = {
    *("btcv", "han-seg", "feta21", "feta2022", "iseg17", "iseg19", "mrbrains13", "mrbrains18", "cseg22", "sega"),
    *("atlas-liver", "tdsc-abus2023"),
}
"""The twelve datasets that supplement A.2 of SAM-Med3D marks as absent from training."""


def fits(patterns, *words):
    """Tell whether any word fits any pattern."""
    return any(fnmatchcase(word, pattern) for pattern in patterns for word in words)


def groups(name):
    """Return name -> group of a shipped suite."""
    return {group.name: group for group in suite.load(name).groups}


def test_the_suites_of_the_three_reference_systems_ship():
    """Five suites of papers, and the two that run on anything."""
    assert set(SUITES) >= {"all", "phantom", "sam-med3d-16", "sam-med3d-6", "sam-med2d-test", "sam-med2d-miccai23"}
    assert "sam-unet-zero-shot" in SUITES


@pytest.mark.parametrize("name", SUITES)
def test_a_shipped_suite_is_named_as_its_file_and_says_where_it_is_from(name):
    """Every suite loads with all its words known, and with a source."""
    one = suite.load(name)
    assert (one.name, bool(one.source)) == (name, True)


@pytest.mark.parametrize("name", SUITES)
def test_every_variant_runs_or_says_what_it_lacks(name):
    """A variant has a protocol of its own, or words for why it cannot be run."""
    for variant in suite.load(name).variants:
        if variant.protocol is None:
            assert variant.lacks
        else:
            assert suite.load(f"{name}@{variant.name}").protocol == variant.protocol


@pytest.mark.parametrize("name", ["sam-med3d-16", "sam-med3d-6", "sam-med2d-miccai23", "sam-unet-zero-shot", "phantom"])
def test_every_dataset_of_a_suite_has_a_recipe(name):
    """Whoever wants to run a suite can be told where its datasets are."""
    named = {dataset for _, dataset, _ in datasets_named(suite.load(name))}
    assert named - RECIPES == set()


@pytest.mark.parametrize("name", SUITES)
def test_every_task_of_a_suite_has_something_to_evaluate(name):
    """In each group, the recipe of each dataset has a target and a modality that the group takes."""
    for group, dataset, _ in datasets_named(suite.load(name)):
        if dataset in RECIPES:
            known = recipe.load(dataset)
            kinds = {target: Vocabulary.load().target(target).kind for target in known.targets()}
            targets = [t for t in kinds if fits(group.targets, *target_names(t)) and fits(group.kinds, kinds[t])]
            modalities = [image.modality for image in known.images if fits(group.modalities, image.modality)]
            assert (group.name, dataset, bool(targets), bool(modalities)) == (group.name, dataset, True, True)


@pytest.mark.parametrize("name", SUITES)
def test_what_a_suite_states_of_datasets_is_of_its_own(name):
    """Nothing is stated of a dataset that the suite does not evaluate."""
    one = suite.load(name)
    named = {dataset for _, dataset, _ in datasets_named(one)}
    stated = one.stated
    assert stated is None or {*stated.seen_datasets, *stated.unseen_datasets} <= named


def test_sam_med3d_16_has_the_16_datasets_in_three_benchmarks():
    """Three datasets of seen organs, nine of unseen organs, four of lesions, as supplement A.2 lists them."""
    found = groups("sam-med3d-16")
    assert found["seen-organ"].datasets == ("totalsegmentator-v1:test", "amos22:val", "btcv")
    assert set(found["unseen-organ-seen-targets"].datasets) < set(found["unseen-organ"].datasets)
    assert len(found["unseen-organ"].datasets) == 9
    lesions = {*found["lesion"].datasets, *found["lesion-unseen-targets"].datasets}
    assert lesions == {"kits21", "brats21", "atlas-liver", "tdsc-abus2023"}
    named = {dataset for _, dataset, _ in datasets_named(suite.load("sam-med3d-16"))}
    assert len(named) == 16


def test_sam_med3d_16_states_what_the_supplement_states():
    """Twelve of its datasets are new to the model, four are not; ultrasound is the one unseen modality."""
    stated = suite.load("sam-med3d-16").stated
    assert set(stated.unseen_datasets) == NEW
    assert set(stated.seen_datasets) == {"totalsegmentator-v1", "amos22", "kits21", "brats21"}
    assert (stated.seen_modalities, stated.unseen_modalities, stated.images) == (("CT", "MR"), ("US",), "unseen")


def test_sam_med3d_16_calls_unseen_what_the_card_calls_unseen():
    """Both were read from supplement table 2, so the unseen groups have the twelve unseen targets of the card."""
    found = groups("sam-med3d-16").values()
    unseen = {target for group in found if group.stated == "unseen" for target in group.targets}
    assert unseen == set(cards.load_card("sam-med3d").stated.unseen_targets)


def test_sam_med3d_16_evaluates_every_seen_target_of_the_card():
    """Each target that the paper calls seen is taken by a group that states so."""
    seen = [target for group in groups("sam-med3d-16").values() if group.stated == "seen" for target in group.targets]
    assert [target for target in cards.load_card("sam-med3d").stated.seen_targets if not fits(seen, target)] == []


def test_patterns_of_sam_med3d_16_take_nothing_but_what_they_mean():
    """`rib_[0-9]*` is ribs, `vertebra_...` vertebrae and `lung_*_lobe_*` lobes: no lesion slips in."""
    vocabulary = Vocabulary.load()
    patterns = [target for target in groups("sam-med3d-16")["seen-organ"].targets if "*" in target]
    kinds = {p: {t.kind for slug, t in vocabulary.targets.items() if fnmatchcase(slug, p)} for p in patterns}
    assert kinds == {
        "lung_*_lobe_*": {"organ"},
        "rib_[0-9]*": {"bone"},
        "vertebra_[ctl][0-9]*": {"bone"},
        "gluteus_*": {"muscle"},
    }


def test_the_clicks_of_the_paper_are_those_of_the_suite():
    """1, 3, 5 and 10 clicks in the main comparison, 1 and 10 in table 4, one in the published dataset script."""
    assert suite.load("sam-med3d-16").protocol.parameters == {"score_after": [1, 3, 5, 10]}
    assert suite.load("sam-med3d-6").protocol.parameters == {"score_after": [1, 10]}
    assert suite.load("sam-med3d-16@inference-2025").protocol.parameters == {"score_after": [1]}


def test_the_clicks_of_the_old_validation_are_a_variant():
    """Two deep clicks, then random ones, the newest alone; what else differs, the best of all clicks first, is said."""
    old = suite.load("sam-med3d-16@validation-2023").protocol
    assert (old.name, old.parameters["deep_clicks"], old.parameters["points"]) == ("ritm", 2, "newest")
    variants = {variant.name: variant.lacks for variant in suite.load("sam-med3d-16").variants}
    assert "best of all clicks" in str(variants["validation-2023"])


def test_sam_med3d_6_has_a_group_for_every_row_of_table_4():
    """AMOS is two rows of one dataset, told apart by modality."""
    found = groups("sam-med3d-6")
    assert list(found) == ["totalsegmentator", "kits21", "amos-ct", "amos-mr", "btcv", "tdsc-abus23"]
    assert (found["amos-ct"].datasets, found["amos-ct"].modalities) == (("amos22:val",), ("CT",))
    assert (found["amos-mr"].datasets, found["amos-mr"].modalities) == (("amos22:val",), ("MR",))


def test_the_suites_of_2d_models_have_their_datasets():
    """Nine datasets of MICCAI 2023, one group each, and the seven zero-shot datasets of SAM-UNet."""
    assert [len(group.datasets) for group in suite.load("sam-med2d-miccai23").groups] == [1] * 9
    zero_shot = {dataset for _, dataset, _ in datasets_named(suite.load("sam-unet-zero-shot"))}
    assert zero_shot == {"cosas24", "ebhi-seg", "kpis24", "curvas", "hnts-mrg24", "sts2d", "kits23"}


def test_the_test_of_sam_med2d_has_the_datasets_of_its_training_card():
    """Train and test are parts of one collection: every dataset stands in the group of each of its modalities."""
    release = {one.id: set(one.modalities) for one in cards.load_card("sa-med2d-16m").datasets}
    found = {}
    for group, dataset, _ in datasets_named(suite.load("sam-med2d-test")):
        found.setdefault(dataset, set()).update(group.modalities)
    assert found == release


def test_kits23_is_no_zero_shot_data_for_models_of_sa_med2d():
    """Two suites call KiTS23 unseen, but it holds the images of KiTS19, which the release has."""
    assert Lineage.load().sharing("kits23", "kits19") == "yes"
    assert "kits19" in {one.id for one in cards.load_card("sam-unet").datasets}
    for name in ("sam-med2d-miccai23", "sam-unet-zero-shot"):
        assert suite.load(name).stated.dataset("kits23") == "unseen"
