"""The training card: what a model was trained on, as far as its makers say."""

from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from bench.training import voxels
from curate.errors import ConfigError, UnknownNameError
from curate.plugins import StrictModel, find, load_toml, nearest, shipped_names
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
    stages: tuple[str, ...] = ()
    """Stages of training that used it; none named: all of them."""
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


class TrainedManifest(StrictModel):
    """Images of the training set by the hash of their voxels, whatever they are called."""

    path: str
    """A store, or a CSV file with a column `voxel_sha256`; relative to the card's own file."""
    splits: tuple[Split, ...] = ("train",)
    """Of a store: the splits that were trained on."""
    stages: tuple[str, ...] = ()
    """Stages of training that used it; none named: all of them."""


class Undisclosed(StrictModel):
    """What else the model learnt from, without being listed."""

    private_datasets: Annotated[int, Field(ge=0)] = 0
    meaning: str
    stages: tuple[str, ...] = ()
    """Stages of training that used it; none named: all of them."""


class Stated(StrictModel):
    """What the makers say of their training set as a whole."""

    source: str
    seen_targets: tuple[str, ...] = ()
    unseen_targets: tuple[str, ...] = ()
    seen_modalities: tuple[str, ...] = ()
    unseen_modalities: tuple[str, ...] = ()
    modalities_complete: bool = False
    """True where the list of training modalities is public: others are unseen."""
    targets_complete: bool = False
    """True where every dataset with masks is listed: targets that none of them shows are unseen."""
    public_datasets_complete: bool = False
    """True where every public training dataset is listed: other public datasets are unseen."""


class Stage(StrictModel):
    """One stage of a training that had several."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    """What it was, where it is stated, and which checkpoint it gave."""


class TrainingCard(StrictModel):
    """A whole card; `load_card` also checks its words against the vocabulary."""

    card: Heading
    includes: tuple[str, ...] = ()
    """Names or paths of cards whose datasets were trained on too."""
    stages: tuple[Stage, ...] = ()
    datasets: tuple[TrainedDataset, ...]
    manifests: tuple[TrainedManifest, ...] = ()
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
        blank = [dataset.id for dataset in self.datasets if not dataset.targets]
        if blank and self.stated is not None and self.stated.targets_complete:
            raise ValueError(f"`targets_complete` needs the targets of every dataset, and `{blank[0]}` has none")
        parts = [one.stages for one in self.datasets] + [one.stages for one in self.manifests]
        named = set(chain.from_iterable(parts))
        known = [stage.name for stage in self.stages]
        for name in sorted(named.union(self.undisclosed.stages if self.undisclosed else ()).difference(known)):
            raise ValueError(f"stage `{name}` has no [[stages]] entry{nearest(name, known)}")
        return self

    def stage(self, name: str) -> "TrainingCard":
        """Return what one stage alone learnt from, as a card called `CARD@STAGE`.

        What the makers call seen is said of the whole training, so it is left out; what they call unseen stays.

        Raises:
            UnknownNameError: When the training had no such stage.
        """
        known = [stage.name for stage in self.stages]
        if name not in known:
            hint = nearest(name, known) or f"; it has: {', '.join(known) or 'none'}"
            raise UnknownNameError(f"card `{self.card.name}` has no stage `{name}`{hint}")
        hidden, nothing = self.undisclosed, {"seen_targets": (), "seen_modalities": ()}
        return TrainingCard(
            card=self.card.model_copy(update={"name": f"{self.card.name}@{name}"}),
            stages=self.stages,
            datasets=tuple(dataset for dataset in self.datasets if not dataset.stages or name in dataset.stages),
            manifests=tuple(one for one in self.manifests if not one.stages or name in one.stages),
            undisclosed=hidden if hidden is not None and (not hidden.stages or name in hidden.stages) else None,
            stated=self.stated and self.stated.model_copy(update=nothing),
        )

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
        """Modalities of all listed datasets, and those that the makers call trained."""
        stated = self.stated.seen_modalities if self.stated else ()
        return frozenset(stated).union(*(dataset.modalities for dataset in self.datasets))

    @cached_property
    def voxel_sha256(self) -> frozenset[str]:
        """Hashes of the voxels of training images, from all manifests.

        Raises:
            ConfigError: When a manifest cannot be read.
        """
        return frozenset[str]().union(*(voxels.read(Path(one.path), one.splits) for one in self.manifests))


def load_card(name_or_path: str) -> TrainingCard:
    """Load a shipped card by name, or a user's own by path; `CARD@STAGE` is one stage of it.

    Raises:
        UnknownNameError: When there is no such card or stage.
        ConfigError: When it breaks its schema, or names a target or modality outside the vocabulary.
    """
    file, at, stage = name_or_path.rpartition("@")
    if not at or Path(name_or_path).is_file():
        return _read(find("cards", name_or_path))
    return _read(find("cards", file)).stage(stage)


def shipped_card(name: object) -> TrainingCard | None:
    """Return the shipped card of a name that a stranger wrote, `CARD@STAGE` too; None where there is none.

    The name is compared with the names that ship, and never taken for a path.
    """
    if not isinstance(name, str) or name.partition("@")[0] not in shipped_names("cards"):
        return None
    try:
        return load_card(name)
    except UnknownNameError:
        return None


def _read(path: Path, above: tuple[Path, ...] = ()) -> TrainingCard:
    """Read a card and those that it includes; `above` are the cards that are being read."""
    if path in above:
        raise ConfigError(f"{above[-1]}: `includes` goes round in a circle: {' -> '.join(one.stem for one in above)}")
    card = load_toml(path, TrainingCard)
    _check_words(path, card)
    parts = [_read(find("cards", name), (*above, path)) for name in card.includes]
    own = [one.model_copy(update={"path": str((path.parent / one.path).resolve())}) for one in card.manifests]
    datasets = (*card.datasets, *chain.from_iterable(part.datasets for part in parts))
    manifests = (*own, *chain.from_iterable(part.manifests for part in parts))
    try:
        return TrainingCard(**{**dict(card), "datasets": datasets, "manifests": manifests})
    except ValidationError as error:
        raise ConfigError(f"{path}: with the cards that it includes, {error.errors()[0]['msg']}") from error


def _check_words(path: Path, card: TrainingCard) -> None:
    stated = card.stated or Stated(source="")
    groups = [(f"dataset `{one.id}`", one.targets, one.modalities) for one in card.datasets]
    modalities_stated = (*stated.seen_modalities, *stated.unseen_modalities)
    groups += [("stated", (*stated.seen_targets, *stated.unseen_targets), modalities_stated)]
    vocabulary = Vocabulary.load()
    for where, targets, modalities in groups:
        try:
            for target in targets:
                vocabulary.target(target)
            for modality in modalities:
                vocabulary.modality(modality)
        except UnknownNameError as error:
            raise ConfigError(f"{path}: {where}: {error}") from error
