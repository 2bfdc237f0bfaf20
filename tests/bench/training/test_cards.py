import re

import pytest

from bench.training.cards import load_card
from curate.errors import ConfigError, UnknownNameError
from curate.lineage import RELATIONS, Lineage, Link
from curate.plugins import shipped_names
from curate.vocabulary import Vocabulary

CARD = load_card("sam-med3d")
HEADING = '[card]\nname = "mine"\nversion = "1"\nsource = "a paper"\n'
DATASET = '[[datasets]]\nid = "lits"\nname = "LiTS"\nmodalities = ["CT"]\ntargets = ["liver"]\n'
STAGE = '[[stages]]\nname = "first"\ndescription = "the one"\n'


@pytest.fixture
def write(tmp_path):
    """Write a card and return its path as a string."""

    def to_file(content):
        path = tmp_path / "card.toml"
        path.write_text(content, encoding="utf-8")
        return str(path)

    return to_file


def test_sam_med3d_has_the_datasets_of_its_supplement():
    """Supplement table 1 ticks 58 datasets for stage 1 and 43 for stage 2, and the paper counts 24 private ones."""
    assert len(CARD.datasets) == 58
    assert [len(load_card(f"sam-med3d@{stage}").datasets) for stage in ("stage1", "stage2")] == [58, 43]
    assert CARD.undisclosed.private_datasets == 24


@pytest.mark.parametrize(
    ("dataset", "stages"),
    [
        ("msd-lung", ("stage1", "stage2")),
        ("msd-prostate", ("stage1", "turbo-finetune")),
        ("luna16", ("stage1",)),
        ("brats19", ("stage1",)),
        ("brats20", ("stage1", "stage2", "turbo-finetune")),
        ("word", ("stage1", "stage2", "turbo-finetune")),
    ],
)
def test_stages_are_those_of_the_supplement(dataset, stages):
    """Single ticks of supplement table 1, and where the authors' list of the turbo weights differs."""
    assert next(one.stages for one in CARD.datasets if one.id == dataset) == stages


def test_supplement_and_authors_differ_by_two_datasets():
    """The authors' list of the turbo weights has MSD Prostate where the supplement has MSD Lung."""
    stage2, turbo = (
        {dataset.id for dataset in load_card(f"sam-med3d@{stage}").datasets} for stage in ("stage2", "turbo-finetune")
    )
    assert (stage2 - turbo, turbo - stage2) == ({"msd-lung"}, {"msd-prostate"})


def test_a_stage_alone_knows_nothing_of_what_only_others_used():
    """The private datasets were used in stage 1; a dataset without stages was used in all of them."""
    assert load_card("sam-med3d@stage1").undisclosed == CARD.undisclosed
    assert load_card("sam-med3d@stage2").undisclosed is None
    assert load_card("sam-med3d@stage2").card.name == "sam-med3d@stage2"
    assert "hippocampus_anterior" in load_card("sam-med3d@stage1").verified_targets
    assert "hippocampus_anterior" not in load_card("sam-med3d@stage2").verified_targets
    assert load_card("sam-med3d@stage2").stated.unseen_targets == CARD.stated.unseen_targets
    assert load_card("sam-med3d@stage2").stated.seen_targets == ()


def test_sam_med3d_was_evaluated_on_twelve_datasets_that_are_not_on_its_card():
    """None of the 12 evaluation datasets that the supplement marks as new to the model is listed."""
    new = {"btcv", "han-seg", "feta21", "feta2022", "iseg17", "iseg19", "mrbrains13", "mrbrains18", "cseg22"}
    new |= {"sega", "atlas-liver", "tdsc-abus2023"}
    assert {dataset.id for dataset in CARD.datasets}.isdisjoint(new)


def test_sam_med3d_learnt_from_ct_and_mr_only():
    """All listed datasets are CT or MR, and ultrasound is stated to be unseen."""
    assert CARD.modalities == {"CT", "MR"}
    assert CARD.stated.unseen_modalities == ("US",)


def test_the_stated_unseen_targets_are_those_of_the_supplement():
    """Ten organs and two lesions stand in the unseen groups of supplement table 2."""
    kinds = [Vocabulary.load().target(slug).kind for slug in CARD.stated.unseen_targets]
    assert (len(kinds), kinds.count("lesion")) == (12, 2)
    assert set(CARD.stated.unseen_targets).isdisjoint(CARD.stated.seen_targets)


def test_totalsegmentator_is_listed_with_its_104_classes():
    """The card lists the first release of TotalSegmentator: 104 classes, official test split held out."""
    dataset = next(one for one in CARD.datasets if one.id == "totalsegmentator-v1")
    assert len(set(dataset.targets)) == 104
    assert dataset.held_out_splits == ("test",)


def test_every_shipped_card_loads_and_is_named_as_its_file():
    """Every shipped card keeps to the schema and the vocabulary."""
    assert {"sam-med3d", "untrained"} <= set(shipped_names("cards"))
    assert [load_card(name).card.name for name in shipped_names("cards")] == shipped_names("cards")


