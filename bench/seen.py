"""Has a model seen this target, modality, dataset or image? Computed from its training card, never typed in."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from bench.cards import TrainingCard
from bench.lineage import Lineage, Sharing
from curate.vocabulary import Vocabulary

Answer = Literal["seen", "unseen", "unknown"]


@dataclass(frozen=True, slots=True)
class Seen:
    """The four answers for one mask of one image."""

    target: Answer
    modality: Answer
    dataset: Answer
    image: Answer


def seen(
    card: TrainingCard | None, *, target: str, modality: str, dataset: str, image_id: str, split: str | None
) -> Seen:
    """Answer the four questions for one mask; undisclosed is `unknown`, never `unseen`.

    Without a card everything is unknown. With one:

    * target: seen when masks of it were certainly trained on, or when the card's makers say so. A left or right target
      counts as seen when the paired one was trained, and the paired one when both sides were. Otherwise unseen when
      the makers call it so. Otherwise unknown when a dataset with uncertain masks may have shown it. Otherwise unseen
      when the card is complete, and unknown when it is not. Evidence of training thus outweighs a statement that a
      target is unseen; a suite carries such statements beside the computed answer.
    * modality: seen when a listed dataset has it; unseen when it is not and the modalities are listed in full.
    * dataset: seen when it is listed or shares images with a listed one by the lineage table; unknown when it is only
      likely to; otherwise unseen when the public datasets are listed in full.
    * image: unseen when its dataset is unseen, or when it was held out and no other listed dataset shares images with
      its own; seen when its official split was trained on; otherwise unknown.

    Args:
        card: Training card of the model; None where nothing is disclosed.
        target: Vocabulary slug.
        modality: Modality of the image.
        dataset: Recipe id.
        image_id: Image in the store.
        split: Split of the image where it is the source's own; None where the store drew it.

    Raises:
        UnknownNameError: When the target is not in the vocabulary.
    """
    if card is None:
        return Seen("unknown", "unknown", "unknown", "unknown")
    of_dataset = _dataset(card, dataset)
    of_image: Answer = "unseen" if of_dataset == "unseen" else _image(card, dataset, image_id, split)
    return Seen(_target(card, target), _modality(card, modality), of_dataset, of_image)


def _target(card: TrainingCard, target: str) -> Answer:
    if _covers(card.verified_targets, target):
        return "seen"
    if card.stated is not None and _covers(frozenset(card.stated.unseen_targets), target):
        return "unseen"
    if _covers(card.unverified_targets, target):
        return "unknown"
    return "unseen" if card.card.complete else "unknown"


def _covers(known: frozenset[str], target: str) -> bool:
    """Say whether `target` is known itself, through its paired form, or through both of its sides."""
    vocabulary = Vocabulary.load()
    sides = vocabulary.sides(target)
    return target in known or vocabulary.unsided(target) in known or (sides is not None and known.issuperset(sides))


def _modality(card: TrainingCard, modality: str) -> Answer:
    if modality in card.modalities:
        return "seen"
    stated = card.stated
    listed = stated is not None and (stated.modalities_complete or modality in stated.unseen_modalities)
    return "unseen" if listed or card.card.complete else "unknown"


def _dataset(card: TrainingCard, dataset: str) -> Answer:
    sharing = {_sharing(dataset, listed.id) for listed in card.datasets}
    if "yes" in sharing:
        return "seen"
    if "likely" in sharing:
        return "unknown"
    listed = card.card.complete or (card.stated is not None and card.stated.public_datasets_complete)
    return "unseen" if listed else "unknown"


def _image(card: TrainingCard, dataset: str, image_id: str, split: str | None) -> Answer:
    """Answer for an image whose dataset is not unseen."""
    own = next((listed for listed in card.datasets if listed.id == dataset), None)
    if own is None:
        return "unknown"
    if image_id in own.held_out_images or split in own.held_out_splits:
        others = [listed.id for listed in card.datasets if listed is not own]
        return "unseen" if all(_sharing(dataset, other) == "no" for other in others) else "unknown"
    return "seen" if split in own.trained_splits else "unknown"


@cache
def _sharing(one: str, other: str) -> Sharing:
    return Lineage.load().sharing(one, other)
