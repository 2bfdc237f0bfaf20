"""The training card: what a model was trained on, as far as its makers say."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from curate.errors import ConfigError, UnknownNameError
from curate.plugins import StrictModel, find, load_toml
from curate.vocabulary import Vocabulary

Split = Literal["train", "val", "test"]


class Heading(StrictModel):
    """Whose card it is and how far it can be trusted."""

    name: str
    version: str
    """Version of the card, not of the model."""
    source: str
    """Where the facts were read."""
    notes: str = ""
    complete: bool = False
    """True where nothing was learnt from but what the card lists; then absent means unseen."""


class TrainedDataset(StrictModel):
    """One public dataset of the training set."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """Recipe id, as in the lineage table."""
    name: str
    """As the model's makers write it."""
    stage1: bool = True
    stage2: bool = False
    """Stages of training that used it, for models with a fine-tuning stage."""
    modalities: tuple[str, ...]
    targets: tuple[str, ...]
    """What its masks show: vocabulary slugs."""
    verified: bool = True
    """False where it is not certain which masks of the dataset were used, or what they show."""
    trained_splits: tuple[Split, ...] = ("train",)
    """Official splits whose images were trained on; empty where an unpublished part of them was held out."""
    held_out_splits: tuple[Split, ...] = ()
    """Official splits that were kept for evaluation."""
    held_out_images: tuple[str, ...] = ()
    """Image ids that were kept for evaluation, where a list is published."""


class Undisclosed(StrictModel):
    """What else the model learnt from, without being listed."""

    private_datasets: Annotated[int, Field(ge=0)] = 0
    meaning: str


class Stated(StrictModel):
    """What the makers say of their training set as a whole."""

    source: str
    seen_targets: tuple[str, ...] = ()
    unseen_targets: tuple[str, ...] = ()
    unseen_modalities: tuple[str, ...] = ()
    modalities_complete: bool = False
    """True where the list of training modalities is public: others are unseen."""
    public_datasets_complete: bool = False
    """True where every public training dataset is listed: other public datasets are unseen."""


class TrainingCard(StrictModel):
    """A whole card; `load_card` also checks its words against the vocabulary."""

    card: Heading
    datasets: tuple[TrainedDataset, ...]
    undisclosed: Undisclosed | None = None
    stated: Stated | None = None

    @model_validator(mode="after")
    def _agree(self) -> "TrainingCard":
        ids = [dataset.id for dataset in self.datasets]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"dataset ids are given twice: {', '.join(twice)}")
        if self.card.complete and self.undisclosed is not None:
            raise ValueError("a card cannot be complete and have undisclosed data; set complete = false")
        return self

    @cached_property
    def verified_targets(self) -> frozenset[str]:
        """Targets of datasets whose masks are known, and those that the makers call trained."""
        stated = self.stated.seen_targets if self.stated else ()
        return frozenset(stated).union(*(dataset.targets for dataset in self.datasets if dataset.verified))

    @cached_property
    def unverified_targets(self) -> frozenset[str]:
        """Targets that only datasets with `verified = false` may have shown."""
        targets = frozenset[str]().union(*(dataset.targets for dataset in self.datasets if not dataset.verified))
        return targets - self.verified_targets

    @cached_property
    def modalities(self) -> frozenset[str]:
        """Modalities of all listed datasets."""
        return frozenset[str]().union(*(dataset.modalities for dataset in self.datasets))


def load_card(name_or_path: str) -> TrainingCard:
    """Load a shipped card by name, or a user's own by path.

    Raises:
        UnknownNameError: When there is no such card.
        ConfigError: When it breaks its schema, or names a target or modality outside the vocabulary.
    """
    path = find("cards", name_or_path)
    card = load_toml(path, TrainingCard)
    _check_words(path, card)
    return card


def _check_words(path: Path, card: TrainingCard) -> None:
    stated = card.stated or Stated(source="")
    groups = [(f"dataset `{one.id}`", one.targets, one.modalities) for one in card.datasets]
    groups += [("stated", (*stated.seen_targets, *stated.unseen_targets), stated.unseen_modalities)]
    vocabulary = Vocabulary.load()
    for where, targets, modalities in groups:
        try:
            for target in targets:
                vocabulary.target(target)
            for modality in modalities:
                vocabulary.modality(modality)
        except UnknownNameError as error:
            raise ConfigError(f"{path}: {where}: {error}") from error
