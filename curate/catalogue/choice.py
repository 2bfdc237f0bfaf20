"""Which recipes of the catalogue a person means."""

from dataclasses import dataclass

from curate.catalogue.entry import Dimension, Entry
from curate.errors import UnknownNameError
from curate.licences import licences
from curate.plugins import nearest
from curate.vocabulary import Vocabulary

_USES = {"commercial": "yes", "non-commercial": "no", "unclear": "unclear"}
"""Words of `--licence` -> what the licences that they mean say of commercial use."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to list; every condition that is given must hold."""

    modality: str | None = None
    region: str | None = None
    target: str | None = None
    """A recipe with a part of it counts too: `kidney` finds `kidney_left`."""
    licence: str | None = None
    """`commercial`, `non-commercial`, `unclear`, or the name of a licence."""
    dimension: Dimension | None = None
    verified: bool = False
    search: str | None = None
    """Words that must all stand in name, title, citation or targets."""

    def check(self) -> None:
        """Refuse words that no recipe can have.

        Raises:
            UnknownNameError: With the nearest known word.
        """
        vocabulary = Vocabulary.load()
        if self.modality is not None:
            vocabulary.modality(self.modality)
        if self.region is not None:
            vocabulary.region(self.region)
        if self.target is not None:
            vocabulary.target(self.target)
        if self.licence is not None:
            _check_licence(self.licence)

    def holds(self, entry: Entry) -> bool:
        """Say whether an entry meets every condition."""
        return all(
            (
                self.modality is None or self.modality in entry.modalities,
                self.region is None or self.region in entry.regions,
                self.target is None or _has_target(entry, self.target),
                self.licence is None or _has_licence(entry, self.licence),
                self.dimension is None or self.dimension == entry.dimension,
                entry.verified or not self.verified,
                self.search is None or _mentions(entry, self.search),
            )
        )


def _has_target(entry: Entry, whole: str) -> bool:
    vocabulary = Vocabulary.load()
    return any(target in vocabulary.targets and vocabulary.is_part(target, whole) for target in entry.targets)


def _has_licence(entry: Entry, word: str) -> bool:
    return entry.commercial == _USES[word] if word in _USES else entry.licence.casefold() == word.casefold()


def _check_licence(word: str) -> None:
    known = {name.casefold(): name for name in (*_USES, *licences())}
    if word.casefold() not in known:
        hint = nearest(word.casefold(), known)
        for folded, name in known.items():
            hint = hint.replace(f"`{folded}`", f"`{name}`")
        raise UnknownNameError(f"unknown licence `{word}`{hint}; give {', '.join(_USES)}, or the name of a licence")


def _mentions(entry: Entry, search: str) -> bool:
    vocabulary = Vocabulary.load()
    names = (vocabulary.targets[target].name for target in entry.targets if target in vocabulary.targets)
    text = " ".join((entry.recipe, entry.title, entry.citation, *entry.targets, *names)).casefold()
    return all(word in text for word in search.casefold().split())
