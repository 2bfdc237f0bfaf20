"""Checks of what the model says of its training: the card, and that no row calls unseen what the card does not."""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from bench.schema import SEEN
from bench.submission.content import Submission
from bench.submission.problem import Check, failed, passed, quoted, skipped
from bench.suite import Unit
from bench.training.cards import TrainingCard, load_card, shipped_card
from bench.training.seen import dataset_seen, image_seen, modality_seen, target_seen
from curate.errors import UsageError

_FIX: Final = "run it again: rows are answered from the card when the run is made"


def card_of(submission: Submission, own: str | None) -> TrainingCard | None:
    """Return the training card by which the rows are checked; None where there is none, or none that is at hand.

    The name is a stranger's text, so only cards that ship, and the one that was given, are read.

    Raises:
        UsageError: When the given card cannot be read.
    """
    if own is not None:
        return load_card(own)
    return shipped_card(submission.fact("model", "training_card"))


def training_card(submission: Submission, card: TrainingCard | None) -> Check:
    """Check that the training card is one that can be read, or that the training is said to be undisclosed."""
    name = submission.fact("model", "training_card")
    if card is None and name is not None:
        fix = "give the card with --card FILE, or add it to manifests/cards"
        return failed("training_card", f"the card {quoted(PurePosixPath(str(name)).name)} is not at hand", fix)
    return passed("training_card", "undisclosed: every answer is unknown" if card is None else card.card.name)


def seen(submission: Submission, card: TrainingCard | None) -> Check:
    """Check the answers for targets, modalities and datasets; that something was seen is believed without proof.

    Images are answered by `seen_images`: that needs their splits and voxels, which a submission does not hold.
    """
    if card is None and submission.fact("model", "training_card") is not None:
        return skipped("seen", "the training card is not at hand", "give it with --card FILE")
    asked: dict[str, Callable[[Any], str]] = {
        "target": lambda word: target_seen(card, word),
        "modality": lambda word: modality_seen(card, word),
        "dataset": lambda word: dataset_seen(card, word),
    }
    for column, answer in asked.items():
        for word, said in submission.rows[[column, f"seen_{column}"]].drop_duplicates().to_numpy():
            try:
                computed = answer(word)
            except UsageError as error:
                return failed("seen", f"{column} {quoted(word)}: {quoted(error)}", _FIX)
            if said not in ("seen", computed):
                found = f"{column} {quoted(word)} is called {said}, its card says {computed}"
                return failed("seen", found, _FIX)
    return _images(submission, card)


def seen_images(submission: Submission, card: TrainingCard | None, units: Sequence[Unit]) -> Check:
    """Check the answers for images, from their splits and voxels in the store that was run.

    Raises:
        ConfigError: When a training manifest of the card cannot be read.
    """
    if card is None and submission.fact("model", "training_card") is not None:
        return skipped("seen_images", "the training card is not at hand", "give it with --card FILE")
    computed = {
        unit.image["image_id"]: image_seen(
            card, unit.image["dataset"], unit.image["image_id"], unit.split, unit.image["voxel_sha256"]
        )
        for unit in units
    }
    for image_id, said in submission.rows[["image_id", "seen_image"]].drop_duplicates().to_numpy():
        if said not in ("seen", computed.get(image_id, said)):
            found = f"image {quoted(image_id)} is called {said}, its card says {computed[image_id]}"
            return failed("seen_images", found, _FIX)
    return passed("seen_images", f"answers for {len(computed)} images follow from the card")


def _images(submission: Submission, card: TrainingCard | None) -> Check:
    answers = submission.rows["seen_image"].value_counts()
    if card is None and answers.get("unseen", 0):
        return failed("seen", "images are called unseen, and nothing of the training is disclosed", _FIX)
    counts = ", ".join(f"{answers.get(word, 0)} {word}" for word in SEEN)
    return passed("seen", f"answers follow from the card; rows by image: {counts}")
