"""What a model has seen of a suite, computed from its training card, beside what the paper behind the suite states."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from bench import models
from bench.models.base import ModelCard
from bench.schema import SEEN
from bench.suite import Stated, Suite, Unit, datasets_named, is_pattern, plan, target_names
from bench.training import evidence
from bench.training.cards import TrainingCard, load_card
from bench.training.seen import Answer, dataset_seen, image_seen, modality_seen, target_seen
from curate.errors import UnknownNameError
from curate.plugins import nearest, shipped_names
from curate.vocabulary import Vocabulary

Level = Literal["dataset", "image", "modality", "target"]


@dataclass(frozen=True, slots=True)
class Row:
    """One answer."""

    level: Level
    name: str
    """Recipe id (`amos22:val` for images of one split), modality or vocabulary slug."""
    group: str | None
    """Group of the suite, for targets; other levels have none."""
    computed: Answer
    stated: str | None
    """seen or unseen, as the paper states it; None where it says nothing."""
    masks: int | None
    """Masks in the store; None where no store was looked at."""
    why: str
    """Where `computed` comes from, in one sentence."""

    @property
    def disagrees(self) -> bool:
        """True where the paper states something else than what is computed, `unknown` included."""
        return self.stated is not None and self.stated != self.computed


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a table answers for, with the number of masks of each."""

    images: Counter[tuple[str, str | None, str, str | None]] = field(default_factory=Counter)
    """(dataset, official split or None, image_id, hash of its voxels or None)."""
    modalities: Counter[str] = field(default_factory=Counter)
    targets: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(group, slug)."""


def table(suite: Suite, card: TrainingCard | None, store: Path | None = None) -> list[Row]:
    """Answer for all that a suite names, or for all that a store has of it.

    Without a store, datasets, modalities and targets are those that the suite names; patterns of targets are looked up
    in the vocabulary, a left and a right one count as their pair, and `*` alone stands for nothing.

    Args:
        suite: What would be evaluated.
        card: Training card of the model; None where nothing is disclosed.
        store: Root of a store, or None.

    Returns:
        Rows of datasets, then images, modalities and targets.

    Raises:
        StoreError: When there is no finished store.
        UsageError: When the store has no mask of the suite.
    """
    asked = _declared(suite) if store is None else _found(plan(suite, store))
    rows = [*_datasets(suite, card, asked), *_images(suite, card, asked)]
    rows += [*_modalities(suite, card, asked), *_targets(suite, card, asked)]
    return rows if store is not None else [replace(row, masks=None) for row in rows]


def card_of(model_or_card: str) -> tuple[str, TrainingCard | None]:
    """Return the training card that a word means, and its name: a card, `CARD@STAGE`, or the card of a model.

    Raises:
        UnknownNameError: When there is neither such a card nor such a model.
        UsageError: When the model cannot be imported.
    """
    cards, known = shipped_names("cards"), models.REGISTRY.names()
    file = model_or_card.partition("@")[0]
    if file in cards or file.endswith(".toml"):
        card = load_card(model_or_card)
        return card.card.name, card
    if model_or_card not in known:
        words = sorted({*cards, *known})
        hint = nearest(model_or_card, words) or f"; known: {', '.join(words)}"
        raise UnknownNameError(f"no training card or model `{model_or_card}`{hint}")
    described = getattr(models.REGISTRY.load(model_or_card), "card", None)
    name = described.training_card if isinstance(described, ModelCard) else None
    return (name, load_card(name)) if name else (f"{model_or_card}, which has no training card", None)


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Count the targets of every group by what is computed, beside what is stated."""
    targets = [row for row in rows if row.level == "target"]
    found = []
    for group, stated in dict.fromkeys((row.group, row.stated) for row in targets):
        counts = Counter[str](row.computed for row in targets if row.group == group)
        found.append(
            {"group": group, "stated": stated, "targets": counts.total(), **{word: counts[word] for word in SEEN}}
        )
    return found


def _declared(suite: Suite) -> _Asked:
    """Ask for the words of a suite."""
    asked = _Asked()
    for _, dataset, split in datasets_named(suite):
        if not is_pattern(dataset):
            asked.images[(dataset, split, "", None)] += 0
    stated = suite.stated or Stated(source="")
    named = [
        *stated.seen_modalities,
        *stated.unseen_modalities,
        *(one for group in suite.groups for one in group.modalities),
    ]
    asked.modalities.update(dict.fromkeys((one for one in named if not is_pattern(one)), 0))
    for group in suite.groups:
        asked.targets.update(dict.fromkeys(((group.name, slug) for slug in _slugs(group.targets)), 0))
    return asked


def _slugs(patterns: Sequence[str]) -> Iterator[str]:
    """Yield the targets that patterns name, left and right as their pair."""
    for pattern in patterns:
        if not is_pattern(pattern):
            yield pattern
        elif pattern.strip("*"):
            yield from (target_names(slug)[-1] for slug in Vocabulary.load().targets if fnmatchcase(slug, pattern))


def _found(units: Sequence[Unit]) -> _Asked:
    """Ask for the masks of a plan."""
    asked = _Asked()
    for unit in units:
        for mask in unit.masks:
            asked.images[(mask["dataset"], unit.split, mask["image_id"], unit.image["voxel_sha256"])] += 1
            asked.modalities[mask["modality"]] += 1
            asked.targets[(mask["suite_group"], mask["target"])] += 1
    return asked


def _datasets(suite: Suite, card: TrainingCard | None, asked: _Asked) -> Iterator[Row]:
    masks: Counter[str] = Counter()
    for (dataset, _, _, _), number in asked.images.items():
        masks[dataset] += number
    for dataset, number in masks.items():
        answer = dataset_seen(card, dataset)
        stated = suite.stated.dataset(dataset) if suite.stated else None
        why = evidence.of_dataset(card, dataset, answer)
        if answer == "unseen" and _holds_seen_targets(suite, dataset):
            why += ": a new source of seen targets"
        yield Row("dataset", dataset, None, answer, stated, number, why)


def _holds_seen_targets(suite: Suite, dataset: str) -> bool:
    """Tell whether a suite states that everything it evaluates of a dataset is seen."""
    stated = {group.stated for group, name, _ in datasets_named(suite) if name == dataset}
    return stated == {"seen"}


def _images(suite: Suite, card: TrainingCard | None, asked: _Asked) -> Iterator[Row]:
    masks: Counter[tuple[str, str | None, Answer]] = Counter()
    for (dataset, split, image_id, voxels), number in asked.images.items():
        masks[(dataset, split, image_seen(card, dataset, image_id, split, voxels))] += number
    stated = suite.stated.images if suite.stated else None
    for (dataset, split, answer), number in masks.items():
        name = dataset if split is None else f"{dataset}:{split}"
        yield Row("image", name, None, answer, stated, number, evidence.of_image(card, dataset, split, answer))


def _modalities(suite: Suite, card: TrainingCard | None, asked: _Asked) -> Iterator[Row]:
    for modality, number in asked.modalities.items():
        answer = modality_seen(card, modality)
        stated = suite.stated.modality(modality) if suite.stated else None
        yield Row("modality", modality, None, answer, stated, number, evidence.of_modality(card, modality, answer))


def _targets(suite: Suite, card: TrainingCard | None, asked: _Asked) -> Iterator[Row]:
    stated = {group.name: group.stated for group in suite.groups}
    for (group, target), number in asked.targets.items():
        answer = target_seen(card, target)
        yield Row("target", target, group, answer, stated[group], number, evidence.of_target(card, target, answer))
