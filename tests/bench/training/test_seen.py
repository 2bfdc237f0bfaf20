import pytest

from bench.training.cards import TrainingCard, load_card
from bench.training.seen import Seen, seen
from curate.errors import UnknownNameError

SAM_MED3D = load_card("sam-med3d")


def ask(card, **question):
    """Answer for a CT of the liver in a dataset that nobody lists, but for what is asked."""
    defaults = {"target": "liver", "modality": "CT", "dataset": "my-clinic", "image_id": "my-clinic/1", "split": None}
    return seen(card, **(defaults | question))


def card(*datasets, complete=False, **stated):
    """Return a card in memory."""
    heading = {"name": "mine", "version": "1", "source": "a test", "complete": complete}
    content = {"card": heading, "datasets": datasets}
    return TrainingCard.model_validate(content | ({"stated": {"source": "a test", **stated}} if stated else {}))


def dataset(name, *targets, **more):
    """Return one dataset of a card."""
    return {"id": name, "name": name, "modalities": ["CT"], "targets": targets, **more}


def test_without_a_card_everything_is_unknown():
    """Nothing disclosed is unknown, not unseen."""
    assert ask(None) == Seen("unknown", "unknown", "unknown", "unknown")


def test_a_method_that_learns_nothing_has_seen_nothing():
    """With the complete and empty card everything is unseen."""
    assert ask(load_card("untrained")) == Seen("unseen", "unseen", "unseen", "unseen")


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("kidney_tumor", "seen"),
        ("kidney_cyst", "seen"),
        ("liver", "seen"),
        ("heart_atrium_left", "seen"),
        ("lung", "seen"),
        ("eyeball_left", "seen"),
        ("gluteus_medius_right", "seen"),
        ("parotid_gland", "unseen"),
        ("parotid_gland_left", "unseen"),
        ("cerebellum_right", "unseen"),
        ("pituitary_gland", "unseen"),
        ("aortic_vessel_tree", "unseen"),
        ("breast_tumor", "unseen"),
        ("optic_nerve_left", "unknown"),
        ("retinal_vessel", "unknown"),
        ("brain_tumor", "unknown"),
    ],
)
def test_targets_of_sam_med3d(target, answer):
    """Organs of its training sets are seen, those that the paper calls unseen are, and the rest may be private."""
    assert ask(SAM_MED3D, target=target).target == answer


def test_evidence_of_training_outweighs_the_statement_that_a_target_is_unseen():
    """The paper calls the hepatic tumour unseen, but LiTS on its own list shows it."""
    assert "liver_tumor" in SAM_MED3D.stated.unseen_targets
    assert ask(SAM_MED3D, target="liver_tumor").target == "seen"


@pytest.mark.parametrize(
    ("modality", "answer"), [("CT", "seen"), ("MR", "seen"), ("US", "unseen"), ("XR", "unseen"), ("PET", "unseen")]
)
def test_modalities_of_sam_med3d(modality, answer):
    """It was trained on CT and MR; ultrasound was for evaluation, and other modalities are not in its data."""
    assert ask(SAM_MED3D, modality=modality).modality == answer


def test_btcv_is_an_unseen_dataset_with_seen_targets():
    """The liver in BTCV: target and modality seen, dataset and image not."""
    assert ask(SAM_MED3D, dataset="btcv", split="train") == Seen("seen", "seen", "unseen", "unseen")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("kits21", "seen"),
        ("brats23-gli", "seen"),  # contains BraTS 2021
        ("tcga-gbm", "seen"),  # BraTS took images from it
        ("brats-tcga-lgg", "seen"),  # drew from the same collection as BraTS
        ("3d-ircadb-01", "seen"),  # part of LiTS
        ("sega", "seen"),  # 20 of its images are KiTS19, although the paper calls it new
        ("mm-whs-ct", "seen"),  # one half of MM-WHS
        ("deepmedic-brats15", "seen"),
        ("upenn-gbm", "unknown"),  # named as a source of BraTS 2021, not confirmed
        ("totalsegmentator-v2", "unknown"),  # next release of a listed dataset
        ("han-seg", "unseen"),
        ("feta2022", "unseen"),
        ("tdsc-abus2023", "unseen"),
        ("my-clinic", "unseen"),
    ],
)
def test_datasets_of_sam_med3d_through_lineage(name, answer):
    """A dataset is seen when it shares images with a listed one, and unknown when that is not confirmed."""
    assert ask(SAM_MED3D, dataset=name).dataset == answer


@pytest.mark.parametrize(
    ("name", "split", "answer"),
    [
        ("totalsegmentator-v1", "train", "seen"),
        ("totalsegmentator-v1", "test", "unseen"),
        ("totalsegmentator-v1", "val", "unknown"),
        ("totalsegmentator-v1", None, "unknown"),
        ("amos22", "val", "unseen"),
        ("brats21", "train", "unknown"),  # 90 of these cases were held out, and nobody knows which
        ("kits21", "train", "unknown"),
        ("brats23-gli", "train", "unknown"),  # only its source is listed
        ("word", "train", "seen"),
        ("han-seg", "train", "unseen"),
        ("upenn-gbm", "train", "unknown"),
    ],
)
def test_images_of_sam_med3d(name, split, answer):
    """An image is seen in a trained official split, unseen in a held-out one or in an unseen dataset, else unknown."""
    assert ask(SAM_MED3D, dataset=name, image_id=f"{name}/1", split=split).image == answer


