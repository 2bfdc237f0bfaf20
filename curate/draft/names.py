"""From what a source calls its labels to the vocabulary's targets."""

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from curate.draft.plan import Unmapped
from curate.draft.synonyms import HINTS, LESIONS, PHRASES, WORDS
from curate.draft.words import tokens
from curate.vocabulary import Synonyms, Vocabulary

_LONGEST_CONTEXT = 4
"""Words of a dataset's name that are tried together."""
_NEAR = 0.7
_SIDES = {"l": "left", "r": "right"}
"""Where they stand last: `Parotid_L`."""
_LEVELS = re.compile(r"[CTLctl]\d+|[Ss]1")
_REMEMBERED = 10_000
Bag = tuple[str, ...]


class Namer:
    """Maps names in the context of one dataset: `edema` of `Task01_BrainTumour` is `brain_tumor_edema`."""

    def __init__(self, context: Iterable[str] = ()) -> None:
        self.context = tuple(dict.fromkeys(slug for text in context for slug in mentioned(text)))

    def target(self, name: str, others: Sequence[str] = ()) -> str | None:
        """Return the target of a name, or None where the vocabulary has no word that means it.

        Args:
            name: What the source calls it.
            others: What else the same label map holds: a `tumor` beside one `liver` is the liver's.
        """
        if _LEVELS.fullmatch(name):
            return _exact(f"vertebra {name}")
        found = _exact(name) or next((HINTS[word] for word in _words(name) if word in HINTS), None)
        is_vague = found is None or found in LESIONS
        if is_vague:
            owners = [*self.context, *dict.fromkeys(slug for other in others if (slug := _exact(other)))]
            found = self._of_owner(found or name, owners) or found
        return found

    @property
    def region(self) -> str | None:
        """Body region of the first target that the dataset's name mentions."""
        return Vocabulary.load().target(self.context[0]).region if self.context else None

    def unmapped(self, key: str, name: str | None) -> Unmapped:
        """Return what a person has to decide about a value or name."""
        return Unmapped(key, name, nearest(name) if name else None)

    def _of_owner(self, name: str, owners: Iterable[str]) -> str | None:
        """Return the one target that is `name` of something that the dataset is about."""
        found = [slug for owner in owners if (slug := _exact(f"{owner} {name}")) is not None]
        return found[0] if len(set(found)) == 1 else None


def nearest(name: str) -> str | None:
    """Return the slug that is spelt most like a name."""
    found = difflib.get_close_matches("_".join(_words(name)), Vocabulary.load().targets, n=1, cutoff=_NEAR)
    return found[0] if found else None


@lru_cache(maxsize=_REMEMBERED)
def _exact(name: str) -> str | None:
    """Return the target of a name; what stands in parentheses, and the number of a part behind it, may be dropped."""
    stated = Synonyms.load().find(Vocabulary.load().targets, name)
    if len(stated) == 1:
        return stated[0]
    for text in (name, re.sub(r"\(.*?\)", " ", name)):
        words = _words(text)
        if len(words) > 1 and words[-1] in _SIDES:
            words[-1] = _SIDES[words[-1]]
        while words:
            found = _of_words(words)
            if found is not None:
                return found
            if not re.fullmatch(r"0\d*", words[-1]):
                break
            words = words[:-1]
    return None


def _of_words(words: Sequence[str]) -> str | None:
    """Return the target that some words name in any order, with or without their left or right."""
    targets = _by_words()
    found = targets.get(_bag(words)) or targets.get(("".join(words),))
    sides = {"left", "right"}.intersection(words)
    if found is None and len(sides) == 1:
        both = targets.get(_bag(word for word in words if word not in sides))
        found = f"{both}_{sides.pop()}" if both is not None else None
    return found if found in Vocabulary.load().targets else None


def mentioned(text: str) -> list[str]:
    """Return every target that some neighbouring words of a text name, the longest first."""
    words = _words(text)
    spans = [words[i : i + n] for n in range(_LONGEST_CONTEXT, 0, -1) for i in range(len(words) - n + 1)]
    return [slug for span in spans if not all(map(str.isdigit, span)) and (slug := _exact(" ".join(span))) is not None]


def _words(name: str) -> list[str]:
    return [WORDS.get(token.text, token.text) for token in tokens(name)]


def _bag(words: Iterable[str]) -> Bag:
    return tuple(sorted(words))


@cache
def _by_words() -> dict[Bag, str]:
    """Return the targets by the words of synonyms, slugs and names, in any order; of two the first keeps its words."""
    found = {_bag(phrase.split()): target for phrase, target in PHRASES.items()}
    targets = Vocabulary.load().targets.values()
    for target in targets:
        found.setdefault(_bag(_words(target.slug)), target.slug)
    for target in targets:
        found.setdefault(_bag(_words(target.name)), target.slug)
    return found
