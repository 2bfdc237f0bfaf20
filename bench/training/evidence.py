"""Why a target, modality, dataset or image counts as seen, unseen or unknown: one sentence from card and lineage."""

from collections.abc import Sequence

from bench.training.cards import TrainedDataset, TrainingCard
from bench.training.seen import Answer, covers
from curate.lineage import Lineage, Link, Sharing

SAME_VOXELS = "its voxels are in a manifest of the training set"
_FEW = 5
"""Up to so many datasets are named in a sentence."""
_NO_CARD = "the model has no training card: nothing is disclosed"


def of_target(card: TrainingCard | None, target: str, answer: Answer) -> str:
    """Say which datasets show a target, or that none is known to.

    Args:
        card: Training card of the model; None where nothing is disclosed.
        target: Vocabulary slug.
        answer: What `seen` answered.
    """
    if card is None:
        return _NO_CARD
    showing = [one for one in card.datasets if covers(frozenset(one.targets), target)]
    sure = [one.name for one in showing if one.verified]
    perhaps = [one.name for one in showing if not one.verified]
    if answer == "seen":
        return f"masks of {_names(sure)} show it" if sure else "the makers call it trained"
    doubt = f"; {_names(perhaps)} may show it, which is not verified" if perhaps else ""
    if card.stated is not None and covers(frozenset(card.stated.unseen_targets), target):
        return f"the makers call it unseen{doubt}"
    if perhaps:
        return doubt.removeprefix("; ")
    return f"no listed dataset shows it{_hidden(card)}"


def of_modality(card: TrainingCard | None, modality: str, answer: Answer) -> str:
    """Say which datasets have a modality, or why it counts as absent."""
    if card is None:
        return _NO_CARD
    having = [one.name for one in card.datasets if modality in one.modalities]
    if answer == "seen":
        return f"{_names(having)} {_has(having)} it" if having else "the makers say so"
    if answer == "unseen":
        return "no listed dataset has it, and the training modalities are listed in full"
    return f"no listed dataset has it{_hidden(card)}"


def of_dataset(card: TrainingCard | None, dataset: str, answer: Answer) -> str:
    """Say through which listed dataset a dataset was seen, or that there is none."""
    if card is None:
        return _NO_CARD
    own = _own(card, dataset)
    if own is not None:
        return f"on the card as {own.name}"
    if answer == "seen":
        return f"not on the card, but it shares images with {_kin(card, dataset, 'yes')}"
    if answer == "unknown" and (likely := _kin(card, dataset, "likely")):
        return f"not on the card, but it may share images with {likely}, which is not verified"
    return f"not on the card, nor known to share images with it{'' if answer == 'unseen' else _hidden(card)}"


def of_image(card: TrainingCard | None, dataset: str, split: str | None, answer: Answer) -> str:
    """Say what is known of the images of one split of a dataset; `split` is None where the source has none."""
    if card is None:
        return _NO_CARD
    own = _own(card, dataset)
    if answer == "seen" and (own is None or split not in own.trained_splits):
        return SAME_VOXELS
    if own is None:
        return _of_foreign_image(card, dataset, answer)
    if answer == "seen":
        return f"{own.name} was trained on its split {split}"
    if answer == "unseen":
        return f"held out of {own.name}" + (f": its split {split}" if split in own.held_out_splits else "")
    return _of_own_image(card, own, split)


def _of_foreign_image(card: TrainingCard, dataset: str, answer: Answer) -> str:
    """Say it of a dataset that is not on the card."""
    if answer == "unseen":
        return "its dataset is unseen"
    kin = _kin(card, dataset, "yes") or _kin(card, dataset, "likely")
    if not kin:
        return "whether its dataset was trained on is not known"
    return f"images of it are also in {kin}; which ones is not known"


def _of_own_image(card: TrainingCard, own: TrainedDataset, split: str | None) -> str:
    """Say why it is unknown for a dataset that is on the card."""
    kin = _kin(card, own.id, "yes") or _kin(card, own.id, "likely")
    shared = f"; images of it are also in {kin}" if kin else ""
    if split in own.held_out_splits:
        return f"its split {split} was held out{shared}"
    if own.trained_splits:
        return f"whether {own.name} was trained on these images is not known{shared}"
    return f"a part was held out, but no list of it is published{shared}"


def _own(card: TrainingCard, dataset: str) -> TrainedDataset | None:
    return next((one for one in card.datasets if one.id == dataset), None)


def _kin(card: TrainingCard, dataset: str, sharing: Sharing) -> str:
    """Name the listed datasets, other than the dataset itself, that share its images, and how the first one does."""
    lineage = Lineage.load()
    kin = [one for one in card.datasets if one.id != dataset and lineage.sharing(dataset, one.id) == sharing]
    links = {one.id: link for one in kin if (link := _link(lineage, dataset, one.id))}
    kin.sort(key=lambda one: one.id not in links)
    names = _names([one.name for one in kin])
    return f"{names} ({_in_words(next(iter(links.values())))})" if links else names


def _in_words(link: Link) -> str:
    return f"{link.dataset} {link.relation} {link.other}: {link.evidence}"


def _link(lineage: Lineage, one: str, other: str) -> Link | None:
    return next((link for link in lineage.links if {link.dataset, link.other} == {one, other}), None)


def _hidden(card: TrainingCard) -> str:
    if card.card.complete:
        return ""
    if card.undisclosed is not None and card.undisclosed.private_datasets:
        return f", but {card.undisclosed.private_datasets} private ones are not disclosed"
    return ", but the card does not list all of them"


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _names(names: Sequence[str]) -> str:
    """Join names in words; many are counted."""
    if len(names) > _FEW + 1:
        return f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