def test_untrained_is_complete_and_empty():
    """The card of methods that learn nothing lists nothing and hides nothing."""
    card = load_card("untrained")
    assert (card.datasets, card.card.complete, card.undisclosed) == ((), True, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADING + DATASET + "targts = []\n", "unknown key `datasets.0.targts`; did you mean `targets`?"),
        (HEADING + DATASET.replace("CT", "ct"), "dataset `lits`: unknown modality `ct`; did you mean `CT`?"),
        (
            HEADING + DATASET.replace('"liver"', '"livr"'),
            "dataset `lits`: unknown target `livr`; did you mean `liver`?",
        ),
        (HEADING + DATASET.replace('"lits"', '"LiTS"'), "`datasets.0.id`: String should match pattern"),
        (HEADING + DATASET + DATASET, "dataset ids are given twice: lits"),
        (HEADING, "missing key `datasets`"),
        (
            HEADING + STAGE + DATASET + 'stages = ["frist"]\n',
            "stage `frist` has no [[stages]] entry; did you mean `first`?",
        ),
        (
            HEADING + DATASET.replace('"liver"', "") + '[stated]\nsource = "s"\ntargets_complete = true\n',
            "`targets_complete` needs the targets of every dataset, and `lits` has none",
        ),
        (
            HEADING + DATASET + '[undisclosed]\nmeaning = "?"\nstages = ["first"]\n',
            "stage `first` has no [[stages]] entry",
        ),
        (
            HEADING + DATASET + '[stated]\nsource = ""\nunseen_targets = ["grey_mater"]\n',
            "stated: unknown target `grey_mater`",
        ),
        (
            HEADING + "complete = true\n" + DATASET + '[undisclosed]\nmeaning = "?"\n',
            "a card cannot be complete and have",
        ),
    ],
)
def test_a_wrong_card_is_refused_in_one_line(write, content, message):
    """Unknown keys and words, double datasets and contradictions are named, with the nearest valid word."""
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_card(write(content))
    assert "\n" not in str(caught.value)


def test_an_unknown_card_names_the_nearest():
    """A card that does not ship is refused with the nearest shipped name."""
    with pytest.raises(UnknownNameError, match="no cards named `sam-med3`; did you mean `sam-med3d`"):
        load_card("sam-med3")


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("sam-med3d@stage3", "card `sam-med3d` has no stage `stage3`; did you mean `stage"),
        ("untrained@first", "card `untrained` has no stage `first`; it has: none"),
    ],
)
def test_an_unknown_stage_is_refused(card, message):
    """A stage that the training did not have is refused with those that it had."""
    with pytest.raises(UnknownNameError, match=re.escape(message)):
        load_card(card)


def test_a_card_learns_what_the_cards_that_it_includes_learnt():
    """SAM-Med2D and SAM-UNet learnt from the same release; ultrasound of the breast makes its tumour a seen target."""
    release = load_card("sa-med2d-16m")
    for name in ("sam-med2d", "sam-unet"):
        assert load_card(name).datasets == release.datasets
        assert "breast_tumor" in load_card(name).verified_targets
    assert "microscopy" in load_card("sam-med2d").modalities
    assert "microscopy" not in load_card("sam-unet").modalities


def test_cards_that_include_each_other_are_refused(tmp_path):
    """Two cards that include each other are refused in one line that names both."""
    for one, other in (("a", "b"), ("b", "a")):
        text = f'includes = ["{tmp_path}/{other}.toml"]\ndatasets = []\n{HEADING}'
        (tmp_path / f"{one}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="`includes` goes round in a circle: a -> b"):
        load_card(str(tmp_path / "a.toml"))


def test_a_dataset_may_not_stand_in_a_card_and_in_one_that_it_includes(tmp_path):
    """What both list is refused: nobody could say which entry holds."""
    (tmp_path / "a.toml").write_text(HEADING + DATASET, encoding="utf-8")
    (tmp_path / "b.toml").write_text(f'includes = ["{tmp_path}/a.toml"]\n{HEADING}{DATASET}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"with the cards that it includes, .*given twice: lits"):
        load_card(str(tmp_path / "b.toml"))


def test_segvol_was_trained_on_the_25_datasets_that_it_publishes():
    """M3D-Seg has 25 datasets, all of CT; of CHAOS it has the liver alone."""
    card = load_card("segvol")
    assert (len(card.datasets), card.modalities) == (25, {"CT"})
    assert next(one.targets for one in card.datasets if one.id == "chaos") == ("liver",)


@pytest.mark.parametrize("name", ["medsam", "nninteractive"])
def test_a_list_that_was_not_read_makes_nothing_unseen(name):
    """Cards without a transcribed list are not complete, and say why."""
    card = load_card(name)
    assert (card.datasets, card.card.complete) == ((), False)
    assert "not" in card.undisclosed.meaning


def test_the_lineage_table_is_sound():
    """Relations are from the closed list, every link has evidence, and no pair is given twice or with itself."""
    links = Lineage.load().links
    assert {link.relation for link in links} == set(RELATIONS)
    assert all(link.evidence and link.dataset != link.other for link in links)
    assert len({(link.dataset, link.other) for link in links}) == len(links)


def test_no_dataset_is_its_own_source():
    """The links go from later to earlier datasets and never round in a circle."""
    lineage = Lineage.load()
    links = lineage.links
    assert [link for link in links if link.dataset in lineage.sources(link.other, verified=False)] == []


def link(dataset, other, verified=True):
    """Return one row of a lineage table."""
    return Link(dataset, other, "reuses", verified, "stated")


def test_datasets_share_images_through_any_common_source():
    """Later and earlier editions share images both ways, and so do two datasets that drew from a third."""
    lineage = Lineage((link("c", "b"), link("b", "a"), link("other", "a"), link("guess", "a", verified=False)))
    assert lineage.sources("c") == {"a", "b", "c"}
    assert lineage.sharing("c", "a") == lineage.sharing("a", "c") == lineage.sharing("c", "other") == "yes"
    assert lineage.sharing("guess", "c") == lineage.sharing("c", "guess") == "likely"
    assert lineage.sharing("elsewhere", "c") == "no"


def test_using_one_source_does_not_relate_two_sources():
    """A dataset that drew from two collections does not make these share images with each other."""
    lineage = Lineage((link("mixed", "a"), link("mixed", "b")))
    assert lineage.sharing("a", "b") == "no"
