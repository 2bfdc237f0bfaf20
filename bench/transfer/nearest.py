"""The seen target that stands nearest to an unseen one, by the vocabulary's own relations."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from curate.vocabulary import Target, Vocabulary

SAME_TARGET = "same target, other modality"
RELATIONS = {
    "its other side": "left and right, or the pair and one of its sides",
    "the whole of it": "the wider target of one kind that it is part of: ribs for one rib",
    "a part of it": "a target of one kind that is part of it",
    "made of the same parts": "one is a union that holds the other, or two unions share a part",
    "of the same whole and kind": "both are of one kind and have the same parent: two tumours of one organ",
    "what it lies in": "the target of another kind that it is part of: the organ of a tumour",
    "what lies in it": "a target of another kind that is part of it",
    "of the same group and kind": "both are of one kind and one anatomical group",
}
"""Nearest first. Read as: the seen target is ... ."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """A seen target and how it relates to the unseen one."""

    target: str
    relation: str


def nearest_seen(target: str, seen: Collection[str], evaluated: Collection[str]) -> Nearest | None:
    """Find the nearest seen target; None where no relation holds.

    A relation that stands earlier in `RELATIONS` wins; within one, fewer links in the vocabulary, then a target that is
    evaluated, then the alphabet.

    Args:
        target: Vocabulary slug.
        seen: Slugs that the model was trained on.
        evaluated: Those of them that have scores.
    """
    vocabulary = Vocabulary.load()
    others = sorted({slug for slug in seen if slug in vocabulary.targets} - {target})
    if target not in vocabulary.targets:
        return None
    order = {relation: at for at, relation in enumerate(RELATIONS)}
    found = [
        (order[relation], distance, other not in evaluated, other)
        for other in others
        for relation, distance in _relations(vocabulary, vocabulary.targets[target], vocabulary.targets[other])
    ]
    if not found:
        return None
    relation, _, _, other = min(found)
    return Nearest(other, tuple(RELATIONS)[relation])


def _relations(vocabulary: Vocabulary, one: Target, other: Target) -> Iterator[tuple[str, int]]:
    """Yield every relation of one target to another with the number of links between them."""
    mine, theirs = vocabulary.ancestors(one.slug), vocabulary.ancestors(other.slug)
    alike = one.kind == other.kind
    if other.slug in _sides(vocabulary, one.slug):
        yield "its other side", 1
    if other.slug in mine:
        yield "the whole of it" if alike else "what it lies in", 1 + mine.index(other.slug)
    if one.slug in theirs:
        yield "a part of it" if alike else "what lies in it", 1 + theirs.index(one.slug)
    if {one.slug, *one.union_of} & {other.slug, *other.union_of}:
        yield "made of the same parts", 1
    if alike and one.parent is not None and one.parent == other.parent:
        yield "of the same whole and kind", 2
    if alike and one.anatomy_group is not None and one.anatomy_group == other.anatomy_group:
        yield "of the same group and kind", _links(mine, theirs)


def _sides(vocabulary: Vocabulary, slug: str) -> set[str | None]:
    """Return the opposite, and the pair or the sides of a target."""
    pair = vocabulary.unsided(slug)
    return {vocabulary.targets[slug].opposite, pair, *(vocabulary.sides(slug) or ())} - {None}


def _links(mine: tuple[str, ...], theirs: tuple[str, ...]) -> int:
    """Count the links from one target to another through their first common ancestor; many where they have none."""
    common = next((slug for slug in mine if slug in theirs), None)
    if common is None:
        return len(mine) + len(theirs) + 2
    return mine.index(common) + theirs.index(common) + 2
