"""The laws that every target keeps."""

from collections.abc import Iterator, Mapping

from curate.vocabulary.closed import ANATOMY_GROUPS, KINDS, LATERALITY_CODES, NAMED_PAIRS, REGIONS, SIDES
from curate.vocabulary.target import Target, ancestors

_CLOSED = {"kind": KINDS, "side": SIDES, "region": REGIONS, "anatomy_group": ANATOMY_GROUPS}
_MAY_BE_ABSENT = ("side", "anatomy_group")


def problems(targets: Mapping[str, Target], target: Target) -> Iterator[str]:
    """Yield one sentence for each law that a target breaks."""
    for field, allowed in _CLOSED.items():
        value = getattr(target, field)
        if value not in allowed and not (value is None and field in _MAY_BE_ABSENT):
            yield f"{field} `{value}` is not one of {', '.join(allowed)}"
    yield from _broken_side(target)
    yield from _broken_codes(target)
    linked = {target.parent, target.opposite, *target.union_of} - {None}
    dangling = sorted(str(slug) for slug in linked - targets.keys())
    if dangling:
        yield f"it names {', '.join(f'`{slug}`' for slug in dangling)}, which does not exist"
        return
    yield from _broken_links(targets, target)


def _broken_side(target: Target) -> Iterator[str]:
    """Check that slug and side agree, and that named pairs have neither side nor opposite."""
    base, _, ending = target.slug.rpartition("_")
    if base in NAMED_PAIRS and ending in SIDES:
        if target.side is not None or target.opposite is not None:
            yield "it is one of a named pair, which has neither side nor opposite"
    elif target.side is not None and ending != target.side:
        yield f"its side is {target.side}, but its slug does not end so"
    elif target.side is None and ending in SIDES:
        yield f"its slug ends in _{ending}, but it has no side and is not one of the named pairs"


def _side_in_slug(target: Target) -> str | None:
    ending = target.slug.rpartition("_")[2]
    return ending if ending in SIDES else None


def _broken_codes(target: Target) -> Iterator[str]:
    coded = target.snomed_type is not None
    if coded != (target.code_source is not None):
        yield "a code needs a source, and a source a code"
    if not coded and (target.snomed_category or target.snomed_laterality or target.snomed_region):
        yield "category, laterality and region codes need a type code"
    if target.snomed_laterality is not None and LATERALITY_CODES.get(target.snomed_laterality) != _side_in_slug(target):
        yield f"laterality code {target.snomed_laterality} is not that of its slug"


def _broken_links(targets: Mapping[str, Target], target: Target) -> Iterator[str]:
    """Check parent, opposite and parts, which are known to exist."""
    if target.opposite is not None:
        other = targets[target.opposite]
        if other.opposite != target.slug or {target.side, other.side} != set(SIDES):
            yield f"`{other.slug}` is not its mirror image"
        if (other.kind, other.region, other.anatomy_group) != (target.kind, target.region, target.anatomy_group):
            yield f"`{other.slug}` differs from it in more than its side"
    elif target.side == "left":
        yield "it is left of nothing"
    if target.parent is not None and targets[target.parent].side not in (None, _side_in_slug(target)):
        yield f"its parent `{target.parent}` lies on the other side"
    if target.slug in ancestors(targets, target.slug):
        yield "it is its own ancestor"
    if len(target.union_of) == 1 or any(targets[part].union_of for part in target.union_of):
        yield "a union names at least two targets that are no unions"
