"""Has a model seen this target, modality, dataset or image? Computed from its training card, never typed in."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from bench.training.cards import TrainingCard
from curate.lineage import Lineage, Sharing
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
    card: TrainingCard | None,
    *,
    target: str,
    modality: str,
    dataset: str,
    image_id: str,
    split: str | None,
    voxel_sha256: str | None = None,
) -> Seen:
    """Answer the four questions for one mask; undisclosed is `unknown`, never `unseen`.

    Without a card everything is unknown. With one:

    * target: seen when masks of it were certainly trained on, or when the card's makers say so. A left or right target
      counts as seen when the paired one was trained, and the paired one when both sides were. Otherwise unseen when
      the makers call it so. Otherwise unknown when a dataset with uncertain masks may have shown it. Otherwise unseen
      when the card, or its list of datasets with masks, is complete, and unknown when neither is. Evidence of training
      thus outweighs a statement that a target is unseen; a suite carries such statements beside the computed answer.
    * modality: seen when a listed dataset has it or the makers say so; unseen when neither is so and the modalities are
      listed in full.
    * dataset: seen when it is listed or shares images with a listed one by the lineage table; unknown when it is only
      likely to; otherwise unseen when the public datasets are listed in full.
    * image: seen when its voxels are in a training manifest. Otherwise unseen when its dataset is unseen, or when it
      was held out and no other listed dataset shares images with its own; seen when its official split was trained
      on; otherwise unknown.

    Args:
        card: Training card of the model; None where nothing is disclosed.
        target: Vocabulary slug.
        modality: Modality of the image.
        dataset: Recipe id.
        image_id: Image in the store.
        split: Split of the image where it is the source's own; None where the store drew it.
        voxel_sha256: Hash of the image's voxels in the store; None where no training manifest is to be asked.

    Raises:
        UnknownNameError: When the target is not in the vocabulary.
        ConfigError: When a training manifest cannot be read.
    """
    return Seen(
        target_seen(card, target),
        modality_seen(card, modality),
        dataset_seen(card, dataset),
        image_seen(card, dataset, image_id, split, voxel_sha256),
    )


def target_seen(card: TrainingCard | None, target: str) -> Answer:
    """Answer for a target, as `seen` defines it.

    Raises:
        UnknownNameError: When the target is not in the vocabulary.
    """
    if card is None:
        return "unknown"
    if covers(card.verified_targets, target):
        return "seen"
    if card.stated is not None and covers(frozenset(card.stated.unseen_targets), target):
        return "unseen"
    if covers(card.unverified_targets, target):
        return "unknown"
    listed = card.card.complete or (card.stated is not None and card.stated.targets_complete)
    return "unseen" if listed else "unknown"


def covers(known: frozenset[str], target: str) -> bool:
    """Say whether `target` is among known ones itself, through its paired form, or through both of its sides."""
    vocabulary = Vocabulary.load()
    sides = vocabulary.sides(target)
    return target in known or vocabulary.unsided(target) in known or (sides is not None and known.issuperset(sides))


def modality_seen(card: TrainingCard | None, modality: str) -> Answer:
    """Answer for a modality, as `seen` defines it."""
    if card is None:
        return "unknown"
    if modality in card.modalities:
        return "seen"
    stated = card.stated
    listed = stated is not None and (stated.modalities_complete or modality in stated.unseen_modalities)
    return "unseen" if listed or card.card.complete else "unknown"


def dataset_seen(card: TrainingCard | None, dataset: str) -> Answer:
    """Answer for a dataset by its recipe id, as `seen` defines it."""
    if card is None:
        return "unknown"
    sharing = {_sharing(dataset, listed.id) for listed in card.datasets}
    if "yes" in sharing:
        return "seen"
    if "likely" in sharing:
        return "unknown"
    listed = card.card.complete or (card.stated is not None and card.stated.public_datasets_complete)
    return "unseen" if listed else "unknown"


def image_seen(
    card: TrainingCard | None, dataset: str, image_id: str, split: str | None, voxel_sha256: str | None = None
) -> Answer:
    """Answer for an image, as `seen` defines it; `split` is the source's own, None where it has none.

    Raises:
        ConfigError: When a training manifest cannot be read.
    """
    if card is None:
        return "unknown"
    if voxel_sha256 is not None and voxel_sha256 in card.voxel_sha256:
        return "seen"
    if dataset_seen(card, dataset) == "unseen":
        return "unseen"
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
