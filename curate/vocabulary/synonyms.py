"""From what a source calls its labels and scanners to the vocabulary's words.

A row of `synonyms.csv` or `modality_synonyms.csv` without a context holds anywhere; a row with one holds only in that
dataset (recipe id) or label list, and wins there. Names and slugs of targets need no row, nor do other spellings of
them: case, hyphens and underscores do not count, and a side may stand anywhere (`left kidney`, `Kidney_L`,
`rib_left_4`).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from curate.errors import UnknownNameError
from curate.plugins import shipped_folder
from curate.vocabulary.closed import SIDES
from curate.vocabulary.spelling import fold, known, rows, unknown

Meanings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Folded label -> context (empty: anywhere) -> what it means there."""
_ANYWHERE = ""
_ENDINGS = {"l": "left", "r": "right"}
_MOST_CONTEXTS = 4
_IN_PARENTHESES = re.compile(r"\(.*?\)")


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Labels of sources -> slugs of targets."""

    meanings: Meanings

    @staticmethod
    def load() -> "Synonyms":
        """Return the shipped synonyms, read once."""
        return _synonyms(shipped_folder("vocabulary"))

    def find(self, targets: Collection[str], label: str, context: str | None = None) -> tuple[str, ...]:
        """Return the slugs that a label names in a context; empty where it names none, or not without a context.

        What stands in parentheses is dropped where the whole label means nothing: `Eye_AL (left eyeball)`.
        """
        words = dict.fromkeys((fold(label), fold(_IN_PARENTHESES.sub(" ", label))))
        return next((found for word in words if (found := self._sided(targets, word, context))), ())

    def resolve(self, targets: Collection[str], label: str, context: str | None = None) -> tuple[str, ...]:
        """Return the slugs that a label names; see `Vocabulary.resolve`.

        Raises:
            UnknownNameError: When none does, or the context does not say which of several.
        """
        found = self.find(targets, label, context)
        if found:
            return found
        word = fold(label)
        elsewhere = self.meanings.get(word) or self.meanings.get(_without_side(word)[0])
        if elsewhere:
            raise UnknownNameError(_which(label, elsewhere))
        raise unknown("label", label, {*self.meanings, *(fold(slug) for slug in targets)})

    def _sided(self, targets: Collection[str], word: str, context: str | None) -> tuple[str, ...]:
        """Return what a folded label means as it stands, else the left or right of what it means without its side."""
        base, side = _without_side(word)
        found = self._whole(targets, word, context)
        if found or side is None:
            return found
        sided = tuple(f"{slug}_{side}" for slug in self._whole(targets, base, context))
        return sided if all(slug in targets for slug in sided) else ()

    def _whole(self, targets: Collection[str], word: str, context: str | None) -> tuple[str, ...]:
        """Return what a folded label means as it stands: by a row of this context, by one of any, or as a slug."""
        by_context = self.meanings.get(word, {})
        slug = word.replace(" ", "_")
        stated = by_context.get(context or _ANYWHERE) or by_context.get(_ANYWHERE)
        return stated or ((slug,) if slug in targets else ())


@dataclass(frozen=True, slots=True)
class ModalitySynonyms:
    """Names of scanners and sequences -> modality and, where the name says one, sequence."""

    meanings: Meanings

    @staticmethod
    def load() -> "ModalitySynonyms":
        """Return the shipped names, read once."""
        return _modality_synonyms(shipped_folder("vocabulary"))

    def resolve(self, name: str, context: str | None = None) -> tuple[str, str | None]:
        """Return the modality and sequence of a name: `mr_t1ce` is MR, T1c.

        Raises:
            UnknownNameError: When the name is not known; the message names the nearest.
        """
        by_context = self.meanings[known("modality name", fold(name), self.meanings)]
        found = by_context.get(context or _ANYWHERE) or by_context.get(_ANYWHERE)
        if found is None:
            raise UnknownNameError(_which(name, by_context))
        return found[0], found[1] or None


def _without_side(word: str) -> tuple[str, str | None]:
    """Return a folded label without the one side that it holds, and that side; else the label and None."""
    words = word.split()
    if words and words[-1] in _ENDINGS:
        words[-1] = _ENDINGS[words[-1]]
    sides = [one for one in words if one in SIDES]
    if len(sides) != 1 or len(words) == 1:
        return word, None
    words.remove(sides[0])
    return " ".join(words), sides[0]


def _which(label: str, by_context: Mapping[str, tuple[str, ...]]) -> str:
    """Say what a label means in which contexts."""
    contexts: dict[str, list[str]] = {}
    for context, meaning in by_context.items():
        contexts.setdefault("+".join(meaning), []).append(context)
    choices = [f"{_some(names)} ({meaning})" for meaning, names in contexts.items()]
    return f"`{label}` depends on its dataset; give one of these contexts: {', '.join(choices)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_CONTEXTS]) + (", ..." if len(names) > _MOST_CONTEXTS else "")


@cache
def _synonyms(folder: Path) -> Synonyms:
    meanings: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows(folder / "synonyms.csv"):
        meanings.setdefault(fold(row["label"]), {})[row["context"]] = tuple(row["target"].split("+"))
    for row in rows(folder / "targets.csv"):
        name = fold(_IN_PARENTHESES.sub("", row["name"]))
        meanings.setdefault(name, {}).setdefault(_ANYWHERE, (row["slug"],))
    return Synonyms(meanings)


@cache
def _modality_synonyms(folder: Path) -> ModalitySynonyms:
    meanings: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows(folder / "modality_synonyms.csv"):
        meanings.setdefault(fold(row["name"]), {})[row["context"]] = (row["modality"], row["sequence"])
    return ModalitySynonyms(meanings)
