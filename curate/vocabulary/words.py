"""All words of the vocabulary, and the lookups that tell what was probably meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from curate.plugins import shipped_folder
from curate.vocabulary.closed import REGIONS, SIDES
from curate.vocabulary.laws import problems
from curate.vocabulary.spelling import known, rows
from curate.vocabulary.synonyms import Synonyms
from curate.vocabulary.target import Target, ancestors, target_of


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words; every lookup of an unknown word names the nearest known one."""

    targets: Mapping[str, Target]
    sequences_of: Mapping[str, tuple[str, ...]]
    """Modality -> the sequences (of CT: the acquisitions and maps) that it may have."""

    @staticmethod
    def load() -> "Vocabulary":
        """Return the shipped vocabulary, read once."""
        return _load(shipped_folder("vocabulary"))

    def target(self, slug: str) -> Target:
        """Return a target by slug.

        Raises:
            UnknownNameError: When there is none; the message names the nearest slugs.
        """
        return self.targets[known("target", slug, self.targets)]

    def resolve(self, label: str, context: str | None = None) -> tuple[str, ...]:
        """Return the targets that a source's label names; the label covers the union of several.

        Args:
            label: A slug, a name or a synonym, in any spelling of case, spaces, hyphens and underscores.
            context: Recipe id or label list (`totalsegmentator-v2`, `sat-ds`, ...) that the label stands in.

        Raises:
            UnknownNameError: When no target has this name, or several have and the context does not say which; the
                message names the nearest word, or the contexts to choose from.
        """
        return Synonyms.load().resolve(self.targets, label, context)

    def modality(self, name: str) -> str:
        """Return `name` if it is a modality.

        Raises:
            UnknownNameError: When it is not; the message names the nearest.
        """
        return known("modality", name, self.sequences_of)

    def sequence(self, name: str, modality: str | None = None) -> str:
        """Return `name` if it is a sequence (of `modality`, where one is given).

        Raises:
            UnknownNameError: When it is not; the message names the nearest.
        """
        modalities = self.sequences_of if modality is None else (self.modality(modality),)
        what = "sequence" if modality is None else f"{modality} sequence"
        return known(what, name, [sequence for one in modalities for sequence in self.sequences_of[one]])

    def region(self, name: str) -> str:
        """Return `name` if it is a body region.

        Raises:
            UnknownNameError: When it is not; the message names the nearest.
        """
        return known("region", name, REGIONS)

    def sides(self, slug: str) -> tuple[str, str] | None:
        """Return the left and right target of a paired one (kidney -> kidney_left, kidney_right), else None."""
        self.target(slug)
        left, right = (self.targets.get(f"{slug}_{side}") for side in SIDES)
        if left is None or right is None or left.opposite != right.slug:
            return None
        return left.slug, right.slug

    def unsided(self, slug: str) -> str | None:
        """Return the paired target of a left or right one (kidney_left -> kidney), else None."""
        target = self.target(slug)
        base = slug.removesuffix(f"_{target.side}")
        return base if base != slug and base in self.targets and self.sides(base) else None

    def ancestors(self, slug: str) -> tuple[str, ...]:
        """Return parent, grandparent and so on, nearest first."""
        return ancestors(self.targets, self.target(slug).slug)

    def is_part(self, slug: str, whole: str) -> bool:
        """Tell whether a target is another one, a part of it, or the left or right of either."""
        line = (slug, *self.ancestors(slug))
        return whole in line or whole in map(self.unsided, line)

    def check(self) -> list[str]:
        """Return every broken law, one sentence each; a sound vocabulary gives an empty list."""
        return [
            f"{target.slug}: {problem}"
            for target in self.targets.values()
            for problem in problems(self.targets, target)
        ]


@cache
def _load(folder: Path) -> Vocabulary:
    targets = [target_of(row) for row in rows(folder / "targets.csv")]
    sequences: dict[str, tuple[str, ...]] = {}
    for row in rows(folder / "modalities.csv"):
        sequences.setdefault(row["modality"], ())
        if row["sequence"]:
            sequences[row["modality"]] += (row["sequence"],)
    return Vocabulary({target.slug: target for target in targets}, sequences)
