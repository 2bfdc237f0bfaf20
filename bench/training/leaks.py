"""Images of a test set that are in a model's training data, by name, with how sure that is and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from bench.suite import Suite, Unit, units_of
from bench.training import evidence
from bench.training.cards import TrainingCard, shipped_card
from bench.training.kin import Kin
from bench.training.seen import image_seen
from curate.lineage import Lineage

Evidence = Literal["same voxels", "trained split", "same case", "dataset trained on", "shares images", "may share"]

EVIDENCE: Final[Mapping[Evidence, str]] = {
    "same voxels": evidence.SAME_VOXELS,
    "trained split": "its dataset is on the card, and its official split was trained on",
    "same case": "it was taken from a case whose split was trained on",
    "dataset trained on": "its dataset is on the card, and whether this image was held out is not known",
    "shares images": "its dataset shares images with one on the card; which ones is not known case by case",
    "may share": "its dataset may share images or patients with one on the card, which is not verified",
}
"""Levels of evidence, surest first; the first three are certain."""

CERTAIN: Final[frozenset[Evidence]] = frozenset({"same voxels", "trained split", "same case"})


@dataclass(frozen=True, slots=True)
class Leak:
    """One image of the test set, and the surest reason to think that it was trained on."""

    evidence: Evidence
    dataset: str
    image_id: str
    masks: int
    """Masks of the test set on this image."""
    why: str

    @property
    def is_certain(self) -> bool:
        """True where the image was trained on, as far as the card is right."""
        return self.evidence in CERTAIN


def find(suite: Suite, card: TrainingCard | None, store: Path) -> tuple[Leak, ...]:
    """Find the images of a suite in a store that a model was, or may have been, trained on.

    Images that the card calls held out, or that share nothing with it, are not listed; neither is anything of a model
    without a card, of which nothing is known.

    Args:
        suite: What would be evaluated.
        card: Training card of the model; None where nothing is disclosed.
        store: Root of the store.

    Returns:
        One for each image, surest first, then by dataset and image.

    Raises:
        StoreError: When there is no finished store.
        ConfigError: When a training manifest of the card cannot be read.
    """
    if card is None:
        return ()
    kin = Kin.of_store(store)
    found = [_of_unit(unit, card, kin) for unit in units_of(suite, store)]
    return _sorted(leak for leak in found if leak is not None)


def of_run(facts: Mapping[str, Any], images: Iterable[tuple[str, str, str, int]]) -> tuple[Leak, ...]:
    """Find leaks from what a finished run says, without its store.

    Args:
        facts: `run.json`; a training card that does not ship is not at hand, so nothing is found.
        images: As `of_rows` takes them.

    Returns:
        As `find`.
    """
    return of_rows(shipped_card((facts.get("model") or {}).get("training_card")), images)


def of_rows(card: TrainingCard | None, images: Iterable[tuple[str, str, str, int]]) -> tuple[Leak, ...]:
    """Find leaks from what the rows of a finished run say.

    The rows answer for splits and voxels by `seen_image`, so an image that they call seen is certain; cases that
    another dataset shares are not looked up.

    Args:
        card: Training card of the model; None where nothing is disclosed.
        images: For each image its dataset, its image_id, what the rows say of it (`seen_image`) and its masks.

    Returns:
        As `find`.
    """
    if card is None:
        return ()
    found = []
    for dataset, image_id, answer, masks in images:
        if answer == "seen":
            level: Evidence = "trained split" if _is_listed(card, dataset) else "same voxels"
            found.append(Leak(level, dataset, image_id, masks, f"as its rows say: {EVIDENCE[level]}"))
        elif answer == "unknown" and (possible := _possible(card, dataset, None)):
            found.append(Leak(possible, dataset, image_id, masks, evidence.of_image(card, dataset, None, "unknown")))
    return _sorted(found)


def counts(leaks: Sequence[Leak]) -> dict[str, int]:
    """Return evidence -> images, every level named, surest first."""
    found = Counter(leak.evidence for leak in leaks)
    return {evidence: found[evidence] for evidence in EVIDENCE}


def _of_unit(unit: Unit, card: TrainingCard, kin: Kin) -> Leak | None:
    """Return the surest evidence that one image was trained on; None where there is none."""
    image, split = unit.image, unit.split
    dataset, image_id, voxels = image["dataset"], image["image_id"], image["voxel_sha256"]
    found: tuple[Evidence, str] | None = None
    if voxels in card.voxel_sha256:
        found = "same voxels", EVIDENCE["same voxels"]
    elif image_seen(card, dataset, image_id, split) == "seen":
        found = "trained split", evidence.of_image(card, dataset, split, "seen")
    elif trained := next((one for one in kin.same_case(image) if _is_trained(card, one)), None):
        found = "same case", f"it is also {trained['image_id']}, which was trained on"
    elif image_seen(card, dataset, image_id, split) == "unknown" and (possible := _possible(card, dataset, split)):
        found = possible, evidence.of_image(card, dataset, split, "unknown")
    return None if found is None else Leak(found[0], dataset, image_id, len(unit.masks), found[1])


def _is_trained(card: TrainingCard, image: Mapping[str, str | None]) -> bool:
    dataset, image_id = str(image["dataset"]), str(image["image_id"])
    return image_seen(card, dataset, image_id, image["split"], image["voxel_sha256"]) == "seen"


def _is_listed(card: TrainingCard, dataset: str) -> bool:
    return any(listed.id == dataset for listed in card.datasets)


def _possible(card: TrainingCard, dataset: str, split: str | None) -> Evidence | None:
    """Say how a dataset is, or may be, among those of the card."""
    own = next((listed for listed in card.datasets if listed.id == dataset), None)
    if own is not None and split not in own.held_out_splits:
        return "dataset trained on"
    sharing = {Lineage.load().sharing(dataset, listed.id) for listed in card.datasets if listed is not own}
    if "yes" in sharing:
        return "shares images"
    return "may share" if "likely" in sharing else None


def _sorted(leaks: Iterable[Leak]) -> tuple[Leak, ...]:
    order = list(EVIDENCE)
    return tuple(sorted(leaks, key=lambda leak: (order.index(leak.evidence), leak.dataset, leak.image_id)))
