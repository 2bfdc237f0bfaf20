"""Which images train, validate and test: by the source's own split, or by a hash of the patient key."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from curate.errors import ConfigError
from curate.recipe import Recipe

HELD_OUT_FIRST = ("test", "val", "train")
"""The three splits, the one to keep untouched first."""
GROUPED = "grouped"
"""Origin of a row that `curate.resplit` moved to where a duplicate of it stands."""


def assign(
    recipe: Recipe,
    images: Sequence[Mapping[str, Any]],
    official: Mapping[str, str | None],
    grouped: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return one row per image.

    A patient whom the source puts into two splits goes, with all images, to the more held-out one. Hashing the
    patient key means that adding cases never moves old ones.

    Args:
        recipe: Its `splits` give the shares and the source's words.
        images: Rows of the images table.
        official: case_id -> what `{split}` captured, or None.
        grouped: patient_id -> where `curate.resplit` moved the patient; this wins, or a duplicate would cross again.

    Raises:
        ConfigError: When the source's word for a split is not mapped.
    """
    stated: dict[str, set[str]] = {}
    for image in images:
        word = official.get(image["case_id"])
        if word is not None:
            stated.setdefault(image["patient_id"], set()).add(_official(recipe, word))
    rows = []
    for image in images:
        patient = image["patient_id"]
        if grouped and patient in grouped:
            split, origin = grouped[patient], GROUPED
        elif patient in stated:
            split, origin = next(name for name in HELD_OUT_FIRST if name in stated[patient]), "official"
        else:
            split, origin = hashed(recipe, patient), "hashed"
        rows.append(
            {
                "image_id": image["image_id"],
                "dataset": recipe.dataset.id,
                "patient_id": patient,
                "split": split,
                "origin": origin,
            }
        )
    return rows


def check_words(recipe: Recipe, words: Iterable[str | None]) -> None:
    """Refuse words for a split that the recipe does not map, before hours of work rather than after.

    Raises:
        ConfigError: With the first such word and what to add to the recipe.
    """
    for word in sorted({word for word in words if word is not None}):
        _official(recipe, word)


def hashed(recipe: Recipe, patient: str) -> str:
    """Return the split of a patient by hash, with the recipe's shares."""
    digest = hashlib.sha256(f"{recipe.dataset.id}/{patient}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    if place < recipe.splits.train:
        return "train"
    return "val" if place < recipe.splits.train + recipe.splits.val else "test"


def _official(recipe: Recipe, word: str) -> str:
    split = recipe.splits.names.get(word, word)
    if split not in HELD_OUT_FIRST:
        hint = f'add "{word}" = "train" (or val, test) to [splits.names]'
        raise ConfigError(f"{recipe.dataset.id}: the source's split `{word}` is unknown; {hint}")
    return split