def test_both_sides_make_the_pair_and_the_pair_makes_each_side():
    """Left and right kidney trained: the kidney is seen; kidney trained: both sides are; one side makes no pair."""
    assert ask(card(dataset("x", "kidney_left", "kidney_right")), target="kidney").target == "seen"
    assert ask(card(dataset("x", "kidney")), target="kidney_right").target == "seen"
    assert ask(card(dataset("x", "kidney_left")), target="kidney").target == "unknown"
    assert ask(card(dataset("x", "kidney_left")), target="kidney_right").target == "unknown"


def test_one_chamber_does_not_make_the_other_seen():
    """Heart chambers are no pair: the left atrium says nothing of the right one."""
    assert ask(card(dataset("x", "heart_atrium_left"), complete=True), target="heart_atrium_right").target == "unseen"


def test_unverified_masks_leave_a_target_unknown_even_on_a_complete_card():
    """What a dataset with uncertain masks may have shown is neither seen nor unseen, unless the makers say so."""
    uncertain = dataset("x", "spleen", verified=False)
    assert ask(card(uncertain, complete=True), target="spleen").target == "unknown"
    assert ask(card(uncertain, unseen_targets=["spleen"]), target="spleen").target == "unseen"
    assert ask(card(uncertain, dataset("y", "spleen")), target="spleen").target == "seen"


def test_a_list_that_is_not_complete_leaves_others_unknown():
    """Without the makers' word, a modality or dataset that is not listed is unknown."""
    assert ask(card(dataset("x", "liver")), modality="US") == Seen("seen", "unknown", "unknown", "unknown")


def test_a_complete_list_of_masks_makes_other_targets_unseen():
    """Where every dataset with masks is listed, what none shows is unseen, though images without masks are unknown."""
    listed = card(dataset("x", "liver"), dataset("y", "spleen", verified=False), targets_complete=True)
    assert ask(listed, target="stomach") == Seen("unseen", "seen", "unknown", "unknown")
    assert ask(listed, target="spleen").target == "unknown"


def test_a_stated_modality_is_seen_without_a_dataset():
    """The makers' word is enough for seen, and says nothing of other modalities."""
    listed = card(seen_modalities=["PET"])
    assert (ask(listed, modality="PET").modality, ask(listed, modality="CT").modality) == ("seen", "unknown")


@pytest.mark.parametrize(
    ("name", "target", "modality", "answers"),
    [
        ("sam", "liver", "CT", ("unseen", "unseen")),
        ("sam-med2d", "breast_tumor", "US", ("seen", "seen")),
        ("sam-med2d", "liver", "OCT", ("seen", "unseen")),
        ("sam-unet", "liver", "microscopy", ("seen", "unseen")),
        ("sam-med2d", "liver", "microscopy", ("seen", "seen")),
        ("segvol", "prostate_lesion", "MR", ("unseen", "unseen")),
        ("segvol", "parotid_gland", "CT", ("seen", "seen")),
        ("nninteractive", "liver", "PET", ("unknown", "seen")),
        ("medsam", "liver", "CT", ("unknown", "unknown")),
    ],
)
def test_targets_and_modalities_of_the_shipped_cards(name, target, modality, answers):
    """Photographs show nothing medical; SAM-UNet saw no microscope pictures; HaN-Seg taught SegVol glands."""
    found = ask(load_card(name), target=target, modality=modality)
    assert (found.target, found.modality) == answers


def test_a_held_out_image_is_unknown_when_another_listed_dataset_may_hold_it():
    """The held-out split of LiTS is no proof when MSD Liver, which took its images, was trained on too."""
    lits = dataset("lits", "liver", held_out_splits=["test"])
    assert ask(card(lits), dataset="lits", split="test").image == "unseen"
    assert ask(card(lits, dataset("msd-liver", "liver")), dataset="lits", split="test").image == "unknown"


def test_a_published_list_of_held_out_images_is_followed():
    """An image on the list is unseen; its neighbour in the same split is seen."""
    lits = dataset("lits", "liver", held_out_images=["lits/7"])
    assert ask(card(lits), dataset="lits", image_id="lits/7", split="train").image == "unseen"
    assert ask(card(lits), dataset="lits", image_id="lits/8", split="train").image == "seen"


def test_a_target_outside_the_vocabulary_is_refused():
    """A misspelt target is an error, not an unseen target."""
    with pytest.raises(UnknownNameError, match="unknown target `kidny`; did you mean `kidney`"):
        ask(SAM_MED3D, target="kidny")
